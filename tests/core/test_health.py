"""Which parts are well, and how often what fails is told."""

from datetime import UTC, datetime, timedelta

import pytest

from folkmoot.core.shared.health import Health, HealthNotice
from folkmoot.core.shared.refusals import ServerPart, StorageFull, Unavailable

LOCKED = Unavailable("it is locked", part=ServerPart.DATABASE)
FILES_AWAY = Unavailable("they cannot be reached", part=ServerPart.FILES)


class Scene:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.told: list[HealthNotice] = []
        self.health = Health(lambda: self.now, self.told.append)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def counts(self) -> list[tuple[str, int]]:
        return [(one.fault.reason if one.fault else "well", one.count) for one in self.told]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_failure_keeps_its_part_its_reason_and_when_the_outage_began(scene):
    began = scene.now
    scene.health.failed(LOCKED)
    scene.wait(5)
    scene.health.failed(StorageFull())
    (failure,) = scene.health.failures()
    assert (failure.part, failure.reason) == ("database", "the disk is full")
    assert (failure.since, failure.is_down) == (began, True)


def test_a_cause_is_told_once_a_minute_with_a_count_of_those_like_it(scene):
    for _ in range(3):
        scene.health.failed(LOCKED)
    assert scene.counts() == [("it is locked", 1)]
    scene.wait(60)
    scene.health.failed(LOCKED)
    assert scene.counts() == [("it is locked", 1), ("it is locked", 3)]


def test_another_cause_is_told_at_once(scene):
    scene.health.failed(LOCKED)
    scene.health.failed(FILES_AWAY)
    assert [name for name, _ in scene.counts()] == ["it is locked", "they cannot be reached"]


def test_a_part_that_is_well_again_is_told_of_with_the_failures_of_the_outage(scene):
    scene.health.failed(LOCKED)
    scene.health.failed(LOCKED)
    scene.wait(12)
    scene.health.well(ServerPart.DATABASE)
    scene.health.well(ServerPart.DATABASE)
    assert scene.counts()[1:] == [("well", 2)]
    assert scene.told[1].lasted == timedelta(seconds=12)
    assert scene.health.failures() == []


def test_a_part_that_comes_and_goes_within_the_minute_fills_no_log(scene):
    for _ in range(20):
        scene.health.failed(LOCKED)
        scene.wait(1)
        scene.health.well(ServerPart.DATABASE)
    assert scene.counts() == [("it is locked", 1), ("well", 1)]


def test_a_side_part_only_degrades_the_server(scene):
    scene.health.failed(FILES_AWAY)
    assert [failure.is_down for failure in scene.health.failures()] == [False]


def test_a_failure_of_limited_time_is_over_by_itself(scene):
    scene.health.failed(FILES_AWAY, lasts=timedelta(seconds=60))
    scene.wait(59)
    assert scene.health.failures()
    scene.wait(1)
    assert scene.health.failures() == []


def test_what_says_nothing_of_the_next_time_is_counted_and_told_but_changes_no_health(scene):
    scene.health.met(FILES_AWAY)
    assert scene.health.failures() == []
    assert scene.counts() == [("they cannot be reached", 1)]
    assert scene.health.counts == {("files", "unavailable"): 1}


def test_what_a_client_is_told_names_neither_part_nor_reason():
    assert "locked" not in str(LOCKED)
    assert LOCKED.explained == "database: it is locked"
