from datetime import timedelta

import pytest

from folkmoot.auth.login_limits import AuthRates, LoginRateLimiter, network_of
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.shared.refusals import TooManyRequests
from tests.cast import FrozenClock

ANA, BO = AccountId(1), AccountId(2)


def admitted(attempt, times: int) -> int:
    """How many of so many attempts in a row pass."""
    passed = 0
    for number in range(times):
        try:
            attempt(number)
            passed += 1
        except TooManyRequests:
            pass
    return passed


def login_rates(clock: FrozenClock | None = None, **rates: object) -> LoginRateLimiter:
    return LoginRateLimiter(AuthRates(**rates), (clock or FrozenClock()).monotonic)


def test_guessing_at_one_name_is_slowed_down_but_not_for_its_owner_elsewhere():
    limiter = login_rates()

    assert admitted(lambda _: limiter.login("ana", "192.0.2.66"), 20) == 10
    limiter.login("ana", "192.0.2.1")


def test_a_name_counts_the_same_however_it_is_spelt():
    limiter = login_rates()

    assert admitted(lambda n: limiter.login(("ana", "ANA", " Ana ")[n % 3], "192.0.2.66"), 20) == 10


def test_guessing_at_many_names_from_one_address_is_slowed_down():
    limiter = login_rates()

    assert admitted(lambda n: limiter.login(f"ana{n}", "192.0.2.66"), 200) == 30


def guesses(limiter: LoginRateLimiter, address: str, times: int) -> int:
    """How many guesses at Ana's password an address has, all of them wrong."""

    def guess(_: int) -> None:
        limiter.login(ANA, address)
        limiter.failed(ANA)

    return admitted(guess, times)


def test_many_addresses_that_guess_at_one_account_have_fewer_attempts_each():
    limiter = login_rates()

    made = [guesses(limiter, f"192.0.2.{number}", 10) for number in range(40)]

    assert made[:2] == [10, 10]
    assert set(made[2:]) == {3}


def test_who_is_guessed_at_comes_in_from_where_they_did_before_and_from_elsewhere():
    limiter = login_rates()
    limiter.succeeded(ANA, "192.0.2.1")
    for number in range(100, 140):
        guesses(limiter, f"192.0.2.{number}", 10)

    assert admitted(lambda _: limiter.login(ANA, "192.0.2.1"), 10) == 10
    assert admitted(lambda _: limiter.login(ANA, "198.51.100.7"), 1) == 1
    assert admitted(lambda _: limiter.login(BO, "192.0.2.120"), 10) == 10


def test_an_account_that_is_guessed_at_no_more_is_as_any_other():
    clock = FrozenClock()
    limiter = login_rates(clock)
    guesses(limiter, "192.0.2.66", 10)
    guesses(limiter, "192.0.2.67", 10)

    clock.pass_by(timedelta(hours=1))

    assert admitted(lambda _: limiter.login(ANA, "192.0.2.66"), 10) == 10


def test_after_a_while_one_may_try_again_and_is_told_when():
    clock = FrozenClock()
    limiter = login_rates(clock)
    admitted(lambda _: limiter.login("ana", "192.0.2.66"), 20)

    with pytest.raises(TooManyRequests) as caught:
        limiter.login("ana", "192.0.2.66")
    clock.pass_by(timedelta(seconds=caught.value.retry_after))
    limiter.login("ana", "192.0.2.66")


def test_other_requests_have_limits_of_their_own():
    limiter = login_rates()

    assert admitted(lambda _: limiter.register("192.0.2.66"), 50) == 20
    assert admitted(lambda _: limiter.refresh("192.0.2.66"), 100) == 60
    assert admitted(lambda _: limiter.ticket(AccountId(1)), 100) == 60
    assert admitted(lambda _: limiter.password(AccountId(1)), 50) == 5


def test_limits_can_be_switched_off():
    limiter = login_rates(enabled=False)

    assert admitted(lambda _: limiter.login("ana", "192.0.2.66"), 1000) == 1000


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_an_address_is_what_one_customer_has(address: str, network: str):
    assert network_of(address) == network
