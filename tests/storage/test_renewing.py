"""Words that an earlier version kept are gathered anew beside the service, and find meanwhile."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import asyncpg

from folkmoot.core.messages.views import SearchQuery
from folkmoot.storage import examine
from folkmoot.storage.tables import BUNDLE
from tests.cast import Cast, enter
from tests.patience import opened_patiently
from tests.storage.test_schema import execute

RUNNING, SOFT, LATE = "she was running", "the data\u00adbase", "two cats sat"
SAID = 2 * BUNDLE
BEFORE = {RUNNING: "she was running", SOFT: "the data base", LATE: "two cats sat"}
"""What the last version kept of them; of what else is said, the same."""


async def grown_old(database_url: str) -> Cast:
    """The cast, in a database that was left by the last version with other rules of words."""
    storage = await opened_patiently(database_url)
    cast = await enter(storage)
    for content in BEFORE:
        await cast.say(cast.ana, content)
    await cast.post(*(cast.draft(cast.bo, f"word{n} of many") for n in range(SAID)))
    await storage.close()
    await execute(database_url, "DROP TABLE outdated_words")
    await execute(database_url, "UPDATE alembic_version SET version_num = '0010'")
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as database:
            database.execute("INSERT INTO message_words (message_words) VALUES ('delete-all')")
            rows = database.execute("SELECT id, content FROM messages WHERE id <= ?", (SAID,))
            words = [(number, BEFORE.get(content, content)) for number, content in rows]
            database.executemany("INSERT INTO message_words (rowid, words) VALUES (?, ?)", words)
            database.commit()
    else:
        opened = await asyncpg.connect(database_url)
        for content, words in BEFORE.items():
            statement = "UPDATE messages SET words = to_tsvector('simple', $1) WHERE content = $2"
            await opened.execute(statement, words, content)
        await opened.close()
    return cast


async def found(cast: Cast, words: str) -> list[str]:
    asked = SearchQuery(words, 9)
    hits = await cast.see(lambda work: work.search.find(cast.ana.id, asked))
    return [hit.message.body.content for hit in hits]


async def renew(cast: Cast, limit: int = 50) -> bool:
    left: bool = await cast.storage.write(lambda work: work.search.renew(limit))
    return left


async def test_what_an_earlier_version_kept_is_found_before_and_found_anew_after(
    database_url: str,
) -> None:
    cast = await grown_old(database_url)
    storage = await opened_patiently(database_url)
    cast = replace(cast, storage=storage)

    before = [await found(cast, words) for words in ("running", "word7 many", "run x", "database")]
    first = await renew(cast)
    wrong = await examine(database_url)
    await storage.close()
    # It goes on where it was.
    storage = await opened_patiently(database_url)
    cast = replace(cast, storage=storage)
    steps = 0
    while await renew(cast):
        steps += 1
    after = [await found(cast, words) for words in ("running", "word7 many", "run she", "database")]
    again = await renew(cast)
    await storage.close()

    assert before == [[RUNNING], ["word7 of many"], [], []]
    assert after == [[RUNNING], ["word7 of many"], [RUNNING], [SOFT]]
    assert (first, again, wrong) == (True, False, await examine(database_url))
    assert not wrong
    assert 3 <= steps <= 6


async def test_what_is_changed_meanwhile_is_found_as_it_is(database_url: str) -> None:
    cast = await grown_old(database_url)
    storage = await opened_patiently(database_url)
    cast = replace(cast, storage=storage)
    running, soft, late = 1, 2, 3
    await cast.do(cast.messages.edit, cast.ana.id, cast.lobby.id, running, "he is swimming")
    await cast.do(cast.messages.delete, cast.ana.id, cast.lobby.id, soft)
    asked = ("running", "swimming", "data", "cats")
    during = [await found(cast, words) for words in asked]
    await cast.post(*(cast.draft(cast.bo, f"fresh{n}") for n in range(BUNDLE)))
    while await renew(cast):
        pass
    await cast.do(cast.messages.edit, cast.ana.id, cast.lobby.id, late, "two dogs sat")

    after = [
        await found(cast, words) for words in ("running", "swim he", "data", "cats", "dog two")
    ]
    fresh = await found(cast, "fresh79")
    await storage.close()

    assert during == [[], ["he is swimming"], [], [LATE]]
    assert after == [[], ["he is swimming"], [], [], ["two dogs sat"]]
    assert fresh == ["fresh79"]


async def test_what_was_deleted_meanwhile_is_not_in_the_file_when_all_is_gathered(
    sqlite_path: Path,
) -> None:
    url = f"sqlite:///{sqlite_path}"
    cast = await grown_old(url)
    storage = await opened_patiently(url)
    cast = replace(cast, storage=storage)
    await cast.do(cast.messages.delete, cast.ana.id, cast.lobby.id, 1)
    while await renew(cast):
        pass
    await storage.close()

    stored = b"".join(each.read_bytes() for each in sqlite_path.parent.iterdir())

    assert b"running" not in stored
    assert b"word7" in stored


async def test_a_new_database_has_nothing_to_gather_anew(database_url: str) -> None:
    storage = await opened_patiently(database_url)

    left = await storage.write(lambda work: work.search.renew(50))
    await storage.close()

    assert not left
