"""Nobody reads for longer than they may, whatever they search for."""

from pathlib import Path

import pytest
from sqlalchemy import text

from folkmoot.core.messages.views import SearchQuery
from folkmoot.core.shared.refusals import Unavailable
from folkmoot.core.work import UnitOfWork
from folkmoot.storage import open_storage
from folkmoot.storage.sql.statements import Statement
from folkmoot.storage.sqlite import SqliteSettings
from tests.cast import enter

ENDLESS = Statement(
    text("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n")
)


async def test_who_reads_too_long_is_stopped_and_the_next_one_is_not(sqlite_path: Path) -> None:
    settings = SqliteSettings(readers=1, reading_seconds=0.05)
    cast = await enter(await open_storage(f"sqlite:///{sqlite_path}", sqlite=settings))
    message = await cast.say(cast.ana, "hello")

    async def endless(work: UnitOfWork) -> None:
        await work.search._executor.rows(ENDLESS, {})

    with pytest.raises(Unavailable):
        await cast.storage.read(endless)

    hits = await cast.see(lambda work: work.search.find(cast.ana.id, SearchQuery("hello", 9)))
    assert [hit.message for hit in hits] == [message]
    await cast.storage.close()
