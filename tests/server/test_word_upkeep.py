"""After an upgrade a server gathers words anew by itself, and waits for a database that is away."""

import asyncio
from pathlib import Path

import pytest

from folkmoot.core.shared.refusals import Unavailable
from folkmoot.server.ops import word_upkeep
from folkmoot.server.ops.word_upkeep import renew_words
from folkmoot.storage.memory.storage import MemoryStorage
from tests.deadlines import WITHIN_S
from tests.patience import opened_patiently
from tests.storage.test_renewing import RUNNING, found, grown_old, replace


async def test_all_words_are_gathered_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'folkmoot.db'}"
    monkeypatch.setattr(word_upkeep, "AT_ONCE", 50)
    monkeypatch.setattr(word_upkeep, "REST_SECONDS", 0)
    cast = replace(await grown_old(url), storage=await opened_patiently(url))

    before = await found(cast, "run she")
    async with asyncio.timeout(WITHIN_S):
        await renew_words(cast.storage)
    after = await found(cast, "run she")
    await cast.storage.close()

    assert (before, after) == ([], [RUNNING])


async def test_a_database_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_upkeep, "FAULT_SECONDS", 0)

    class Flaky(MemoryStorage):
        tries = 0

        async def write(self, job):
            self.tries += 1
            if self.tries < 3:
                raise Unavailable
            return await super().write(job)

    storage = Flaky()
    async with asyncio.timeout(WITHIN_S):
        await renew_words(storage)

    assert storage.tries == 3
