import asyncio
from base64 import urlsafe_b64decode
from datetime import timedelta
from itertools import pairwise

import pytest

from folkmoot.auth.door import Lifetimes
from folkmoot.auth.errors import CurrentPasswordWrong
from folkmoot.auth.gate import Credentials
from folkmoot.auth.limits import AuthRates
from folkmoot.auth.passwords import Cost, Passwords
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
from tests.auth.premises import HOME, PASSWORD, Premises, open_premises


async def hash_of(premises: Premises, account_id: int) -> str | None:
    return await premises.storage.read(lambda work: work.accounts.password_hash(account_id))


# Registering


async def test_whoever_registers_is_an_ordinary_active_account(premises: Premises):
    ana = await premises.register()

    assert (ana.username, ana.email, ana.role) == ("ana", "ana@example.com", Role.USER)
    assert ana.is_active


async def test_a_password_is_kept_as_an_argon2id_hash_with_a_salt_of_its_own(premises: Premises):
    ana, bo = await premises.register("ana"), await premises.register("bo")

    hashes = [await hash_of(premises, account.id) for account in (ana, bo)]

    assert all(one is not None and one.startswith("$argon2id$") for one in hashes)
    assert hashes[0] != hashes[1]


async def test_a_name_or_address_can_be_had_once_in_any_case(premises: Premises):
    await premises.register("ana")

    with pytest.raises(UsernameTaken):
        await premises.register("ANA")
    with pytest.raises(EmailTaken):
        await premises.door.register(
            username="other", email="Ana@Example.com", password=PASSWORD, address=HOME
        )


@pytest.mark.parametrize(
    ("password", "refusal"),
    [("short", PasswordTooWeak), ("Anastasia", PasswordTooWeak), ("x" * 1025, PasswordTooLong)],
)
async def test_a_poor_password_is_refused_before_it_is_hashed(
    premises: Premises, password: str, refusal: type[Exception]
):
    premises.passwords.close()  # hashing would fail

    with pytest.raises(refusal):
        await premises.register("anastasia", password)


async def test_a_name_is_checked_before_a_password_is_hashed(premises: Premises):
    premises.passwords.close()

    with pytest.raises(UsernameInvalid):
        await premises.register("-")


async def test_many_registrations_of_one_name_at_once_make_one_account(premises: Premises):
    outcomes = await asyncio.gather(
        *(premises.register("ana") for _ in range(10)), return_exceptions=True
    )

    assert sum(isinstance(one, UsernameTaken) for one in outcomes) == 9


# Logging in


@pytest.mark.parametrize("name", ["ana", "ANA", " ana ", "ana@example.com", "Ana@Example.COM"])
async def test_one_logs_in_by_username_or_address_in_any_case(premises: Premises, name: str):
    ana = await premises.register()

    keys = await premises.login(name)

    caller = await premises.gate.caller(Credentials(token=keys.access_token))
    assert caller.account == ana
    assert keys.expires_in == 3000 * 60


async def test_keys_last_as_long_as_is_set_whenever_in_a_second_one_logs_in(premises: Premises):
    await premises.register()
    premises.clock.pass_by(timedelta(milliseconds=301))

    keys = await premises.login("ana")

    assert keys.expires_in == 3000 * 60
    premises.clock.pass_by(timedelta(seconds=keys.expires_in) - timedelta(microseconds=1))
    await premises.gate.caller(Credentials(token=keys.access_token))
    premises.clock.pass_by(timedelta(seconds=1))
    with pytest.raises(TokenExpired):
        await premises.gate.caller(Credentials(token=keys.access_token))


@pytest.mark.parametrize(
    "name",
    ["nobody", "nobody@example.com", "", "@", "a" * 10_000, "a\0b", "\ud800", "%", "' OR 1=1"],
)
async def test_an_unknown_name_is_refused_like_a_wrong_password(premises: Premises, name: str):
    await premises.register()

    with pytest.raises(WrongPassword):
        await premises.login("ana", "wrong password")
    with pytest.raises(WrongPassword):
        await premises.login(name, "wrong password")


@pytest.mark.parametrize(
    "password", ["", "A long enough phrase", PASSWORD + " ", "x" * 2000, "\ud800"]
)
async def test_no_other_password_lets_in(premises: Premises, password: str):
    await premises.register()

    with pytest.raises(WrongPassword):
        await premises.login("ana", password)


async def test_an_account_without_a_password_has_none_that_fits(premises: Premises):
    draft = premises.accounts.draft(
        username="sso", email="sso@example.com", issuer="i", subject="s"
    )
    await premises.storage.write(lambda work: work.accounts.add(draft))

    for password in ("", "None", "a long enough phrase"):
        with pytest.raises(WrongPassword):
            await premises.login("sso", password)


async def test_a_deactivated_account_gets_in_by_no_door(premises: Premises):
    keys, caller = await premises.enter()
    await premises.deactivate(caller.account)

    with pytest.raises(AccountInactive):
        await premises.login()
    with pytest.raises(WrongPassword):
        await premises.login("ana", "wrong password")
    with pytest.raises(LoginRevoked):
        await premises.door.refresh(keys.refresh_token, address=HOME)


async def test_the_hash_is_renewed_at_login_when_the_parameters_have_risen(premises: Premises):
    ana = await premises.register()
    old = await hash_of(premises, ana.id)
    premises.door._passwords = stronger = Passwords(cost=Cost(memory_kib=16, passes=1, lanes=1))

    await premises.login()

    new = await hash_of(premises, ana.id)
    assert new != old
    assert new is not None
    assert not stronger.is_outdated(new)
    await premises.login()
    assert await hash_of(premises, ana.id) == new
    stronger.close()


async def test_a_login_that_overlaps_with_a_change_of_password_does_not_count(premises: Premises):
    """Nor does it put the old hash back."""
    ana = await premises.register()
    write = premises.door._write

    async def late(job):
        other = AccountChange(password_hash="$argon2id$other")
        await premises.storage.write(lambda work: work.accounts.change(ana.id, other))
        return await write(job)

    premises.door._write = late
    with pytest.raises(WrongPassword):
        await premises.login()
    assert await hash_of(premises, ana.id) == "$argon2id$other"


async def test_attempts_are_limited_and_the_right_password_is_no_exception():
    premises = await open_premises(rates=AuthRates())
    await premises.register()
    for _ in range(10):
        with pytest.raises(WrongPassword):
            await premises.login("ana", "wrong password")

    with pytest.raises(TooManyRequests) as caught:
        await premises.login()
    assert 0 < caught.value.retry_after <= 60
    await premises.door.login(name="ana", password=PASSWORD, address="198.51.100.7")


# Refreshing


async def test_a_refresh_token_is_changed_for_new_keys_of_the_same_login(premises: Premises):
    keys, caller = await premises.enter()

    renewed = await premises.door.refresh(keys.refresh_token, address=HOME)

    again = await premises.gate.caller(Credentials(token=renewed.access_token))
    assert again.login == caller.login
    assert renewed.refresh_token != keys.refresh_token


async def test_a_refresh_token_used_twice_ends_the_whole_login(premises: Premises):
    stolen, caller = await premises.enter()
    renewed = await premises.door.refresh(stolen.refresh_token, address=HOME)

    with pytest.raises(LoginRevoked):
        await premises.door.refresh(stolen.refresh_token, address=HOME)

    with pytest.raises(LoginRevoked):
        await premises.door.refresh(renewed.refresh_token, address=HOME)
    for token in (stolen.access_token, renewed.access_token):
        with pytest.raises(LoginRevoked):
            await premises.gate.caller(Credentials(token=token))
    assert premises.announced == [LoginsEnded(caller.account.id, frozenset({caller.login.id}))]


async def test_a_race_for_one_refresh_token_has_one_winner_and_then_ends_the_login(
    premises: Premises,
):
    keys, _ = await premises.enter()

    outcomes = await asyncio.gather(
        *(premises.door.refresh(keys.refresh_token, address=HOME) for _ in range(5)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, LoginRevoked) for one in outcomes) == 4


@pytest.mark.parametrize("text", ["", "unknown", "x" * 100_000, "\ud800", "a.b.c"])
async def test_an_unknown_refresh_token_is_refused(premises: Premises, text: str):
    with pytest.raises(TokenInvalid):
        await premises.door.refresh(text, address=HOME)


async def test_an_access_token_or_ticket_refreshes_nothing(premises: Premises):
    keys, caller = await premises.enter()
    ticket = await premises.door.ticket(caller)

    for text in (keys.access_token, ticket.ticket):
        with pytest.raises(TokenInvalid):
            await premises.door.refresh(text, address=HOME)


async def test_a_login_ends_however_often_it_was_refreshed(premises: Premises):
    keys, _ = await premises.enter()
    premises.clock.pass_by(Lifetimes().login - timedelta(hours=1))

    last = await premises.door.refresh(keys.refresh_token, address=HOME)

    assert last.expires_in == 3600
    premises.clock.pass_by(timedelta(hours=1))
    with pytest.raises(LoginRevoked):
        await premises.door.refresh(last.refresh_token, address=HOME)


# Going out


async def test_logging_out_ends_this_login_and_tells_its_connections(premises: Premises):
    keys, caller = await premises.enter()
    other = await premises.login()

    await premises.door.logout(caller)

    with pytest.raises(LoginRevoked):
        await premises.door.refresh(keys.refresh_token, address=HOME)
    await premises.gate.caller(Credentials(token=other.access_token))
    assert premises.announced == [LoginsEnded(caller.account.id, frozenset({caller.login.id}))]


async def test_logging_out_everywhere_ends_every_login_of_this_account_only(premises: Premises):
    first, caller = await premises.enter("ana")
    second = await premises.login("ana")
    bo, _ = await premises.enter("bo")

    await premises.door.logout_all(caller)

    for keys in (first, second):
        with pytest.raises(LoginRevoked):
            await premises.gate.caller(Credentials(token=keys.access_token))
    await premises.gate.caller(Credentials(token=bo.access_token))
    assert [len(event.login_ids) for event in premises.announced] == [2]


# Changing the password


async def test_a_new_password_ends_every_login_but_the_one_that_asks(premises: Premises):
    keys, caller = await premises.enter()
    other = await premises.login()

    await premises.door.change_password(caller, current=PASSWORD, new="another long phrase")

    await premises.gate.caller(Credentials(token=keys.access_token))
    with pytest.raises(LoginRevoked):
        await premises.gate.caller(Credentials(token=other.access_token))
    with pytest.raises(WrongPassword):
        await premises.login()
    await premises.login("ana", "another long phrase")


async def test_who_does_not_know_the_present_password_cannot_change_it(premises: Premises):
    _, caller = await premises.enter()

    for wrong in ("", "wrong password", "x" * 5000):
        with pytest.raises(CurrentPasswordWrong):
            await premises.door.change_password(caller, current=wrong, new="another long phrase")
    await premises.login()


async def test_a_new_password_has_to_be_a_good_one(premises: Premises):
    _, caller = await premises.enter("anastasia")

    for weak in ("short", "password1", "Anastasia", "anastasia@example.com"):
        with pytest.raises(PasswordTooWeak) as caught:
            await premises.door.change_password(caller, current=PASSWORD, new=weak)
        assert caught.value.field == "new_password"


async def test_guessing_the_present_password_is_limited():
    premises = await open_premises(rates=AuthRates())
    _, caller = await premises.enter()
    for _ in range(5):
        with pytest.raises(CurrentPasswordWrong):
            await premises.door.change_password(caller, current="wrong", new="another phrase")

    with pytest.raises(TooManyRequests):
        await premises.door.change_password(caller, current=PASSWORD, new="another phrase")


# Secrets


async def test_nothing_that_is_stored_can_be_used(premises: Premises):
    keys, caller = await premises.enter()
    ticket = await premises.door.ticket(caller)

    async def dump(work: UnitOfWork) -> str:
        state = work.logins._state
        return repr((state.refresh_tokens, state.tickets, state.logins, state.accounts))

    stored = await premises.storage.read(dump)

    for secret in (keys.refresh_token, keys.access_token, ticket.ticket, PASSWORD):
        assert secret not in stored


async def test_keys_and_tickets_do_not_show_when_printed(premises: Premises):
    keys, caller = await premises.enter()
    ticket = await premises.door.ticket(caller)

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
