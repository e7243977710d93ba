"""Answers that are being written are shown to those who asked for it, while they listen."""

from collections.abc import AsyncIterator

import pytest

from folkmoot.core.messages.events import AnswerDropped, AnswerExtended
from folkmoot.core.messages.model import AuthorKind, Body, Message, MessageKind, MessageRef
from folkmoot.core.messages.posting import announcement
from folkmoot.core.shared.ids import MessageId, Uid
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.streaming_answers import StreamingAnswer
from tests.realtime.memory_server import MemoryServer, heard, memory_server

WHY, WHEN = Uid("why"), Uid("when")
ANSWER = Uid("because")


class Pieces:
    """A contract that shows growth as its text, and is counted."""

    contract = "none"
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
async def server() -> AsyncIterator[MemoryServer]:
    async with memory_server() as server:
        server.wire_format = Pieces()  # type: ignore[assignment]  # as strict
        yield server


def grow(server: MemoryServer, delta: str, *, question: Uid = WHY, position: int = 0) -> None:
    lobby = server.cast.lobby
    event = AnswerExtended(
        conversation_id=lobby.id,
        conversation_uid=lobby.uid,
        question=question,
        message=ANSWER,
        position=position,
        delta=delta,
    )
    server.services.publish([event])


async def listener(server: MemoryServer) -> Connection:
    connection = await server.listen(server.cast.bo)
    heard(connection)
    return connection


async def test_who_watches_a_question_sees_its_answer_grow_and_no_other(
    server: MemoryServer,
) -> None:
    connection = await listener(server)
    server.hub.streaming.watch(connection, server.cast.lobby.id, WHY)

    grow(server, "be")
    grow(server, "at noon", question=WHEN)

    assert heard(connection) == ["be"]


async def test_several_questions_may_be_watched_at_once(server: MemoryServer) -> None:
    connection = await listener(server)
    for question in (WHY, WHEN):
        server.hub.streaming.watch(connection, server.cast.lobby.id, question)

    grow(server, "be")
    grow(server, "at noon", question=WHEN)

    assert heard(connection) == ["be", "at noon"]


async def test_who_watches_a_conversation_sees_whatever_grows_there(server: MemoryServer) -> None:
    connection = await listener(server)
    server.hub.streaming.watch(connection, server.cast.lobby.id)
    server.hub.streaming.watch(connection, server.cast.lobby.id, WHY)

    grow(server, "at noon", question=WHEN)

    assert heard(connection) == ["at noon"]


async def test_who_does_not_watch_sees_nothing_of_it(server: MemoryServer) -> None:
    connection = await listener(server)

    grow(server, "be")

    assert heard(connection) == []


async def test_it_is_encoded_once_for_all_who_watch(server: MemoryServer) -> None:
    connections = [await listener(server) for _ in range(3)]
    for connection in connections:
        server.hub.streaming.watch(connection, server.cast.lobby.id)
    server.wire_format.encoded = 0

    grow(server, "be")

    assert server.wire_format.encoded == 1
    assert [heard(connection) for connection in connections] == [["be"]] * 3


async def test_the_text_so_far_is_there_for_whoever_comes_late(server: MemoryServer) -> None:
    streaming, lobby = server.hub.streaming, server.cast.lobby.id
    grow(server, "be")
    grow(server, "cause", position=2)

    assert streaming.so_far(lobby) == StreamingAnswer(WHY, ANSWER, "because")


async def test_what_begins_anew_takes_the_place_of_what_there_was(server: MemoryServer) -> None:
    grow(server, "I wonder")
    grow(server, "be")
    grow(server, "cause", position=2)

    lobby = server.cast.lobby.id
    assert server.hub.streaming.so_far(lobby) == StreamingAnswer(WHY, ANSWER, "because")


@pytest.mark.parametrize("said", [ANSWER, Uid("an apology")], ids=["answer", "apology"])
async def test_a_message_ends_its_growth_and_the_watching_of_its_question(
    server: MemoryServer, said: Uid
) -> None:
    connection, lobby = await listener(server), server.cast.lobby
    server.hub.streaming.watch(connection, lobby.id, WHY)
    question = await server.say(server.cast.bo, "why?")
    grow(server, "be")
    message = Message(
        id=MessageId(9),
        uid=said,
        conversation_id=lobby.id,
        conversation_uid=lobby.uid,
        seq=question.seq + 1,
        author=None,
        author_kind=AuthorKind.ASSISTANT if said == ANSWER else AuthorKind.SYSTEM,
        body=Body(kind=MessageKind.TEXT, content="because", reply_to=MessageRef(question.id, WHY)),
        created_at=question.created_at,
    )
    server.services.publish([announcement(message)])
    heard(connection)
    assert server.hub.streaming.so_far(lobby.id) is None

    grow(server, "again")

    assert heard(connection) == []


async def test_what_is_dropped_is_told_and_forgotten(server: MemoryServer) -> None:
    connection, lobby = await listener(server), server.cast.lobby
    server.hub.streaming.watch(connection, lobby.id, WHY)
    grow(server, "be")
    dropped = AnswerDropped(
        conversation_id=lobby.id, conversation_uid=lobby.uid, question=WHY, message=ANSWER
    )
    server.services.publish([dropped])

    assert heard(connection) == ["be", "dropped"]
    assert server.hub.streaming.so_far(lobby.id) is None
    assert server.hub.streaming._watchers == {lobby.id: {connection: set()}}


@pytest.mark.parametrize("how", ["released", "closed"])
async def test_who_loses_the_conversation_sees_nothing_more(server: MemoryServer, how: str) -> None:
    connection, lobby = await listener(server), server.cast.lobby
    server.hub.streaming.watch(connection, lobby.id)
    if how == "closed":
        server.hub.close(connection)
    else:
        server.hub.release(connection, lobby.id)

    grow(server, "be")

    assert heard(connection) == []
    assert server.hub.streaming._watchers == {}
