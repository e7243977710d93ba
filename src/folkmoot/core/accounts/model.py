"""Accounts and logins as they are, and the rules about their names."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from folkmoot.core.accounts.errors import AvatarInvalid, EmailInvalid, UsernameInvalid
from folkmoot.core.shared.ids import AccountId, Uid, uid_of
from folkmoot.core.shared.texts import checked, trimmed, trimmed_name

MIN_USERNAME_CHARS = 2
MAX_USERNAME_CHARS = 64
MAX_EMAIL_CHARS = 254
MAX_NAME_CHARS = 200
MAX_AVATAR_CHARS = 2000

# ASCII only: no look-alike of somebody's name can be registered in another script.
_USERNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_])")
# No user in front of the host: nothing that shows another host than it has.
_AVATAR = re.compile(r"(?:https?://[^\s/?#@\\]+(?:[/?#]\S*)?|/(?:[^\s/\\]\S*)?)", re.IGNORECASE)
_EMAIL = re.compile(
    r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"
)


class Role(StrEnum):
    """What an account is to the server, from the least to the most trusted."""

    USER = "user"
    AGENT = "agent"
    ANALYST = "analyst"
    ADMIN = "admin"


DELETED = "deleted#"
"""How the username of a deleted account begins; its number follows."""
STAFF = frozenset({Role.AGENT, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Person:
    """What everybody may see of an account."""

    id: AccountId
    uid: Uid
    username: str
    full_name: str
    avatar: str | None
    role: Role


@dataclass(frozen=True, slots=True)
class Account:
    """An account as its owner and the server see it; the password is nowhere in it."""

    id: AccountId
    uid: Uid
    username: str
    email: str
    full_name: str
    avatar: str | None
    role: Role
    is_active: bool
    created_at: datetime

    @property
    def is_deleted(self) -> bool:
        """Whether it is gone for good; it is named by what no account can be called."""
        return self.username.startswith(DELETED)

    @property
    def person(self) -> Person:
        """The part that everybody may see."""
        return Person(self.id, self.uid, self.username, self.full_name, self.avatar, self.role)


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account about to be stored: names checked, keys canonical, password already hashed.

    ``password_hash`` is ``None`` for an account that an outside issuer vouches for by
    ``issuer`` and ``subject``.
    """

    uid: Uid
    username: str
    email: str
    full_name: str
    role: Role
    created_at: datetime
    password_hash: str | None = field(repr=False)
    issuer: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What is to be different about an account; ``None`` leaves a field as it is."""

    username: str | None = None
    full_name: str | None = None
    avatar: str | None = None
    email: str | None = None
    role: Role | None = None
    is_active: bool | None = None
    password_hash: str | None = field(default=None, repr=False)
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """One signing-in of one account, on one device, until it is revoked or runs out."""

    id: Uid
    account_id: AccountId
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccountName:
    """How a client names an account: by its number, by its UUID, or by its username."""

    value: int | str

    @property
    def uid(self) -> Uid | None:
        """The UUID, if it is one."""
        return uid_of(self.value) if isinstance(self.value, str) else None


ASSISTANT = Person(
    AccountId(0),
    Uid("00000000-0000-0000-0000-000000000000"),
    "assistant",
    "Assistant",
    None,
    Role.USER,
)
"""The face of the assistant where somebody is shown typing. There is no such account."""
RESERVED = frozenset({ASSISTANT.username, "system"})
"""The names under which the server itself speaks."""


def username_key(username: str) -> str:
    """The form under which a username is unique: equal for every spelling of one name."""
    return unicodedata.normalize("NFKC", username).casefold()


def email_key(email: str) -> str:
    """The form under which an e-mail address is unique."""
    return unicodedata.normalize("NFKC", email).casefold()


def checked_username(username: str) -> str:
    """The username, if an account may have it.

    2 to 64 ASCII letters, digits, ``.``, ``_`` and ``-``, beginning and ending with a letter,
    digit or ``_``. All digits, or the form of a UUID, would look like an id: refused; and so is
    the name under which the server itself speaks.
    """
    text = trimmed(username, field="username", max_chars=MAX_USERNAME_CHARS)
    looks_like_id = text.isdigit() or uid_of(text) is not None
    if not _USERNAME.fullmatch(text) or looks_like_id or username_key(text) in RESERVED:
        raise UsernameInvalid(field="username")
    return text


def checked_email(email: str) -> str:
    """The e-mail address, if it has the form of one (whether it works only a letter can tell)."""
    text = trimmed(email, field="email", max_chars=MAX_EMAIL_CHARS)
    if not _EMAIL.fullmatch(text) or ".." in text:
        raise EmailInvalid(field="email")
    return text


def checked_avatar(avatar: str) -> str:
    """The address of a picture, trimmed; it may be empty, and then there is none."""
    if not avatar:
        return avatar
    text = trimmed(avatar, field="avatar", max_chars=MAX_AVATAR_CHARS)
    if not _AVATAR.fullmatch(text):
        raise AvatarInvalid(field="avatar")
    return text


def checked_full_name(full_name: str) -> str:
    """The display name, trimmed; it may be empty, and then the username is shown."""
    text = checked(full_name, field="full_name").strip()
    return trimmed_name(text, field="full_name", max_chars=MAX_NAME_CHARS) if text else ""
