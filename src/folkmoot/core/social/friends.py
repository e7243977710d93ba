"""Decisions about friendships: asked for by one, accepted by the other, ended by either."""

from folkmoot.core.shared.ids import AccountId, Clock, Ids, Uid
from folkmoot.core.social.errors import (
    AlreadyFriends,
    Blocked,
    NoSuchRequest,
    NotFriends,
    SelfRequest,
)
from folkmoot.core.social.events import (
    FriendAccepted,
    FriendDeclined,
    FriendRequested,
    FriendshipEnded,
)
from folkmoot.core.social.model import FriendRequest, RequestStatus
from folkmoot.core.social.store import SocialWork


class Friends:
    """Who is friends with whom."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    async def request(
        self, work: SocialWork, sender: AccountId, receiver: AccountId
    ) -> FriendRequest:
        """The sender's wish to be friends. Asked twice it stays one; asked by both it is granted.

        Raises:
            SelfRequest, Blocked, AlreadyFriends
        """
        if sender == receiver:
            raise SelfRequest(field="account")
        if await work.social.blocks_among({sender, receiver}):
            raise Blocked
        known = await work.friends.between(sender, receiver)
        if known is None:
            new = await work.friends.add(self._ids.uid(), sender, receiver, self._clock.now())
            work.record(FriendRequested(new))
            return new
        if known.status is RequestStatus.ACCEPTED:
            raise AlreadyFriends
        if known.sender.id == sender:
            return known
        return await self._accept(work, known)

    async def accept(
        self, work: SocialWork, account_id: AccountId, request_id: Uid
    ) -> FriendRequest:
        """The request, accepted by its receiver; accepting twice is once.

        Raises:
            NoSuchRequest, Blocked
        """
        request = await self._received(work, account_id, request_id)
        if request.status is RequestStatus.ACCEPTED:
            return request
        if await work.social.blocks_among({request.sender.id, account_id}):
            raise Blocked
        return await self._accept(work, request)

    async def decline(
        self, work: SocialWork, account_id: AccountId, request_id: Uid
    ) -> FriendRequest:
        """The request, declined by its receiver; it may be made again.

        Raises:
            NoSuchRequest: or it was accepted already.
        """
        request = await self._received(work, account_id, request_id)
        if request.status is RequestStatus.ACCEPTED:
            raise NoSuchRequest
        if request.status is RequestStatus.DECLINED:
            return request
        declined = await work.friends.settle(request_id, RequestStatus.DECLINED, self._clock.now())
        work.record(FriendDeclined(declined))
        return declined

    async def end(self, work: SocialWork, actor: AccountId, other: AccountId) -> None:
        """End a friendship, or take a pending request back.

        Raises:
            NotFriends: there is neither.
        """
        known = await work.friends.between(actor, other)
        if known is None:
            raise NotFriends
        if known.status is RequestStatus.PENDING and known.sender.id != actor:
            raise NotFriends
        await work.friends.remove(known.id)
        work.record(FriendshipEnded(known, actor))

    async def _received(
        self, work: SocialWork, account_id: AccountId, request_id: Uid
    ) -> FriendRequest:
        request = await work.friends.get(request_id)
        if request is None or request.receiver.id != account_id:
            raise NoSuchRequest
        return request

    async def _accept(self, work: SocialWork, request: FriendRequest) -> FriendRequest:
        accepted = await work.friends.settle(request.id, RequestStatus.ACCEPTED, self._clock.now())
        work.record(FriendAccepted(accepted))
        return accepted
