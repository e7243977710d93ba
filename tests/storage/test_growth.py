"""A database of an earlier version grows into this one, and keeps everything."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from folkmoot.core.conversations.model import Desk
from folkmoot.core.messages.model import Body
from folkmoot.core.messages.owed_answers import ANSWER, OwedAnswer
from folkmoot.core.messages.views import SearchQuery
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.core.shared.pages import Page
from folkmoot.core.tasks.model import TaskCounts
from folkmoot.core.work import Storage, UnitOfWork
from folkmoot.storage import migrate, schema
from folkmoot.storage.tables import BUNDLE, is_compared, metadata
from folkmoot.storage.times import to_micros
from tests.cast import NOON
from tests.patience import opened_patiently

ANA, LOBBY, HELP = AccountId(1), ConversationId(1), ConversationId(2)
SAID = 2 * BUNDLE + 10
AT = to_micros(NOON)
HOUR = timedelta(hours=1)


def first_tables(connection: Connection) -> None:
    """Make the tables of the first version."""
    _upgrade(connection, "0001")


def tables_before_tasks(connection: Connection) -> None:
    """Make the tables of the last version that had no tasks."""
    _upgrade(connection, "0004")


def _upgrade(connection: Connection, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def first_rows(connection: Connection) -> None:
    """Ana and Bo talk in the LOBBY, and something was deleted; there is a session, too."""
    for n, name in enumerate(("ana", "bo"), 1):
        insert(connection, "accounts", id=n, uid=f"a{n}", username=name, username_key=name,
               email=name, email_key=name, full_name="", role="user", is_active=1,
               created_at=AT)  # fmt: skip
    for n, (kind, last_seq) in enumerate((("group", SAID + 1), ("session", 2)), 1):
        insert(connection, "conversations", id=n, uid=f"c{n}", kind=kind, title=kind, created_by=1,
               created_at=AT, last_seq=last_seq, last_activity_at=AT, member_count=2)  # fmt: skip
        for m in (1, 2):
            joined = {"place": m, "joined_at": AT}
            insert(connection, "members", conversation_id=n, account_id=m, role="owner", **joined,
                   read_seq=1, delivered_seq=1)  # fmt: skip
    for seq in range(1, SAID + 1):
        say(connection, seq, LOBBY, seq, f"Crème no{seq}", deleted_at=AT if seq == 3 else None)
    for seq in (1, 2):
        say(connection, SAID + seq, HELP, seq, "a broken kettle", deleted_at=None)
    insert(connection, "changes", conversation_id=1, seq=SAID + 1, kind="renamed", at=AT,
           actor_id=1, detail="LOBBY")  # fmt: skip


def owed_rows(connection: Connection) -> None:
    """Of two questions in the session, the assistant has begun to answer the first."""
    for number, begun in ((SAID + 1, {"uid": "answer", "text": 'it was "be'}), (SAID + 2, {})):
        insert(connection, "owed_answers", question_id=number, conversation_id=HELP, ownership=3,
               **{"text": "", **begun})  # fmt: skip


def say(connection: Connection, number: int, where: int, seq: int, said: str, **row: Any) -> None:
    said = "" if row["deleted_at"] else said
    insert(connection, "messages", id=number, uid=f"m{number}", conversation_id=where, seq=seq,
           author_id=1, author_kind="account", kind="text", content=said,
           created_at=AT + seq, **row)  # fmt: skip


def insert(connection: Connection, table: str, **row: Any) -> None:
    row = {name: value for name, value in row.items() if value is not None}
    values = ", ".join(f"'{value}'" if isinstance(value, str) else str(value)
                       for value in row.values())  # fmt: skip
    connection.exec_driver_sql(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})")


async def run(url: str, *steps: Callable[[Connection], Any]) -> Any:
    """What the last step returns; all of them are one transaction."""
    if url.startswith("sqlite"):
        engine = create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            return [step(connection) for step in steps][-1]

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(url)

    grown = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    async with grown.begin() as opened:
        return [await opened.run_sync(step) for step in steps][-1]


@pytest.fixture
async def grown_url(database_url: str) -> str:
    """A database of the first version with something in it, brought up to date."""
    await run(database_url, first_tables, first_rows)
    assert await migrate(database_url)
    return database_url


async def look(storage: Storage, job: Callable[[UnitOfWork], Any]) -> Any:
    async def looking(work: UnitOfWork) -> Any:
        return await job(work)

    return await storage.read(looking)


async def test_everything_that_was_said_is_there_and_found(grown_url: str) -> None:
    storage = await opened_patiently(grown_url)

    async def found(words: str) -> list[int]:
        hits = await look(storage, lambda work: work.search.find(ANA, SearchQuery(words, 999)))
        return sorted(hit.message.id for hit in hits)

    page = await look(storage, lambda work: work.views.page(LOBBY, Page(999)))
    timeline = await look(storage, lambda work: work.timeline.after(LOBBY, 0, limit=999))
    assert [message.seq for message in page] == list(range(1, SAID + 1))
    assert [event.seq for event in timeline] == list(range(1, SAID + 2))
    assert (page[0].body.content, page[2].is_deleted) == ("Crème no1", True)
    assert (page[0].body.attachment, page[0].body.mentions, page[0].body.labels) == (None, (), {})
    for seq in (1, 2, 4, BUNDLE, BUNDLE + 1, 2 * BUNDLE, 2 * BUNDLE + 1, SAID):
        assert seq in await found(f"creme no{seq}")
    assert 3 not in await found("no3")
    assert len(await found("kettle")) == 2
    await storage.close()


async def test_a_session_has_a_desk_afterwards(grown_url: str) -> None:
    storage = await opened_patiently(grown_url)

    heads = await look(storage, lambda work: work.conversations.heads([LOBBY, HELP]))

    started_at = NOON.replace(microsecond=1)
    assert heads[HELP].desk == Desk(None, False, started_at, None, 2)
    assert heads[LOBBY].desk is None
    await storage.close()


async def test_what_is_said_next_is_found_with_what_was_said_before(grown_url: str) -> None:
    storage = await opened_patiently(grown_url)

    async def edit(work: UnitOfWork) -> None:
        (head,) = (await work.conversations.heads([LOBBY])).values()
        for number in (1, SAID):
            (message,) = (await work.messages.named(head.id, [number])).values()
            await work.messages.edit(message.id, Body(content="a new kettle"), NOON)

    await storage.write(edit)
    hits = await look(storage, lambda work: work.search.find(ANA, SearchQuery("kettle", 99)))
    assert sorted(hit.message.id for hit in hits) == [1, SAID, SAID + 1, SAID + 2]
    assert not await look(storage, lambda work: work.search.find(ANA, SearchQuery("no1 creme", 99)))
    await storage.close()


async def test_alembic_finds_nothing_to_do(database_url: str) -> None:
    await migrate(database_url)

    def differences(connection: Connection) -> list[Any]:
        is_sqlite = connection.dialect.name == "sqlite"
        options = {"include_object": is_compared} if is_sqlite else {}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    assert await run(database_url, differences) == []


async def test_the_assistant_still_owes_what_it_owed_and_in_the_same_order(
    database_url: str,
) -> None:
    await run(database_url, tables_before_tasks, first_rows, owed_rows)
    storage = await opened_patiently(database_url)

    async def next_owed(work: UnitOfWork) -> OwedAnswer:
        taken = await work.tasks.take(ANSWER, "one", at=NOON + HOUR, until=NOON + HOUR, limit=9)
        (task,) = taken.tasks
        await work.tasks.complete(task)
        return OwedAnswer.of(task.payload)

    waiting = await look(storage, lambda work: work.tasks.counts())
    owed = [await storage.write(next_owed) for _ in range(2)]

    assert waiting == [TaskCounts(ANSWER, 2, 0, 0, NOON.replace(microsecond=1))]
    first, second = (MessageId(SAID + 1), MessageId(SAID + 2))
    next_one = OwedAnswer(question_id=second, conversation_id=HELP, ownership=3)
    begun = replace(next_one, question_id=first, uid=Uid("answer"), text='it was "be')
    assert owed == [begun, next_one]
    await storage.close()
