"""How much one account, or one address, may ask for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from folkmoot.core.shared.ids import AccountId
from folkmoot.core.shared.rates import Rate
from folkmoot.core.shared.refusals import TooManyRequests
from folkmoot.realtime.limits import Limits, LimitSettings, TooManyConnections
from tests.cast import FrozenClock

ANA, BO = AccountId(1), AccountId(2)
STRICT = LimitSettings(
    send=Rate(60, 3),
    signal=Rate(60, 2),
    connect=Rate(60, 1),
    max_connections_per_account=2,
    enabled=True,
)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def limits(clock: FrozenClock) -> Limits:
    return Limits(STRICT, clock.monotonic)


def test_a_burst_passes_and_the_next_is_refused_with_when_it_would(limits):
    for _ in range(3):
        limits.send(ANA)
    with pytest.raises(TooManyRequests) as refused:
        limits.send(ANA)
    assert 0 < refused.value.retry_after <= 1


def test_after_the_time_that_the_refusal_named_it_passes(limits, clock):
    limits.connect("10.0.0.1")
    with pytest.raises(TooManyRequests) as refused:
        limits.connect("10.0.0.1")
    clock.pass_by(timedelta(seconds=refused.value.retry_after))
    limits.connect("10.0.0.1")


def test_accounts_and_addresses_are_counted_apart(limits):
    limits.connect("10.0.0.1")
    limits.connect("10.0.0.2")
    for _ in range(3):
        limits.send(ANA)
    limits.send(BO)


def test_the_many_addresses_of_one_network_are_counted_as_one(limits):
    limits.connect("2001:db8:1:2::1")
    with pytest.raises(TooManyRequests):
        limits.connect("2001:db8:1:2:3::4")
    limits.connect("2001:db8:1:3::1")


def test_sending_and_signals_are_counted_apart(limits):
    for _ in range(3):
        limits.send(ANA)
    limits.signal(ANA)


def test_a_refused_attempt_costs_nothing(limits, clock):
    for _ in range(3):
        limits.send(ANA)
    for _ in range(100):
        with pytest.raises(TooManyRequests):
            limits.send(ANA)
    clock.pass_by(timedelta(seconds=1))
    limits.send(ANA)


def test_one_connection_more_than_an_account_may_have_is_refused(limits):
    limits.count_connections(1)
    with pytest.raises(TooManyConnections) as refused:
        limits.count_connections(2)
    assert "2" in str(refused.value)


def test_switched_off_nothing_is_counted(clock):
    limits = Limits(replace(STRICT, enabled=False), clock.monotonic)
    for _ in range(1000):
        limits.send(ANA)
        limits.signal(ANA)
        limits.connect("10.0.0.1")
    limits.count_connections(10**6)
