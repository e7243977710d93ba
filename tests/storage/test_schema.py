"""Migrations make the tables that the statements are written for, once, and harm nobody else's."""

import asyncio
import json
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from folkmoot.storage import Unusable, migrate, open_storage, schema
from folkmoot.storage.schema_version import MIGRATIONS, newest_version
from folkmoot.storage.tables import WORD_TABLE, metadata
from tests.postgres import ONE_WORKER, PostgresServer


def sqlite_schema(path: Path) -> dict[str, str]:
    """All that makes up each table; a column that was added stands elsewhere in its text."""
    connection = sqlite3.connect(path)
    texts: dict[str, str | None] = dict(connection.execute("SELECT name, sql FROM sqlite_schema"))

    def about(name: str, *pragmas: str) -> list[Any]:
        return [connection.execute(f"PRAGMA {each}('{name}')").fetchall() for each in pragmas]

    found = {}
    for name, text in texts.items():
        if text is None or not text.startswith("CREATE TABLE") or name == "alembic_version":
            found[name] = text or ""
            continue
        columns, foreign_keys, indexes = about(
            name, "table_xinfo", "foreign_key_list", "index_list"
        )
        # What a constraint makes of its own accord is numbered in their order, which means nothing.
        told = [
            (
                texts.get(index[1]),
                index[2:],
                *about(index[1], "index_xinfo"),
            )
            for index in indexes
        ]
        options = re.findall(r"AUTOINCREMENT|WITHOUT ROWID", text)
        references = sorted(key[2:] for key in foreign_keys)
        found[name] = json.dumps([columns, references, sorted(told, key=str), options])
    connection.close()
    return {name: text for name, text in found.items() if "alembic" not in name}


async def test_on_sqlite_the_migrations_make_the_tables(tmp_path: Path) -> None:
    migrated, created = tmp_path / "migrated.db", tmp_path / "created.db"
    await migrate(f"sqlite:///{migrated}")
    engine = create_engine(f"sqlite:///{created}")
    metadata.create_all(engine)
    engine.dispose()

    assert sqlite_schema(migrated) == sqlite_schema(created)
    assert {*metadata.tables, WORD_TABLE} <= sqlite_schema(created).keys()


@ONE_WORKER
async def test_on_postgres_the_migrations_make_the_tables(
    postgres: PostgresServer, postgres_url: str
) -> None:
    migrated = postgres.create()
    await migrate(postgres.url(migrated))
    dialect = postgresql.dialect()
    for table in metadata.sorted_tables:
        for step in (CreateTable(table), *map(CreateIndex, table.indexes)):
            postgres.sql(str(step.compile(dialect=dialect)), database=name_in(postgres_url))

    created = postgres.schema(name_in(postgres_url))

    assert postgres.schema(migrated) == created
    assert "CREATE TABLE" in created


async def test_migrating_again_changes_nothing(database_url: str) -> None:
    assert await migrate(database_url)
    assert not await migrate(database_url)


def test_the_newest_version_is_the_one_that_all_migrations_lead_to() -> None:
    assert newest_version() == ScriptDirectory(MIGRATIONS).get_current_head()


async def test_a_new_database_has_all_of_its_tables_or_none(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    last = f'revision = "9999"\ndown_revision = "{newest_version()}"\ndef upgrade(): raise OSError'
    (tmp_path / "migrations" / "versions" / "9999_cut_short.py").write_text(last)
    with monkeypatch.context() as cut_short:
        cut_short.setattr(schema, "MIGRATIONS", tmp_path / "migrations")
        with pytest.raises(Unusable):
            await migrate(database_url)

    # As another program's it would be refused.
    await execute(database_url, "CREATE TABLE accounts (id integer)")
    await execute(database_url, "DROP TABLE accounts")
    assert await migrate(database_url)


@ONE_WORKER
async def test_of_two_who_start_at_once_on_postgres_one_migrates(postgres_url: str) -> None:
    assert sorted(await asyncio.gather(*(migrate(postgres_url) for _ in range(3)))) == [
        False,
        False,
        True,
    ]


async def test_of_two_who_start_at_once_on_sqlite_one_is_refused(sqlite_path: Path) -> None:
    url = f"sqlite:///{sqlite_path}"

    one, other = await asyncio.gather(open_storage(url), open_storage(url), return_exceptions=True)

    refused, started = sorted((one, other), key=lambda each: not isinstance(each, Unusable))
    assert "Another folkmoot uses" in str(refused)
    await started.check()
    await started.close()


async def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    await migrate(database_url)
    await execute(database_url, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(Unusable, match="newer folkmoot"):
        await open_storage(database_url)
    with pytest.raises(Unusable, match="newer folkmoot"):
        await migrate(database_url)


async def test_a_database_with_the_tables_of_another_program_is_left_alone(
    database_url: str,
) -> None:
    await execute(database_url, "CREATE TABLE messages (theirs integer)")

    with pytest.raises(Unusable, match="another program"):
        await open_storage(database_url)

    await execute(database_url, "INSERT INTO messages (theirs) VALUES (1)")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("not a url", "not a URL"),
        ("mysql://localhost/x", "No database goes by mysql"),
        ("sqlite://", "needs a path"),
        ("sqlite:///:memory:", "needs a path"),
        ("postgresql://postgres@127.0.0.1:1/x", "cannot be used"),
        ("postgresql://postgres:secret@/x?host=/nowhere", "cannot be used"),
    ],
)
async def test_a_url_that_leads_nowhere_is_refused_in_one_sentence(url: str, sentence: str) -> None:
    for enter in (open_storage, migrate):
        with pytest.raises(Unusable, match=sentence) as refused:
            await enter(url)
        assert "secret" not in str(refused.value)
        assert "\n" not in str(refused.value)


@ONE_WORKER
async def test_a_postgres_that_keeps_no_unicode_is_refused(postgres: PostgresServer) -> None:
    name = postgres.create(encoding="SQL_ASCII")

    with pytest.raises(Unusable, match="UTF8"):
        await open_storage(postgres.url(name))


@ONE_WORKER
async def test_a_postgres_without_the_database_is_refused(postgres: PostgresServer) -> None:
    with pytest.raises(Unusable, match="has no database 'nowhere'"):
        await open_storage(postgres.url("nowhere"))


async def execute(url: str, statement: str) -> None:
    """Run a statement past the storage."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.execute(statement)
        connection.commit()
        connection.close()
    else:
        opened = await asyncpg.connect(url)
        await opened.execute(statement)
        await opened.close()


def name_in(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]
