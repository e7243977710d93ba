"""The `support` contract's events in both directions."""

import json
from contextlib import suppress
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.contracts.support import codec
from folkmoot.contracts.support import frames as wire
from folkmoot.contracts.support.errors import EventMalformed, EventUnknown
from folkmoot.contracts.support.frames import INBOUND, OUTBOUND
from folkmoot.core.messages.events import EphemeralNotice, MessagePosted
from folkmoot.core.messages.model import Body
from folkmoot.core.shared.refusals import Invalid
from folkmoot.core.shared.texts import TextTooLong
from folkmoot.wire.socket import SocketEvent
from tests.contracts.codecs import JSON
from tests.contracts.samples import named
from tests.contracts.support.samples import AGENT, ANA, HIDDEN, IN_FIRST, MESSAGE, SETTING, SHOWN
from tests.events import others_than


def said(name, *args):
    return SocketEvent("/", name, list(args), None)


@pytest.mark.parametrize(("event", "name"), SHOWN, ids=named)
@pytest.mark.parametrize("own", [False, True])
def test_every_shown_event_has_the_name_and_data_that_the_documents_say(event, name, own):
    shown = codec.shown(event, SETTING, own=own)

    if own and name in ("typing", "messages_read"):
        assert shown is None
    else:
        assert shown is not None
        assert shown[0] == name
        assert type(shown[1]) is OUTBOUND[name]


@pytest.mark.parametrize(
    "event",
    [*HIDDEN, *others_than(EphemeralNotice, *(event for event, _ in SHOWN))],
    ids=named,
)
def test_what_this_contract_does_not_show_is_hidden(event):
    assert codec.packet(event, SETTING, own=False, with_offset=True) is None


def test_a_whole_number_is_one_however_it_is_written():
    asked = codec.decode(said("resume", {"after_seq": 7.0, "unknown": [1.5, {"n": 1.0}]}))
    assert (asked, type(asked.after_seq)) == (wire.ResumeThread(after_seq=7), int)
    for seq in (7.5, 2.0**53, True):
        with pytest.raises(EventMalformed):
            codec.decode(said("resume", {"after_seq": seq}))


def test_an_event_of_a_thread_that_nobody_listens_to_is_hidden():
    assert codec.packet(SHOWN[0][0], None, own=False, with_offset=False) is None


def test_a_message_has_the_fields_of_the_contract():
    out = msgspec.to_builtins(codec.message_out(MESSAGE, SETTING, own=True))

    assert {
        "_id": MESSAGE.uid,
        "sender_id": ANA.uid,
        "receiver_id": AGENT.uid,
        "message_text": "Zażółć 👩‍🚀",
        "timestamp": "2025-12-29T10:05:00.123456Z",
        "appointment_id": "a-1",
        "service_id": None,
        "seq": 7,
        "read": False,
        "client_id": "mine",
        "cursor": "1-7",
        "file_name": "Receipt.pdf",
    }.items() <= out.items()
    assert "file_size" not in out
    assert "client_id" not in msgspec.to_builtins(codec.message_out(MESSAGE, SETTING, own=False))


def test_what_staff_write_is_for_the_customer():
    message = replace(MESSAGE, author=AGENT, body=Body(content="words"))

    assert codec.message_out(message, SETTING, own=False).receiver_id == ANA.uid
    assert (
        codec.message_out(
            replace(MESSAGE, body=Body(content="words")), SETTING, own=False
        ).receiver_id
        is None
    )


def test_only_for_clients_that_remember_it_the_cursor_stands_at_the_end():
    event = MessagePosted(**IN_FIRST, message=MESSAGE)
    plain = codec.packet(event, SETTING, own=False, with_offset=False)
    remembered = codec.packet(event, SETTING, own=False, with_offset=True)

    assert plain is not None
    assert remembered is not None
    assert len(json.loads(plain.payload[2:])) == 2
    assert json.loads(remembered.payload[2:])[2] == "1-7"
    passing = codec.packet(SHOWN[6][0], SETTING, own=False, with_offset=True)
    assert passing is not None
    assert passing.volatile
    assert len(json.loads(passing.payload[2:])) == 2


@pytest.mark.parametrize("name", INBOUND)
def test_every_event_is_read_from_its_own_type(name):
    full = {"user_id": "u", "message_text": "t", "message_id": "m", "emoji": "e"}

    assert type(codec.decode(said(name, full))) is INBOUND[name]


def test_an_event_without_data_has_none():
    assert codec.decode(said("heartbeat")) == wire.SupportHeartbeat()
    assert codec.decode(said("mark_read", None)) == wire.MarkRead()
    with pytest.raises(EventMalformed):
        codec.decode(said("send_message"))


def test_an_unknown_event_is_refused_by_its_name():
    with pytest.raises(EventUnknown, match="no event 'nonsense'"):
        codec.decode(said("nonsense"))


@given(st.sampled_from(sorted(INBOUND)), st.lists(JSON | st.binary(), max_size=3))
def test_whatever_comes_with_an_event_is_read_or_refused(name, args):
    with suppress(Invalid):
        codec.decode(said(name, *args))


def test_labels_are_bounded_texts():
    said = wire.SendMessage("text", appointment_id=" a ", service_id="")
    assert codec.labels_of(said) == {"appointment_id": "a"}
    with pytest.raises(TextTooLong):
        codec.labels_of(wire.SendMessage("text", service_id="x" * 201))
