"""No statement looks at more of a table than it was asked about, however large the table is."""

import asyncio
import json
import re
import sqlite3
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from folkmoot.storage import migrate
from folkmoot.storage.sql.statements import Statement
from folkmoot.storage.tables import metadata
from tests.postgres import ONE_WORKER, PostgresServer

AREAS = ("accounts", "conversations", "logins", "messages", "social", "timeline", "views")
# Asked once in a while, by an admin or by upkeep; an index would be paid for all day.
MAY_SCAN = {
    "accounts.COUNT",
    "accounts.ACTIVE",
    "accounts.ACTIVE_LOCKED",
    "logins.FORGET_TICKETS",
    "logins.FORGET_LOGINS",
}
IN_ORDER = {"timeline.POSTED", "timeline.CHANGED", "views.NEWEST_FIRST", "views.OLDEST_FIRST"}
"""What its index gives in the order asked for: a page costs the same however long the tale is."""


def _statements() -> Iterator[tuple[str, Statement]]:
    for area in AREAS:
        for name, value in vars(import_module(f"folkmoot.storage.sql.{area}")).items():
            if isinstance(value, Statement):
                yield f"{area}.{name.lstrip('_')}", value


STATEMENTS = dict(_statements())
HOT = sorted(STATEMENTS.keys() - MAY_SCAN)
FILL = """
    INSERT INTO accounts (id, uid, username, username_key, email, email_key, full_name, role,
                          is_active, issuer, subject, created_at)
        SELECT n, 'a' || n, 'a' || n, 'a' || n, 'a' || n, 'a' || n, '', 'user', 1, 'i', 'a' || n, 0
        FROM generate_series(1, 20000) n;
    INSERT INTO conversations (id, uid, kind, created_by, created_at, last_seq, last_activity_at,
                               member_count)
        SELECT n, 'c' || n, 'group', 1, 0, 40, 0, 3 FROM generate_series(1, 20000) n;
    INSERT INTO members (conversation_id, account_id, place, role, joined_at, read_seq,
                         delivered_seq)
        SELECT n, 1 + (n * 7 + m) % 20000, m, 'member', 0, 0, 0
        FROM generate_series(1, 20000) n, generate_series(1, 3) m;
    INSERT INTO messages (uid, conversation_id, seq, author_id, author_kind, kind, content,
                          client_id, created_at)
        SELECT 'm' || c || '-' || s, c, s, 1 + (c + s) % 20000, 'account', 'text', 'words',
               c || '-' || s, 0
        FROM generate_series(1, 1000) c, generate_series(1, 40) s;
    INSERT INTO changes (conversation_id, seq, kind, at, actor_id)
        SELECT c, s, 'renamed', 0, 1 FROM generate_series(1001, 2000) c, generate_series(1, 10) s;
    INSERT INTO reactions (message_id, account_id, emoji, created_at)
        SELECT m, 1 + m % 20000, '+', 0 FROM generate_series(1, 10000) m;
    INSERT INTO blocks (blocker_id, blocked_id, created_at)
        SELECT n, 1 + n % 20000, 0 FROM generate_series(1, 20000) n;
    INSERT INTO logins (uid, account_id, created_at, expires_at)
        SELECT 'l' || n, n, 0, n FROM generate_series(1, 20000) n;
    INSERT INTO refresh_tokens (digest, login_uid)
        SELECT sha256(n::text::bytea), 'l' || n FROM generate_series(1, 20000) n;
    INSERT INTO tickets (digest, login_uid, expires_at)
        SELECT sha256(n::text::bytea), 'l' || n, n FROM generate_series(1, 20000) n;
    ANALYZE;
"""


@pytest.fixture(scope="module")
def filled_postgres(postgres: PostgresServer) -> str:
    """A database in which reading a whole table is never the cheapest way."""
    name = postgres.create()
    asyncio.run(migrate(postgres.url(name)))
    postgres.sql(FILL, database=name)
    return name


@pytest.fixture
async def sqlite_file(sqlite_path: Path) -> Path:
    await migrate(f"sqlite:///{sqlite_path}")
    return sqlite_path


def sqlite_plan(path: Path, statement: Statement) -> list[str]:
    text = statement.sqlite.text
    connection = sqlite3.connect(path)
    rows = connection.execute(f"EXPLAIN QUERY PLAN {text}", [None] * text.count("?")).fetchall()
    connection.close()
    return [row[3] for row in rows]


def postgres_plan(server: PostgresServer, database: str, statement: Statement) -> list[Any]:
    """Every step of the plan."""
    said = server.sql(
        f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {statement.postgres.text}", database=database
    )
    steps = []

    def walk(step: dict[str, Any]) -> None:
        steps.append(step)
        for below in step.get("Plans", []):
            walk(below)

    walk(json.loads(said)[0]["Plan"])
    return steps


@pytest.mark.parametrize("name", HOT)
async def test_on_sqlite_no_table_is_scanned(sqlite_file: Path, name: str) -> None:
    plan = sqlite_plan(sqlite_file, STATEMENTS[name])

    tables = "|".join([*metadata.tables, "replied", "theirs"])
    assert not [step for step in plan if re.match(rf"SCAN ({tables})\b", step)]
    if name in IN_ORDER:
        assert not [step for step in plan if "TEMP B-TREE" in step]


@ONE_WORKER
@pytest.mark.parametrize("name", HOT)
def test_on_postgres_no_table_is_scanned(
    postgres: PostgresServer, filled_postgres: str, name: str
) -> None:
    plan = postgres_plan(postgres, filled_postgres, STATEMENTS[name])

    assert not [step for step in plan if step["Node Type"] == "Seq Scan"]
    indexed = [step for step in plan if "Index" in step["Node Type"]]
    assert all("Index Cond" in step or "Recheck Cond" in step for step in indexed)
    if name in IN_ORDER:
        assert not [step for step in plan if step["Node Type"] == "Sort"]
