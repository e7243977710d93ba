"""Bodies and answers of the account routes, and how an account looks to its owner."""

from datetime import datetime
from typing import Annotated, Literal, Self

from msgspec import UNSET, Struct, UnsetType
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, model_validator

from folkmoot.auth.common_passwords import MIN_CHARS
from folkmoot.auth.logins import MAX_REFRESH_CHARS, Ticket, TokenPair
from folkmoot.auth.passwords import MAX_BYTES
from folkmoot.core.accounts.model import (
    MAX_AVATAR_CHARS,
    MAX_EMAIL_CHARS,
    MAX_NAME_CHARS,
    MAX_USERNAME_CHARS,
    MIN_USERNAME_CHARS,
    Account,
)
from folkmoot.kit.bodies import text_schema

Username = Annotated[
    StrictStr,
    text_schema(
        least=MIN_USERNAME_CHARS,
        most=MAX_USERNAME_CHARS,
        pattern="^[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9_]$",
    ),
]
Email = Annotated[
    StrictStr,
    text_schema(
        least=3,
        most=MAX_EMAIL_CHARS,
        pattern=r"^[^\s@<>()\[\]\\,;:\"]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$",
    ),
]
FullName = Annotated[StrictStr, text_schema(most=MAX_NAME_CHARS)]
Avatar = Annotated[StrictStr, text_schema(most=MAX_AVATAR_CHARS)]
OldPassword = Annotated[StrictStr, text_schema(most=MAX_BYTES)]
NewPassword = Annotated[StrictStr, text_schema(least=MIN_CHARS, most=MAX_BYTES)]
RefreshToken = Annotated[StrictStr, text_schema(most=MAX_REFRESH_CHARS)]


class Registration(BaseModel):
    """Who wants an account. Whatever else is in the body, a role for instance, counts nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "username": "ana",
                    "email": "ana@example.com",
                    "password": "correct horse battery",
                    "full_name": "Ana Example",
                }
            ]
        }
    )

    username: Username
    email: Email
    password: NewPassword = Field(repr=False)
    full_name: FullName | None = None


class LoginBody(BaseModel):
    """Who wants to come in: by e-mail address or by username, each taken in either field."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "ana@example.com", "password": "correct horse battery"}],
            # One of the two, so that generators still make one plain type of this.
            "not": {"properties": {"email": {"type": "null"}, "username": {"type": "null"}}},
        }
    )

    email: StrictStr | None = None
    username: StrictStr | None = None
    password: OldPassword = Field(repr=False)
    set_cookie: StrictBool = Field(
        default=False, description="Have the token set as an HttpOnly cookie as well"
    )

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if self.email is None and self.username is None:
            raise ValueError("email or username is needed")
        return self

    @property
    def name(self) -> str:
        """What the account is called by."""
        return self.username or "" if self.email is None else self.email


class RefreshBody(BaseModel):
    """The refresh token of the login that is to be refreshed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"refresh_token": "from the login"}]})

    refresh_token: RefreshToken = Field(repr=False)
    set_cookie: StrictBool = False


class EmailTokenBody(BaseModel):
    """What was sent to the new address."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "from the letter"}]})

    token: StrictStr = Field(repr=False, max_length=4096)


class PasswordBody(BaseModel):
    """The present password and the next."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "current_password": "correct horse battery",
                    "new_password": "other horse, other battery",
                }
            ]
        }
    )

    current_password: OldPassword = Field(repr=False)
    new_password: NewPassword = Field(repr=False)


class ProfileBody(BaseModel):
    """What is to be different; what is left out stays, and ``null`` takes a text away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"full_name": "Ana Example"}]})

    full_name: FullName | None = None
    avatar: Avatar | None = Field(default=None, description="The address of a picture")
    # An account is never without an address: null is read, and refused as none.
    email: Annotated[StrictStr | None, Email.__metadata__[-1]] = Field(
        default=None, description="Another address is confirmed from there (`POST /auth/email`)"
    )
    current_password: StrictStr | None = Field(
        default=None, repr=False, description="Needed for another e-mail address"
    )

    def text(self, name: Literal["full_name", "avatar", "email"]) -> str | None:
        """The new text of a field, empty to take it away, ``None`` to leave it."""
        value: str | None = getattr(self, name)
        return "" if value is None and name in self.model_fields_set else value


class AccountOut(Struct, frozen=True):
    """An account, as its owner sees it; ``pending_email`` right after it was asked for."""

    id: int
    uid: str
    username: str
    email: str
    full_name: str
    avatar: str | None
    role: str
    is_active: bool
    created_at: datetime
    pending_email: str | UnsetType = UNSET


class TokensOut(Struct, frozen=True):
    """What to ask with; ``expires_in`` is in seconds and of the access token."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - a kind of token, not one


class TicketOut(Struct, frozen=True):
    """A right to open one socket, by ``?ticket=``, within ``expires_in`` seconds."""

    ticket: str
    expires_in: int


ANSWERS = (AccountOut, TokensOut, TicketOut)


def account_out(account: Account, pending_email: str | None = None) -> AccountOut:
    """The account, as its owner sees it."""
    return AccountOut(
        id=account.id,
        uid=account.uid,
        username=account.username,
        email=account.email,
        full_name=account.full_name,
        avatar=account.avatar or None,
        role=account.role.value,
        is_active=account.is_active,
        created_at=account.created_at,
        pending_email=pending_email or UNSET,
    )


def tokens_out(tokens: TokenPair) -> TokensOut:
    """The tokens of somebody who logged in."""
    return TokensOut(tokens.access_token, tokens.refresh_token, tokens.expires_in)


def ticket_out(ticket: Ticket) -> TicketOut:
    """The ticket of somebody who is in."""
    return TicketOut(ticket.ticket, ticket.expires_in)
