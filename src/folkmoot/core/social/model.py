"""Friendships as they are."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from folkmoot.core.accounts.model import Person
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid


class RequestStatus(StrEnum):
    """What has become of a wish to be friends."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class FriendRequest:
    """One account's wish to be friends with another; accepted, it is their friendship."""

    id: Uid
    sender: Person
    receiver: Person
    status: RequestStatus
    created_at: datetime

    def other(self, account_id: AccountId) -> Person:
        """The one of the two that ``account_id`` is not."""
        return self.receiver if self.sender.id == account_id else self.sender


@dataclass(frozen=True, slots=True)
class Invitation:
    """Somebody is asked into a conversation, by whom and since when."""

    conversation_id: ConversationId
    inviter_id: AccountId
    at: datetime


@dataclass(frozen=True, slots=True)
class MarksAtBlock:
    """How far somebody had read, and was handed, a conversation when they blocked another in it."""

    read_seq: int
    read_at: datetime | None
    delivered_seq: int


def pair_key(one: AccountId, other: AccountId) -> tuple[AccountId, AccountId]:
    """Two accounts in the one order in which they are kept."""
    return (one, other) if one < other else (other, one)
