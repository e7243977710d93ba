"""One event of every kind that clients of the contracts of JSON frames may hear of, in LOBBY."""

from dataclasses import replace
from datetime import UTC, datetime

from folkmoot.core import events
from folkmoot.core.logs.model import LogReading
from folkmoot.core.messages.answers import CUT_SHORT
from folkmoot.core.messages.model import Attachment, AuthorKind, Body, MessageKind, Reaction
from tests.events import ANA, BO, LOBBY, REF, uid
from tests.events import MESSAGE as PLAIN

AT = datetime(2025, 12, 29, 10, 5, 0, 123456, tzinfo=UTC)
LOBBY_UID, FILE_UID = uid(10), uid(241)
IN_LOBBY = {"conversation_id": LOBBY, "conversation_uid": LOBBY_UID, "seq": 8, "at": AT}
MESSAGE = replace(
    PLAIN,
    body=Body(content="Zażółć 👩‍🚀", reply_to=replace(REF, id=5, uid=uid(5)), mentions=(BO.uid,)),
    created_at=AT,
    client_id="mine",
    edited_at=AT,
    reactions=(Reaction("👍", (ANA, BO)),),
)


def with_body(**changes: object):
    return replace(MESSAGE, body=replace(MESSAGE.body, **changes))


RECEIPT = with_body(
    kind=MessageKind.FILE,
    attachment=Attachment("Receipt.pdf", 245_000, "application/pdf", id=FILE_UID),
)
ANSWER = replace(
    with_body(labels={CUT_SHORT: "cancelled", "service_id": "s"}),
    author=None,
    author_kind=AuthorKind.ASSISTANT,
    client_id=None,
)
NOTICE = replace(
    with_body(kind=MessageKind.SYSTEM), author=None, author_kind=AuthorKind.SYSTEM, client_id=None
)
READING = LogReading(files=1, entries=2, unreadable=3)
_HERE = (LOBBY, LOBBY_UID)
_ANSWER = {"conversation_id": LOBBY, "conversation_uid": LOBBY_UID}
_NAMES = {"question": REF.uid, "message": FILE_UID}

TIMELINE: tuple[events.TimelineEvent, ...] = (
    events.MessagePosted(**IN_LOBBY | {"seq": MESSAGE.seq}, message=MESSAGE),
    events.MessageEdited(**IN_LOBBY, message=MESSAGE, actor=ANA),
    events.MessageDeleted(**IN_LOBBY, message=REF, author_id=ANA.id, actor=BO),
    events.ReactionAdded(**IN_LOBBY, message=REF, actor=BO, emoji="👍"),
    events.ReactionRemoved(**IN_LOBBY, message=REF, actor=BO, emoji="👍"),
    events.MemberJoined(**IN_LOBBY, member=BO, actor=ANA),
    events.MemberLeft(**IN_LOBBY, member=BO, actor=ANA),
    events.ConversationRenamed(**IN_LOBBY, title="New", actor=ANA),
    events.AgentAssigned(**IN_LOBBY, agent=BO, actor=ANA),
    events.AssistantSwitched(**IN_LOBBY, is_on=False, actor=ANA),
    events.ConversationEnded(**IN_LOBBY, actor=ANA),
)
OF_A_CONVERSATION: tuple[events.Event, ...] = (
    *TIMELINE,
    events.ReadMoved(*_HERE, BO, 7, AT),
    events.Entered(*_HERE, BO, 2),
    events.Exited(*_HERE, BO, 1),
    events.Typing(*_HERE, BO, is_typing=True),
    events.EphemeralNotice(conversation_id=LOBBY, message=NOTICE, listener=ANA.id),
)
OF_AN_ANSWER: tuple[events.Event, ...] = (
    events.AnswerExtended(**_ANSWER, **_NAMES, position=3, delta="abc"),
    events.AnswerDropped(**_ANSWER, **_NAMES),
    events.LogsProgressed(**_ANSWER, listener=ANA.id, reading=READING),
)


def named(event: object) -> str:
    """The id of a case."""
    return type(event).__name__


def sample(name: str) -> events.Event:
    """The event of this kind."""
    return next(one for one in (*OF_A_CONVERSATION, *OF_AN_ANSWER) if named(one) == name)
