"""Logins, refresh tokens and tickets in SQL."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from folkmoot.core.accounts.model import Login
from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.storage.keys import texts
from folkmoot.storage.sql.executor import Executor, Row
from folkmoot.storage.sql.statements import Sent, Statement
from folkmoot.storage.tables import logins, refresh_tokens, tickets
from folkmoot.storage.times import to_micros, to_time, to_time_or_none

_uids = Sent("uids", uid=str)
_LOGIN = (
    logins.c.uid,
    logins.c.account_id,
    logins.c.created_at,
    logins.c.expires_at,
    logins.c.revoked_at,
)

_ADD = Statement(
    insert(logins).values(
        {
            name: bindparam(name)
            for name in ("uid", "account_id", "created_at", "expires_at", "revoked_at")
        }
    )
)
_GET = Statement(select(*_LOGIN).join_from(_uids, logins, logins.c.uid == _uids.c.uid), _uids)
_REVOKE = Statement(
    update(logins)
    .where(logins.c.uid == _uids.c.uid, logins.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at")),
    _uids,
)
_LIVE_OF = Statement(
    select(*_LOGIN)
    .where(
        logins.c.account_id == bindparam("account_id"),
        logins.c.revoked_at.is_(None),
        logins.c.expires_at > bindparam("at"),
    )
    .order_by(logins.c.created_at, logins.c.uid)
)
_ADD_REFRESH = Statement(
    insert(refresh_tokens).values(digest=bindparam("digest"), login_uid=bindparam("login_uid"))
)
_USE_REFRESH = Statement(
    update(refresh_tokens)
    .where(refresh_tokens.c.digest == bindparam("used_digest"), refresh_tokens.c.used_at.is_(None))
    .values(used_at=bindparam("at"))
    .returning(refresh_tokens.c.login_uid)
)
_OF_REFRESH = Statement(
    select(refresh_tokens.c.login_uid).where(refresh_tokens.c.digest == bindparam("digest"))
)
_ADD_TICKET = Statement(
    insert(tickets).values(
        digest=bindparam("digest"),
        login_uid=bindparam("login_uid"),
        expires_at=bindparam("expires_at"),
    )
)
_TAKE_TICKET = Statement(
    delete(tickets)
    .where(tickets.c.digest == bindparam("digest"))
    .returning(tickets.c.login_uid, tickets.c.expires_at)
)
_FORGET_TICKETS = Statement(
    delete(tickets)
    .where(tickets.c.expires_at < bindparam("before"))
    .returning(tickets.c.expires_at)
)
_FORGET_LOGINS = Statement(
    delete(logins)
    # Not when revoked: an outside token would begin the same login anew.
    .where(logins.c.expires_at < bindparam("before"))
    .returning(logins.c.uid)
)


class SqlLogins:
    """`LoginStore` in SQL."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def add(self, login: Login) -> None:
        row = {
            "uid": login.id,
            "account_id": login.account_id,
            "created_at": to_micros(login.created_at),
            "expires_at": to_micros(login.expires_at),
            "revoked_at": None if login.revoked_at is None else to_micros(login.revoked_at),
        }
        await self._executor.run(_ADD, row)

    async def get(self, login_id: Uid) -> Login | None:
        rows = await self._executor.rows(_GET, {"uids": texts([login_id])})
        return _login(rows[0]) if rows else None

    async def revoke(self, login_ids: Collection[Uid], at: datetime) -> None:
        await self._executor.run(_REVOKE, {"uids": texts(login_ids), "at": to_micros(at)})

    async def live_of(self, account_id: AccountId, at: datetime) -> list[Login]:
        params = {"account_id": account_id, "at": to_micros(at)}
        return [_login(row) for row in await self._executor.rows(_LIVE_OF, params)]

    async def add_refresh(self, digest: bytes, login_id: Uid) -> None:
        await self._executor.run(_ADD_REFRESH, {"digest": digest, "login_uid": login_id})

    async def use_refresh(self, digest: bytes, at: datetime) -> tuple[Login, bool] | None:
        used = await self._executor.rows(_USE_REFRESH, {"used_digest": digest, "at": to_micros(at)})
        rows = used or await self._executor.rows(_OF_REFRESH, {"digest": digest})
        login = await self.get(rows[0][0]) if rows else None
        return (login, bool(used)) if login else None

    async def add_ticket(self, digest: bytes, login_id: Uid, expires_at: datetime) -> None:
        params = {"digest": digest, "login_uid": login_id, "expires_at": to_micros(expires_at)}
        await self._executor.run(_ADD_TICKET, params)

    async def take_ticket(self, digest: bytes, at: datetime) -> Login | None:
        taken = await self._executor.rows(_TAKE_TICKET, {"digest": digest})
        if not taken or taken[0][1] <= to_micros(at):
            return None
        return await self.get(taken[0][0])

    async def forget_ended(self, before: datetime) -> int:
        params = {"before": to_micros(before)}
        gone = len(await self._executor.rows(_FORGET_TICKETS, params))
        return gone + len(await self._executor.rows(_FORGET_LOGINS, params))


def _login(row: Row) -> Login:
    uid, account_id, created_at, expires_at, revoked_at = row
    return Login(
        uid, account_id, to_time(created_at), to_time(expires_at), to_time_or_none(revoked_at)
    )
