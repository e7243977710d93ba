"""What every presence promises: who is online, who is where, and when it is news."""

from dataclasses import replace

import pytest

from folkmoot.core.presence.events import CameOnline, Entered, Exited, WentOffline
from tests.bus.presences import EVERY_PRESENCE, Processes
from tests.contracts.friends.samples import ANA, BO, DIRECT_ID, DIRECT_UID


@pytest.fixture(params=EVERY_PRESENCE)
def processes(request) -> Processes:
    return request.param()


def test_an_account_comes_with_its_first_connection_of_all_and_goes_with_its_last(processes):
    one, other = processes.join(), processes.join()

    one.connect(ANA)
    one.connect(ANA)
    other.connect(ANA)
    assert processes.published == [CameOnline(ANA)]
    one.disconnect(ANA)
    one.disconnect(ANA)
    assert processes.published == [CameOnline(ANA)]
    other.disconnect(ANA)

    assert processes.published == [CameOnline(ANA), WentOffline(ANA)]


def test_everybody_who_is_online_anywhere_is_known_everywhere(processes):
    one, other = processes.join(), processes.join()
    one.connect(ANA)
    other.connect(BO)
    other.connect(ANA)

    for presence in (one, other):
        assert dict(presence.online) == {ANA.id: ANA, BO.id: BO}
    other.disconnect(BO)

    for presence in (one, other):
        assert dict(presence.online) == {ANA.id: ANA}


def test_those_who_came_first_are_named_first(processes):
    presence = processes.join()
    for person in (BO, ANA, BO):
        presence.connect(person)

    assert list(presence.online) == [BO.id, ANA.id]


def test_who_listens_to_a_conversation_is_counted_once_over_all_processes(processes):
    one, other = processes.join(), processes.join()
    for presence, person in ((one, ANA), (other, ANA), (other, BO)):
        presence.connect(person)
    processes.published.clear()

    one.enter(DIRECT_ID, DIRECT_UID, ANA)
    other.enter(DIRECT_ID, DIRECT_UID, ANA)
    other.enter(DIRECT_ID, DIRECT_UID, BO)
    assert [one.present(DIRECT_ID), other.present(DIRECT_ID)] == [2, 2]
    assert one.is_present(DIRECT_ID, BO.id)
    one.leave(DIRECT_ID, ANA)
    other.leave(DIRECT_ID, ANA)

    assert processes.published == [
        Entered(DIRECT_ID, DIRECT_UID, ANA, 1),
        Entered(DIRECT_ID, DIRECT_UID, BO, 2),
        Exited(DIRECT_ID, DIRECT_UID, ANA, 1),
    ]
    assert not one.is_present(DIRECT_ID, ANA.id)


def test_what_has_changed_about_somebody_is_known_from_then_on(processes):
    presence, renamed = processes.join(), replace(ANA, full_name="Anna")
    presence.connect(ANA)

    presence.update(renamed)
    presence.update(BO)

    assert dict(presence.online) == {ANA.id: renamed}


def test_the_connections_of_a_process_that_died_end_when_its_lease_does(processes):
    dead, alive = processes.join(lease_seconds=10), processes.join(lease_seconds=10)
    dead.connect(ANA)
    dead.enter(DIRECT_ID, DIRECT_UID, ANA)
    processes.published.clear()

    for processes.now in (5.0, 9.9):
        alive.renew()
    assert processes.published == []
    processes.now = 10.0
    alive.renew()
    alive.renew()

    assert processes.published == [Exited(DIRECT_ID, DIRECT_UID, ANA, 0), WentOffline(ANA)]
    assert not alive.online
    assert alive.present(DIRECT_ID) == 0


def test_whoever_is_connected_elsewhere_too_does_not_go_with_a_process_that_died(processes):
    dead, alive = processes.join(), processes.join()
    for presence in (dead, alive):
        presence.connect(ANA)
        presence.enter(DIRECT_ID, DIRECT_UID, ANA)
    processes.published.clear()

    for processes.now in (5.0, 12.0):
        alive.renew()

    assert processes.published == []
    assert ANA.id in alive.online


def test_a_process_that_renews_its_lease_is_taken_for_alive(processes):
    one, other = processes.join(lease_seconds=10), processes.join(lease_seconds=10)
    one.connect(ANA)

    for second in range(60):
        processes.now = float(second)
        one.renew()
        other.renew()

    assert processes.published == [CameOnline(ANA)]


def test_a_process_that_was_only_slow_says_again_who_is_there(processes):
    slow, other = processes.join(), processes.join()
    slow.connect(ANA)
    slow.enter(DIRECT_ID, DIRECT_UID, ANA)
    processes.now = 5.0
    other.renew()
    processes.now = 12.0
    other.renew()
    processes.published.clear()

    slow.renew()

    assert processes.published == [CameOnline(ANA), Entered(DIRECT_ID, DIRECT_UID, ANA, 1)]
    assert dict(other.online) == {ANA.id: ANA}


def test_whoever_is_back_within_the_grace_period_was_never_gone(processes):
    presence = processes.join(grace_seconds=3)
    presence.connect(ANA)

    presence.disconnect(ANA)
    processes.now = 2.0
    presence.renew()
    assert ANA.id in presence.online
    presence.connect(ANA)
    processes.now = 9.0
    presence.renew()

    assert processes.published == [CameOnline(ANA)]


def test_whoever_stays_away_longer_than_that_is_gone(processes):
    presence = processes.join(grace_seconds=3)
    presence.connect(ANA)

    presence.disconnect(ANA)
    processes.now = 3.0
    presence.renew()

    assert processes.published == [CameOnline(ANA), WentOffline(ANA)]
    assert not presence.online
