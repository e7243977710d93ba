"""What a ``file_url`` stands for, and what a frame becomes when it is posted."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.contracts.sessions import frames as wire
from folkmoot.contracts.sessions.bodies import SessionMessageBody
from folkmoot.contracts.sessions.drafts import draft_of
from folkmoot.core.messages.errors import (
    LinkInvalid,
    MentionUnknown,
    NoSuchAttachment,
    NoSuchMessage,
)
from folkmoot.core.messages.model import Attachment, MessageKind
from folkmoot.core.messages.service import Messages
from folkmoot.core.shared.refusals import Refusal
from folkmoot.core.shared.texts import TextEmpty
from tests import events
from tests.cast import FrozenClock
from tests.contracts.samples import FILE_UID
from tests.events import REF

HOST = "chat.example:8000"
OURS = f"/api/v1/chat/files/{FILE_UID}"
ANA, ANA_UID = events.ANA.id, events.ANA.uid


@pytest.fixture
def messages() -> Messages:
    clock = FrozenClock()
    return Messages(clock, max_chars=10_000)


@pytest.mark.parametrize(
    "url",
    [
        OURS,
        f" {OURS} ",
        f"http://{HOST}{OURS}",
        f"https://{HOST.upper()}{OURS}",
        f"/api/v1/chat/files/{FILE_UID.upper()}",
    ],
)
def test_our_own_address_in_every_spelling_is_one_of_our_files(messages, url):
    draft = draft_of(messages, ANA, wire.SessionFile(url), host=HOST)
    assert draft.body.attachment == FILE_UID


def test_an_address_elsewhere_is_kept_as_its_poster_tells_of_it(messages):
    say = wire.SessionFile(
        "https://bucket.example/r.pdf", "My receipt", "r.pdf", 9, "application/pdf"
    )
    draft = draft_of(messages, ANA, say, host=HOST)
    url = "https://bucket.example/r.pdf"
    assert draft.body.attachment == Attachment("r.pdf", 9, "application/pdf", url=url)
    assert (draft.body.kind, draft.body.content) == (MessageKind.FILE, "My receipt")


@pytest.mark.parametrize(
    "url",
    [
        "http://elsewhere.example/a",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "ftp://elsewhere.example/a",
        "//elsewhere.example/a",
        "/etc/passwd",
        "https://user@elsewhere.example/a",
        "https://[",
        "https://",
        "",
        "receipt.pdf",
    ],
)
def test_other_schemes_and_other_paths_are_refused(messages, url):
    with pytest.raises((LinkInvalid, TextEmpty)):
        draft_of(messages, ANA, wire.SessionFile(url, "x"), host=HOST)


@pytest.mark.parametrize("name", ["", "../secret", "1", f"{FILE_UID}/thumbnail"])
def test_what_only_looks_like_one_of_our_files_is_none(messages, name):
    say = wire.SessionFile(f"/api/v1/chat/files/{name}", "x")
    with pytest.raises(NoSuchAttachment):
        draft_of(messages, ANA, say, host=HOST)


def test_our_path_on_another_host_is_not_ours(messages):
    draft = draft_of(messages, ANA, wire.SessionFile(f"https://evil.example{OURS}"), host=HOST)
    assert isinstance(draft.body.attachment, Attachment)
    assert draft.body.attachment.id is None


def test_a_file_without_a_caption_is_called_by_its_name(messages):
    say = wire.SessionFile(OURS, " ", file_name="Receipt.pdf")
    assert draft_of(messages, ANA, say, host=HOST).body.content == "Receipt.pdf"


def test_a_hostile_file_name_is_made_harmless(messages):
    say = wire.SessionFile("https://bucket.example/x", "x", file_name="../../etc/\u202epasswd")
    assert draft_of(messages, ANA, say, host=HOST).body.attachment.name == "passwd"


def test_replies_and_mentions_go_by_uuid_in_any_case(messages):
    say = wire.SessionText("Hi", REF.uid.upper(), [ANA_UID.upper(), ANA_UID])
    draft = draft_of(messages, ANA, say, host=HOST)
    assert (draft.body.reply_to, draft.body.mentions) == (REF.uid, (ANA_UID,))


def test_a_reply_or_a_mention_that_is_no_uuid_names_nothing(messages):
    with pytest.raises(NoSuchMessage):
        draft_of(messages, ANA, wire.SessionText("Hi", "7"), host=HOST)
    with pytest.raises(MentionUnknown):
        draft_of(messages, ANA, wire.SessionText("Hi", mentions=["ana"]), host=HOST)


def test_a_body_says_the_same_as_a_frame():
    body = SessionMessageBody(content="A", message_type="image", file_url=OURS, file_size=3)
    assert body.said("key") == wire.SessionImage(OURS, "A", file_size=3, client_id="key")
    assert SessionMessageBody(content="A", client_id="mine").said("key").client_id == "mine"


@given(st.text(), st.text(max_size=300), st.text(max_size=40))
def test_no_file_breaks_the_reading(url, name, media_type):
    clock = FrozenClock()
    messages = Messages(clock, max_chars=100)
    say = wire.SessionFile(url, "x", name, None, media_type)
    with suppress(Refusal):
        draft_of(messages, ANA, say, host=HOST)
