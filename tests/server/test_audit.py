"""What is announced between accounts and leaves a trace."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from folkmoot.core.logs.events import LogsProgressed
from folkmoot.core.logs.model import Reading
from folkmoot.server.audit import FILE_NAME, AuditTrail, Overheard
from tests.realtime.stage import Stage, staged


class Overhearing:
    """A house that is overheard, and what was noted of it in the end."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage = stage
        self._folder = folder
        self._trail = AuditTrail(folder, stage.cast.clock)
        stage.hub.overhearing.append(Overheard(stage.house, self._trail).overhear)

    async def noted(self) -> list[dict[str, Any]]:
        """The entries, once everything that was begun is done."""
        tasks = self.stage.house.chores._tasks
        assert tasks is not None
        await asyncio.gather(*tasks._tasks)
        self._trail.close()
        return [json.loads(line) for line in (self._folder / FILE_NAME).read_text().splitlines()]


@pytest.fixture
async def overhearing(tmp_path: Path) -> AsyncIterator[Overhearing]:
    async with staged() as stage:
        chores = asyncio.create_task(stage.house.chores.run())
        await asyncio.sleep(0)
        yield Overhearing(stage, tmp_path)
        chores.cancel()
        await asyncio.gather(chores, return_exceptions=True)


async def test_a_block_is_an_entry_of_the_blocker_alone(overhearing: Overhearing) -> None:
    stage, cast = overhearing.stage, overhearing.stage.cast
    await stage.do(stage.house.social.block, cast.ana.id, cast.bo.id)
    await stage.do(stage.house.social.unblock, cast.ana.id, cast.bo.id)

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
                    reading=Reading(entries=7, is_done=is_done),
                )
            ]
        )

    (entry,) = await overhearing.noted()

    assert (entry["event"], entry["account"], entry["entries"]) == ("logs read anew", "ana", 7)
