"""Taking clients in, and seeing them out, over a lane of plain ASGI."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from folkmoot.auth.authenticator import Caller
from folkmoot.core.conversations.errors import NotAMember
from folkmoot.core.shared.rates import Rate
from folkmoot.core.shared.refusals import Unavailable
from folkmoot.kit.socket_endpoint import Rejection, SocketEndpoint
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.entrance import Entrance
from folkmoot.realtime.intentions import Allowance, Slot
from folkmoot.realtime.wire_format import CloseReason
from folkmoot.wire.lane_frames import text_frame
from tests.deadlines import WITHIN_S
from tests.realtime.memory_server import GENEROUS, MemoryServer

DISCONNECT = {"type": "websocket.disconnect", "code": 1005}


class Line:
    """A server under the application: what the client sends, and what it is sent."""

    def __init__(self, *texts: str) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.inbox.put_nowait({"type": "websocket.connect"})
        for text in texts:
            self.inbox.put_nowait({"type": "websocket.receive", "text": text})
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        return await self.inbox.get()

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        if message["type"] == "websocket.close":
            self.inbox.put_nowait(DISCONNECT)

    @property
    def close(self) -> tuple[int, str] | None:
        last = self.sent[-1]
        return (last["code"], last["reason"]) if last["type"] == "websocket.close" else None


class Listener:
    """A handler that does what its frames say, to the server if need be."""

    def __init__(self, connection: Connection, desk: "Desk") -> None:
        self.connection = connection
        self._desk = desk
        self.faults = 0

    async def start(self) -> None:
        if self._desk.on_start is not None:
            await self._desk.on_start()

    def receive(self, data: str | bytes) -> None:
        self._desk.heard.append(data)
        if data == "break":
            raise ZeroDivisionError("a bug")
        if data == "log out":
            self._desk.server.hub.end(self.connection, CloseReason.LOGIN_ENDED)

    def report_fault(self) -> None:
        self.faults += 1


class Desk:
    """How clients are received here."""

    authenticates_first: bool = False

    def __init__(self, server: MemoryServer) -> None:
        self.server = server
        self.heard: list[str | bytes] = []
        self.handlers: list[Listener] = []
        self.on_start: Any = None
        self.last_frame = b""

    def handler(self, scope: Any, caller: Caller, outbox: Any) -> Listener:
        person, expiry = caller.account.person, caller.expires_at
        connection = Connection(self.server.wire_format, outbox, person, caller.login.id, expiry)
        self.handlers.append(Listener(connection, self))
        return self.handlers[-1]

    def rejection_of(self, refusal: Any) -> Rejection:
        if refusal is None:
            return Rejection(1011, "our fault")
        return Rejection(4000, refusal.code, self.last_frame)


@pytest.fixture
async def desk(server: MemoryServer) -> Desk:
    login = await server.login(server.cast.ana)
    server.services.authenticator.callers["ana's"] = Caller(
        server.cast.ana, login, login.expires_at
    )
    return Desk(server)


async def visit(desk: Desk, line: Line, query: str = "token=ana's") -> None:
    scope = {
        "type": "websocket",
        "headers": [],
        "query_string": query.encode(),
        "client": ("10.0.0.1", 1),
    }
    async with asyncio.timeout(WITHIN_S):
        await SocketEndpoint(desk.server.services, desk)(scope, line.receive, line.send)


async def test_a_client_is_accepted_heard_and_forgotten_when_they_go(desk):
    line = Line("one", "two")
    line.inbox.put_nowait(DISCONNECT)
    await visit(desk, line)
    assert line.sent[0]["type"] == "websocket.accept"
    assert desk.heard == ["one", "two"]
    assert len(desk.server.hub) == 0


@pytest.mark.parametrize(
    ("query", "code"), [("", "token_missing"), ("token=bo's", "token_invalid")]
)
async def test_who_shows_no_good_token_is_accepted_and_told_so(desk, query, code):
    line = Line()
    await visit(desk, line, query)
    assert [message["type"] for message in line.sent] == ["websocket.accept", "websocket.close"]
    assert line.close == (4000, code)


@pytest.mark.parametrize(
    ("query", "code"), [("", "token_missing"), ("token=bo's", "token_invalid")]
)
async def test_where_it_is_asked_first_who_shows_no_good_token_gets_no_socket(desk, query, code):
    desk.authenticates_first, line = True, Line()
    await visit(desk, line, query)
    start, body = line.sent
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
    assert f'"{code}"'.encode() in body["body"]
    assert desk.handlers == []


async def test_where_it_is_asked_first_a_fault_of_ours_is_told_as_one(desk, caplog):
    async def fail(credentials: Any) -> None:
        raise ZeroDivisionError("a bug")

    desk.authenticates_first, line = True, Line()
    desk.server.services.authenticator.caller = fail
    await visit(desk, line)
    assert line.sent[0]["status"] == 500
    assert "could not be authenticated" in caplog.text


async def test_where_it_is_asked_first_nobody_is_let_in_while_the_database_is_away(desk):
    async def fail(credentials: Any) -> None:
        raise Unavailable

    desk.authenticates_first, line = True, Line()
    desk.server.services.authenticator.caller = fail
    await visit(desk, line)
    start, body = line.sent
    assert (start["status"], (b"retry-after", b"2") in start["headers"]) == (503, True)
    said = json.loads(body["body"])
    assert (said["code"], said["passing"], said["retry_after"]) == ("unavailable", True, 2.0)


async def test_where_it_is_asked_first_a_client_is_heard_all_the_same(desk):
    desk.authenticates_first, line = True, Line("one")
    line.inbox.put_nowait(DISCONNECT)
    await visit(desk, line)
    assert line.sent[0]["type"] == "websocket.accept"
    assert desk.heard == ["one"]


async def test_who_may_not_stay_is_told_why_and_forgotten(desk):
    async def refuse() -> None:
        raise NotAMember

    desk.on_start, line = refuse, Line("never heard")
    await visit(desk, line)
    assert line.close == (4000, "not_a_participant")
    assert desk.heard == []
    assert len(desk.server.hub) == 0


async def test_a_fault_of_ours_while_authenticating_is_told_as_one(desk, caplog):
    async def fail() -> None:
        raise ZeroDivisionError("a bug")

    desk.on_start, line = fail, Line()
    await visit(desk, line)
    assert line.close == (1011, "our fault")
    assert "could not be started" in caplog.text
    assert len(desk.server.hub) == 0


async def test_a_frame_that_meets_a_fault_of_ours_is_told_so_and_the_next_is_heard(desk, caplog):
    line = Line("break", "go on")
    line.inbox.put_nowait(DISCONNECT)
    await visit(desk, line)
    assert desk.heard == ["break", "go on"]
    assert desk.handlers[0].faults == 1
    assert "could not be handled" in caplog.text


async def test_what_comes_after_the_right_was_lost_is_not_heard(desk):
    line = Line("log out", "one more thing")
    await visit(desk, line)
    assert desk.heard == ["log out"]
    assert line.close is not None


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_client_that_is_turned_away_is_sent_a_last_frame_where_there_is_one(desk, is_known):
    async def refuse() -> None:
        raise NotAMember

    desk.on_start, desk.last_frame, line = refuse, text_frame(b"why"), Line()
    await visit(desk, line, *([] if is_known else ["token=nobody's"]))
    assert [message["type"] for message in line.sent[1:]] == ["websocket.send", "websocket.close"]
    assert line.sent[1]["text"] == "why"


async def test_a_client_that_goes_while_it_is_accepted_leaves_nothing_behind(desk):
    arriving = asyncio.Event()

    async def take_long() -> None:
        arriving.set()
        await asyncio.Event().wait()

    desk.on_start = take_long
    clients_of = asyncio.create_task(visit(desk, Line()))
    await asyncio.wait_for(arriving.wait(), WITHIN_S)
    assert len(desk.server.hub) == 1
    clients_of.cancel()
    await asyncio.gather(clients_of, return_exceptions=True)
    assert len(desk.server.hub) == 0


async def test_a_connection_too_many_is_told_to_come_back(desk):
    strict = replace(GENEROUS, per_account={Slot.CONNECTION: 0})
    services = replace(
        desk.server.services, entrance=Entrance(strict, desk.server.cast.clock.monotonic)
    )
    desk.server.services, line = services, Line()
    await visit(desk, line)
    assert line.close == (4000, "too_many_connections")


async def test_an_address_that_connects_too_often_is_refused_before_the_handshake(desk):
    strict = replace(GENEROUS, rates={**GENEROUS.rates, Allowance.CONNECT: Rate(60, 1)})
    services = replace(
        desk.server.services, entrance=Entrance(strict, desk.server.cast.clock.monotonic)
    )
    desk.server.services = services
    first, second = Line(), Line()
    first.inbox.put_nowait(DISCONNECT)
    await visit(desk, first)
    await visit(desk, second)
    start, body = second.sent
    assert start["status"] == 429
    assert dict(start["headers"])[b"retry-after"] == b"1"
    assert b'"rate_limited"' in body["body"]
