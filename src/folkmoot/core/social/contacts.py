"""Whom an account hears of directly: its friends, unless a block stands between the two."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.core.social.events import (
    BlockLifted,
    BlockSet,
    FriendAccepted,
    FriendDeclined,
    FriendRequested,
    FriendshipEnded,
    SocialEvent,
)
from folkmoot.core.social.model import FriendRequest
from folkmoot.core.social.store import SocialStores


@dataclass(frozen=True, slots=True)
class Contacts:
    """What an account is to others; ``after`` keeps it true while things happen."""

    owner: AccountId
    friends: Mapping[AccountId, Uid]
    blocks: frozenset[AccountId] = frozenset()
    blocked_by: frozenset[AccountId] = frozenset()

    @property
    def companions(self) -> frozenset[AccountId]:
        """Those of whom, and who of the owner, hear what friends hear of each other."""
        return frozenset(self.friends) - self.blocks - self.blocked_by

    def after(self, event: SocialEvent) -> "Contacts":
        """The contacts once this has happened; the same value if nothing changes here."""
        match event:
            case FriendAccepted(request=request):
                if not self._is_of(request):
                    return self
                other = request.other(self.owner)
                return replace(self, friends={**self.friends, other.id: other.uid})
            case FriendshipEnded(request=request):
                if not self._is_of(request):
                    return self
                gone = request.other(self.owner).id
                left = {key: uid for key, uid in self.friends.items() if key != gone}
                return replace(self, friends=left)
            case BlockSet(blocker=blocker, blocked=blocked):
                return self._with_block(blocker, blocked, stands=True)
            case BlockLifted(blocker=blocker, blocked=blocked):
                return self._with_block(blocker, blocked, stands=False)
            case FriendRequested() | FriendDeclined():
                return self
            case _:
                assert_never(event)

    def _is_of(self, request: FriendRequest) -> bool:
        return self.owner in (request.sender.id, request.receiver.id)

    def _with_block(self, blocker: AccountId, blocked: AccountId, *, stands: bool) -> "Contacts":
        if blocker == self.owner:
            return replace(self, blocks=_with(self.blocks, blocked, stands=stands))
        if blocked == self.owner:
            return replace(self, blocked_by=_with(self.blocked_by, blocker, stands=stands))
        return self


def _with(accounts: frozenset[AccountId], one: AccountId, *, stands: bool) -> frozenset[AccountId]:
    return accounts | {one} if stands else accounts - {one}


async def contacts_of(work: SocialStores, owner: AccountId) -> Contacts:
    """The contacts of an account as they are."""
    requests = await work.friends.friendships_of(owner)
    people = [request.other(owner) for request in requests]
    blocks = await work.social.blocks_among({owner, *(person.id for person in people)})
    return Contacts(
        owner,
        {person.id: person.uid for person in people},
        frozenset(blocked for blocker, blocked in blocks if blocker == owner),
        frozenset(blocker for blocker, blocked in blocks if blocked == owner),
    )
