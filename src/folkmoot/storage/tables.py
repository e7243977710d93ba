"""All tables. Only what both drivers take as it is: integers, texts, bytes.

Times are whole microseconds since 1970 in UTC, truths are 0 and 1, and a UUID is its 36
characters: it can travel inside a JSON parameter, is compared as it is, and reads well in a shell.
Every index on `messages` is one more page written at each commit, so there are as few as the
queries need.
"""

from sqlalchemy import (
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
    UniqueConstraint,
)
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
    sqlite_with_rowid=False,
)

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
    sqlite_autoincrement=True,
)

# ``place`` is the order of joining: many may join at the same microsecond.
members = Table(
    "members",
    metadata,
    _of("conversation_id", "conversations.id", is_key=True),
    _of("account_id", "accounts.id", is_key=True),
    Column("place", Integer, nullable=False),
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
    UniqueConstraint("conversation_id", "seq"),
    UniqueConstraint("author_id", "client_id"),
    sqlite_autoincrement=True,
)

# ``subject_id`` is the account that something was done to; ``detail`` a title or an emoji.
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
