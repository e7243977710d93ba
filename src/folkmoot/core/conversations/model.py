"""Conversations and members as they are, and the rules about them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from folkmoot.core.accounts.model import Person, Role
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.core.shared.texts import trimmed

MAX_TITLE_CHARS = 200
MIN_MEMBERS = 2
MAX_MEMBERS = 500


class Kind(StrEnum):
    """What sort of conversation it is; it never changes."""

    GROUP = "group"
    DIRECT = "direct"
    SESSION = "session"


class MemberRole(StrEnum):
    """What a member is in one conversation."""

    OWNER = "owner"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation's head. ``last_seq`` is the place of its newest durable change, 0 at first."""

    id: ConversationId
    uid: Uid
    kind: Kind
    title: str | None
    created_by: AccountId
    created_at: datetime
    last_seq: int
    last_activity_at: datetime
    member_count: int

    @property
    def is_two_party(self) -> bool:
        """Whether a block between its two members silences it, instead of hiding one of them."""
        return self.member_count <= MIN_MEMBERS


@dataclass(frozen=True, slots=True)
class NewConversation:
    """A conversation about to be stored with its first members."""

    uid: Uid
    kind: Kind
    title: str | None
    created_by: AccountId
    created_at: datetime
    members: tuple[AccountId, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """A present member of one conversation, and how far they have read it.

    The watermarks say: everything up to this ``seq`` was read by, or handed to, them.
    """

    conversation_id: ConversationId
    person: Person
    role: MemberRole
    joined_at: datetime
    read_seq: int
    read_at: datetime | None
    delivered_seq: int


@dataclass(frozen=True, slots=True)
class ReadMark:
    """A member's claim to have read a conversation up to a place."""

    conversation_id: ConversationId
    account_id: AccountId
    up_to_seq: int


@dataclass(frozen=True, slots=True)
class Head:
    """The new end of a conversation's timeline after a batch of durable changes."""

    conversation_id: ConversationId
    last_seq: int
    at: datetime


def checked_title(title: str | None) -> str | None:
    """The title as it is stored; an empty one counts as none."""
    if title is None or not title.strip():
        return None
    return trimmed(title, field="title", max_chars=MAX_TITLE_CHARS)


def may_moderate(member: Member) -> bool:
    """Whether the member may remove what others wrote, and others themselves."""
    return member.role is MemberRole.OWNER or member.person.role is Role.ADMIN
