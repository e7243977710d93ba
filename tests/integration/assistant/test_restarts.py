"""What a server owes when it ends: each answer is there afterwards, once, marked if cut short."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from tests.bots.model_server import ModelServer, says, stalls_after, stalls_at_once
from tests.clients import Client, LoggedIn, clients_of, logged_in, registered
from tests.integration.assistant.chats import ChatSocket, chat, messages
from tests.integration.assistant.conftest import model_settings
from tests.postgres import ONE_WORKER, database, postgres, postgres_url
from tests.running import Server

__all__ = ["database", "postgres", "postgres_url"]

RESTARTED = "the server was restarted"


def staff_of(server: Server) -> LoggedIn:
    return logged_in(server, "agent", "AgentPassword123")


@asynccontextmanager
async def at_home(server: Server) -> AsyncIterator[Client]:
    """A customer at a server of the test's own, which is gone in the end."""
    await asyncio.to_thread(server.start)
    try:
        async with clients_of(server, registered(server, "ana")) as [ana]:
            yield ana
    finally:
        server.kill()


async def ended_in_the_middle(
    ana: Client, model: ModelServer, end: Callable[[], object]
) -> tuple[str, str]:
    """A session and an answer's id: the server has ended while it was shown growing."""
    model.will(stalls_after("The pump "), says("An answer."))
    socket = await chat(ana)
    session = (await socket.joins())["session_id"]
    await socket.asks("Why?", session, stream=True)
    shown = await socket.delta()
    await socket.asks("And after that?", session)
    await asyncio.to_thread(end)
    await socket.rest()
    return session, shown["message_id"]


async def comes_back(ana: Client, session: str, last_seq: int) -> ChatSocket:
    socket = await chat(ana)
    await socket.joins(session, after_seq=last_seq)
    return socket


async def is_whole(ana: Client, session: str, cut: str) -> None:
    """Each question has one answer, the one that was cut short marked, whoever asks how."""
    socket = await comes_back(ana, session, 2)
    first = await socket.until("message", seq=3)
    second = await socket.until("message", seq=4)
    assert (first["id"], first["content"], first["role"]) == (cut, "The pump", "assistant")
    assert first["metadata"]["cut_short"] == RESTARTED
    assert (second["content"], second["metadata"]["cut_short"]) == ("An answer.", None)
    kept = await messages(ana, session)
    assert [(each["seq"], each["content"]) for each in kept] == [
        (1, "Why?"),
        (2, "And after that?"),
        (3, "The pump"),
        (4, "An answer."),
    ]


async def test_a_kill_leaves_a_marked_message_and_no_question_unanswered(
    tmp_path: Path, model: ModelServer, model_port: int
):
    server = Server(tmp_path, **model_settings(model_port))
    async with at_home(server) as ana:
        session, cut = await ended_in_the_middle(ana, model, server.kill)
        await asyncio.to_thread(server.start)
        await is_whole(ana, session, cut)
        server.kill()
        await asyncio.to_thread(server.start)
        await is_whole(ana, session, cut)
        assert len(model.requests) == 2


async def test_no_process_beside_the_server_holds_its_port(
    tmp_path: Path, model: ModelServer, model_port: int
):
    server = Server(tmp_path, **model_settings(model_port))
    async with at_home(server) as ana:
        model.will(says("An answer."))
        socket = await chat(ana)
        session = (await socket.joins())["session_id"]
        await socket.answer(await socket.asks("Why?", session))

        beside = psutil.Process(server.pid).children()

        assert any("model_asker" in " ".join(child.cmdline()) for child in beside)
        held = [each.laddr.port for child in beside for each in child.net_connections("tcp")]
        assert server.port not in held


async def test_a_stop_does_as_a_kill_does_and_does_not_wait_for_the_model(
    tmp_path: Path, model: ModelServer, model_port: int
):
    server = Server(tmp_path, **model_settings(model_port))
    async with at_home(server) as ana:
        session, cut = await ended_in_the_middle(ana, model, server.stop)
        await asyncio.to_thread(server.start)
        await is_whole(ana, session, cut)
        assert "Traceback" not in server.output


async def test_what_had_not_begun_is_answered_afterwards_as_if_nothing_had_been(
    tmp_path: Path, model: ModelServer, model_port: int
):
    server = Server(tmp_path, **model_settings(model_port))
    async with at_home(server) as ana:
        model.will(stalls_at_once, says("Whole."))
        socket = await chat(ana)
        session = (await socket.joins())["session_id"]
        question = await socket.asks("Why?", session)
        await model.request_number(1)
        server.kill()
        await asyncio.to_thread(server.start)
        answer, _ = await (await comes_back(ana, session, 1)).answer(question)
        assert (answer["content"], answer["metadata"]["cut_short"]) == ("Whole.", None)


@ONE_WORKER
async def test_on_postgresql_too(
    tmp_path: Path, postgres_url: str, model: ModelServer, model_port: int
):
    server = Server(tmp_path, "--database", postgres_url, **model_settings(model_port))
    async with at_home(server) as ana:
        session, cut = await ended_in_the_middle(ana, model, server.kill)
        await asyncio.to_thread(server.start)
        await is_whole(ana, session, cut)


async def test_a_question_whose_answer_a_human_took_over_is_not_answered_after_a_restart(
    tmp_path: Path, model: ModelServer, model_port: int
):
    server = Server(tmp_path, "--demo", **model_settings(model_port))
    async with at_home(server) as ana, clients_of(server, staff_of(server)) as [agent]:
        model.will(stalls_at_once, says("late"))
        socket = await chat(ana)
        session = (await socket.joins())["session_id"]
        await socket.asks("Why?", session)
        await model.request_number(1)
        path = f"/api/v1/chat/sessions/{session}/messages"
        await agent.post(path, {"content": "I take this."})
        server.kill()
        await asyncio.to_thread(server.start)
        await agent.ask("PUT", f"/api/v1/chat/sessions/{session}", json={"assistant": True})
        again = await comes_back(ana, session, 5)
        model.will(says("In time."))
        answer, _ = await again.answer(await again.asks("And now?", session))
        assert answer["content"] == "In time."
        said = [each["content"] for each in await messages(ana, session)]
        assert said == ["Why?", "I take this.", "And now?", "In time."]
