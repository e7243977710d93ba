"""What a look through a whole database finds in it, beside a server that writes it."""

import sqlite3
from collections.abc import AsyncIterator

import asyncpg
import pytest

from folkmoot.storage import examine, migrate
from folkmoot.storage.tables import BUNDLE
from tests.cast import Cast, enter
from tests.patience import opened_patiently

SAID = ["Grüße aus Köln", "今日は東京で会いましょう", "👍 👍", "the Xylophone, the xylophone!"]


@pytest.fixture
async def cast(database_url: str) -> AsyncIterator[Cast]:
    """Somebody said a lot, changed a little of it, and the server is still there."""
    await migrate(database_url)
    cast = await enter(await opened_patiently(database_url))
    await talk(cast, 2 * BUNDLE)
    yield cast
    await cast.storage.close()


async def talk(cast: Cast, count: int) -> None:
    said = [f"{SAID[number % len(SAID)]} {number}" for number in range(count)]
    first, second, *_ = await cast.post(*(cast.draft(cast.bo, content) for content in said))
    edited, deleted = first.message.id, second.message.id
    await cast.do(cast.messages.edit, cast.bo.id, cast.lobby.id, edited, "something else")
    await cast.do(cast.messages.delete, cast.bo.id, cast.lobby.id, deleted)


async def done(url: str, on_sqlite: str, on_postgres: str) -> None:
    """Do something to the database past its storage."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        with connection:
            connection.execute(on_sqlite)
        connection.close()
        return
    stranger = await asyncpg.connect(url)
    await stranger.execute(on_postgres)
    await stranger.close()


async def test_nothing_is_wrong_with_what_the_server_wrote(cast: Cast, database_url: str) -> None:
    assert not await examine(database_url)
    await talk(cast, BUNDLE // 2)
    await cast.say(cast.ana, "hello")
    assert not await examine(database_url)


@pytest.mark.parametrize(
    ("on_sqlite", "on_postgres"),
    [
        pytest.param(
            "INSERT INTO message_words (message_words) VALUES ('delete-all')",
            "UPDATE messages SET words = NULL",
            id="all lost",
        ),
        pytest.param(
            "UPDATE messages SET content = 'never said' WHERE id = (SELECT min(id) FROM messages)",
            "UPDATE messages SET content = 'never said' WHERE id = (SELECT min(id) FROM messages)",
            id="another text",
        ),
        pytest.param(
            "INSERT INTO message_words (rowid, words) VALUES (2, 'forgotten')",
            "UPDATE messages SET words = 'forgotten' WHERE id = 2",
            id="words of what was deleted",
        ),
    ],
)
async def test_words_that_are_not_what_was_said_are_found(
    cast: Cast, database_url: str, on_sqlite: str, on_postgres: str
) -> None:
    await done(database_url, on_sqlite, on_postgres)

    (fault,) = await examine(database_url)

    assert fault.startswith("search does not find what was said in ")
    assert fault.endswith((" message number 1 on", " message number 2 on"))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_table_of_words_that_is_damaged_is_found(cast: Cast, database_url: str) -> None:
    damage = "UPDATE message_words_data SET block = zeroblob(length(block)) WHERE id > 10"
    await done(database_url, damage, "")

    (fault,) = await examine(database_url)

    assert fault.startswith("the words that search looks for cannot be read (")
