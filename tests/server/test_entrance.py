"""What a request meets before its body is read."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from folkmoot.auth.authenticator import Caller
from folkmoot.realtime.entrance import Entrance
from folkmoot.realtime.intentions import IntentionKind, Slot
from folkmoot.server.http.entrance import EntranceMiddleware, Operations
from folkmoot.server.http.refusals import answer_to
from folkmoot.server.ops.audit import FILE_NAME, AccessAudit, AuditTrail
from folkmoot.server.settings import Settings
from folkmoot.server.wiring import entrance_settings
from tests.deadlines import WITHIN_S
from tests.realtime.memory_server import MemoryServer, memory_server

OPERATIONS = Operations(
    {
        "GET /files/{file_id}": IntentionKind.DOWNLOAD,
        "POST /things": IntentionKind.MANAGE,
        "POST /cleanup": IntentionKind.STAFF_ACT,
        "POST /login": IntentionKind.ENTER,
    },
    frozenset({"/socket.io"}),
)


class Visit:
    """One request, whose body is read only where the application asks for it."""

    def __init__(self, entered: "Entered", method: str, path: str, token: str) -> None:
        self.reads = 0
        self.sent: list[dict[str, Any]] = []
        headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": headers,
            "client": ("192.0.2.66", 5000),
        }
        self.task = asyncio.create_task(entered.middleware(scope, self._receive, self._send))

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    async def _receive(self) -> dict[str, Any]:
        self.reads += 1
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)


class Entered:
    """The entrance before an application that answers when it is told to."""

    def __init__(self, server: MemoryServer, folder: Path) -> None:
        settings = replace(
            entrance_settings(Settings()),
            per_account=dict.fromkeys(Slot, 2),
            per_address=dict.fromkeys(Slot, 3),
        )
        entrance = Entrance(settings, server.cast.clock.monotonic)
        services = replace(server.services, entrance=entrance)
        self.trail = AuditTrail(folder, server.cast.clock)
        self.go_on = asyncio.Event()
        self.fault: Exception | None = None
        self.middleware = EntranceMiddleware(
            self._app,
            services=lambda: services,
            operations=OPERATIONS,
            audit=AccessAudit(self.trail),
            answer_to=lambda _scope, fault: answer_to(fault),
        )

    async def visit(self, method: str, path: str, token: str = "") -> Visit:
        """A request that has come as far as it can for now."""
        visit = Visit(self, method, path, token)
        for _ in range(5):
            await asyncio.sleep(0)
        return visit

    async def _app(self, _scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await self.go_on.wait()
        if self.fault is not None:
            raise self.fault
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


@pytest.fixture
async def entered(tmp_path: Path) -> AsyncIterator[Entered]:
    async with memory_server() as server:
        ana = server.cast.ana
        login = await server.login(ana)
        caller = Caller(ana, login, server.cast.clock.now() + timedelta(hours=1))
        server.services.authenticator.callers["ana's"] = caller
        entered = Entered(server, tmp_path)
        yield entered
        entered.trail.close()


async def ended(visit: Visit) -> int:
    await asyncio.wait_for(asyncio.wait([visit.task]), WITHIN_S)
    return visit.status


async def test_who_is_not_known_is_told_so_before_the_body_is_read(entered: Entered):
    visit = await entered.visit("POST", "/things")

    assert (await ended(visit), visit.reads) == (401, 0)


async def test_downloads_are_so_many_at_once_and_each_slot_comes_back(entered: Entered):
    under_way = [await entered.visit("GET", f"/files/{n}", "ana's") for n in range(2)]
    refused = await entered.visit("GET", "/files/2", "ana's")
    assert (await ended(refused), refused.reads) == (429, 0)
    assert json.loads(refused.sent[1]["body"])["code"] == "too_many_at_once"

    entered.go_on.set()
    assert [await ended(visit) for visit in under_way] == [200, 200]
    for _ in range(5):
        assert await ended(await entered.visit("GET", "/files/2", "ana's")) == 200


async def test_a_slot_comes_back_from_whoever_hangs_up_and_from_a_fault(entered: Entered):
    under_way = [await entered.visit("GET", f"/files/{n}", "ana's") for n in range(2)]
    under_way[0].task.cancel()
    entered.fault = RuntimeError("a fault of ours")
    entered.go_on.set()
    await asyncio.gather(*(visit.task for visit in under_way), return_exceptions=True)
    entered.fault = None

    assert await ended(await entered.visit("GET", "/files/2", "ana's")) == 200


async def test_what_is_always_traced_is_not_done_while_it_cannot_be(entered: Entered):
    entered.go_on.set()
    entered.trail.lines.trouble = "No space left on device"
    refused = await entered.visit("POST", "/cleanup", "ana's")
    assert (await ended(refused), refused.reads) == (503, 0)
    assert await ended(await entered.visit("POST", "/things", "ana's")) == 200

    entered.trail.lines.trouble = None
    assert await ended(await entered.visit("POST", "/cleanup", "ana's")) == 200
    entered.trail.close()
    entries = (entered.trail.lines._file.path.parent / FILE_NAME).read_text().splitlines()
    assert [json.loads(line)["event"] for line in entries] == ["privileged access"]
