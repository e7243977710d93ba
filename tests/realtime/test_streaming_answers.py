"""Answers that are being written are shown to those who asked for it, while they listen."""

from collections.abc import AsyncIterator

import pytest

from folkmoot.core.messages.events import AnswerDropped, AnswerExtended
from folkmoot.core.messages.model import AuthorKind, Message, MessageKind, MessageRef
from folkmoot.core.messages.posting import announcement
from folkmoot.core.shared.ids import MessageId, Uid
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.streaming_answers import StreamingAnswer
from tests.realtime.stage import Stage, heard, staged

WHY, WHEN = Uid("why"), Uid("when")
ANSWER = Uid("because")


class Pieces:
    """A contract that shows growth as its text, and is counted."""

    echoes = True

    def __init__(self) -> None:
        self.encoded = 0

    def frame(self, event: object, *, own: bool) -> bytes | None:
        del own
        self.encoded += 1
        match event:
            case AnswerExtended(delta=delta):
                return delta.encode()
            case AnswerDropped():
                return b"dropped"
            case _:
                return None

    def close_code(self, close_reason: object) -> tuple[int, str]:
        return 4000, str(close_reason)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        stage.wire_format = Pieces()  # type: ignore[assignment]  # as strict
        yield stage


def grow(stage: Stage, delta: str, *, question: Uid = WHY, position: int = 0) -> None:
    lobby = stage.cast.lobby
    event = AnswerExtended(
        conversation_id=lobby.id,
        conversation_uid=lobby.uid,
        question=question,
        message=ANSWER,
        position=position,
        delta=delta,
    )
    stage.hub.announce([event])


async def listener(stage: Stage) -> Connection:
    connection = await stage.listen(stage.cast.bo)
    heard(connection)
    return connection


async def test_who_watches_a_question_sees_its_answer_grow_and_no_other(stage: Stage) -> None:
    connection = await listener(stage)
    stage.hub.streaming.watch(connection, stage.cast.lobby.id, WHY)

    grow(stage, "be")
    grow(stage, "at noon", question=WHEN)

    assert heard(connection) == ["be"]


async def test_several_questions_may_be_watched_at_once(stage: Stage) -> None:
    connection = await listener(stage)
    for question in (WHY, WHEN):
        stage.hub.streaming.watch(connection, stage.cast.lobby.id, question)

    grow(stage, "be")
    grow(stage, "at noon", question=WHEN)

    assert heard(connection) == ["be", "at noon"]


async def test_who_watches_a_conversation_sees_whatever_grows_there(stage: Stage) -> None:
    connection = await listener(stage)
    stage.hub.streaming.watch(connection, stage.cast.lobby.id)
    stage.hub.streaming.watch(connection, stage.cast.lobby.id, WHY)

    grow(stage, "at noon", question=WHEN)

    assert heard(connection) == ["at noon"]


async def test_who_does_not_watch_sees_nothing_of_it(stage: Stage) -> None:
    connection = await listener(stage)

    grow(stage, "be")

    assert heard(connection) == []


async def test_it_is_encoded_once_for_all_who_watch(stage: Stage) -> None:
    connections = [await listener(stage) for _ in range(3)]
    for connection in connections:
        stage.hub.streaming.watch(connection, stage.cast.lobby.id)
    stage.wire_format.encoded = 0

    grow(stage, "be")

    assert stage.wire_format.encoded == 1
    assert [heard(connection) for connection in connections] == [["be"]] * 3


async def test_the_text_so_far_is_there_for_whoever_comes_late(stage: Stage) -> None:
    streaming, place = stage.hub.streaming, stage.cast.lobby.id
    grow(stage, "be")
    grow(stage, "cause", position=2)

    assert streaming.so_far(place) == StreamingAnswer(WHY, ANSWER, "because")


@pytest.mark.parametrize("said", [ANSWER, Uid("an apology")], ids=["answer", "apology"])
async def test_a_message_ends_its_growth_and_the_watching_of_its_question(
    stage: Stage, said: Uid
) -> None:
    connection, lobby = await listener(stage), stage.cast.lobby
    stage.hub.streaming.watch(connection, lobby.id, WHY)
    question = await stage.cast.say(stage.cast.bo, "why?")
    grow(stage, "be")
    message = Message(
        id=MessageId(9),
        uid=said,
        conversation_id=lobby.id,
        conversation_uid=lobby.uid,
        seq=9,
        author=None,
        author_kind=AuthorKind.ASSISTANT if said == ANSWER else AuthorKind.SYSTEM,
        kind=MessageKind.TEXT,
        content="because",
        created_at=question.created_at,
        reply_to=MessageRef(question.id, WHY),
    )
    stage.hub.announce([announcement(message)])
    heard(connection)
    assert stage.hub.streaming.so_far(lobby.id) is None

    grow(stage, "again")

    assert heard(connection) == []


async def test_what_is_dropped_is_told_and_forgotten(stage: Stage) -> None:
    connection, lobby = await listener(stage), stage.cast.lobby
    stage.hub.streaming.watch(connection, lobby.id, WHY)
    grow(stage, "be")
    dropped = AnswerDropped(
        conversation_id=lobby.id, conversation_uid=lobby.uid, question=WHY, message=ANSWER
    )
    stage.hub.announce([dropped])

    assert heard(connection) == ["be", "dropped"]
    assert stage.hub.streaming.so_far(lobby.id) is None
    assert stage.hub.streaming._watchers == {lobby.id: {connection: set()}}


@pytest.mark.parametrize("how", ["released", "closed"])
async def test_who_loses_the_conversation_sees_nothing_more(stage: Stage, how: str) -> None:
    connection, lobby = await listener(stage), stage.cast.lobby
    stage.hub.streaming.watch(connection, lobby.id)
    if how == "closed":
        stage.hub.close(connection)
    else:
        stage.hub.release(connection, lobby.id)

    grow(stage, "be")

    assert heard(connection) == []
    assert stage.hub.streaming._watchers == {}
