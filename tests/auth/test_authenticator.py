from datetime import timedelta

import pytest

from folkmoot.auth.authenticator import Caller, Credentials, Origins
from folkmoot.auth.credentials import normal_origin
from folkmoot.core.accounts.errors import (
    AccountInactive,
    LoginRevoked,
    OriginNotAllowed,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
)
from folkmoot.core.accounts.model import AccountChange, Role
from folkmoot.core.shared.refusals import Unavailable
from folkmoot.core.work import UnitOfWork
from tests.auth.services import AuthServices, open_auth_services
from tests.cast import NOON

OWN = "https://chat.example"
EVIL = "https://evil.example"
FOREIGN = [EVIL, "null", "https://chat.example.evil", "http://chat.example", f"{OWN}:8443"]


def socket(**shown: object) -> Credentials:
    return Credentials(own_origin=OWN, is_socket=True, needs_origin=True, **shown)


async def test_a_token_tells_who_asks_and_until_when(services: AuthServices):
    ana = await services.register()
    keys = await services.login()

    caller = await services.authenticator.caller(Credentials(token=keys.access_token))

    assert caller.account == ana
    assert caller.login.account_id == ana.id
    assert caller.expires_at == NOON + timedelta(minutes=3000)


async def test_asking_costs_one_read_and_no_write(services: AuthServices):
    keys, _ = await services.enter()
    reads, writes = services.storage.reads, services.storage.writes

    await services.authenticator.caller(Credentials(token=keys.access_token))

    assert (services.storage.reads - reads, services.storage.writes - writes) == (1, 0)


async def test_who_shows_nothing_is_nobody(services: AuthServices):
    with pytest.raises(TokenMissing):
        await services.authenticator.caller(Credentials())


async def test_a_token_is_worth_nothing_once_its_login_was_ended(services: AuthServices):
    keys, caller = await services.enter()
    await services.logins.logout(caller)

    with pytest.raises(LoginRevoked):
        await services.authenticator.caller(Credentials(token=keys.access_token))


async def test_a_token_is_worth_nothing_once_its_account_was_switched_off(services: AuthServices):
    keys, caller = await services.enter()
    await services.deactivate(caller.account)

    with pytest.raises((AccountInactive, LoginRevoked)):
        await services.authenticator.caller(Credentials(token=keys.access_token))


async def test_a_role_is_read_and_never_remembered(services: AuthServices):
    keys, caller = await services.enter()

    async def promote(work: UnitOfWork) -> None:
        await work.accounts.change(caller.account.id, AccountChange(role=Role.AGENT))

    await services.storage.write(promote)

    again = await services.authenticator.caller(Credentials(token=keys.access_token))
    assert again.account.role is Role.AGENT


async def test_a_token_of_one_account_for_the_login_of_another_is_refused(services: AuthServices):
    _, ana = await services.enter("ana")
    _, bo = await services.enter("bo")
    token, _ = services.tokens.issue(ana.account.uid, bo.login)

    with pytest.raises(TokenInvalid):
        await services.authenticator.caller(Credentials(token=token))


async def test_a_token_for_a_login_that_never_was_is_refused(services: AuthServices):
    _, ana = await services.enter("ana")
    other = await open_auth_services()
    token, _ = services.tokens.issue(ana.account.uid, ana.login)

    with pytest.raises(LoginRevoked):
        await other.authenticator.caller(Credentials(token=token))


@pytest.mark.parametrize("shown", ["refresh", "ticket", "password"])
async def test_no_other_secret_passes_for_an_access_token(services: AuthServices, shown: str):
    keys, caller = await services.enter()
    ticket = await services.logins.ticket(caller)
    texts = {"refresh": keys.refresh_token, "ticket": ticket.ticket, "password": "a.b.c"}

    with pytest.raises(TokenInvalid):
        await services.authenticator.caller(Credentials(token=texts[shown]))


async def test_no_other_secret_passes_for_a_ticket(services: AuthServices):
    keys, _ = await services.enter()

    for text in (keys.refresh_token, keys.access_token, "", "\ud800", "x.9999999999999999999"):
        with pytest.raises(TokenInvalid):
            await services.authenticator.caller(Credentials(ticket=text))


async def test_when_the_storage_is_away_nobody_gets_in(services: AuthServices):
    keys, _ = await services.enter()
    await services.storage.close()

    with pytest.raises(Unavailable):
        await services.authenticator.caller(Credentials(token=keys.access_token))


# Tickets


async def test_a_ticket_lets_its_owner_in_once(services: AuthServices):
    _, caller = await services.enter()
    ticket = (await services.logins.ticket(caller)).ticket

    assert await services.authenticator.caller(Credentials(ticket=ticket)) == caller
    with pytest.raises(TokenInvalid):
        await services.authenticator.caller(Credentials(ticket=ticket))


async def test_a_ticket_waits_for_a_minute_only(services: AuthServices):
    _, caller = await services.enter()
    ticket = await services.logins.ticket(caller)
    services.clock.pass_by(timedelta(seconds=ticket.expires_in))

    assert ticket.expires_in == 60
    with pytest.raises(TokenInvalid):
        await services.authenticator.caller(Credentials(ticket=ticket.ticket))


async def test_a_ticket_is_refused_to_another_account(services: AuthServices):
    _, ana = await services.enter("ana")
    bo_keys, _ = await services.enter("bo")
    ticket = (await services.logins.ticket(ana)).ticket

    with pytest.raises(TokenInvalid):
        await services.authenticator.caller(Credentials(ticket=ticket, token=bo_keys.access_token))


async def test_a_ticket_gives_no_more_time_than_its_owner_had(services: AuthServices):
    _, caller = await services.enter()
    short = Caller(caller.account, caller.login, NOON + timedelta(seconds=30))
    ticket = (await services.logins.ticket(short)).ticket

    services.clock.pass_by(timedelta(seconds=10))
    assert (
        await services.authenticator.caller(Credentials(ticket=ticket))
    ).expires_at == short.expires_at

    later = (await services.logins.ticket(short)).ticket
    services.clock.pass_by(timedelta(seconds=20))
    with pytest.raises(TokenExpired):
        await services.authenticator.caller(Credentials(ticket=later))


async def test_a_ticket_whose_time_was_written_up_is_no_ticket(services: AuthServices):
    _, caller = await services.enter()
    secret, _, end = (await services.logins.ticket(caller)).ticket.rpartition(".")

    with pytest.raises(TokenInvalid):
        await services.authenticator.caller(Credentials(ticket=f"{secret}.{int(end) + 1}"))


async def test_a_ticket_ends_with_its_login_and_its_account(services: AuthServices):
    _, ana = await services.enter("ana")
    _, bo = await services.enter("bo")
    tickets = [(await services.logins.ticket(caller)).ticket for caller in (ana, bo)]
    await services.logins.logout(ana)
    await services.deactivate(bo.account)

    for ticket in tickets:
        with pytest.raises((LoginRevoked, AccountInactive)):
            await services.authenticator.caller(Credentials(ticket=ticket))


# Origins


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_cookie_counts_for_no_foreign_page(services: AuthServices, origin: str):
    keys, _ = await services.enter()

    for shown in (
        socket(cookie=keys.access_token, origin=origin),
        Credentials(cookie=keys.access_token, origin=origin, own_origin=OWN, needs_origin=True),
        Credentials(cookie=keys.access_token, origin=origin, own_origin=OWN),
    ):
        with pytest.raises(OriginNotAllowed):
            await services.authenticator.caller(shown)


async def test_a_cookie_counts_for_a_page_of_the_same_origin(services: AuthServices):
    keys, caller = await services.enter()

    assert (
        await services.authenticator.caller(socket(cookie=keys.access_token, origin=OWN)) == caller
    )


async def test_with_a_cookie_alone_something_done_has_to_say_where_it_comes_from(
    services: AuthServices,
):
    keys, caller = await services.enter()

    with pytest.raises(OriginNotAllowed):
        await services.authenticator.caller(socket(cookie=keys.access_token))
    looked = await services.authenticator.caller(
        Credentials(cookie=keys.access_token, own_origin=OWN)
    )
    assert looked == caller


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_token_counts_for_any_page_unless_origins_are_listed(
    services: AuthServices, origin: str
):
    keys, caller = await services.enter()
    shown = socket(token=keys.access_token, origin=origin)

    assert await services.authenticator.caller(shown) == caller
    services.authenticator.origins = Origins(["https://app.example"])
    with pytest.raises(OriginNotAllowed):
        await services.authenticator.caller(shown)
    with pytest.raises(OriginNotAllowed):
        await services.authenticator.caller(socket(ticket="t", origin=origin))


@pytest.mark.parametrize("origin", ["https://app.example", "https://APP.example:443/", OWN, None])
async def test_a_listed_origin_the_own_one_and_none_count(
    services: AuthServices, origin: str | None
):
    keys, caller = await services.enter()
    services.authenticator.origins = Origins(["https://app.example"])
    normal = None if origin is None else normal_origin(origin)

    assert (
        await services.authenticator.caller(socket(token=keys.access_token, origin=normal))
        == caller
    )


async def test_a_star_admits_tokens_and_not_cookies(services: AuthServices):
    keys, caller = await services.enter()
    services.authenticator.origins = Origins(["*", "https://app.example"])

    assert (
        await services.authenticator.caller(socket(token=keys.access_token, origin=EVIL)) == caller
    )
    with pytest.raises(OriginNotAllowed):
        await services.authenticator.caller(socket(cookie=keys.access_token, origin=EVIL))


def test_null_can_not_be_listed():
    with pytest.raises(OriginNotAllowed):
        Origins(["null"]).check_cookie(socket(cookie="c", origin="null"))


async def test_a_token_that_is_shown_counts_before_a_cookie_that_came_along(services: AuthServices):
    ana_keys, ana = await services.enter("ana")
    bo_keys, _ = await services.enter("bo")
    shown = socket(token=ana_keys.access_token, cookie=bo_keys.access_token, origin=EVIL)

    assert await services.authenticator.caller(shown) == ana
