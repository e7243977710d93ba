"""What is announced between accounts and leaves a trace."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from folkmoot.core.logs.events import LogsProgressed
from folkmoot.core.logs.model import LogReading
from folkmoot.server.ops.audit import FILE_NAME, AuditConsumer, AuditTrail
from tests.realtime.memory_server import MemoryServer, memory_server


class Audited:
    """Services whose events are audited, and what was noted of them in the end."""

    def __init__(self, server: MemoryServer, folder: Path) -> None:
        self.server = server
        self._folder = folder
        self._trail = AuditTrail(folder, server.cast.clock)
        server.publisher.register(AuditConsumer(server.services, self._trail))

    async def noted(self) -> list[dict[str, Any]]:
        """The entries, once everything that was begun is done."""
        tasks = self.server.services.background_tasks._tasks
        assert tasks is not None
        await asyncio.gather(*tasks._tasks)
        self._trail.close()
        return [json.loads(line) for line in (self._folder / FILE_NAME).read_text().splitlines()]


@pytest.fixture
async def audited(tmp_path: Path) -> AsyncIterator[Audited]:
    async with memory_server() as server:
        background_tasks = asyncio.create_task(server.services.background_tasks.run())
        await asyncio.sleep(0)
        yield Audited(server, tmp_path)
        background_tasks.cancel()
        await asyncio.gather(background_tasks, return_exceptions=True)


async def test_a_block_is_an_entry_of_the_blocker_alone(audited: Audited) -> None:
    server, cast = audited.server, audited.server.cast
    await server.do(server.services.social.block, cast.ana.id, cast.bo.id)
    await server.do(server.services.social.unblock, cast.ana.id, cast.bo.id)

    entries = await audited.noted()

    said = [(entry["event"], entry["account"], entry["blocked"]) for entry in entries]
    assert said == [("block set", "ana", "bo"), ("block lifted", "ana", "bo")]


async def test_who_has_the_logs_read_anew_is_noted_once(audited: Audited) -> None:
    cast = audited.server.cast
    for is_done in (False, True):
        audited.server.services.publish(
            [
                LogsProgressed(
                    conversation_id=cast.lobby.id,
                    conversation_uid=cast.lobby.uid,
                    listener=cast.ana.id,
                    reading=LogReading(entries=7, is_done=is_done),
                )
            ]
        )

    (entry,) = await audited.noted()

    assert (entry["event"], entry["account"], entry["entries"]) == ("logs read anew", "ana", 7)
