"""All tables. Only what both drivers take as it is: integers, texts, bytes.

Times are whole microseconds since 1970 in UTC, truths are 0 and 1, and a UUID is its 36
characters: it can travel inside a JSON parameter, is compared as it is, and reads well in a shell.
Every index on `messages` is one more page written at each commit, so there are as few as the
queries need. What only one kind of conversation or message has is NULL in all others.
"""

from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    TextClause,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateColumn, SchemaItem
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# SQLite gives numbers of its own accord only to a column that is called just INTEGER.
Number: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")


def _number() -> Column[int]:
    """A primary key that the database counts up and never gives twice."""
    return Column("id", Number, Identity(), primary_key=True)


def _of(name: str, target: str, *, is_key: bool = False, nullable: bool = False) -> Column[int]:
    return Column(
        name,
        BigInteger,
        ForeignKey(target),
        primary_key=is_key,
        nullable=nullable,
        autoincrement=False,
    )


def _partial(name: str, where: TextClause, *columns: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


accounts = Table(
    "accounts",
    metadata,
    _number(),
    Column("uid", Text, nullable=False, unique=True),
    Column("username", Text, nullable=False),
    Column("username_key", Text, nullable=False, unique=True),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False, unique=True),
    Column("full_name", Text, nullable=False),
    Column("avatar", Text),
    Column("role", Text, nullable=False),
    Column("is_active", SmallInteger, nullable=False),
    Column("password_hash", Text),
    Column("issuer", Text),
    Column("subject", Text),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("issuer", "subject"),
    sqlite_autoincrement=True,
)

logins = Table(
    "logins",
    metadata,
    Column("uid", Text, primary_key=True),
    _of("account_id", "accounts.id"),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Index(None, "account_id"),
    sqlite_with_rowid=False,
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("login_uid", Text, ForeignKey("logins.uid", ondelete="CASCADE"), nullable=False),
    Column("used_at", BigInteger),
    Index(None, "login_uid"),
    sqlite_with_rowid=False,
)

tickets = Table(
    "tickets",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("login_uid", Text, ForeignKey("logins.uid", ondelete="CASCADE"), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index(None, "login_uid"),
    sqlite_with_rowid=False,
)

blocks = Table(
    "blocks",
    metadata,
    _of("blocker_id", "accounts.id", is_key=True),
    _of("blocked_id", "accounts.id", is_key=True),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "blocked_id"),
    sqlite_with_rowid=False,
)

# How far the blocker had come in what the two shared: all that the blocked one is shown of it.
block_marks = Table(
    "block_marks",
    metadata,
    _of("blocked_id", "accounts.id", is_key=True),
    _of("blocker_id", "accounts.id", is_key=True),
    _of("conversation_id", "conversations.id", is_key=True),
    Column("read_seq", BigInteger, nullable=False),
    Column("read_at", BigInteger),
    Column("delivered_seq", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Groups into which somebody is asked whom they would not be put into unasked.
invitations = Table(
    "invitations",
    metadata,
    _of("account_id", "accounts.id", is_key=True),
    _of("conversation_id", "conversations.id", is_key=True),
    _of("inviter_id", "accounts.id"),
    Column("created_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Whoever asks says the same in these very words, or the index is not used. No index has
# ``last_activity_at``: it would be written anew with each message.
among_directs = text("direct_low IS NOT NULL")
among_sessions = text("kind = 'session'")

conversations = Table(
    "conversations",
    metadata,
    _number(),
    Column("uid", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("title", Text),
    _of("created_by", "accounts.id"),
    Column("created_at", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("last_activity_at", BigInteger, nullable=False),
    Column("member_count", Integer, nullable=False),
    # The two of a direct conversation, the lower number first.
    Column("direct_low", BigInteger),
    Column("direct_high", BigInteger),
    # The desk of a session.
    Column("agent_id", BigInteger),
    Column("assistant_on", SmallInteger),
    Column("started_at", BigInteger),
    Column("closed_at", BigInteger),
    Column("message_count", BigInteger),
    Column("ownership", BigInteger),
    Column("taken_over", SmallInteger),
    Column("left_to_people", SmallInteger),
    _partial("ix_conversations_direct", among_directs, "direct_low", "direct_high", unique=True),
    _partial("ix_conversations_direct_high", among_directs, "direct_high"),
    _partial("ix_conversations_open", among_sessions, "closed_at"),
    _partial("ix_conversations_owner", among_sessions, "created_by"),
    sqlite_autoincrement=True,
)

# ``position`` is the order of joining: many may join at the same microsecond.
members = Table(
    "members",
    metadata,
    _of("conversation_id", "conversations.id", is_key=True),
    _of("account_id", "accounts.id", is_key=True),
    Column("place", Integer, key="position", nullable=False),
    Column("role", Text, nullable=False),
    Column("joined_at", BigInteger, nullable=False),
    Column("left_at", BigInteger),
    Column("read_seq", BigInteger, nullable=False),
    Column("read_at", BigInteger),
    Column("delivered_seq", BigInteger, nullable=False),
    Index(None, "account_id"),
    sqlite_with_rowid=False,
)

messages = Table(
    "messages",
    metadata,
    _number(),
    Column("uid", Text, nullable=False, unique=True),
    _of("conversation_id", "conversations.id"),
    Column("seq", BigInteger, nullable=False),
    _of("author_id", "accounts.id", nullable=True),
    Column("author_kind", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("client_id", Text),
    _of("reply_to_id", "messages.id", nullable=True),
    Column("created_at", BigInteger, nullable=False),
    Column("edited_at", BigInteger),
    Column("deleted_at", BigInteger),
    # JSON.
    Column("attachment", Text),
    Column("mentions", Text),
    Column("labels", Text),
    Column("words", TSVECTOR),
    Index("ix_messages_words", "words", postgresql_using="gin").ddl_if("postgresql"),
    UniqueConstraint("conversation_id", "seq"),
    UniqueConstraint("author_id", "client_id"),
    sqlite_autoincrement=True,
)

# ``due_at`` is when a task may be taken: while it is held, when its lease ends. ``id`` is the order
# in which tasks were added.
among_living = text("died_at IS NULL")

tasks = Table(
    "tasks",
    metadata,
    _number(),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    # JSON.
    Column("payload", Text, nullable=False),
    Column("ordering_key", Text),
    Column("due_at", BigInteger, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("holder", Text),
    Column("died_at", BigInteger),
    Column("error", Text),
    UniqueConstraint("kind", "key"),
    _partial("ix_tasks_due", among_living, "kind", "due_at", "id"),
    _partial("ix_tasks_ordering", among_living, "kind", "ordering_key", "id"),
    sqlite_autoincrement=True,
)

# ``subject_id`` is the account that something was done to; ``detail`` a title, an emoji, or on.
changes = Table(
    "changes",
    metadata,
    _of("conversation_id", "conversations.id", is_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    _of("actor_id", "accounts.id"),
    _of("message_id", "messages.id", nullable=True),
    _of("subject_id", "accounts.id", nullable=True),
    Column("detail", Text),
    sqlite_with_rowid=False,
)

reactions = Table(
    "reactions",
    metadata,
    _of("message_id", "messages.id", is_key=True),
    _of("account_id", "accounts.id", is_key=True),
    Column("emoji", Text, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Only of direct conversations: when a member had read up to where.
reads = Table(
    "reads",
    metadata,
    _of("conversation_id", "conversations.id", is_key=True),
    _of("account_id", "accounts.id", is_key=True),
    Column("up_to_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# ``low_id`` and ``high_id`` are the two again, the lower number first, until it is declined.
friend_requests = Table(
    "friend_requests",
    metadata,
    Column("uid", Text, primary_key=True),
    _of("sender_id", "accounts.id"),
    _of("receiver_id", "accounts.id"),
    Column("low_id", BigInteger),
    Column("high_id", BigInteger),
    Column("status", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    UniqueConstraint("low_id", "high_id"),
    Index(None, "high_id"),
    sqlite_with_rowid=False,
)

uploads = Table(
    "uploads",
    metadata,
    Column("uid", Text, primary_key=True),
    _of("owner_id", "accounts.id"),
    Column("name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("has_thumbnail", SmallInteger, nullable=False),
    Index(None, "owner_id"),
    sqlite_with_rowid=False,
)

# Which upload hangs on which message; a message says the rest itself.
attachments = Table(
    "attachments",
    metadata,
    Column("upload_uid", Text, ForeignKey("uploads.uid"), primary_key=True),
    _of("message_id", "messages.id", is_key=True),
    Index(None, "message_id"),
    sqlite_with_rowid=False,
)

# One row, made with the tables and never changed: by it a database is told from any other.
installation = Table("installation", metadata, Column("uid", Text, primary_key=True))

# One row while messages up to this number have words that an earlier version kept: they are
# gathered anew, the newest first. On SQLite those are in a table of their own until then.
outdated_words = Table(
    "outdated_words",
    metadata,
    Column("up_to", BigInteger, primary_key=True, autoincrement=False),
)

# SQLite keeps the words of messages apart, by the message's number, and PostgreSQL in a column.
# They come in the one form that `words` gives them, so all that is left to do is to split them.
# In SQLite's table are those of whole bundles of messages: numbers 1 to 128 first, and so on.
BUNDLE = 128
"""What is in the table already follows from it: it never changes."""
WORD_TABLE = "message_words"
CREATE_WORD_TABLE = (
    f"CREATE VIRTUAL TABLE {WORD_TABLE} "
    "USING fts5(words, content='', columnsize=0, detail=none, tokenize='ascii')"
)
_create_word_table = DDL(CREATE_WORD_TABLE)  # type: ignore[no-untyped-call] # so in SQLAlchemy
event.listen(messages, "after_create", _create_word_table.execute_if(dialect="sqlite"))


@compiles(CreateColumn, "sqlite")
def _without_vectors(create: CreateColumn, compiler: DDLCompiler, **options: Any) -> str | None:
    if isinstance(create.element.type, TSVECTOR):
        return None
    as_usual: str = compiler.visit_create_column(create, **options)  # type: ignore[no-untyped-call] # so in SQLAlchemy
    return as_usual


def is_compared(
    thing: SchemaItem, name: str | None, kind: str, _reflected: bool, _other: SchemaItem | None
) -> bool:
    """Whether alembic should look for this in a SQLite file, which keeps words in its own way."""
    if kind == "table":
        return not (name or "").startswith(WORD_TABLE)
    columns = thing.columns if isinstance(thing, Index) else [thing]
    return not any(isinstance(getattr(each, "type", None), TSVECTOR) for each in columns)
