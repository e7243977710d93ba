"""How much one account, or one address, may ask for."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from folkmoot.core.conversations.errors import NotAMember
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.shared.rates import Rate
from folkmoot.core.shared.refusals import TooManyRequests, Unavailable
from folkmoot.realtime.entrance import (
    Entrance,
    EntranceSettings,
    TooManyAtOnce,
    TooManyConnections,
)
from folkmoot.realtime.intentions import Allowance, IntentionKind, Slot
from folkmoot.server.settings import Settings
from folkmoot.server.wiring import entrance_settings
from tests.cast import FrozenClock

ANA, BO = AccountId(1), AccountId(2)
GENEROUS = entrance_settings(Settings())
STRICT = EntranceSettings(
    rates={
        **GENEROUS.rates,
        Allowance.SEND: Rate(60, 3),
        Allowance.SIGNAL: Rate(60, 2),
        Allowance.CONNECT: Rate(60, 1),
        Allowance.SEARCH: Rate(60, 3),
    },
    per_account=dict.fromkeys(Slot, 2),
    per_address={Slot.CONNECTION: 3, Slot.UPLOAD: 3},
)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def entrance(clock: FrozenClock) -> Entrance:
    return Entrance(STRICT, clock.monotonic)


def test_a_burst_passes_and_the_next_is_refused_with_when_it_would(entrance):
    for _ in range(3):
        entrance.enter(ANA, IntentionKind.SEND)
    with pytest.raises(TooManyRequests) as refused:
        entrance.enter(ANA, IntentionKind.SEND)
    assert 0 < refused.value.retry_after <= 1


def test_after_the_time_that_the_refusal_named_it_passes(entrance, clock):
    entrance.enter("10.0.0.1", IntentionKind.CONNECT)
    with pytest.raises(TooManyRequests) as refused:
        entrance.enter("10.0.0.1", IntentionKind.CONNECT)
    clock.pass_by(timedelta(seconds=refused.value.retry_after))
    entrance.enter("10.0.0.1", IntentionKind.CONNECT)


def test_accounts_and_addresses_are_counted_apart(entrance):
    entrance.enter("10.0.0.1", IntentionKind.CONNECT)
    entrance.enter("10.0.0.2", IntentionKind.CONNECT)
    for _ in range(3):
        entrance.enter(ANA, IntentionKind.SEND)
    entrance.enter(BO, IntentionKind.SEND)


def test_the_many_addresses_of_one_network_are_counted_as_one(entrance):
    entrance.enter("2001:db8:1:2::1", IntentionKind.CONNECT)
    with pytest.raises(TooManyRequests):
        entrance.enter("2001:db8:1:2:3::4", IntentionKind.CONNECT)
    entrance.enter("2001:db8:1:3::1", IntentionKind.CONNECT)


def test_sending_and_signals_are_counted_apart(entrance):
    for _ in range(3):
        entrance.enter(ANA, IntentionKind.SEND)
    entrance.enter(ANA, IntentionKind.SIGNAL)


def test_a_refused_attempt_costs_nothing(entrance, clock):
    for _ in range(3):
        entrance.enter(ANA, IntentionKind.SEND)
    for _ in range(100):
        with pytest.raises(TooManyRequests):
            entrance.enter(ANA, IntentionKind.SEND)
    clock.pass_by(timedelta(seconds=1))
    entrance.enter(ANA, IntentionKind.SEND)


def test_what_counts_in_two_ways_is_refused_by_either(entrance):
    for _ in range(3):
        entrance.enter(ANA, IntentionKind.SEND)
    with pytest.raises(TooManyRequests):
        entrance.enter(ANA, IntentionKind.OPEN)


def test_a_search_that_took_long_is_paid_for_by_the_next(entrance, clock):
    entrance.enter(ANA, IntentionKind.SEARCH)
    entrance.charge(ANA, Allowance.SEARCH, 0.424)
    with pytest.raises(TooManyRequests) as refused:
        entrance.enter(ANA, IntentionKind.SEARCH)
    assert 3 < refused.value.retry_after < 4
    entrance.enter(BO, IntentionKind.SEARCH)


def test_nobody_is_in_debt_for_ever(entrance, clock):
    entrance.charge(ANA, Allowance.SEARCH, 10_000)
    clock.pass_by(timedelta(seconds=4))
    entrance.enter(ANA, IntentionKind.SEARCH)


def test_what_is_worth_more_than_a_burst_can_be_had(entrance, clock):
    entrance.enter(ANA, IntentionKind.SEND, cost=1000)
    with pytest.raises(TooManyRequests) as refused:
        entrance.enter(ANA, IntentionKind.SEND, cost=1000)
    assert refused.value.retry_after <= 3


# Slots


def test_one_connection_more_than_an_account_may_have_is_refused(entrance):
    for _ in range(2):
        entrance.reserve(Slot.CONNECTION, account=ANA)
    with pytest.raises(TooManyConnections) as refused:
        entrance.reserve(Slot.CONNECTION, account=ANA)
    assert "2" in str(refused.value)
    entrance.reserve(Slot.CONNECTION, account=BO)


def test_one_connection_more_than_an_address_may_have_is_refused(entrance):
    for number in range(3):
        entrance.reserve(Slot.CONNECTION, address=f"2001:db8::{number}")
    with pytest.raises(TooManyConnections):
        entrance.reserve(Slot.CONNECTION, address="2001:db8::9")
    entrance.reserve(Slot.CONNECTION, address="10.0.0.1")


def test_a_slot_that_is_given_back_can_be_had_again(entrance):
    for _ in range(10):
        with entrance.reserve(Slot.CONNECTION, account=ANA, address="10.0.0.1") as one:
            entrance.reserve(Slot.CONNECTION, account=ANA).release()
            one.release()


def test_who_is_refused_one_of_two_slots_holds_none(entrance):
    for number in range(3):
        entrance.reserve(Slot.UPLOAD, account=AccountId(10 + number), address="10.0.0.1")
    for _ in range(5):
        with pytest.raises(TooManyAtOnce):
            entrance.reserve(Slot.UPLOAD, account=ANA, address="10.0.0.1")
    entrance.reserve(Slot.UPLOAD, account=ANA, address="10.0.0.2")


def test_slots_that_are_held_together_go_together(entrance):
    held = entrance.reserve(Slot.CONNECTION, address="10.0.0.1")
    other = entrance.reserve(Slot.CONNECTION, account=ANA)
    held.extend(other)
    other.release()
    entrance.reserve(Slot.CONNECTION, account=ANA)
    with pytest.raises(TooManyConnections):
        entrance.reserve(Slot.CONNECTION, account=ANA)
    held.release()
    entrance.reserve(Slot.CONNECTION, account=ANA)


def test_switched_off_nothing_is_counted(clock):
    entrance = Entrance(replace(STRICT, enabled=False), clock.monotonic)
    for _ in range(1000):
        for kind in IntentionKind:
            entrance.enter(ANA, kind)
            entrance.enter("10.0.0.1", kind)
        entrance.request("10.0.0.1")
        entrance.reserve(Slot.CONNECTION, account=ANA, address="10.0.0.1")


def is_closed(entrance, patience, clock, *, every: float, frames: int) -> bool:
    """Whether the connection of somebody who sends as often as this, come what may, is closed."""
    for _ in range(frames):
        clock.pass_by(timedelta(seconds=every))
        try:
            entrance.enter(ANA, IntentionKind.SEND)
        except TooManyRequests as refused:
            if patience.ends_at(refused):
                return True
    return False


@pytest.mark.parametrize(
    ("every", "closed"),
    [(0.0, True), (0.01, True), (0.2, True), (0.35, False), (0.6, False), (1.0, False)],
)
def test_more_than_three_times_the_rate_without_waiting_is_a_flood(entrance, clock, every, closed):
    patience = entrance.patience(ANA)
    assert is_closed(entrance, patience, clock, every=every, frames=1000) == closed


def test_a_burst_that_could_not_know_is_no_flood(entrance, clock):
    patience = entrance.patience(ANA)
    assert not is_closed(entrance, patience, clock, every=0, frames=100)
    clock.pass_by(timedelta(minutes=1))
    assert not is_closed(entrance, patience, clock, every=0, frames=100)


def test_a_flood_is_counted_for_the_account_through_however_many_connections(entrance, clock):
    def in_turn() -> Iterator[bool]:
        while True:
            for patience in connections:
                yield is_closed(entrance, patience, clock, every=0.02, frames=1)

    connections = [entrance.patience(ANA) for _ in range(20)]
    assert True in itertools.islice(in_turn(), 300)
    fresh = entrance.patience(ANA)
    assert is_closed(entrance, fresh, clock, every=0.02, frames=10)


def test_who_waits_as_long_as_they_are_told_stays_whatever_their_account_does(entrance, clock):
    flooding, waiting = entrance.patience(ANA), entrance.patience(ANA)
    floods = 0
    for _ in range(100):
        while not is_closed(entrance, flooding, clock, every=0, frames=1):
            floods += 1
        with pytest.raises(TooManyRequests) as refused:
            entrance.enter(ANA, IntentionKind.SEND)
        assert not waiting.ends_at(refused.value)
        clock.pass_by(timedelta(seconds=refused.value.retry_after))
    assert floods > 200


def test_who_is_refused_for_anything_else_is_not_flooding(entrance):
    patience = entrance.patience(ANA)
    refusals = (NotAMember(), Unavailable(), TooManyAtOnce(retry_after=1.0, most=1, what="x"))
    assert not any(patience.ends_at(refusal) for refusal in refusals for _ in range(1000))
