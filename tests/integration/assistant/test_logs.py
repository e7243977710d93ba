"""Logs at a real server without a model: read anew by a command, then quoted with their source."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from folkmoot.server.system import SystemClock
from tests.clients import Client, Socket, clients_of, logged_in, registered
from tests.integration.assistant.chats import CHAT, ChatSocket, chat, contents, grown
from tests.integration.assistant.conftest import STAFF_PASSWORDS
from tests.integration.desks import enter
from tests.running import Server

READ_IN_S = 60
NOW = SystemClock().now()
RECENT = f"{NOW - timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}"
OLD = f"{NOW - timedelta(days=20):%Y-%m-%dT%H:%M:%SZ}"
QUIET = f"{RECENT} INFO gearbox turns quietly\n"
LEAK = "compressor leaks oil at the flange"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of logs, good ones and bad ones, and what a link out of it leads to."""
    folder = tmp_path_factory.mktemp("logs")
    (folder / "plant.log").write_text(f"{QUIET}{RECENT} ERROR {LEAK}\n{OLD} ERROR compressor old\n")
    with gzip.open(folder / "plant.log.1.gz", "wt") as older:
        older.write(f"{RECENT} WARN conveyor stopped by hand\n")
    (folder / "picture.log").write_bytes(bytes(range(256)) * 64)
    (folder / "broken.log.gz").write_bytes(b"\x1f\x8b\x08\x00rubbish" * 20)
    outside = tmp_path_factory.mktemp("outside") / "secret.log"
    outside.write_text(f"{RECENT} ERROR compressor password is swordfish\n")
    (folder / "way_out.log").symlink_to(outside)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Server]:
    with Server(
        tmp_path_factory.mktemp("server"), "--demo", FOLKMOOT_ASSISTANT_LOGS=str(folder)
    ) as server:
        yield server


@dataclass
class Reloaded:
    """The answer to `/reload`, what was heard until it was done, and its report."""

    told: str
    before: list[dict[str, Any]]
    report: str


async def heard(socket: Socket) -> dict[str, Any]:
    """The next frame, however long the reading takes, which gives way to everybody else."""
    frame: dict[str, Any] = json.loads(await asyncio.wait_for(socket.connection.recv(), READ_IN_S))
    return frame


async def reload(socket: ChatSocket, session: str, days: str = "") -> Reloaded:
    command = {"type": "chat_message", "session_id": session, "content": f"/reload {days}".strip()}
    await socket.says(command)
    told = (await socket.until("message", role="system"))["content"]
    before = []
    while (frame := await heard(socket))["type"] != "message":
        before.append(frame)
    return Reloaded(told, before, frame["content"])


@pytest.fixture
async def ana(server: Server) -> AsyncIterator[Client]:
    async with clients_of(server, registered(server, "ana")) as [ana]:
        yield ana


@pytest.fixture
async def admin(server: Server) -> AsyncIterator[Client]:
    async with clients_of(server, logged_in(server, "admin", STAFF_PASSWORDS["admin"])) as [admin]:
        yield admin


@pytest.fixture
async def at_desk(admin: Client) -> tuple[ChatSocket, str]:
    """The admin's socket in a session of the admin's own, and the session, logs read."""
    socket = await chat(admin)
    session = (await socket.joins())["session_id"]
    await reload(socket, session)
    return socket, session


async def test_a_reading_is_told_as_it_goes_and_in_the_end(admin):
    socket = await chat(admin)
    session = (await socket.joins())["session_id"]

    done = await reload(socket, session)

    assert "last 7 days" in done.told
    progress = [frame for frame in done.before if frame["type"] == "progress"]
    assert progress[-1]["done"] is True
    assert {frame["command"] for frame in progress} == {"reload"}
    assert (progress[-1]["entries"], progress[-1]["session_id"]) == (3, session)
    assert "3 entries" in done.report
    assert "1 older" in done.report
    assert "way_out.log" in done.report
    assert "broken.log.gz" in done.report
    assert await contents(admin, session) == []
    assert "4 entries" in (await reload(socket, session, "30")).report


async def test_an_answer_quotes_the_line_with_its_source_and_time(ana, at_desk):
    socket = await chat(ana)
    session = (await socket.joins())["session_id"]

    question = await socket.asks("Why does the compressor leak?", session, stream=True)
    answer, before = await socket.answer(question)

    assert LEAK in answer["content"]
    assert "plant.log:2" in answer["content"]
    assert RECENT[:10] in answer["content"]
    assert grown(before) == answer["content"]
    assert "swordfish" not in answer["content"]


async def test_what_was_packed_is_found_too(ana, at_desk):
    socket = await chat(ana)
    session = (await socket.joins())["session_id"]
    answer, _ = await socket.answer(await socket.asks("Who stopped the conveyor?", session))
    assert "plant.log.1.gz:1" in answer["content"]


async def test_a_question_about_nothing_there_is_told_so(ana, at_desk):
    socket = await chat(ana)
    session = (await socket.joins())["session_id"]
    answer, _ = await socket.answer(await socket.asks("Quuxification?", session))
    assert "found nothing" in answer["content"]


async def test_the_context_shows_the_lines_that_would_ground_the_next_answer(ana, at_desk):
    session = await ana.post(f"{CHAT}/sessions", {"title": "LOBBY"})
    path = f"{CHAT}/sessions/{session['id']}"
    await ana.post(f"{path}/messages", {"content": "The compressor leaks"})
    context = await ana.get(f"{path}/context")
    assert context["messages"] == [{"role": "user", "content": "The compressor leaks"}]
    assert f"plant.log:2 {RECENT[:-1]}" in context["log_lines"][0]
    assert LEAK in context["log_lines"][0]
    assert 0 < context["estimated_tokens"] <= context["max_tokens"]


async def test_a_question_that_was_taken_back_is_no_source(ana, at_desk):
    session = await ana.post(f"{CHAT}/sessions", {"title": "LOBBY"})
    path = f"{CHAT}/sessions/{session['id']}"
    await ana.post(f"{path}/messages", {"content": "The compressor leaks"})
    taken_back = await ana.post(f"{path}/messages", {"content": "My secret"})
    socket = await chat(ana)
    await socket.joins(session["id"])
    gone = {"type": "delete_message", "message_id": taken_back["id"]}
    await socket.says({**gone, "session_id": session["id"]})
    await socket.until("message_deleted")
    context = await ana.get(f"{path}/context")
    assert [turn["content"] for turn in context["messages"]] == ["The compressor leaks"]
    assert LEAK in context["log_lines"][0]


async def test_progress_goes_to_the_asker_alone(ana, admin):
    customer = await chat(ana)
    session = (await customer.joins())["session_id"]
    staff = await chat(admin)
    await staff.joins(session)

    done = await reload(staff, session)

    assert done.before
    assert {frame["type"] for frame in await customer.frames()} <= {"user_joined"}


async def test_a_reading_asked_for_through_sessions_reports_there(admin):
    session = await admin.post(f"{CHAT}/sessions", {"title": "LOBBY"})
    socket = await enter(admin, session)
    await socket.text("/reload 7", client_id="r")
    told = await socket.until("message", client_id="r")
    assert "last 7 days" in told["content"]
    while (report := await heard(socket))["message_type"] != "message":
        pass
    assert "3 entries" in report["content"]


async def test_a_second_reading_at_the_same_time_is_refused_or_done_after(admin):
    one, two = await chat(admin), await chat(admin)
    session = (await one.joins())["session_id"]
    other = (await two.joins())["session_id"]
    for socket, chat_id in ((one, session), (two, other)):
        await socket.says({"type": "chat_message", "session_id": chat_id, "content": "/reload"})
    ends = []
    for socket in (one, two):
        while True:
            told = (await heard(socket)).get("content", "")
            if told and not told.startswith("Reading the logs"):
                ends.append(told)
                break
    assert any("3 entries" in end for end in ends)


async def test_nothing_of_it_is_a_fault_of_ours(server):
    assert "Traceback" not in server.output
