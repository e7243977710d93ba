"""Conversations and members as they are, and the rules about them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from folkmoot.core.accounts.model import Person, Role
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.core.shared.texts import trimmed_name

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
    """A conversation's head. ``last_seq`` is that of its newest durable change, 0 at first."""

    id: ConversationId
    uid: Uid
    kind: Kind
    title: str | None
    created_by: AccountId
    created_at: datetime
    last_seq: int
    last_activity_at: datetime
    member_count: int
    desk: "Desk | None" = None

    @property
    def is_two_party(self) -> bool:
        """Whether a block between its two members silences it, instead of hiding one of them."""
        return self.member_count <= MIN_MEMBERS

    def moved_to(self, last_seq: int) -> "Conversation":
        """The same with another newest change; spelt out, since every message asks for it."""
        return Conversation(
            self.id,
            self.uid,
            self.kind,
            self.title,
            self.created_by,
            self.created_at,
            last_seq,
            self.last_activity_at,
            self.member_count,
            self.desk,
        )


@dataclass(frozen=True, slots=True)
class Desk:
    """What a session conversation has besides: who serves it, and how far it has come.

    ``started_at`` is the time of its first message. ``message_count`` counts all that were posted.
    ``ownership`` rises each time that the answering passes on, to the assistant or away from it;
    what was asked under another one is not answered any more. ``taken_over``: by one of staff who
    wrote, and only staff can give it back. ``left_to_people``: the assistant has said that it
    cannot help, and neither has it since, nor has a person answered.
    """

    agent_id: AccountId | None
    assistant_on: bool
    started_at: datetime | None
    closed_at: datetime | None
    message_count: int
    ownership: int = 0
    taken_over: bool = False
    left_to_people: bool = False

    @property
    def is_closed(self) -> bool:
        """Whether nobody can write in it any more."""
        return self.closed_at is not None


@dataclass(frozen=True, slots=True)
class DeskChange:
    """What is to be different about a session conversation; ``None`` leaves a field as it is.

    ``ownership`` is the new number, where the answering passes on.
    """

    title: str | None = None
    agent_id: AccountId | None = None
    assistant_on: bool | None = None
    closed_at: datetime | None = None
    ownership: int | None = None
    taken_over: bool | None = None
    left_to_people: bool | None = None


@dataclass(frozen=True, slots=True)
class DeskFilter:
    """Which session conversations are asked for; ``None`` asks for any.

    ``unassigned`` ones have nobody of staff in charge.
    """

    member: AccountId | None = None
    owner: AccountId | None = None
    unassigned: bool = False
    closed: bool | None = None


@dataclass(frozen=True, slots=True)
class NewConversation:
    """A conversation about to be stored with its first members.

    Of two accounts there is at most one direct conversation: ``direct_pair``, in the order of
    `pair_key`, is unique. A session conversation begins open, with ``agent_id`` serving it.
    """

    uid: Uid
    kind: Kind
    title: str | None
    created_by: AccountId
    created_at: datetime
    members: tuple[AccountId, ...]
    direct_pair: tuple[AccountId, AccountId] | None = None
    agent_id: AccountId | None = None
    assistant_on: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A present member of one conversation, and how far they have read it.

    The watermarks say: everything up to this ``seq`` was read by, or handed to, them.
    """

    conversation_id: ConversationId
    person: Person
    role: MemberRole
    joined_at: datetime
    read_seq: int = 0
    read_at: datetime | None = None
    delivered_seq: int = 0


@dataclass(frozen=True, slots=True)
class ReadMark:
    """A member's claim to have read, or to have been handed, a conversation up to a ``seq``.

    ``at_once``: each message was handed over the moment it was posted, as its author was told.
    """

    conversation_id: ConversationId
    account_id: AccountId
    up_to_seq: int
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """The new end of a conversation's timeline after a batch of durable changes.

    ``posted`` is how many of them were messages.
    """

    conversation_id: ConversationId
    last_seq: int
    at: datetime
    posted: int = 0


def checked_title(title: str | None) -> str | None:
    """The title as it is stored; an empty one, or one of spaces, counts as none."""
    if title is None or not title.strip():
        return None
    return trimmed_name(title, field="title", max_chars=MAX_TITLE_CHARS)


def may_moderate(head: Conversation, member: Member) -> bool:
    """Whether the member may remove what others wrote, and others themselves.

    A session belongs to the desk: whoever is served there owns it and moderates nobody in it.
    """
    is_owner = member.role is MemberRole.OWNER and head.kind is Kind.GROUP
    return is_owner or (member.person.role is Role.ADMIN and head.kind is not Kind.DIRECT)
