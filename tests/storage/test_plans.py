"""No statement looks at more of a table than it was asked about, however large the table is."""

import asyncio
import json
import re
import sqlite3
from collections.abc import Iterator
from importlib import import_module
from itertools import product
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest

from folkmoot.storage import migrate, sql
from folkmoot.storage.sql.desks import listed
from folkmoot.storage.sql.statements import Statement
from folkmoot.storage.tables import CREATE_WORD_TABLE, WORD_TABLE, metadata
from tests.postgres import ONE_WORKER, PostgresServer

# Asked once in a while, by an admin, by upkeep or for `/stat`; an index would be paid for all day.
MAY_SCAN = {
    "accounts.COUNT",
    "views.TOTALS",
    "accounts.ACTIVE",
    "accounts.ACTIVE_LOCKED",
    "attachments.LOOSE",
    "logins.FORGET_TICKETS",
    "logins.FORGET_LOGINS",
    "tasks.COUNTS",
    "tasks.RELEASE",
    "indexing.DONE",  # a table of one row
    "indexing.LOWER",
    "indexing.OUTDATED",
    "work.MARK",  # a table of one row, and the end of a key
}
# Of all sessions only a look at each can tell which are the newest, as `tables` has no index that
# is written with each message. It is a look into an index with nothing else in it.
ASK_ABOUT_ALL_SESSIONS = {
    "customers.CALLERS",
    "desks.listed(member=False, owner=False, unassigned=False, closed=None)",
    "desks.listed(member=False, owner=False, unassigned=True, closed=None)",
}
OF_SESSIONS_ONLY = {"ix_conversations_open", "ix_conversations_owner"}
IN_ORDER = {
    "timeline.POSTED",
    "timeline.CHANGED",
    "views.NEWEST_FIRST",
    "views.OLDEST_FIRST",
    "tasks.DUE",
    "tasks.NEXT_DUE",
}
"""What its index gives in the order asked for: a page costs the same however long the tale is."""
ON_SQLITE_ONLY = {
    "indexing.DROP",
    "indexing.FORGET",
    "indexing.INDEX_BEFORE",
    "indexing.NEWEST",
    "search.IN_TABLE_BEFORE",
    "search.SINCE",
}
IMPORTED = {"views.CALLERS"}


def _statements() -> Iterator[tuple[str, Statement]]:
    for area in iter_modules(sql.__path__):
        module = import_module(f"{sql.__name__}.{area.name}")
        for name, value in vars(module).items():
            if isinstance(value, Statement) and f"{area.name}.{name}" not in IMPORTED:
                yield f"{area.name}.{name.lstrip('_')}", value
    for of_member, of_owner, unassigned, closed in product(
        (False, True), (False, True), (False, True), (None, False, True)
    ):
        which = f"member={of_member}, owner={of_owner}, unassigned={unassigned}, closed={closed}"
        yield (
            f"desks.listed({which})",
            listed(of_member=of_member, of_owner=of_owner, unassigned=unassigned, closed=closed),
        )


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
    INSERT INTO conversations (id, uid, kind, created_by, created_at, last_seq, last_activity_at,
                               member_count, direct_low, direct_high)
        SELECT 20000 + n, 'd' || n, 'direct', n, 0, 0, 0, 2, n, n + 1
        FROM generate_series(1, 19000) n;
    INSERT INTO conversations (id, uid, kind, created_by, created_at, last_seq, last_activity_at,
                               member_count, message_count, assistant_on, closed_at)
        SELECT 40000 + n, 's' || n, 'session', n, 0, 0, 0, 2, 0, 0, NULLIF(n % 20, 0)
        FROM generate_series(1, 100) n;
    INSERT INTO members (conversation_id, account_id, place, role, joined_at, read_seq,
                         delivered_seq)
        SELECT n, 1 + (n * 7 + m) % 20000, m, 'member', 0, 0, 0
        FROM generate_series(1, 20000) n, generate_series(1, 3) m;
    INSERT INTO members (conversation_id, account_id, place, role, joined_at, read_seq,
                         delivered_seq)
        SELECT 20000 + n, n + m, m, 'member', 0, 0, 0
        FROM generate_series(1, 19000) n, generate_series(0, 1) m;
    INSERT INTO messages (uid, conversation_id, seq, author_id, author_kind, kind, content,
                          client_id, created_at, words)
        SELECT 'm' || c || '-' || s, c, s, 1 + (c + s) % 20000, 'account', 'text', 'words',
               c || '-' || s, 0, to_tsvector('simple', 'word' || c * 40 + s)
        FROM generate_series(1, 1000) c, generate_series(1, 40) s;
    INSERT INTO changes (conversation_id, seq, kind, at, actor_id)
        SELECT c, s, 'renamed', 0, 1 FROM generate_series(1001, 2000) c, generate_series(1, 10) s;
    INSERT INTO reactions (message_id, account_id, emoji, created_at)
        SELECT m, 1 + m % 20000, '+', 0 FROM generate_series(1, 10000) m;
    INSERT INTO reads (conversation_id, account_id, up_to_seq, at)
        SELECT 20000 + n, n, s, 0 FROM generate_series(1, 2000) n, generate_series(1, 10) s;
    INSERT INTO blocks (blocker_id, blocked_id, created_at)
        SELECT n, 1 + n % 20000, 0 FROM generate_series(1, 20000) n;
    INSERT INTO invitations (account_id, conversation_id, inviter_id, created_at)
        SELECT 1 + n % 20000, n, n, 0 FROM generate_series(1, 20000) n;
    INSERT INTO block_marks (blocked_id, blocker_id, conversation_id, read_seq, delivered_seq)
        SELECT 1 + n % 20000, n, n, 0, 0 FROM generate_series(1, 20000) n;
    INSERT INTO friend_requests (uid, sender_id, receiver_id, low_id, high_id, status, created_at)
        SELECT 'f' || n, n, n + 1, n, n + 1, 'accepted', 0 FROM generate_series(1, 19000) n;
    INSERT INTO uploads (uid, owner_id, name, size, media_type, digest, created_at, has_thumbnail)
        SELECT 'u' || n, n, 'n', 1, 't', 'd', n, 0 FROM generate_series(1, 20000) n;
    INSERT INTO attachments (upload_uid, message_id)
        SELECT 'u' || n, n FROM generate_series(1, 20000) n;
    INSERT INTO tasks (kind, key, payload, ordering_key, due_at, max_attempts, attempts)
        SELECT 'k' || n % 4, n, '{}', n % 5000, n, 9, 0 FROM generate_series(1, 20000) n;
    INSERT INTO logins (uid, account_id, created_at, expires_at)
        SELECT 'l' || n, n, 0, n FROM generate_series(1, 20000) n;
    INSERT INTO refresh_tokens (digest, login_uid)
        SELECT sha256(n::text::bytea), 'l' || n FROM generate_series(1, 20000) n;
    INSERT INTO tickets (digest, login_uid, expires_at)
        SELECT sha256(n::text::bytea), 'l' || n, n FROM generate_series(1, 20000) n;
"""


@pytest.fixture(scope="module")
def filled_postgres(postgres: PostgresServer) -> str:
    """A database in which reading a whole table is never the cheapest way."""
    name = postgres.create()
    asyncio.run(migrate(postgres.url(name)))
    postgres.sql(FILL, database=name)
    # With what is in it by now, not with what will be once the server gets round to it.
    postgres.sql("VACUUM ANALYZE", database=name)
    return name


def sqlite_plan(path: Path, statement: Statement) -> list[str]:
    text = statement.sqlite.text
    connection = sqlite3.connect(path)
    # There only while words are gathered anew; it is not kept.
    connection.execute("BEGIN")
    connection.execute(CREATE_WORD_TABLE.replace(WORD_TABLE, f"{WORD_TABLE}_before"))
    rows = connection.execute(f"EXPLAIN QUERY PLAN {text}", [None] * text.count("?")).fetchall()
    connection.close()
    return [row[3] for row in rows]


def sqlite_scans(plan: list[str], statement: Statement) -> list[str]:
    """The steps that walk through a table, whatever the statement calls it."""
    tables = "|".join(metadata.tables)
    aliases = re.findall(rf"\b(?:{tables}) AS (\w+)", statement.sqlite.text)
    names = "|".join([*metadata.tables, *aliases])
    return [step for step in plan if re.match(rf"SCAN ({names})\b", step)]


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


def postgres_scans(plan: list[Any]) -> list[str]:
    """The tables and indexes that are walked through from end to end."""
    walked = [
        step.get("Index Name", step["Node Type"])
        for step in plan
        if "Index" in step["Node Type"] and "Index Cond" not in step
    ]
    return walked + [step["Relation Name"] for step in plan if step["Node Type"] == "Seq Scan"]


@pytest.mark.parametrize("name", HOT)
async def test_on_sqlite_no_table_is_scanned(migrated_sqlite: Path, name: str) -> None:
    plan = sqlite_plan(migrated_sqlite, STATEMENTS[name])

    scanned = sqlite_scans(plan, STATEMENTS[name])
    if name in ASK_ABOUT_ALL_SESSIONS:
        (walk,) = scanned
        assert walk.split()[-1] in OF_SESSIONS_ONLY
    else:
        assert not scanned
    if name in IN_ORDER:
        assert not [step for step in plan if "TEMP B-TREE" in step]


@ONE_WORKER
@pytest.mark.parametrize("name", [name for name in HOT if name not in ON_SQLITE_ONLY])
def test_on_postgres_no_table_is_scanned(
    postgres: PostgresServer, filled_postgres: str, name: str
) -> None:
    plan = postgres_plan(postgres, filled_postgres, STATEMENTS[name])

    # It takes it that sessions are as often open as groups are, which never close, and that there
    # are so few that the index of open ones, or of a member's conversations, saves nothing.
    allowed = OF_SESSIONS_ONLY if name.startswith(("customers.", "desks.")) else set()
    assert set(postgres_scans(plan)) <= allowed
    if name in IN_ORDER:
        assert not [step for step in plan if step["Node Type"] == "Sort"]


def test_every_exception_is_a_statement_of_ours() -> None:
    excepted = MAY_SCAN | ASK_ABOUT_ALL_SESSIONS | IN_ORDER | ON_SQLITE_ONLY

    assert excepted <= STATEMENTS.keys()


def test_on_sqlite_words_are_looked_up_first_and_newest_first(migrated_sqlite: Path) -> None:
    plan = sqlite_plan(migrated_sqlite, STATEMENTS["search.IN_TABLE_OR_COLUMN"])

    assert plan[0].startswith(f"SCAN {WORD_TABLE} VIRTUAL TABLE")
    assert not [step for step in plan if "TEMP B-TREE" in step]


def test_on_sqlite_what_is_unread_of_a_customer_is_counted_from_the_mark_on(
    migrated_sqlite: Path,
) -> None:
    plan = sqlite_plan(migrated_sqlite, STATEMENTS["customers.CALLERS"])

    (said,) = [step for step in plan if step.startswith("SEARCH said")]
    assert said.endswith("(conversation_id=? AND seq>?)")


def test_this_sqlite_has_what_the_table_of_words_needs() -> None:
    with sqlite3.connect(":memory:") as connection:
        options = {row[0] for row in connection.execute("PRAGMA compile_options")}

    assert "ENABLE_FTS5" in options
