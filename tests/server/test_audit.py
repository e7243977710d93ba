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
from tests.realtime.stage import Stage, staged


class Overhearing:
    """A house that is overheard, and what was noted of it in the end."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage = stage
        self._folder = folder
        self._trail = AuditTrail(folder, stage.cast.clock)
        stage.hub.overhearing.append(AuditConsumer(stage.services, self._trail).overhear)

    async def noted(self) -> list[dict[str, Any]]:
        """The entries, once everything that was begun is done."""
        tasks = self.stage.services.background_tasks._tasks
        assert tasks is not None
        await asyncio.gather(*tasks._tasks)
        self._trail.close()
        return [json.loads(line) for line in (self._folder / FILE_NAME).read_text().splitlines()]


@pytest.fixture
async def overhearing(tmp_path: Path) -> AsyncIterator[Overhearing]:
    async with staged() as stage:
        background_tasks = asyncio.create_task(stage.services.background_tasks.run())
        await asyncio.sleep(0)
        yield Overhearing(stage, tmp_path)
        background_tasks.cancel()
        await asyncio.gather(background_tasks, return_exceptions=True)


async def test_a_block_is_an_entry_of_the_blocker_alone(overhearing: Overhearing) -> None:
    stage, cast = overhearing.stage, overhearing.stage.cast
    await stage.do(stage.services.social.block, cast.ana.id, cast.bo.id)
    await stage.do(stage.services.social.unblock, cast.ana.id, cast.bo.id)

    entries = await overhearing.noted()

    said = [(entry["event"], entry["account"], entry["blocked"]) for entry in entries]
    assert said == [("block set", "ana", "bo"), ("block lifted", "ana", "bo")]


async def test_who_has_the_logs_read_anew_is_noted_once(overhearing: Overhearing) -> None:
    cast = overhearing.stage.cast
    for is_done in (False, True):
        overhearing.stage.hub.announce(
            [
                LogsProgressed(
                    conversation_id=cast.lobby.id,
                    conversation_uid=cast.lobby.uid,
                    listener=cast.ana.id,
                    reading=LogReading(entries=7, is_done=is_done),
                )
            ]
        )

    (entry,) = await overhearing.noted()

    assert (entry["event"], entry["account"], entry["entries"]) == ("logs read anew", "ana", 7)
