"""Friend requests and friendships in memory."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.core.social.model import FriendRequest, RequestStatus, pair_key
from folkmoot.storage.errors import ConstraintBroken
from folkmoot.storage.memory.state import RequestRow, State


class MemoryFriends:
    """`FriendStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def add(
        self, request_id: Uid, sender: AccountId, receiver: AccountId, at: datetime
    ) -> FriendRequest:
        state, pair = self._state, pair_key(sender, receiver)
        if request_id in state.requests or pair in state.request_ids:
            raise ConstraintBroken("the request, or one between the two, is there already")
        if not {sender, receiver} <= state.accounts.keys():
            raise ConstraintBroken("a request is between two accounts")
        state.requests[request_id] = RequestRow(sender, receiver, RequestStatus.PENDING, at)
        state.request_ids[pair] = request_id
        return self._told(request_id)

    async def get(self, request_id: Uid) -> FriendRequest | None:
        return self._told(request_id) if request_id in self._state.requests else None

    async def between(self, one: AccountId, other: AccountId) -> FriendRequest | None:
        request_id = self._state.request_ids.get(pair_key(one, other))
        return None if request_id is None else self._told(request_id)

    async def settle(self, request_id: Uid, status: RequestStatus, at: datetime) -> FriendRequest:  # noqa: ARG002 - nobody asks when
        if status is RequestStatus.DECLINED:
            self._close_rejected(request_id)
        row = self._state.requests[request_id]
        self._state.requests[request_id] = replace(row, status=status)
        return self._told(request_id)

    async def remove(self, request_id: Uid) -> None:
        self._close_rejected(request_id)
        self._state.requests.pop(request_id, None)

    async def pending_of(self, account_id: AccountId) -> list[FriendRequest]:
        return self._of(account_id, RequestStatus.PENDING)

    async def friendships_of(self, account_id: AccountId) -> list[FriendRequest]:
        return self._of(account_id, RequestStatus.ACCEPTED)

    async def pairs_among(
        self, pairs: Collection[tuple[AccountId, AccountId]]
    ) -> frozenset[tuple[AccountId, AccountId]]:
        known, requests = self._state.request_ids, self._state.requests
        return frozenset(
            pair
            for pair in pairs
            if pair in known and requests[known[pair]].status is RequestStatus.ACCEPTED
        )

    def _close_rejected(self, request_id: Uid) -> None:
        """Let the two be free for another request."""
        row = self._state.requests.get(request_id)
        pair = row and pair_key(row.sender_id, row.receiver_id)
        if pair and self._state.request_ids.get(pair) == request_id:
            del self._state.request_ids[pair]

    def _of(self, account_id: AccountId, status: RequestStatus) -> list[FriendRequest]:
        found = sorted(
            (row.created_at, request_id)
            for request_id, row in self._state.requests.items()
            if row.status is status and account_id in (row.sender_id, row.receiver_id)
        )
        return [self._told(request_id) for _, request_id in found]

    def _told(self, request_id: Uid) -> FriendRequest:
        row, accounts = self._state.requests[request_id], self._state.accounts
        return FriendRequest(
            request_id,
            accounts[row.sender_id].account.person,
            accounts[row.receiver_id].account.person,
            row.status,
            row.created_at,
        )
