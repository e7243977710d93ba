"""What happened between accounts."""

from dataclasses import dataclass

from folkmoot.core.shared.ids import AccountId
from folkmoot.core.social.model import FriendRequest


@dataclass(frozen=True, slots=True)
class BlockSet:
    """One account wants to see nothing of another any more. Told to nobody but the blocker."""

    blocker: AccountId
    blocked: AccountId


@dataclass(frozen=True, slots=True)
class BlockLifted:
    """The blocker wants to see the other again."""

    blocker: AccountId
    blocked: AccountId


@dataclass(frozen=True, slots=True)
class FriendRequested:
    """One account wants to be friends with another."""

    request: FriendRequest


@dataclass(frozen=True, slots=True)
class FriendAccepted:
    """Two accounts are friends now."""

    request: FriendRequest


@dataclass(frozen=True, slots=True)
class FriendDeclined:
    """A friend request was declined."""

    request: FriendRequest


@dataclass(frozen=True, slots=True)
class FriendshipEnded:
    """Two accounts are friends no more; ``actor`` ended it."""

    request: FriendRequest
    actor: AccountId


FriendEvent = FriendRequested | FriendAccepted | FriendDeclined | FriendshipEnded
SocialEvent = BlockSet | BlockLifted | FriendEvent
