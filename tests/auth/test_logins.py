import asyncio
from base64 import urlsafe_b64decode
from datetime import timedelta
from itertools import pairwise

import pytest

from folkmoot.auth.authenticator import Credentials
from folkmoot.auth.errors import CurrentPasswordWrong
from folkmoot.auth.login_limits import AuthRates
from folkmoot.auth.logins import Lifetimes
from folkmoot.auth.passwords import HashCost, Passwords
from folkmoot.core.accounts.errors import (
    AccountInactive,
    EmailTaken,
    LoginRevoked,
    PasswordTooLong,
    PasswordTooWeak,
    TokenExpired,
    TokenInvalid,
    UsernameInvalid,
    UsernameTaken,
    WrongPassword,
)
from folkmoot.core.accounts.events import LoginsEnded
from folkmoot.core.accounts.model import AccountChange, Role
from folkmoot.core.shared.refusals import TooManyRequests
from folkmoot.core.work import UnitOfWork
from folkmoot.server.system import SystemIds
from tests.auth.services import HOME, PASSWORD, AuthServices, open_auth_services


async def hash_of(services: AuthServices, account_id: int) -> str | None:
    return await services.storage.read(lambda work: work.accounts.password_hash(account_id))


# Registering


async def test_whoever_registers_is_an_ordinary_active_account(services: AuthServices):
    ana = await services.register()

    assert (ana.username, ana.email, ana.role) == ("ana", "ana@example.com", Role.USER)
    assert ana.is_active


async def test_a_password_is_kept_as_an_argon2id_hash_with_a_salt_of_its_own(
    services: AuthServices,
):
    ana, bo = await services.register("ana"), await services.register("bo")

    hashes = [await hash_of(services, account.id) for account in (ana, bo)]

    assert all(one is not None and one.startswith("$argon2id$") for one in hashes)
    assert hashes[0] != hashes[1]


async def test_a_name_or_address_can_be_had_once_in_any_case(services: AuthServices):
    await services.register("ana")

    with pytest.raises(UsernameTaken):
        await services.register("ANA")
    with pytest.raises(EmailTaken):
        await services.logins.register(
            username="other", email="Ana@Example.com", password=PASSWORD, address=HOME
        )


@pytest.mark.parametrize(
    ("password", "refusal"),
    [("short", PasswordTooWeak), ("Anastasia", PasswordTooWeak), ("x" * 1025, PasswordTooLong)],
)
async def test_a_poor_password_is_refused_before_it_is_hashed(
    services: AuthServices, password: str, refusal: type[Exception]
):
    services.passwords.close()  # hashing would fail

    with pytest.raises(refusal):
        await services.register("anastasia", password)


async def test_a_name_is_checked_before_a_password_is_hashed(services: AuthServices):
    services.passwords.close()

    with pytest.raises(UsernameInvalid):
        await services.register("-")


async def test_many_registrations_of_one_name_at_once_make_one_account(services: AuthServices):
    outcomes = await asyncio.gather(
        *(services.register("ana") for _ in range(10)), return_exceptions=True
    )

    assert sum(isinstance(one, UsernameTaken) for one in outcomes) == 9


# Logging in


@pytest.mark.parametrize("name", ["ana", "ANA", " ana ", "ana@example.com", "Ana@Example.COM"])
async def test_one_logs_in_by_username_or_address_in_any_case(services: AuthServices, name: str):
    ana = await services.register()

    keys = await services.login(name)

    caller = await services.authenticator.caller(Credentials(token=keys.access_token))
    assert caller.account == ana
    assert keys.expires_in == 3000 * 60


async def test_keys_last_as_long_as_is_set_whenever_in_a_second_one_logs_in(services: AuthServices):
    await services.register()
    services.clock.pass_by(timedelta(milliseconds=301))

    keys = await services.login("ana")

    assert keys.expires_in == 3000 * 60
    services.clock.pass_by(timedelta(seconds=keys.expires_in) - timedelta(microseconds=1))
    await services.authenticator.caller(Credentials(token=keys.access_token))
    services.clock.pass_by(timedelta(seconds=1))
    with pytest.raises(TokenExpired):
        await services.authenticator.caller(Credentials(token=keys.access_token))


@pytest.mark.parametrize(
    "name",
    ["nobody", "nobody@example.com", "", "@", "a" * 10_000, "a\0b", "\ud800", "%", "' OR 1=1"],
)
async def test_an_unknown_name_is_refused_like_a_wrong_password(services: AuthServices, name: str):
    await services.register()

    with pytest.raises(WrongPassword):
        await services.login("ana", "wrong password")
    with pytest.raises(WrongPassword):
        await services.login(name, "wrong password")


@pytest.mark.parametrize(
    "password", ["", "A long enough phrase", PASSWORD + " ", "x" * 2000, "\ud800"]
)
async def test_no_other_password_lets_in(services: AuthServices, password: str):
    await services.register()

    with pytest.raises(WrongPassword):
        await services.login("ana", password)


async def test_an_account_without_a_password_has_none_that_fits(services: AuthServices):
    draft = services.accounts.draft(
        username="sso", email="sso@example.com", issuer="i", subject="s"
    )
    await services.storage.write(lambda work: work.accounts.add(draft))

    for password in ("", "None", "a long enough phrase"):
        with pytest.raises(WrongPassword):
            await services.login("sso", password)


async def test_a_deactivated_account_gets_in_by_no_way(services: AuthServices):
    keys, caller = await services.enter()
    await services.deactivate(caller.account)

    with pytest.raises(AccountInactive):
        await services.login()
    with pytest.raises(WrongPassword):
        await services.login("ana", "wrong password")
    with pytest.raises(LoginRevoked):
        await services.logins.refresh(keys.refresh_token, address=HOME)


async def test_the_hash_is_renewed_at_login_when_the_parameters_have_risen(services: AuthServices):
    ana = await services.register()
    old = await hash_of(services, ana.id)
    services.logins._passwords = stronger = Passwords(
        cost=HashCost(memory_kib=16, passes=1, lanes=1)
    )

    await services.login()

    new = await hash_of(services, ana.id)
    assert new != old
    assert new is not None
    assert not stronger.is_outdated(new)
    await services.login()
    assert await hash_of(services, ana.id) == new
    stronger.close()


async def test_a_login_that_overlaps_with_a_change_of_password_does_not_count(
    services: AuthServices,
):
    """Nor does it put the old hash back."""
    ana = await services.register()
    write = services.logins._write

    async def late(job):
        other = AccountChange(password_hash="$argon2id$other")
        await services.storage.write(lambda work: work.accounts.change(ana.id, other))
        return await write(job)

    services.logins._write = late
    with pytest.raises(WrongPassword):
        await services.login()
    assert await hash_of(services, ana.id) == "$argon2id$other"


async def test_attempts_are_limited_and_the_right_password_is_no_exception():
    services = await open_auth_services(rates=AuthRates())
    await services.register()
    for _ in range(10):
        with pytest.raises(WrongPassword):
            await services.login("ana", "wrong password")

    with pytest.raises(TooManyRequests) as caught:
        await services.login()
    assert 0 < caught.value.retry_after <= 60
    await services.logins.login(name="ana", password=PASSWORD, address="198.51.100.7")


async def test_the_names_of_one_account_are_counted_as_one():
    services = await open_auth_services(rates=AuthRates())
    ana = await services.register()
    outcomes = []
    for number in range(20):
        try:
            await services.login((ana.username, ana.email, ana.email.upper())[number % 3], "wrong")
        except (WrongPassword, TooManyRequests) as refusal:
            outcomes.append(type(refusal))

    assert outcomes == [WrongPassword] * 10 + [TooManyRequests] * 10


async def test_guesses_from_many_addresses_are_slowed_down_and_the_owner_is_not_kept_out():
    services = await open_auth_services(rates=AuthRates())
    await services.register()
    home, elsewhere = "203.0.113.1", "203.0.113.2"
    await services.logins.login(name="ana", password=PASSWORD, address=home)
    refused = 0
    for number in range(200):
        try:
            await services.logins.login(
                name="ana", password="wrong", address=f"192.0.2.{number // 5}"
            )
        except WrongPassword:
            continue
        except TooManyRequests:
            refused += 1

    assert refused > 50
    for address in (home, elsewhere):
        await services.logins.login(name="ana", password=PASSWORD, address=address)


# Refreshing


async def test_a_refresh_token_is_changed_for_new_keys_of_the_same_login(services: AuthServices):
    keys, caller = await services.enter()

    renewed = await services.logins.refresh(keys.refresh_token, address=HOME)

    again = await services.authenticator.caller(Credentials(token=renewed.access_token))
    assert again.login == caller.login
    assert renewed.refresh_token != keys.refresh_token


async def test_a_refresh_token_used_twice_ends_the_whole_login(services: AuthServices):
    stolen, caller = await services.enter()
    renewed = await services.logins.refresh(stolen.refresh_token, address=HOME)

    with pytest.raises(LoginRevoked):
        await services.logins.refresh(stolen.refresh_token, address=HOME)

    with pytest.raises(LoginRevoked):
        await services.logins.refresh(renewed.refresh_token, address=HOME)
    for token in (stolen.access_token, renewed.access_token):
        with pytest.raises(LoginRevoked):
            await services.authenticator.caller(Credentials(token=token))
    assert services.announced == [LoginsEnded(caller.account.id, frozenset({caller.login.id}))]


async def test_a_race_for_one_refresh_token_has_one_winner_and_then_ends_the_login(
    services: AuthServices,
):
    keys, _ = await services.enter()

    outcomes = await asyncio.gather(
        *(services.logins.refresh(keys.refresh_token, address=HOME) for _ in range(5)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, LoginRevoked) for one in outcomes) == 4


@pytest.mark.parametrize("text", ["", "unknown", "x" * 100_000, "\ud800", "a.b.c"])
async def test_an_unknown_refresh_token_is_refused(services: AuthServices, text: str):
    with pytest.raises(TokenInvalid):
        await services.logins.refresh(text, address=HOME)


async def test_an_access_token_or_ticket_refreshes_nothing(services: AuthServices):
    keys, caller = await services.enter()
    ticket = await services.logins.ticket(caller)

    for text in (keys.access_token, ticket.ticket):
        with pytest.raises(TokenInvalid):
            await services.logins.refresh(text, address=HOME)


async def test_a_login_ends_however_often_it_was_refreshed(services: AuthServices):
    keys, _ = await services.enter()
    services.clock.pass_by(Lifetimes().login - timedelta(hours=1))

    last = await services.logins.refresh(keys.refresh_token, address=HOME)

    assert last.expires_in == 3600
    services.clock.pass_by(timedelta(hours=1))
    with pytest.raises(LoginRevoked):
        await services.logins.refresh(last.refresh_token, address=HOME)


# Going out


async def test_logging_out_ends_this_login_and_tells_its_connections(services: AuthServices):
    keys, caller = await services.enter()
    other = await services.login()

    await services.logins.logout(caller)

    with pytest.raises(LoginRevoked):
        await services.logins.refresh(keys.refresh_token, address=HOME)
    await services.authenticator.caller(Credentials(token=other.access_token))
    assert services.announced == [LoginsEnded(caller.account.id, frozenset({caller.login.id}))]


async def test_logging_out_everywhere_ends_every_login_of_this_account_only(services: AuthServices):
    first, caller = await services.enter("ana")
    second = await services.login("ana")
    bo, _ = await services.enter("bo")

    await services.logins.logout_all(caller)

    for keys in (first, second):
        with pytest.raises(LoginRevoked):
            await services.authenticator.caller(Credentials(token=keys.access_token))
    await services.authenticator.caller(Credentials(token=bo.access_token))
    assert [len(event.login_ids) for event in services.announced] == [2]


# Changing the password


async def test_a_new_password_ends_every_login_but_the_one_that_asks(services: AuthServices):
    keys, caller = await services.enter()
    other = await services.login()

    await services.logins.change_password(caller, current=PASSWORD, new="another long phrase")

    await services.authenticator.caller(Credentials(token=keys.access_token))
    with pytest.raises(LoginRevoked):
        await services.authenticator.caller(Credentials(token=other.access_token))
    with pytest.raises(WrongPassword):
        await services.login()
    await services.login("ana", "another long phrase")


async def test_who_does_not_know_the_present_password_cannot_change_it(services: AuthServices):
    _, caller = await services.enter()

    for wrong in ("", "wrong password", "x" * 5000):
        with pytest.raises(CurrentPasswordWrong):
            await services.logins.change_password(caller, current=wrong, new="another long phrase")
    await services.login()


async def test_a_new_password_has_to_be_a_good_one(services: AuthServices):
    _, caller = await services.enter("anastasia")

    for weak in ("short", "password1", "Anastasia", "anastasia@example.com"):
        with pytest.raises(PasswordTooWeak) as caught:
            await services.logins.change_password(caller, current=PASSWORD, new=weak)
        assert caught.value.field == "new_password"


async def test_guessing_the_present_password_is_limited():
    services = await open_auth_services(rates=AuthRates())
    _, caller = await services.enter()
    for _ in range(5):
        with pytest.raises(CurrentPasswordWrong):
            await services.logins.change_password(caller, current="wrong", new="another phrase")

    with pytest.raises(TooManyRequests):
        await services.logins.change_password(caller, current=PASSWORD, new="another phrase")


# Secrets


async def test_nothing_that_is_stored_can_be_used(services: AuthServices):
    keys, caller = await services.enter()
    ticket = await services.logins.ticket(caller)

    async def dump(work: UnitOfWork) -> str:
        state = work.logins._state
        return repr((state.refresh_tokens, state.tickets, state.logins, state.accounts))

    stored = await services.storage.read(dump)

    for secret in (keys.refresh_token, keys.access_token, ticket.ticket, PASSWORD):
        assert secret not in stored


async def test_keys_and_tickets_do_not_show_when_printed(services: AuthServices):
    keys, caller = await services.enter()
    ticket = await services.logins.ticket(caller)

    assert keys.access_token not in repr(keys)
    assert keys.refresh_token not in repr(keys)
    assert ticket.ticket not in repr(ticket)


def test_of_ten_thousand_secrets_no_two_are_alike_and_none_leads_to_the_next():
    ids = SystemIds()
    secrets = [ids.secret() for _ in range(10_000)]

    bits = [int.from_bytes(urlsafe_b64decode(secret + "=")) for secret in secrets]
    distances = {later - sooner for sooner, later in pairwise(bits)}
    ones = sum(number.bit_count() for number in bits) / (10_000 * 256)

    assert len(set(secrets)) == 10_000
    assert len(distances) == 9_999
    assert 0.49 < ones < 0.51
