"""Bodies and answers of the account routes, and how an account looks to its owner."""

from datetime import datetime
from typing import Literal, Self

from msgspec import UNSET, Struct, UnsetType
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, model_validator

from folkmoot.auth.logins import Ticket, TokenPair
from folkmoot.core.accounts.model import Account


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

    username: StrictStr
    email: StrictStr
    password: StrictStr = Field(repr=False)
    full_name: StrictStr | None = None


class LoginBody(BaseModel):
    """Who wants to come in: by e-mail address or by username, each taken in either field."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "ana@example.com", "password": "correct horse battery"}]
        }
    )

    email: StrictStr | None = None
    username: StrictStr | None = None
    password: StrictStr = Field(repr=False)
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

    refresh_token: StrictStr = Field(repr=False)
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

    current_password: StrictStr = Field(repr=False)
    new_password: StrictStr = Field(repr=False)


class ProfileBody(BaseModel):
    """What is to be different; what is left out stays, and ``null`` takes a text away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"full_name": "Ana Example"}]})

    full_name: StrictStr | None = None
    avatar: StrictStr | None = Field(default=None, description="The address of a picture")
    email: StrictStr | None = Field(
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
