"""What an answer is made of, every member of its session may read; the rest, its asker alone.

Without a model, at a server whose own log and audit trail are the assistant's source.
"""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.clients import Client, LoggedIn, clients_of, logged_in, registered
from tests.integration.assistant.chats import CHAT, chat, contents, grown
from tests.integration.assistant.conftest import STAFF_PASSWORDS
from tests.integration.assistant.test_logs import reload
from tests.integration.desks import enter
from tests.integration.support.peers import Opener, peers
from tests.running import Server

TRACE = "audit.log"
"""Stands in every citation of the audit trail."""
KNOWN = "The whatsit is green"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), "--demo") as server:
        yield server


@pytest.fixture(scope="module")
def people(server: Server) -> list[LoggedIn]:
    staff = [logged_in(server, name, word) for name, word in STAFF_PASSWORDS.items()]
    return [registered(server, "ana"), registered(server, "bo"), *staff]


@pytest.fixture
async def clients(server: Server, people: list[LoggedIn]) -> AsyncIterator[dict[str, Client]]:
    async with clients_of(server, *people) as clients:
        yield dict(zip(("ana", "bo", *STAFF_PASSWORDS), clients, strict=True))


@pytest.fixture
async def desks(server: Server) -> AsyncIterator[Opener]:
    async with peers(server) as open_peer:
        yield open_peer


@pytest.fixture
async def question(ana: Client, analyst: Client) -> str:
    """What lines of the audit trail answer, once they were read."""
    body = {"email": ana.name, "password": "not the one"}
    assert (await ana.ask("POST", "/api/v1/auth/login", json=body)).status_code == 401
    socket = await chat(analyst)
    await reload(socket, (await socket.joins())["session_id"])
    return f"login failed {ana.name}"


async def opened(customer: Client, *others: Client) -> dict[str, Any]:
    session: dict[str, Any] = await customer.post(
        f"{CHAT}/sessions", {"title": "LOBBY", "assistant": True}
    )
    path = f"{CHAT}/sessions/{session['id']}/participants"
    for other in others:
        await customer.post(path, {"user_id": other.name})
    return session


async def everything(reader: Client, session: dict[str, Any], desks: Opener) -> str:
    """All that an account can read of a session afterwards, through every contract."""
    uid, number = session["id"], session["conversation_id"]
    sessions, conversation = f"{CHAT}/sessions/{uid}", f"/conversations/{number}"
    read: list[Any] = [
        await reader.get(path, **params)
        for path, params in (
            (sessions, {}),
            (f"{sessions}/messages", {}),
            (f"{sessions}/messages", {"after_seq": 0}),
            (f"{sessions}/context", {}),
            (f"{sessions}/participants", {}),
            (conversation, {}),
            (f"{conversation}/messages", {}),
            (f"{conversation}/messages", {"after_seq": 0}),
            (f"{CHAT}/search", {"q": "failed"}),
            (f"{CHAT}/search", {"q": "login"}),
            ("/chat/history/self", {}),
        )
    ]
    socket = await chat(reader)
    read += [await socket.joins(uid), *await socket.frames()]
    again = await chat(reader)
    read += [await again.joins(uid, after_seq=0, stream=True), *await again.frames()]
    there = await enter(reader, session, "?after_seq=0")
    read += await there.frames()
    also = await reader.enter(number, "?after_seq=0")
    read += await also.frames()
    peer = await desks(reader.login)
    await peer.call("resume", {"after_seq": 0})
    read += await peer.heard()
    return json.dumps(read)


async def through_assistant(asker: Client, session: dict[str, Any], question: str) -> str:
    socket = await chat(asker)
    await socket.joins(session["id"])
    asked = await socket.asks(question, session["id"], stream=True)
    answer, before = await socket.answer(asked)
    assert TRACE not in grown(before)
    return answer["content"]


async def through_sessions(asker: Client, session: dict[str, Any], question: str) -> str:
    socket = await enter(asker, session)
    await socket.text(question)
    heard = await socket.until("message", sender_name="assistant")
    return heard["content"]


async def through_conversations(asker: Client, session: dict[str, Any], question: str) -> str:
    socket = await asker.enter(session["conversation_id"])
    await socket.says({"content": question})
    heard = await socket.until("message", sender_id=None)
    return heard["content"]


ASKED_THROUGH = [through_assistant, through_sessions, through_conversations]


@pytest.mark.parametrize("ask", ASKED_THROUGH)
async def test_an_analyst_whom_a_customer_added_reads_the_audit_trail_alone(
    ask, clients, ana, bo, analyst, desks, question
):
    session = await opened(ana, analyst)
    live = await chat(ana)
    await live.joins(session["id"], stream=True)
    thread, numbered = await enter(ana, session), await ana.enter(session["conversation_id"])
    desk = await desks(ana.login)

    told = await ask(analyst, session, question)
    # What everybody is told comes last, and is durable: then all of it has come.
    await live.until("message", role="assistant")

    assert TRACE in told
    assert ana.name in told
    path = f"{CHAT}/sessions/{session['id']}/participants"
    await ana.post(path, {"user_id": bo.name})
    heard = [await each.frames() for each in (live, thread, numbered)]
    assert TRACE not in json.dumps([*heard, await desk.heard()])
    for reader in (ana, bo, analyst):
        shown = await everything(reader, session, desks)
        assert question in shown
        # The context of who asks alone is for the role that asks.
        assert TRACE not in shown.replace(json.dumps(await lines_for(reader, session)), "")
    assert await lines_for(ana, session) == await lines_for(bo, session) == []
    assert TRACE in json.dumps(await lines_for(analyst, session))


async def lines_for(reader: Client, session: dict[str, Any]) -> list[str]:
    context = await reader.get(f"{CHAT}/sessions/{session['id']}/context")
    lines: list[str] = context["log_lines"]
    return lines


async def test_an_admins_own_session_keeps_nothing_that_a_customer_may_not_read(
    admin, ana, desks, question
):
    session = await opened(admin)
    told = await through_assistant(admin, session, question)
    assert TRACE in told

    path = f"{CHAT}/sessions/{session['id']}/participants"
    await admin.post(path, {"user_id": ana.name})

    assert TRACE not in await everything(ana, session, desks)


async def test_a_customer_is_told_nothing_of_the_trail_of_their_own_account(ana, question):
    session = await opened(ana)
    assert TRACE not in await through_assistant(ana, session, question)


async def test_only_the_askers_devices_that_are_in_the_session_hear_what_is_theirs(
    ana, analyst, question
):
    session, other = await opened(ana, analyst), await opened(ana, analyst)
    phone, elsewhere = await chat(analyst), await chat(analyst)
    await phone.joins(session["id"])
    await elsewhere.joins(other["id"])

    await through_assistant(analyst, session, question)

    heard = await phone.until("message", role="assistant")
    assert TRACE in heard["content"]
    assert heard["content"].startswith("Only you can read this")
    assert await elsewhere.frames() == []


class TestLeftToPeople:
    """Where nothing fits, the assistant says so once, and leaves the rest to people."""

    async def test_it_is_said_once_until_something_fits_again(self, ana, bo):
        session = await opened(ana, bo)
        first = await through_assistant(ana, session, "Quuxification?")
        assert "A person will" in first
        for client, words in ((ana, "Flumadiddle?"), (ana, "Hello"), (bo, KNOWN)):
            await client.post(f"{CHAT}/sessions/{session['id']}/messages", {"content": words})
        found = await through_assistant(ana, session, "Which whatsit is green?")
        assert KNOWN in found
        again = await through_assistant(ana, session, "Flumadiddle?")
        questions = ["Flumadiddle?", "Hello", KNOWN, "Which whatsit is green?"]
        assert again == first
        assert await contents(ana, session["id"]) == [
            "Quuxification?",
            first,
            *questions,
            found,
            "Flumadiddle?",
            first,
        ]

    async def test_it_is_said_again_after_a_person_has_answered(self, ana, agent):
        session = await opened(ana)
        first = await through_assistant(ana, session, "Quuxification?")
        path = f"{CHAT}/sessions/{session['id']}"
        await agent.post(f"{path}/messages", {"content": "I am here."})
        granted = await agent.ask("PUT", path, json={"assistant": True})
        assert granted.status_code == 200
        assert await through_assistant(ana, session, "Flumadiddle?") == first

    async def test_a_picture_is_not_answered(self, ana):
        session = await opened(ana)
        there = await enter(ana, session)
        picture = {"file_url": "https://example.com/pump.png", "file_name": "pump.png"}
        sized = {"file_size": 10, "file_type": "image/png"}
        await there.says({"message_type": "image", "content": "Quuxification?", **picture, **sized})
        await there.until("message", sender_name=ana.name)
        first = await through_assistant(ana, session, "Flumadiddle?")
        assert await contents(ana, session["id"]) == ["Quuxification?", "Flumadiddle?", first]

    async def test_the_askers_own_words_are_no_answer(self, ana, bo):
        session = await opened(ana, bo)
        first = await through_assistant(ana, session, "My frobnicator is purple")
        path = f"{CHAT}/sessions/{session['id']}/messages"
        await ana.post(path, {"content": "Which frobnicator is purple?"})
        await bo.post(path, {"content": KNOWN})
        found = await through_assistant(ana, session, "Which whatsit is green?")
        said = await contents(ana, session["id"])
        assert [one for one in said if "frobnicator" in one] == [
            "My frobnicator is purple",
            "Which frobnicator is purple?",
        ]
        assert [one for one in said if one in (first, found)] == [first, found]


async def test_nothing_of_it_is_a_fault_of_ours(server):
    assert "Traceback" not in server.output
