"""Accounts in SQL."""

from collections.abc import Collection
from dataclasses import fields
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from folkmoot.core.accounts.errors import EmailTaken, NoSuchAccount, UsernameTaken
from folkmoot.core.accounts.model import (
    Account,
    AccountChange,
    NewAccount,
    Role,
    email_key,
    username_key,
)
from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.storage.errors import ConstraintBroken, KeyTaken
from folkmoot.storage.keys import clamped, numbers, texts
from folkmoot.storage.sql.executor import Executor
from folkmoot.storage.sql.rows import ACCOUNT, to_account
from folkmoot.storage.sql.statements import Sent, Statement
from folkmoot.storage.tables import accounts
from folkmoot.storage.times import to_micros

_ids = Sent("ids", id=int)
_keys = Sent("keys", key=str)
_stored = [column.name for column in accounts.c if column is not accounts.c.id]

_ADD = Statement(
    insert(accounts)
    .values({name: bindparam(name) for name in _stored})
    .on_conflict_do_nothing()
    .returning(accounts.c.id)
)
_BY_IDS = Statement(select(*ACCOUNT).join_from(_ids, accounts, accounts.c.id == _ids.c.id), _ids)
_BY_UIDS = Statement(
    select(*ACCOUNT).join_from(_keys, accounts, accounts.c.uid == _keys.c.key), _keys
)
_BY_USERNAMES = Statement(
    select(accounts.c.username_key, *ACCOUNT).join_from(
        _keys, accounts, accounts.c.username_key == _keys.c.key
    ),
    _keys,
)
_BY_EMAIL = Statement(
    select(*ACCOUNT).where(accounts.c.email_key == bindparam("key", type_=Text()))
)
_BY_SUBJECT = Statement(
    select(*ACCOUNT).where(
        accounts.c.issuer == bindparam("issuer"), accounts.c.subject == bindparam("subject")
    )
)
_CHANGE = Statement(
    update(accounts)
    .where(accounts.c.id == bindparam("account_id", type_=BigInteger()))
    .values(
        {
            name: func.coalesce(bindparam(name, type_=accounts.c[name].type), accounts.c[name])
            for name in (
                "username",
                "username_key",
                "full_name",
                "avatar",
                "email",
                "email_key",
                "role",
                "is_active",
                "password_hash",
                "subject",
            )
        }
    )
    .returning(*ACCOUNT)
)
_LISTED = Statement(
    select(*ACCOUNT)
    .where(
        accounts.c.id > bindparam("after", type_=BigInteger()),
        accounts.c.role == func.coalesce(bindparam("role", type_=Text()), accounts.c.role),
    )
    .order_by(accounts.c.id)
    .limit(bindparam("limit", type_=BigInteger()))
)
_PASSWORD_HASH = Statement(
    select(accounts.c.password_hash).where(accounts.c.id == bindparam("account_id"))
)
_COUNT = Statement(select(func.count()).select_from(accounts))
# Locked, so that two admins cannot both cease to be one because of each other.
_ACTIVE_OF_ROLE = (
    select(accounts.c.id)
    .where(accounts.c.role == bindparam("role", type_=Text()), accounts.c.is_active == 1)
    .order_by(accounts.c.id)
)
_ACTIVE = Statement(_ACTIVE_OF_ROLE)
_ACTIVE_LOCKED = Statement(_ACTIVE_OF_ROLE.with_for_update())

_HOLD = Statement(
    select(accounts.c.id)
    .where(accounts.c.id == bindparam("account_id"))
    .with_for_update(key_share=True)
)


class SqlAccounts:
    """`AccountStore` in SQL."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def add(self, new: NewAccount) -> Account:
        row = _row(new)
        # A broken constraint would end the whole transaction on PostgreSQL.
        added = await self._executor.rows(_ADD, row)
        if not added:
            raise await self._clash(row)
        return Account(
            id=AccountId(added[0][0]),
            uid=new.uid,
            username=new.username,
            email=new.email,
            full_name=new.full_name,
            avatar=None,
            role=new.role,
            is_active=True,
            created_at=new.created_at,
        )

    async def by_ids(self, ids: Collection[AccountId]) -> dict[AccountId, Account]:
        rows = await self._executor.rows(_BY_IDS, {"ids": numbers(ids)})
        return {row[0]: to_account(row) for row in rows}

    async def by_uids(self, uids: Collection[Uid]) -> dict[Uid, Account]:
        rows = await self._executor.rows(_BY_UIDS, {"keys": texts(uids)})
        return {row[1]: to_account(row) for row in rows}

    async def by_usernames(self, keys: Collection[str]) -> dict[str, Account]:
        rows = await self._executor.rows(_BY_USERNAMES, {"keys": texts(keys)})
        return {key: to_account(row) for key, *row in rows}

    async def by_email(self, key: str) -> Account | None:
        return await self._only(_BY_EMAIL, key=key)

    async def by_subject(self, issuer: str, subject: str) -> Account | None:
        return await self._only(_BY_SUBJECT, issuer=issuer, subject=subject)

    async def change(self, account_id: AccountId, change: AccountChange) -> Account:
        values: dict[str, Any] = {each.name: getattr(change, each.name) for each in fields(change)}
        values["username_key"] = None if change.username is None else username_key(change.username)
        values["email_key"] = None if change.email is None else email_key(change.email)
        values["is_active"] = None if change.is_active is None else int(change.is_active)
        for known in numbers([account_id]):
            try:
                rows = await self._executor.rows(_CHANGE, {**values, "account_id": known})
            except ConstraintBroken:
                # Of what can be chosen, only the e-mail address is unique.
                raise EmailTaken from None
            if rows:
                return to_account(rows[0])
        raise NoSuchAccount(account=account_id)

    async def password_hash(self, account_id: AccountId) -> str | None:
        rows = await self._executor.rows(_PASSWORD_HASH, {"account_id": account_id})
        return rows[0][0] if rows else None

    async def listed(
        self, after: AccountId, *, limit: int, role: Role | None = None
    ) -> list[Account]:
        params = {
            "after": clamped(after),
            "limit": clamped(max(limit, 0)),
            "role": None if role is None else role.value,
        }
        return [to_account(row) for row in await self._executor.rows(_LISTED, params)]

    async def count(self, *, active_role: Role | None = None) -> int:
        if active_role is None:
            return int((await self._executor.rows(_COUNT, {}))[0][0])
        statement = _ACTIVE_LOCKED if self._executor.is_writing else _ACTIVE
        return len(await self._executor.rows(statement, {"role": active_role.value}))

    async def hold(self, account_id: AccountId) -> None:
        if self._executor.is_writing:
            await self._executor.rows(_HOLD, {"account_id": account_id})

    async def _only(self, statement: Statement, **names: str) -> Account | None:
        if len(texts(names.values())) < len(set(names.values())):
            return None
        rows = await self._executor.rows(statement, names)
        return to_account(rows[0]) if rows else None

    async def _clash(self, row: dict[str, Any]) -> Exception:
        """Why the row could not be added."""
        if row["subject"] is not None and await self.by_subject(row["issuer"], row["subject"]):
            # Perhaps by another process, since this one looked: then the job finds it next time.
            return KeyTaken("an account with this subject is there already")
        if await self.by_usernames([row["username_key"]]):
            return UsernameTaken()
        if await self.by_email(row["email_key"]):
            return EmailTaken()
        return KeyTaken("an account with this uid is there already")


def _row(new: NewAccount) -> dict[str, Any]:
    return {
        "uid": new.uid,
        "username": new.username,
        "username_key": username_key(new.username),
        "email": new.email,
        "email_key": email_key(new.email),
        "full_name": new.full_name,
        "avatar": None,
        "role": new.role.value,
        "is_active": 1,
        "password_hash": new.password_hash,
        "issuer": new.issuer,
        "subject": new.subject,
        "created_at": to_micros(new.created_at),
    }
