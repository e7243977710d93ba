"""Accounts, logins and blocks in memory."""

from collections.abc import Collection
from dataclasses import fields, replace
from datetime import datetime

from folkmoot.core.accounts.errors import EmailTaken, NoSuchAccount, UsernameTaken
from folkmoot.core.accounts.model import (
    Account,
    AccountChange,
    Login,
    NewAccount,
    Role,
    email_key,
    username_key,
)
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.core.social.model import Invitation, MarksAtBlock
from folkmoot.storage.errors import ConstraintBroken
from folkmoot.storage.memory.state import AccountRow, State


class MemoryAccounts:
    """`AccountStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, new: NewAccount) -> Account:
        keys = self._free_keys(new)
        account = Account(
            id=AccountId(self._state.next_number("accounts")),
            uid=new.uid,
            username=new.username,
            email=new.email,
            full_name=new.full_name,
            avatar=None,
            role=new.role,
            is_active=True,
            created_at=new.created_at,
        )
        row = AccountRow(account, new.password_hash, new.issuer, new.subject)
        self._state.accounts[account.id] = row
        for key in keys:
            self._state.account_ids[key] = account.id
        return account

    async def by_ids(self, ids: Collection[AccountId]) -> dict[AccountId, Account]:
        known = self._state.accounts
        return {number: known[number].account for number in ids if number in known}

    async def by_uids(self, uids: Collection[Uid]) -> dict[Uid, Account]:
        found = {uid: self._by_key("uid", uid) for uid in uids}
        return {uid: account for uid, account in found.items() if account}

    async def by_usernames(self, keys: Collection[str]) -> dict[str, Account]:
        found = {key: self._by_key("username", key) for key in keys}
        return {key: account for key, account in found.items() if account}

    async def by_email(self, key: str) -> Account | None:
        return self._by_key("email", key)

    async def by_subject(self, issuer: str, subject: str) -> Account | None:
        return self._by_key("subject", issuer, subject)

    async def change(self, account_id: AccountId, change: AccountChange) -> Account:
        row = self._state.accounts.get(account_id)
        if row is None:
            raise NoSuchAccount(account=account_id)
        if change.email is not None:
            self._move_email(row.account, change.email)
        if change.username is not None:
            del self._state.account_ids["username", username_key(row.account.username)]
            self._state.account_ids["username", username_key(change.username)] = account_id
        if change.subject is not None and row.issuer is not None and row.subject is not None:
            del self._state.account_ids["subject", row.issuer, row.subject]
            self._state.account_ids["subject", row.issuer, change.subject] = account_id
        values = {each.name: getattr(change, each.name) for each in fields(change)}
        values = {name: value for name, value in values.items() if value is not None}
        password_hash = values.pop("password_hash", row.password_hash)
        subject = values.pop("subject", row.subject)
        changed = replace(row.account, **values)
        self._state.accounts[account_id] = replace(
            row, account=changed, password_hash=password_hash, subject=subject
        )
        return changed

    async def password_hash(self, account_id: AccountId) -> str | None:
        row = self._state.accounts.get(account_id)
        return row.password_hash if row else None

    async def listed(
        self, after: AccountId, *, limit: int, role: Role | None = None
    ) -> list[Account]:
        found = [
            row.account
            for number, row in sorted(self._state.accounts.items())
            if number > after and role in (None, row.account.role)
        ]
        return found[: max(limit, 0)]

    async def count(self, *, active_role: Role | None = None) -> int:
        if active_role is None:
            return len(self._state.accounts)
        accounts = [row.account for row in self._state.accounts.values()]
        return sum(1 for each in accounts if each.is_active and each.role is active_role)

    async def hold(self, account_id: AccountId) -> None:
        """Nobody: one unit of work after the other changes what is in memory."""

    def _free_keys(self, new: NewAccount) -> list[tuple[str, ...]]:
        taken = self._state.account_ids
        username, email = ("username", username_key(new.username)), ("email", email_key(new.email))
        if username in taken:
            raise UsernameTaken
        if email in taken:
            raise EmailTaken
        others: list[tuple[str, ...]] = [("uid", new.uid)]
        if new.issuer is not None and new.subject is not None:
            others.append(("subject", new.issuer, new.subject))
        if any(key in taken for key in others):
            raise ConstraintBroken("an account with this uid or subject is there already")
        return [username, email, *others]

    def _move_email(self, account: Account, email: str) -> None:
        key = ("email", email_key(email))
        if self._state.account_ids.get(key, account.id) != account.id:
            raise EmailTaken
        del self._state.account_ids["email", email_key(account.email)]
        self._state.account_ids[key] = account.id

    def _by_key(self, *key: str) -> Account | None:
        number = self._state.account_ids.get(key)
        return None if number is None else self._state.accounts[number].account


class MemoryLogins:
    """`LoginStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, login: Login) -> None:
        if login.id in self._state.logins or login.account_id not in self._state.accounts:
            raise ConstraintBroken("the login is there already, or its account is not")
        self._state.logins[login.id] = login

    async def get(self, login_id: Uid) -> Login | None:
        return self._state.logins.get(login_id)

    async def revoke(self, login_ids: Collection[Uid], at: datetime) -> None:
        for login_id in login_ids:
            login = self._state.logins.get(login_id)
            if login is not None and login.revoked_at is None:
                self._state.logins[login_id] = replace(login, revoked_at=at)

    async def live_of(self, account_id: AccountId, at: datetime) -> list[Login]:
        live = [
            login
            for login in self._state.logins.values()
            if login.account_id == account_id and login.revoked_at is None and login.expires_at > at
        ]
        return sorted(live, key=lambda login: (login.created_at, login.id))

    async def add_refresh(self, digest: bytes, login_id: Uid) -> None:
        if digest in self._state.refresh_tokens or login_id not in self._state.logins:
            raise ConstraintBroken("the token is there already, or its login is not")
        self._state.refresh_tokens[digest] = (login_id, None)

    async def use_refresh(self, digest: bytes, at: datetime) -> tuple[Login, bool] | None:
        token = self._state.refresh_tokens.get(digest)
        if token is None:
            return None
        login_id, used_at = token
        if used_at is None:
            self._state.refresh_tokens[digest] = (login_id, at)
        return self._state.logins[login_id], used_at is None

    async def add_ticket(self, digest: bytes, login_id: Uid, expires_at: datetime) -> None:
        if digest in self._state.tickets or login_id not in self._state.logins:
            raise ConstraintBroken("the ticket is there already, or its login is not")
        self._state.tickets[digest] = (login_id, expires_at)

    async def take_ticket(self, digest: bytes, at: datetime) -> Login | None:
        if digest not in self._state.tickets:
            return None
        login_id, expires_at = self._state.tickets.pop(digest)
        return self._state.logins[login_id] if expires_at > at else None

    async def forget_ended(self, before: datetime) -> int:
        state = self._state
        tickets = [digest for digest, (_, end) in state.tickets.items() if end < before]
        ended = {login.id for login in state.logins.values() if login.expires_at < before}
        for digest in tickets:
            del state.tickets[digest]
        for table in (state.tickets, state.refresh_tokens):
            for digest in [digest for digest, token in table.items() if token[0] in ended]:
                del table[digest]
        for login_id in ended:
            del state.logins[login_id]
        return len(tickets) + len(ended)


class MemorySocial:
    """`SocialStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def block(self, blocker: AccountId, blocked: AccountId, at: datetime) -> bool:
        if not {blocker, blocked} <= self._state.accounts.keys():
            raise ConstraintBroken("a block is between two accounts")
        is_new = (blocker, blocked) not in self._state.blocks
        if is_new:
            self._state.blocks[blocker, blocked] = at
            self._state.block_marks[blocker, blocked] = self._marks(blocker, blocked)
        return is_new

    def _marks(self, blocker: AccountId, blocked: AccountId) -> dict[ConversationId, MarksAtBlock]:
        """How far the blocker has come where both are."""
        members, memberships = self._state.members, self._state.memberships
        shared = memberships.get(blocker, frozenset()) & memberships.get(blocked, frozenset())
        rows = {key: members[key][blocker] for key in shared}
        return {
            key: MarksAtBlock(row.read_seq, row.read_at, row.delivered_seq)
            for key, row in rows.items()
        }

    async def unblock(self, blocker: AccountId, blocked: AccountId) -> bool:
        self._state.block_marks.pop((blocker, blocked), None)
        return self._state.blocks.pop((blocker, blocked), None) is not None

    async def blocked_by(self, blocker: AccountId) -> frozenset[AccountId]:
        return frozenset(blocked for each, blocked in self._state.blocks if each == blocker)

    async def blockers_of(self, blocked: AccountId) -> frozenset[AccountId]:
        return frozenset(blocker for blocker, each in self._state.blocks if each == blocked)

    async def marks_at_block(
        self, blocked: AccountId
    ) -> dict[tuple[ConversationId, AccountId], MarksAtBlock]:
        return {
            (conversation_id, blocker): marks
            for (blocker, each), kept in self._state.block_marks.items()
            if each == blocked
            for conversation_id, marks in kept.items()
        }

    async def blocks_among(
        self, accounts: Collection[AccountId]
    ) -> frozenset[tuple[AccountId, AccountId]]:
        among = set(accounts)
        return frozenset(pair for pair in self._state.blocks if among.issuperset(pair))

    async def invite(
        self,
        conversation_id: ConversationId,
        accounts: Collection[AccountId],
        inviter: AccountId,
        at: datetime,
    ) -> None:
        for account_id in accounts:
            invitation = Invitation(conversation_id, inviter, at)
            self._state.invitations[account_id, conversation_id] = invitation

    async def invitations_of(self, account_id: AccountId) -> list[Invitation]:
        found = [one for key, one in self._state.invitations.items() if key[0] == account_id]
        return sorted(found, key=lambda one: (one.at, one.conversation_id))

    async def take_invitation(self, account_id: AccountId, conversation_id: ConversationId) -> bool:
        return self._state.invitations.pop((account_id, conversation_id), None) is not None
