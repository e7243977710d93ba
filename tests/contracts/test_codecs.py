"""Frames into intentions, events into frames: what holds for every contract of JSON frames."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.core.conversations.events import Durable
from folkmoot.core.messages.events import MessagePosted
from folkmoot.kit.frame_reader import FrameMalformed, FrameUnknown
from tests.contracts.assistant.samples import CODEC as ASSISTANT
from tests.contracts.codecs import JSON, Codec
from tests.contracts.conversations.samples import CODEC as CONVERSATIONS
from tests.contracts.friends.samples import CODEC as FRIENDS
from tests.contracts.samples import TIMELINE, named
from tests.contracts.sessions.samples import CODEC as SESSIONS
from tests.events import others_than

CODECS = {
    "conversations": CONVERSATIONS,
    "sessions": SESSIONS,
    "assistant": ASSISTANT,
    "friends": FRIENDS,
}
every_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS.keys())
own_or_not = pytest.mark.parametrize("own", [True, False])


def cases(of) -> pytest.MarkDecorator:
    """Every contract with every one of its cases, as a frame or an event is called."""
    found = [
        pytest.param(codec, case, id=f"{name}-{label(case)}")
        for name, codec in CODECS.items()
        for case in of(codec)
    ]
    return pytest.mark.parametrize(("codec", "case"), found)


def label(case: object) -> str:
    if isinstance(case, str | bytes):
        return repr(case[:60])
    return named(case[1] if isinstance(case, tuple) else case)


# -- events ----------------------------------------------------------------------------------------


@own_or_not
@cases(lambda codec: codec.events)
def test_every_event_is_shown_as_a_frame_that_the_documents_describe(codec, case, own):
    shown = codec.shown(case, own=own)
    if shown is None:
        assert own
        assert named(case) in codec.hushed
        return
    assert type(shown) in codec.frames.OUTBOUND
    frame = codec.read(case, own=own)
    assert frame[codec.tag_field] == type(shown).__struct_config__.tag


def test_there_is_a_sample_of_every_durable_event():
    # By name, since a dataclass with slots is made of a class that is still about.
    assert {kind.__name__ for kind in Durable.__subclasses__()} == {*map(named, TIMELINE)}


@own_or_not
@cases(lambda codec: others_than(*codec.events))
def test_a_kind_of_event_that_the_contract_has_no_words_for_is_not_shown(codec, case, own):
    assert codec.shown(case, own=own) is None


@own_or_not
@cases(lambda codec: [event for event in codec.events if isinstance(event, Durable)])
def test_what_has_a_seq_in_the_timeline_is_shown_with_it_to_everybody(codec, case, own):
    frame = codec.read(case, own=own)
    assert (frame.get("metadata", {}) | frame)["seq"] == case.seq


@every_codec
def test_only_the_author_is_shown_the_client_id(codec):
    posted = codec.events[0]
    assert '"client_id": "mine"' in json.dumps(codec.read(posted, own=True))
    assert "client_id" not in json.dumps(codec.read(posted, own=False))


@every_codec
def test_a_deletion_shows_no_content(codec):
    deleted = next(event for event in codec.events if named(event) == "MessageDeleted")
    assert "content" not in json.dumps(codec.read(deleted))


# -- frames ----------------------------------------------------------------------------------------


@cases(lambda codec: codec.understood)
def test_every_frame_of_the_contract_is_understood(codec, case):
    frame, intention = case
    understood = codec.decode(json.dumps(frame))
    assert understood == intention
    assert type(understood) is type(intention)


@every_codec
def test_there_is_a_sample_of_every_frame(codec):
    understood = {type(intention) for _, intention in codec.understood}
    assert understood == set(codec.frames.INBOUND.values())


@every_codec
def test_what_a_later_client_adds_to_a_frame_is_passed_over(codec):
    said = codec.says | {"content": "Hi"}
    added = said | {"mood": {"deep": [1]}}
    assert codec.decode(json.dumps(added)) == codec.decode(json.dumps(said))


@cases(lambda codec: ["7.0", "7e0", "0.7e1"])
def test_a_whole_number_is_one_however_it_is_written(codec, case):
    said = codec.says | {"content": "Hi", "if_last_seq": 7}
    written = json.dumps(said | {"unknown": 0}).replace(": 7,", f": {case},")
    assert case in written
    assert codec.decode(written.replace(": 0}", ": 1e400}")) == codec.decode(json.dumps(said))


@cases(lambda codec: [str(2**53), "1e300", "7.5", '"7"', "true"])
def test_what_is_no_place_in_a_timeline_is_refused(codec, case):
    written = json.dumps(codec.says | {"content": "Hi", "if_last_seq": 0})
    with pytest.raises(FrameMalformed):
        codec.decode(written.replace(": 0}", f": {case}}}"))


@every_codec
def test_all_that_an_author_may_have_missed_has_its_place_in_the_refusal(codec):
    durable = [event for event in codec.events if isinstance(event, MessagePosted | Durable)]
    shown = {type(codec.shown(event, own=False)) for event in durable}
    assert shown - {type(None)} == set(get_args(codec.frames.Missed))


@cases(lambda codec: codec.nonsense)
def test_what_cannot_be_read_is_refused_as_malformed(codec, case):
    with pytest.raises(FrameMalformed) as refused:
        codec.decode(case)
    assert len(str(refused.value)) < 300


@cases(lambda codec: ["dance", "", "__proto__", "constructor", "x" * 60_000, codec.no_kind])
def test_an_unknown_type_is_named_as_such_in_a_short_answer(codec, case):
    with pytest.raises(FrameUnknown) as refused:
        codec.decode(json.dumps({codec.tag_field: case}))
    assert len(str(refused.value)) < 300


def refused_or_known(codec: Codec, data: str | bytes) -> None:
    try:
        intention = codec.decode(data)
    except (FrameMalformed, FrameUnknown) as refusal:
        str(refusal).encode()
    else:
        assert isinstance(intention, tuple(codec.frames.INBOUND.values()))


def nearly(codec: Codec) -> st.SearchStrategy[dict]:
    """Frames of a contract with anything in their fields."""
    shapes = codec.frames.INBOUND
    fields = {name for shape in shapes.values() for name in shape.__struct_encode_fields__}
    return st.builds(
        lambda name, values: {codec.tag_field: name, **values},
        st.sampled_from(list(shapes)) | JSON,
        st.dictionaries(st.sampled_from(sorted(fields | {"other"})), JSON),
    )


@every_codec
@given(text=st.text() | st.text(alphabet='{}[]":,0123456789.eE+-\\u \n', max_size=60))
def test_no_text_breaks_the_reading(codec, text):
    refused_or_known(codec, text)


@every_codec
@given(data=st.binary())
def test_no_bytes_break_the_reading(codec, data):
    refused_or_known(codec, data)


@every_codec
@given(value=JSON)
def test_no_json_breaks_the_reading(codec, value):
    refused_or_known(codec, json.dumps(value))


@every_codec
@given(data=st.data(), ascii_only=st.booleans())
def test_no_frame_that_is_nearly_right_breaks_the_reading(codec, data, ascii_only):
    refused_or_known(codec, json.dumps(data.draw(nearly(codec)), ensure_ascii=ascii_only))
