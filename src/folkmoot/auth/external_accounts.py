"""Accounts of people whom an outside issuer vouches for: found, or made at first sight."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from folkmoot.auth.issuers import VerifiedSubject
from folkmoot.core.accounts.errors import EmailInvalid
from folkmoot.core.accounts.model import (
    MAX_NAME_CHARS,
    Account,
    Login,
    checked_email,
    checked_full_name,
    checked_username,
    email_key,
    username_key,
)
from folkmoot.core.accounts.service import Accounts
from folkmoot.core.shared.refusals import Invalid
from folkmoot.core.work import UnitOfWork

MAX_STEM_CHARS: Final = 40


class ExternalAccounts:
    """Gives what an issuer vouches for an account and a login here.

    An account is found by issuer and subject and by nothing else: a claimed name or e-mail
    address never opens an account that somebody else made.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def admit(
        self, work: UnitOfWork, verified: VerifiedSubject, now: datetime
    ) -> tuple[Account, Login]:
        """The subject's account, made if need be, and the login that stands for this token.

        Called again for the same token it changes nothing. Whether the account is active and the
        login still stands is for the caller to see.
        """
        account = await work.accounts.by_subject(verified.issuer, verified.subject)
        if account is None:
            account = await self._make(work, verified)
        login = await work.logins.get(verified.login_id)
        if login is None:
            login = Login(verified.login_id, account.id, now, verified.expires_at)
            if account.is_active:
                await work.logins.add(login)
        return account, login

    async def _make(self, work: UnitOfWork, verified: VerifiedSubject) -> Account:
        mark = hashlib.sha256(f"{verified.issuer}\n{verified.subject}".encode()).hexdigest()
        usernames = _usernames(verified, mark)
        taken = await work.accounts.by_usernames([username_key(name) for name in usernames])
        username = next(name for name in usernames if username_key(name) not in taken)
        email = _claimed_email(verified)
        if email is None or await work.accounts.by_email(email_key(email)) is not None:
            email = _placeholder(verified, mark)
        return await work.accounts.add(
            self._accounts.draft(
                username=username,
                email=email,
                full_name=_full_name(verified),
                issuer=verified.issuer,
                subject=verified.subject,
            )
        )


def _usernames(verified: VerifiedSubject, mark: str) -> Sequence[str]:
    """Usernames to try, the last of them sure to be free."""
    claimed = (verified.username, (verified.email or "").partition("@")[0], verified.subject)
    stem = next((made for made in map(_stem, claimed) if made), "user")
    names = (stem, f"{stem}-{mark[:6]}", f"{stem}-{mark[:16]}", f"user-{mark[:48]}")
    return [name for name in names if _is_username(name)]


def _stem(claim: str | None) -> str:
    """What of a claim can stand in a username; empty if nothing much can."""
    text = unicodedata.normalize("NFKD", claim or "").encode("ascii", "ignore").decode()
    text = re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:MAX_STEM_CHARS].strip("._-")
    return text if _is_username(text) else ""


def _is_username(text: str) -> bool:
    try:
        checked_username(text)
    except Invalid:
        return False
    return True


def _claimed_email(verified: VerifiedSubject) -> str | None:
    try:
        return checked_email(verified.email or "")
    except Invalid:
        return None


def _placeholder(verified: VerifiedSubject, mark: str) -> str:
    """An address that is nobody's: the top-level domain ``invalid`` never exists (RFC 2606)."""
    host = re.sub(r"[^a-z0-9.-]", "", (urlsplit(verified.issuer).hostname or "").lower())
    try:
        return checked_email(f"sub-{mark[:32]}@{host.strip('.-') or 'issuer'}.invalid")
    except EmailInvalid:
        return f"sub-{mark[:32]}@issuer.invalid"


def _full_name(verified: VerifiedSubject) -> str:
    try:
        return checked_full_name((verified.full_name or "")[:MAX_NAME_CHARS])
    except Invalid:
        return ""
