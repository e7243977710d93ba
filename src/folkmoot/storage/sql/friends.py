"""Friend requests and friendships in SQL."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Text,
    bindparam,
    case,
    delete,
    insert,
    literal_column,
    select,
    union_all,
    update,
)

from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.core.social.model import FriendRequest, RequestStatus, pair_key
from folkmoot.storage.keys import numbers, texts
from folkmoot.storage.sql.executor import Executor, Row
from folkmoot.storage.sql.rows import PERSON, to_person
from folkmoot.storage.sql.statements import Sent, Statement
from folkmoot.storage.tables import accounts, conversations, friend_requests
from folkmoot.storage.times import to_micros, to_time

_STATUSES = {status.value: status for status in RequestStatus}
_ids = Sent("ids", id=int)
_uids = Sent("uids", uid=str)
_pairs = Sent("pairs", low=int, high=int)
_requests = friend_requests.c
_receivers = accounts.alias("receivers")
_account_id = bindparam("account_id", type_=BigInteger())
_low = bindparam("low", type_=BigInteger())
_high = bindparam("high", type_=BigInteger())
_status = bindparam("status", type_=Text())

_REQUEST = (
    _requests.uid,
    _requests.status,
    _requests.created_at,
    *PERSON,
    *(_receivers.c[column.name] for column in PERSON),
)


def _requests_where(condition: ColumnElement[bool]) -> Statement:
    return Statement(_with_people.where(condition))


_with_people = (
    select(*_REQUEST)
    .join_from(friend_requests, accounts, accounts.c.id == _requests.sender_id)
    .join(_receivers, _receivers.c.id == _requests.receiver_id)
)
_ADD = Statement(
    insert(friend_requests).values(
        {column.name: bindparam(column.name) for column in _requests if column.name != "settled_at"}
    )
)
_GET = Statement(_with_people.join(_uids, _requests.uid == _uids.c.uid), _uids)
_BETWEEN = _requests_where((_requests.low_id == _low) & (_requests.high_id == _high))
# Everything that can become of two accounts waits for this.
_LOCK = Statement(
    select(accounts.c.id)
    .join_from(_ids, accounts, accounts.c.id == _ids.c.id)
    .order_by(accounts.c.id)
    .with_for_update(of=accounts, key_share=True),
    _ids,
)
# Declined, it stands in the way of no other any more.
_is_declined = _status == literal_column(f"'{RequestStatus.DECLINED.value}'")
_SETTLE = Statement(
    update(friend_requests)
    .where(_requests.uid == bindparam("request_id", type_=Text()))
    .values(
        status=_status,
        settled_at=bindparam("at", type_=BigInteger()),
        low_id=case((_is_declined, None), else_=_requests.low_id),
        high_id=case((_is_declined, None), else_=_requests.high_id),
    )
)
# Whoever posts holds the head of the conversation before asking who are friends. Waiting for the
# head of theirs makes sure that nothing judged by this friendship commits after its end.
_HEAD = Statement(
    select(conversations.c.id)
    .join_from(
        friend_requests,
        conversations,
        (conversations.c.direct_low == _requests.low_id)
        & (conversations.c.direct_high == _requests.high_id),
    )
    .where(_requests.uid == bindparam("request_id", type_=Text()))
    .with_for_update(of=conversations)
)
_REMOVE = Statement(
    delete(friend_requests).where(_requests.uid == bindparam("request_id", type_=Text()))
)
_of_one = union_all(
    select(_requests.uid).where(_requests.low_id == _account_id, _requests.status == _status),
    select(_requests.uid).where(_requests.high_id == _account_id, _requests.status == _status),
).subquery("of_one")
_OF = Statement(
    _with_people.join(_of_one, _of_one.c.uid == _requests.uid).order_by(
        _requests.created_at, _requests.uid
    )
)
_PAIRS_AMONG = Statement(
    select(_requests.low_id, _requests.high_id)
    .join_from(
        _pairs,
        friend_requests,
        (_requests.low_id == _pairs.c.low) & (_requests.high_id == _pairs.c.high),
    )
    .where(_requests.status == literal_column(f"'{RequestStatus.ACCEPTED.value}'")),
    _pairs,
)


class SqlFriends:
    """`FriendStore` in SQL."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def add(
        self, request_id: Uid, sender: AccountId, receiver: AccountId, at: datetime
    ) -> FriendRequest:
        low, high = pair_key(sender, receiver)
        row = {
            "uid": request_id,
            "sender_id": sender,
            "receiver_id": receiver,
            "low_id": low,
            "high_id": high,
            "status": RequestStatus.PENDING.value,
            "created_at": to_micros(at),
        }
        await self._executor.run(_ADD, row)
        return await self._known(request_id)

    async def get(self, request_id: Uid) -> FriendRequest | None:
        rows = await self._executor.rows(_GET, {"uids": texts([request_id])})
        return _request(rows[0]) if rows else None

    async def between(self, one: AccountId, other: AccountId) -> FriendRequest | None:
        ids = numbers([one, other])
        if len(ids) < 2:
            return None
        if self._executor.is_writing:
            await self._executor.rows(_LOCK, {"ids": ids})
        low, high = pair_key(one, other)
        rows = await self._executor.rows(_BETWEEN, {"low": low, "high": high})
        return _request(rows[0]) if rows else None

    async def settle(self, request_id: Uid, status: RequestStatus, at: datetime) -> FriendRequest:
        params = {"request_id": request_id, "status": status.value, "at": to_micros(at)}
        await self._executor.run(_SETTLE, params)
        return await self._known(request_id)

    async def remove(self, request_id: Uid) -> None:
        await self._executor.rows(_HEAD, {"request_id": request_id})
        await self._executor.run(_REMOVE, {"request_id": request_id})

    async def pending_of(self, account_id: AccountId) -> list[FriendRequest]:
        return await self._of(account_id, RequestStatus.PENDING)

    async def friendships_of(self, account_id: AccountId) -> list[FriendRequest]:
        return await self._of(account_id, RequestStatus.ACCEPTED)

    async def pairs_among(
        self, pairs: Collection[tuple[AccountId, AccountId]]
    ) -> frozenset[tuple[AccountId, AccountId]]:
        wanted = [pair for pair in set(pairs) if len(numbers(pair)) == len(set(pair))]
        rows = await self._executor.rows(_PAIRS_AMONG, {"pairs": wanted})
        return frozenset((low, high) for low, high in rows)

    async def _of(self, account_id: AccountId, status: RequestStatus) -> list[FriendRequest]:
        params = {"account_id": account_id, "status": status.value}
        return [_request(row) for row in await self._executor.rows(_OF, params)]

    async def _known(self, request_id: Uid) -> FriendRequest:
        request = await self.get(request_id)
        assert request is not None  # noqa: S101 - tells mypy, not the reader
        return request


def _request(row: Row) -> FriendRequest:
    uid, status, created_at, *people = row
    width = len(PERSON)
    return FriendRequest(
        uid,
        to_person(people[:width]),
        to_person(people[width:]),
        _STATUSES[status],
        to_time(created_at),
    )
