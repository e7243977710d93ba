"""Accounts, logins, tokens and tickets over REST."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.security import OAuth2PasswordRequestForm

from folkmoot.auth.credentials import COOKIE, SECURE_COOKIE, credentials_of
from folkmoot.auth.errors import CurrentPasswordWrong
from folkmoot.auth.logins import Logins, TokenPair
from folkmoot.contracts.accounts import codec
from folkmoot.contracts.accounts.errors import refused
from folkmoot.core.accounts.errors import (
    AccountInactive,
    AvatarInvalid,
    EmailInvalid,
    EmailTaken,
    LoginRevoked,
    OriginNotAllowed,
    PasswordTooLong,
    PasswordTooWeak,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
    UsernameInvalid,
    UsernameTaken,
    WrongPassword,
)
from folkmoot.core.shared.refusals import TooManyRequests
from folkmoot.core.shared.texts import TextTooLong
from folkmoot.kit.rest import CallerOf, ServicesOf, answer, shape
from folkmoot.realtime.services import Services

router = APIRouter(tags=["accounts"], responses=refused(429, TooManyRequests(retry_after=6.0)))

_KNOWN: Final = {
    **refused(401, TokenMissing(), TokenInvalid(), TokenExpired(), LoginRevoked()),
    **refused(403, AccountInactive(), OriginNotAllowed()),
}
_TOKENS: Final[dict[int | str, dict[str, Any]]] = {
    200: shape(codec.TokensOut, description="Tokens, valid until the login ends"),
    **refused(401, WrongPassword()),
    **refused(403, AccountInactive(), OriginNotAllowed()),
}
_WEAK: Final = (
    PasswordTooWeak(field="new_password"),
    PasswordTooLong(field="new_password", max_bytes=1024),
)


def logins_of(request: Request) -> Logins:
    """How accounts log in at this server."""
    logins: Logins = request.app.state.logins
    return logins


LoginsOf = Annotated[Logins, Depends(logins_of)]
CookieWanted = Annotated[
    bool, Query(alias="cookie", description="Have the token set as an HttpOnly cookie as well")
]


@router.post(
    "/auth/register",
    status_code=201,
    summary="Register an account",
    responses={
        201: shape(codec.AccountOut, description="The new account"),
        **refused(409, UsernameTaken(), EmailTaken()),
        **refused(
            422,
            UsernameInvalid(field="username"),
            EmailInvalid(field="email"),
            PasswordTooWeak(field="password"),
        ),
    },
)
async def register(body: codec.Registration, request: Request, logins: LoginsOf) -> Response:
    """Make an account of the least role. Usernames and e-mail addresses are unique in any case."""
    account = await logins.register(
        username=body.username,
        email=body.email,
        password=body.password,
        full_name=body.full_name or "",
        address=_address_of(request),
    )
    return answer(codec.account_out(account), 201)


@router.post("/auth/token", summary="Log in with a form", responses=_TOKENS)
async def token(
    request: Request,
    services: ServicesOf,
    logins: LoginsOf,
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    set_cookie: Annotated[bool, Form()] = False,
    cookie: CookieWanted = False,
) -> Response:
    """Log in by the OAuth2 password form; ``username`` may also be an e-mail address.

    An unknown name and a wrong password are one and the same refusal.
    """
    wanted = set_cookie or cookie
    _check_cookie(request, services, wanted=wanted)
    address = _address_of(request)
    tokens = await logins.login(name=form.username, password=form.password, address=address)
    return _handed(tokens, request, with_cookie=wanted)


@router.post("/api/v1/auth/login", summary="Log in with JSON", responses=_TOKENS)
async def login(
    body: codec.LoginBody,
    request: Request,
    services: ServicesOf,
    logins: LoginsOf,
    cookie: CookieWanted = False,
) -> Response:
    """Log in by e-mail address or username. The answer is that of `POST /auth/token`."""
    wanted = body.set_cookie or cookie
    _check_cookie(request, services, wanted=wanted)
    address = _address_of(request)
    tokens = await logins.login(name=body.name, password=body.password, address=address)
    return _handed(tokens, request, with_cookie=wanted)


@router.post(
    "/auth/refresh",
    summary="Refresh a login",
    responses={**_TOKENS, **refused(401, TokenInvalid(), LoginRevoked())},
)
async def refresh(
    body: codec.RefreshBody, request: Request, services: ServicesOf, logins: LoginsOf
) -> Response:
    """Exchange a refresh token for new tokens; it is used up.

    A refresh token that comes twice has been stolen from somebody: the login ends at once, with
    everything that was issued for it.
    """
    _check_cookie(request, services, wanted=body.set_cookie)
    tokens = await logins.refresh(body.refresh_token, address=_address_of(request))
    return _handed(tokens, request, with_cookie=body.set_cookie)


@router.post("/auth/logout", status_code=204, summary="Log out", responses=_KNOWN)
async def logout(caller: CallerOf, logins: LoginsOf) -> Response:
    """End the login that asks: its tokens are worthless from here on, and its sockets close."""
    await logins.logout(caller)
    return _without_cookies()


@router.post("/auth/logout-all", status_code=204, summary="Log out everywhere", responses=_KNOWN)
async def logout_all(caller: CallerOf, logins: LoginsOf) -> Response:
    """End every login of the account, on every device, this one included."""
    await logins.logout_all(caller)
    return _without_cookies()


@router.get(
    "/auth/me", summary="Get your account", responses={200: shape(codec.AccountOut), **_KNOWN}
)
async def me(caller: CallerOf) -> Response:
    """The account that asks."""
    return answer(codec.account_out(caller.account))


@router.patch(
    "/auth/me",
    summary="Update your account",
    responses={
        200: shape(codec.AccountOut),
        **_KNOWN,
        **refused(
            422,
            EmailInvalid(field="email"),
            CurrentPasswordWrong(field="current_password"),
            AvatarInvalid(field="avatar"),
            TextTooLong(field="full_name", max_chars=200),
        ),
    },
)
async def change_me(body: codec.ProfileBody, caller: CallerOf, logins: LoginsOf) -> Response:
    """Change how the account is shown, or ask for another e-mail address.

    Another address needs the `current_password`, and is `pending_email` until it is confirmed
    with what was sent there. Whether somebody else has it is not told.
    """
    changed = await logins.change_profile(
        caller,
        full_name=body.text("full_name"),
        avatar=body.text("avatar"),
        email=body.text("email"),
        current_password=body.current_password,
    )
    return answer(codec.account_out(changed.account, changed.pending_email))


@router.post(
    "/auth/email",
    summary="Confirm an e-mail address",
    responses={
        200: shape(codec.AccountOut),
        **refused(401, TokenInvalid(), TokenExpired()),
        **refused(403, AccountInactive()),
        **refused(409, EmailTaken()),
    },
)
async def confirm_email(body: codec.EmailTokenBody, request: Request, logins: LoginsOf) -> Response:
    """Have the address that a token was sent to; it is good once, for a day."""
    account = await logins.confirm_email(body.token, address=_address_of(request))
    return answer(codec.account_out(account))


@router.post(
    "/auth/password",
    status_code=204,
    summary="Change your password",
    responses={
        **_KNOWN,
        **refused(422, CurrentPasswordWrong(field="current_password"), *_WEAK),
    },
)
async def change_password(body: codec.PasswordBody, caller: CallerOf, logins: LoginsOf) -> Response:
    """Change the password. Every login but the one that asks ends, its sockets included."""
    await logins.change_password(caller, current=body.current_password, new=body.new_password)
    return Response(status_code=204)


@router.post(
    "/auth/ws-ticket",
    summary="Create a WebSocket ticket",
    responses={200: shape(codec.TicketOut), **_KNOWN},
)
async def ws_ticket(caller: CallerOf, logins: LoginsOf) -> Response:
    """A ticket that opens one socket within a minute by ``?ticket=``.

    It is for clients that cannot set a header and do not want a token in an address.
    """
    return answer(codec.ticket_out(await logins.ticket(caller)))


def _address_of(request: Request) -> str:
    return request.client.host if request.client else ""


def _check_cookie(request: Request, services: Services, *, wanted: bool) -> None:
    """Refuse to let a foreign page log its user's browser in, as whomever it likes."""
    credentials = credentials_of(request.scope)
    if (
        wanted
        and credentials.origin is not None
        and not services.authenticator.origins.are_own(credentials)
    ):
        raise OriginNotAllowed


def _handed(tokens: TokenPair, request: Request, *, with_cookie: bool) -> Response:
    response = answer(codec.tokens_out(tokens))
    response.headers["Cache-Control"] = "no-store"
    if with_cookie:
        is_secure = request.url.scheme == "https"
        response.set_cookie(
            SECURE_COOKIE if is_secure else COOKIE,
            tokens.access_token,
            max_age=tokens.expires_in,
            secure=is_secure,
            httponly=True,
            samesite="lax",
        )
    return response


def _without_cookies() -> Response:
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")
    response.delete_cookie(SECURE_COOKIE, secure=True, httponly=True, samesite="lax")
    return response
