"""Nobody reads for longer than they may, whatever they search for."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from folkmoot.core.messages.views import SearchQuery
from folkmoot.core.shared.refusals import Unavailable
from folkmoot.core.work import UnitOfWork
from folkmoot.storage import sqlite
from folkmoot.storage.sql.statements import Statement
from tests.cast import enter
from tests.deadlines import WITHIN_S
from tests.patience import PATIENT_SQLITE, opened_patiently

ENDLESS = Statement(
    text("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n")
)


class Stopwatch:
    """Stands still, whatever the machine does, until it is put forward."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


async def test_who_reads_too_long_is_stopped_and_the_next_one_is_not(
    sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(PATIENT_SQLITE, readers=1)
    cast = await enter(await opened_patiently(f"sqlite:///{sqlite_path}", sqlite=settings))
    message = await cast.say(cast.ana, "hello")
    watch, began = Stopwatch(), threading.Event()
    monkeypatch.setattr(sqlite, "time", watch)

    async def endless(work: UnitOfWork) -> None:
        began.set()
        await work.search._executor.rows(ENDLESS, {})

    reading = asyncio.create_task(cast.storage.read(endless))
    assert await asyncio.to_thread(began.wait, WITHIN_S)
    watch.seconds += settings.reading_seconds + 1
    with pytest.raises(Unavailable) as stopped:
        await reading

    hits = await cast.see(lambda work: work.search.find(cast.ana.id, SearchQuery("hello", 9)))
    assert [hit.message for hit in hits] == [message]
    assert stopped.value.reason == "reading took too long"
    await cast.storage.close()
