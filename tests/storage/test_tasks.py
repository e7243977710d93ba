"""Durable work: added with its reason, leased to one at a time, retried, never lost silently."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from folkmoot.core.messages.errors import NoSuchMessage
from folkmoot.core.tasks.events import TasksAdded
from folkmoot.core.tasks.model import (
    FIRST_PAUSE,
    LEASE_RAN_OUT,
    LONGEST_PAUSE,
    NewTask,
    Payload,
    Taken,
    Task,
    TaskCounts,
    TaskId,
)
from folkmoot.core.tasks.store import add_tasks
from folkmoot.core.work import Storage, UnitOfWork
from tests.cast import NOON, FrozenClock

KIND = "post"
LEASE = timedelta(seconds=30)
SECOND = timedelta(seconds=1)


class Queue:
    """The tasks of a storage, each act in one unit of work."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.clock = FrozenClock()

    async def do(self, act: str, *arguments: Any, **options: Any) -> Any:
        return await self._storage.write(
            lambda work: getattr(work.tasks, act)(*arguments, **options)
        )

    async def add(self, *keys: str, **options: Any) -> None:
        await self.do("add", [new(key, **options) for key in keys])

    async def take(self, holder: str = "one", *, limit: int = 1, kind: str = KIND) -> Taken:
        now = self.clock.now()
        taken: Taken = await self.do("take", kind, holder, at=now, until=now + LEASE, limit=limit)
        return taken

    async def take_one(self, holder: str = "one") -> Task:
        (task,) = (await self.take(holder)).tasks
        return task

    async def keys(self, holder: str = "one", *, limit: int = 9) -> list[str]:
        """The keys of what can be taken."""
        return [task.key for task in (await self.take(holder, limit=limit)).tasks]

    async def fail(self, task: Task, error: str = "no answer") -> bool:
        now = self.clock.now()
        held: bool = await self.do("fail", task, error, at=now, retry_at=task.retry_at(now))
        return held

    async def counts(self) -> list[TaskCounts]:
        return await self._storage.read(lambda work: work.tasks.counts())


def new(key: str, **options: Any) -> NewTask:
    return NewTask(**{"kind": KIND, "key": key, "payload": {}, "due_at": NOON, **options})


@pytest.fixture
def queue(storage: Storage) -> Queue:
    return Queue(storage)


async def test_a_task_comes_as_it_was_added(queue: Queue) -> None:
    payload: Payload = {"number": 2**53, "text": 'é "\n', "nothing": None}
    await queue.add("a", payload=payload, max_attempts=3)

    task = await queue.take_one()

    assert (task.kind, task.key, task.payload) == (KIND, "a", payload)
    assert (task.max_attempts, task.holder, task.attempt) == (3, "one", 1)


async def test_the_same_key_twice_is_one_task(queue: Queue) -> None:
    await queue.add("a", "a", payload={"first": 1})
    await queue.add("a", payload={"first": 0})
    await queue.add("a", kind="other")

    (task,) = (await queue.take(limit=9)).tasks

    assert task.payload == {"first": 1}
    assert len((await queue.take(limit=9, kind="other")).tasks) == 1


async def test_a_key_is_free_again_once_its_task_is_done(queue: Queue) -> None:
    await queue.add("a")
    assert await queue.do("complete", await queue.take_one())

    await queue.add("a")

    assert await queue.keys() == ["a"]


async def test_a_task_is_there_exactly_if_its_unit_of_work_commits(
    storage: Storage, queue: Queue
) -> None:
    async def refused(work: UnitOfWork) -> None:
        await add_tasks(work, [new("a")])
        raise NoSuchMessage

    async def accepted(work: UnitOfWork) -> list[object]:
        await add_tasks(work, [new("b"), new("c"), new("d", kind="other")])
        return list(work.events)

    with pytest.raises(NoSuchMessage):
        await storage.write(refused)
    events = await storage.write(accepted)

    assert await queue.keys() == ["b", "c"]
    assert events == [TasksAdded(KIND), TasksAdded("other")]


async def test_nothing_is_taken_before_it_is_due_and_the_longest_due_comes_first(
    queue: Queue,
) -> None:
    await queue.add("later", due_at=NOON + 2 * SECOND)
    await queue.add("soon", due_at=NOON + SECOND)
    await queue.add("long ago", due_at=NOON - SECOND)
    await queue.add("now, a", "now, b")

    assert await queue.keys(limit=2) == ["long ago", "now, a"]
    taken = await queue.take(limit=9)
    assert ([task.key for task in taken.tasks], taken.next_due) == (["now, b"], NOON + SECOND)
    queue.clock.pass_by(2 * SECOND)
    assert await queue.keys() == ["soon", "later"]


async def test_when_the_next_is_due_includes_what_another_may_lose(queue: Queue) -> None:
    assert await queue.take() == Taken([], None)

    await queue.add("a")
    await queue.take()

    assert await queue.take("two") == Taken([], NOON + LEASE)


async def test_what_one_holds_nobody_else_takes_until_the_lease_ends(queue: Queue) -> None:
    await queue.add("a")
    task = await queue.take_one("one")

    assert await queue.keys("two") == []
    queue.clock.pass_by(LEASE - SECOND)
    assert await queue.do("renew", task, queue.clock.now() + LEASE)
    queue.clock.pass_by(LEASE - SECOND)
    assert await queue.keys("two") == []
    queue.clock.pass_by(SECOND)
    again = await queue.take_one("two")

    assert (again.id, again.holder, again.attempt) == (task.id, "two", 2)


@pytest.mark.parametrize("other", ["one", "two"])
async def test_who_lost_a_lease_can_change_nothing_any_more(queue: Queue, other: str) -> None:
    await queue.add("a", payload={"so": "far"})
    lost = await queue.take_one("one")
    queue.clock.pass_by(LEASE)
    held = await queue.take_one(other)

    assert not await queue.do("renew", lost, NOON + 9 * LEASE)
    assert not await queue.do("save", lost, {"so": "lost"})
    assert not await queue.fail(lost)
    assert not await queue.do("complete", lost)

    queue.clock.pass_by(LEASE)
    again = await queue.take_one("three")
    assert (again.id, again.payload, again.attempt) == (held.id, {"so": "far"}, 3)


async def test_how_far_a_task_has_come_is_handed_over(queue: Queue) -> None:
    await queue.add("a", payload={"at": 0})
    assert await queue.do("save", await queue.take_one("one"), {"at": 7})
    queue.clock.pass_by(LEASE)

    assert (await queue.take_one("two")).payload == {"at": 7}


async def test_who_starts_again_ends_the_leases_of_their_earlier_life(queue: Queue) -> None:
    await queue.add("mine", "theirs")
    mine, theirs = await queue.take_one("one"), await queue.take_one("two")

    await queue.do("release", "one", queue.clock.now())

    assert not await queue.do("complete", mine)
    assert await queue.keys("one") == ["mine"]
    assert await queue.do("complete", theirs)


async def test_an_attempt_that_fails_is_retried_later_each_time_and_not_for_ever(
    queue: Queue,
) -> None:
    await queue.add("a", max_attempts=3)
    pauses = []
    for _ in range(2):
        assert await queue.fail(await queue.take_one())
        taken = await queue.take()
        assert taken.tasks == []
        assert taken.next_due is not None
        pauses.append(taken.next_due - queue.clock.now())
        queue.clock.pass_by(pauses[-1])
    assert await queue.fail(await queue.take_one(), "still no answer")

    assert pauses == [FIRST_PAUSE, 2 * FIRST_PAUSE]
    assert await queue.take() == Taken([], None)
    assert await queue.counts() == [TaskCounts(KIND, 0, 0, 1, None)]


def test_no_pause_is_longer_than_the_longest() -> None:
    task = Task(
        id=TaskId(1),
        kind=KIND,
        key="a",
        payload={},
        max_attempts=10**6,
        holder="one",
        attempt=10**5,
    )

    assert task.retry_at(NOON) == NOON + LONGEST_PAUSE


async def test_a_task_that_nobody_survives_is_dead_in_the_end(
    queue: Queue, storage: Storage
) -> None:
    await queue.add("deadly", max_attempts=2, ordering_key="x")
    await queue.add("behind it", ordering_key="x")
    for _ in range(2):
        await queue.take_one()
        queue.clock.pass_by(LEASE)

    assert await queue.keys() == ["behind it"]
    assert await queue.counts() == [TaskCounts(KIND, 0, 1, 1, None)]
    assert "lease" in LEASE_RAN_OUT


async def test_of_one_ordering_key_one_is_worked_on_at_a_time_in_the_order_of_adding(
    queue: Queue,
) -> None:
    await queue.add("x1", "x2", ordering_key="x", due_at=NOON)
    await queue.add("x3", ordering_key="x", due_at=NOON - SECOND)
    await queue.add("y1", ordering_key="y")
    await queue.add("x4", ordering_key="x", kind="other")

    first, other = (await queue.take(limit=9)).tasks
    assert (first.key, other.key) == ("x1", "y1")
    assert await queue.keys("two") == []
    await queue.fail(first)
    assert await queue.keys("two") == []
    queue.clock.pass_by(FIRST_PAUSE)
    again = await queue.take_one("two")
    await queue.do("complete", again)

    assert again.key == "x1"
    assert await queue.keys("two") == ["x2"]


async def test_what_is_cancelled_is_done_no_more_and_its_key_is_free(queue: Queue) -> None:
    await queue.add("waiting", "held", "dead", "other", max_attempts=1)
    await queue.do("cancel", KIND, ["other"])
    held = await queue.take_one()
    await queue.fail(await queue.take_one())

    gone = await queue.do("cancel", KIND, ["waiting", "held", "dead", "unknown", "nul\0"])

    assert gone == ["dead", "held", "waiting"]
    assert not await queue.do("complete", held)
    assert await queue.counts() == []
    await queue.add("waiting")
    assert await queue.keys() == ["waiting"]


async def test_tasks_are_counted_by_kind(queue: Queue) -> None:
    await queue.add("dies", max_attempts=1)
    await queue.fail(await queue.take_one())
    await queue.add("runs", due_at=NOON - SECOND)
    await queue.take()
    await queue.add("waits", due_at=NOON + SECOND)
    await queue.add("waits too", due_at=NOON + 2 * SECOND)
    await queue.add("x", kind="other")

    assert await queue.counts() == [
        TaskCounts("other", 1, 0, 0, NOON),
        TaskCounts(KIND, 2, 1, 1, NOON + SECOND),
    ]


async def test_however_many_take_at_once_each_task_has_one_holder(queue: Queue) -> None:
    await queue.add(*(f"{number:02}" for number in range(40)))
    await queue.add(*(f"x{number}" for number in range(5)), ordering_key="x")

    taken = await asyncio.gather(*(queue.take(f"{n}", limit=7) for n in range(8)))

    keys = [task.key for each in taken for task in each.tasks]
    assert len(keys) == len(set(keys))
    keys += await queue.keys(limit=99)
    assert sorted(keys) == [*(f"{number:02}" for number in range(40)), "x0"]


async def test_of_many_who_end_a_task_at_once_one_does(queue: Queue) -> None:
    await queue.add("a")
    task = await queue.take_one()

    ended = await asyncio.gather(*(queue.do("complete", task) for _ in range(5)))

    assert sorted(ended) == [False] * 4 + [True]


async def test_who_adds_the_same_key_at_once_adds_it_once(queue: Queue) -> None:
    await asyncio.gather(*(queue.add("a", "b") for _ in range(5)))

    assert sorted(await queue.keys()) == ["a", "b"]
