"""What is kept: tables of frozen rows, and a journal that can take everything back."""

from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from folkmoot.core.accounts.model import Account, Login
from folkmoot.core.conversations.model import Conversation, MemberRole
from folkmoot.core.messages.model import AuthorKind, MessageBody, Upload
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.core.social.model import Invitation, MarksAtBlock, RequestStatus
from folkmoot.core.tasks.model import NewTask, Payload, TaskId
from folkmoot.storage.changes import Change
from folkmoot.storage.errors import ReadingOnly

Key = TypeVar("Key")
Row = TypeVar("Row")


class Journal:
    """How to take back what the unit of work at hand has done; closed between units."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] | None = None

    def open(self) -> None:
        """Let rows be written from here on."""
        self._steps = []

    def note(self, step: Callable[[], object]) -> None:
        """Remember how to take back one change."""
        if self._steps is None:
            raise ReadingOnly("a reading job tried to write")
        self._steps.append(step)

    def close(self, *, undoing: bool) -> None:
        """End the unit of work; ``undoing`` makes it as if it had never begun."""
        steps, self._steps = self._steps or [], None
        if undoing:
            for step in reversed(steps):
                step()


class Table(MutableMapping[Key, Row]):
    """Frozen rows by key; every change goes into the journal."""

    def __init__(self, journal: Journal) -> None:
        self._rows: dict[Key, Row] = {}
        self._journal = journal

    def __getitem__(self, key: Key) -> Row:
        return self._rows[key]

    def __setitem__(self, key: Key, row: Row) -> None:
        rows = self._rows
        if key in rows:
            before = rows[key]
            self._journal.note(lambda: rows.__setitem__(key, before))
        else:
            self._journal.note(lambda: rows.pop(key))
        rows[key] = row

    def __delitem__(self, key: Key) -> None:
        rows, before = self._rows, self._rows[key]
        self._journal.note(lambda: rows.__setitem__(key, before))
        del rows[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account with what is nobody's business."""

    account: Account
    password_hash: str | None = field(repr=False)
    issuer: str | None
    subject: str | None


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A membership, present or past."""

    position: int
    role: MemberRole
    joined_at: datetime
    left_at: datetime | None = None
    read_seq: int = 0
    read_at: datetime | None = None
    delivered_seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """A message; its author is only named, for how they are shown can change."""

    uid: Uid
    conversation_id: ConversationId
    seq: int
    author_id: AccountId | None
    author_kind: AuthorKind
    body: MessageBody
    client_id: str | None
    created_at: datetime
    edited_at: datetime | None = None
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A friend request; the two are only named."""

    sender_id: AccountId
    receiver_id: AccountId
    status: RequestStatus
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task; ``due_at`` is when it may be taken: while it is held, when its lease ends."""

    new: NewTask
    payload: Payload
    due_at: datetime
    attempts: int = 0
    holder: str | None = None
    died_at: datetime | None = None
    error: str | None = None


class State:
    """All tables, with those that find rows by something other than their number."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.uid = "memory"

        def table() -> Table[Any, Any]:
            return Table(self.journal)

        self.counters: Table[str, int] = table()
        self.accounts: Table[AccountId, AccountRow] = table()
        self.account_ids: Table[tuple[str, ...], AccountId] = table()
        self.logins: Table[Uid, Login] = table()
        self.refresh_tokens: Table[bytes, tuple[Uid, datetime | None]] = table()
        self.tickets: Table[bytes, tuple[Uid, datetime]] = table()
        self.requests: Table[Uid, RequestRow] = table()
        self.request_ids: Table[tuple[AccountId, AccountId], Uid] = table()
        self.blocks: Table[tuple[AccountId, AccountId], datetime] = table()
        self.invitations: Table[tuple[AccountId, ConversationId], Invitation] = table()
        self.block_marks: Table[tuple[AccountId, AccountId], dict[ConversationId, MarksAtBlock]] = (
            table()
        )
        self.conversations: Table[ConversationId, Conversation] = table()
        self.conversation_ids: Table[Uid, ConversationId] = table()
        self.directs: Table[tuple[AccountId, AccountId], ConversationId] = table()
        self.reads: Table[tuple[ConversationId, AccountId], dict[int, datetime]] = table()
        self.members: Table[ConversationId, dict[AccountId, MemberRow]] = table()
        self.memberships: Table[AccountId, frozenset[ConversationId]] = table()
        self.messages: Table[MessageId, MessageRow] = table()
        self.message_ids: Table[Uid, MessageId] = table()
        self.by_client_id: Table[tuple[AccountId, str], MessageId] = table()
        self.timeline: Table[tuple[ConversationId, int], MessageId | Change] = table()
        self.reactions: Table[MessageId, dict[tuple[AccountId, str], datetime]] = table()
        self.tasks: Table[TaskId, TaskRow] = table()
        self.task_ids: Table[tuple[str, str], TaskId] = table()
        self.uploads: Table[Uid, Upload] = table()
        self.attachments: Table[tuple[Uid, MessageId], None] = table()

    def next_number(self, of: str) -> int:
        """A number never given before."""
        self.counters[of] = self.counters.get(of, 0) + 1
        return self.counters[of]
