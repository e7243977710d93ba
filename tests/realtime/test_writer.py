"""The writer: batches, answers after the commit, and no entry at another's cost."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from folkmoot.core.conversations.errors import NotAMember
from folkmoot.core.messages.events import MessagePosted
from folkmoot.core.shared.ids import ConnectionId
from folkmoot.core.shared.refusals import StorageFull, Unavailable
from folkmoot.core.work import OutcomeUnknown
from folkmoot.realtime.writer import ShuttingDown, TooBusy, Writer
from folkmoot.storage.memory.storage import MemoryStorage
from tests.cast import Cast, enter
from tests.deadlines import WITHIN_S
from tests.loop_clock import LoopClock


class Valve(MemoryStorage):
    """A storage that the test can hold up, and that tells when it has committed."""

    def __init__(self, log: list[Any]) -> None:
        super().__init__()
        self._log = log
        self._open = asyncio.Event()
        self._open.set()
        self.entered = asyncio.Event()
        self.fails_with: Exception | None = None
        self.found_out: asyncio.Event | None = None
        """Set once it is to be known whether what is written while this is an event was stored."""
        self.writes = 0

    def shut(self) -> None:
        self._open.clear()
        self.entered.clear()

    def open(self) -> None:
        self._open.set()

    async def write(self, job: Any) -> Any:
        self.writes += 1
        self.entered.set()
        await self._open.wait()
        if (found_out := self.found_out) is not None:
            self.found_out = None
            raise OutcomeUnknown("the answer is lost", lambda: self._outcome(job, found_out))
        if self.fails_with is not None:
            raise self.fails_with
        return await self._commit(job)

    async def _outcome(self, job: Any, found_out: asyncio.Event) -> Any:
        await found_out.wait()
        if self.fails_with is not None:
            raise self.fails_with
        return await self._commit(job)

    async def _commit(self, job: Any) -> Any:
        result = await super().write(job)
        self._log.append("committed")
        return result


class Desk:
    """A writer at work on a valve, and the log of what happened in which order."""

    def __init__(self, cast: Cast, storage: Valve, writer: Writer, log: list[Any]) -> None:
        self.cast, self.storage, self.writer, self.log = cast, storage, writer, log

    def submit(self, content: str, author: Any = None, **options: Any) -> "asyncio.Future[Any]":
        return self.writer.submit(self.cast.draft(author or self.cast.ana, content, **options))

    async def held_up(self) -> "asyncio.Future[Any]":
        """A first entry that is being stored, so that whatever comes now waits."""
        self.storage.shut()
        first = self.submit("first")
        await self.storage.entered.wait()
        return first

    async def in_doubt(self) -> "tuple[asyncio.Future[Any], asyncio.Event]":
        """A first entry of which nobody knows whether it was stored, until the event is set."""
        self.storage.entered.clear()
        self.storage.found_out = found_out = asyncio.Event()
        first = self.submit("first", origin=ConnectionId(7))
        await self.storage.entered.wait()
        return first, found_out


@asynccontextmanager
async def desk(
    announce: Callable[[Sequence[object]], None] | None = None, linger: float = 0, **settings: Any
) -> AsyncIterator[Desk]:
    log: list[Any] = []
    storage = Valve(log)
    cast = await enter(storage)
    log.clear()
    storage.writes = 0
    heard = announce or (lambda events: log.extend(events))
    settings.setdefault("answer_seconds", 2 * WITHIN_S)
    writer = Writer(storage, cast.posting, heard, linger=linger, **settings)
    running = asyncio.create_task(writer.run())
    try:
        async with asyncio.timeout(WITHIN_S):
            yield Desk(cast, storage, writer, log)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_arrives_while_a_batch_is_stored_makes_up_the_next_one():
    async with desk() as at:
        first = await at.held_up()
        others = [at.submit(f"number {number}") for number in range(50)]
        at.storage.open()
        posted = await asyncio.gather(first, *others)
        assert at.storage.writes == 2
        assert [one.message.seq for one in posted] == list(range(1, 52))


async def test_a_batch_has_a_bound():
    async with desk(max_batch=10) as at:
        first = await at.held_up()
        others = [at.submit(f"number {number}") for number in range(25)]
        at.storage.open()
        await asyncio.gather(first, *others)
        assert at.storage.writes == 4


async def test_a_busy_writer_lets_entries_gather(monkeypatch: pytest.MonkeyPatch):
    linger = 0.6 * WITHIN_S
    async with desk(linger=linger) as at:
        clock = LoopClock(monkeypatch)
        await asyncio.gather(at.submit("first"), at.submit("second"))
        third = at.submit("third")
        for _ in range(5):
            await asyncio.sleep(0)
        fourth = at.submit("fourth")
        clock.put_forward(linger)
        await asyncio.gather(third, fourth)
        assert at.storage.writes == 2


async def test_one_that_was_busy_a_while_ago_waits_for_nobody(monkeypatch: pytest.MonkeyPatch):
    linger = 0.6 * WITHIN_S
    async with desk(linger=linger) as at:
        clock = LoopClock(monkeypatch)
        await asyncio.gather(at.submit("first"), at.submit("second"))
        clock.put_forward(linger)
        # Were it to linger now, this would not come to its end within the time that is left.
        await at.submit("third")
        assert at.storage.writes == 2


async def test_it_is_announced_after_the_commit_and_answered_after_that():
    async with desk() as at:
        answer = at.submit("Hello")
        answer.add_done_callback(lambda _: at.log.append("answered"))
        await answer
        await asyncio.sleep(0)
        committed, announced, answered = at.log
        assert committed == "committed"
        assert isinstance(announced, MessagePosted)
        assert answered == "answered"


async def test_jobs_and_drafts_take_effect_in_the_order_in_which_they_came():
    async with desk() as at:
        cast = at.cast

        async def rename(work: Any) -> int:
            head = await cast.conversations.rename(work, cast.ana.id, cast.lobby.id, "New")
            return head.last_seq

        first = await at.held_up()
        second = asyncio.ensure_future(at.writer.write(rename))
        await asyncio.sleep(0)
        third = at.submit("third")
        at.storage.open()
        await first
        assert await second == 2
        assert (await third).message.seq == 3
        assert at.storage.writes == 2


async def test_a_refused_draft_takes_no_seq_and_spoils_no_other():
    async with desk() as at:
        first = await at.held_up()
        refused, good = at.submit("I am not in it", at.cast.cy), at.submit("second")
        at.storage.open()
        await first
        with pytest.raises(NotAMember):
            await refused
        assert (await good).message.seq == 2


async def test_a_refusing_job_spoils_no_other():
    async with desk() as at:

        async def refuse(work: Any) -> None:
            raise NotAMember

        first = await at.held_up()
        refused = asyncio.ensure_future(at.writer.write(refuse))
        await asyncio.sleep(0)
        good = at.submit("second")
        at.storage.open()
        await first
        with pytest.raises(NotAMember):
            await refused
        assert (await good).message.seq == 2
        assert at.storage.writes == 2


async def test_a_job_that_fails_is_found_out_and_the_rest_of_its_batch_is_stored(caplog):
    async with desk() as at:

        async def fail(work: Any) -> None:
            raise ZeroDivisionError("a bug")

        first = await at.held_up()
        before, failing = at.submit("before"), asyncio.ensure_future(at.writer.write(fail))
        await asyncio.sleep(0)
        after = at.submit("after")
        at.storage.open()
        await first
        with pytest.raises(ZeroDivisionError):
            await failing
        assert [(await before).message.seq, (await after).message.seq] == [2, 3]
        assert sum(isinstance(event, MessagePosted) for event in at.log) == 3
        assert "a write failed" in caplog.text


async def test_when_the_storage_cannot_everybody_in_the_batch_is_told_and_nothing_is_announced():
    async with desk() as at:
        first = await at.held_up()
        second = at.submit("second")
        at.storage.fails_with = StorageFull()
        at.storage.open()
        for answer in (first, second):
            with pytest.raises(StorageFull):
                await answer
        assert at.log == []
        at.storage.fails_with = None
        assert (await at.submit("third")).message.seq == 1


async def test_a_batch_that_was_stored_after_all_is_answered_and_announced_like_any_other():
    async with desk(grace=WITHIN_S) as at:
        first, found_out = await at.in_doubt()
        second = at.submit("second")
        found_out.set()

        assert [(await first).message.seq, (await second).message.seq] == [1, 2]
        posted = [event for event in at.log if isinstance(event, MessagePosted)]
        assert [(event.seq, event.origin) for event in posted] == [(1, 7), (2, None)]


async def test_while_nobody_knows_what_became_of_a_batch_everybody_is_told_and_nothing_is_begun():
    async with desk(grace=0) as at:
        first, found_out = await at.in_doubt()
        waiting = [first, at.submit("second")]
        await asyncio.wait(waiting)
        waiting.append(at.submit("third"))
        assert [type(answer.exception()) for answer in waiting[1:]] == [Unavailable] * 2
        with pytest.raises(OutcomeUnknown):
            await waiting[0]
        assert at.writer.stalled is not None
        assert (at.storage.writes, at.log) == (1, [])

        found_out.set()

        # Refused until then, which only asking again can tell.
        fourth = None
        while fourth is None:
            await asyncio.sleep(0)
            with suppress(Unavailable):
                fourth = await at.submit("fourth")
        assert fourth.message.seq == 2
        posted = [event for event in at.log if isinstance(event, MessagePosted)]
        assert [(event.message.body.content, event.origin) for event in posted] == [
            ("first", None),
            ("fourth", None),
        ], "whoever was told of no message is shown it"
        assert at.writer.stalled is None


@pytest.mark.parametrize("grace", [0, WITHIN_S])
async def test_a_batch_that_was_not_stored_is_refused_and_not_announced(grace):
    async with desk(grace=grace) as at:
        at.storage.fails_with = Unavailable("it was not committed")
        first, found_out = await at.in_doubt()
        found_out.set()

        with pytest.raises(Unavailable):
            await first
        at.storage.fails_with = None
        await asyncio.sleep(0)
        assert (await at.submit("second")).message.seq == 1
        assert sum(isinstance(event, MessagePosted) for event in at.log) == 1


async def test_an_entry_that_kept_an_uncertain_batch_from_being_stored_spoils_no_other():
    async with desk(grace=WITHIN_S) as at:

        async def fail(work: Any) -> None:
            raise ZeroDivisionError("a bug")

        first = await at.held_up()
        at.storage.found_out = found_out = asyncio.Event()
        good, failing = at.submit("good"), asyncio.ensure_future(at.writer.write(fail))
        found_out.set()
        at.storage.open()

        with pytest.raises(ZeroDivisionError):
            await failing
        assert {(await first).message.seq, (await good).message.seq} == {1, 2}


async def test_nobody_waits_longer_than_the_time_for_an_answer(monkeypatch: pytest.MonkeyPatch):
    async with desk(answer_seconds=0.5 * WITHIN_S) as at:
        clock = LoopClock(monkeypatch)
        at.storage.shut()
        first = at.submit("first", client_id="mine", origin=ConnectionId(7))
        await at.storage.entered.wait()
        second = at.submit("second")
        clock.put_forward(0.5 * WITHIN_S)
        await asyncio.wait([first, second])
        third = at.submit("third")
        assert [type(one.exception()) for one in (first, second, third)] == [
            OutcomeUnknown,
            Unavailable,
            Unavailable,
        ], "what was not begun is known not to be stored"

        at.storage.open()
        again = None
        while again is None:
            await asyncio.sleep(0)
            with suppress(Unavailable):
                again = await at.submit("first", client_id="mine")
        assert (again.is_repeat, again.message.seq) == (True, 1)
        posted = [event for event in at.log if isinstance(event, MessagePosted)]
        assert [(event.message.body.content, event.origin) for event in posted] == [("first", None)]


async def test_what_waited_too_long_to_be_stored_in_time_is_not_begun(
    monkeypatch: pytest.MonkeyPatch,
):
    async with desk(answer_seconds=0.5 * WITHIN_S) as at:
        clock = LoopClock(monkeypatch)
        first = await at.held_up()
        second = at.submit("second")
        clock.put_forward(0.4 * WITHIN_S)
        at.storage.open()
        assert (await first).message.seq == 1
        with pytest.raises(TooBusy):
            await second
        assert (await at.submit("third")).message.seq == 2


async def test_stopping_waits_for_nothing_that_nobody_knows():
    async with desk(grace=0) as at:
        first, _ = await at.in_doubt()

        await at.writer.stop()

        with pytest.raises(OutcomeUnknown):
            await first


async def test_what_cannot_be_announced_is_stored_and_answered_all_the_same(caplog):
    def fail(events: Sequence[object]) -> None:
        raise ZeroDivisionError("a bug of the hub's")

    async with desk(fail) as at:
        assert (await at.submit("one")).message.seq == 1
        assert (await at.submit("two")).message.seq == 2
        assert "could not be announced" in caplog.text


async def test_who_stops_waiting_before_it_was_begun_has_nothing_stored():
    async with desk() as at:
        first = await at.held_up()
        given_up = at.submit("never mind")
        given_up.cancel()
        at.storage.open()
        await first
        assert (await at.submit("second")).message.seq == 2


async def test_the_same_client_id_twice_in_one_batch_is_one_message():
    async with desk() as at:
        first = await at.held_up()
        once, twice = (at.submit("Hello", client_id="1") for _ in range(2))
        at.storage.open()
        await first
        assert (await once).message == (await twice).message
        assert [(await once).is_repeat, (await twice).is_repeat] == [False, True]
        assert sum(isinstance(event, MessagePosted) for event in at.log) == 2


async def test_more_than_may_wait_is_refused_at_once():
    async with desk(max_waiting=3) as at:
        first = await at.held_up()
        waiting = [at.submit(f"number {number}") for number in range(3)]
        with pytest.raises(TooBusy):
            await at.submit("one too many")
        at.storage.open()
        await asyncio.gather(first, *waiting)


async def test_stopping_settles_what_came_before_and_refuses_what_comes_after():
    async with desk(max_batch=2) as at:
        first = await at.held_up()
        waiting = [at.submit(f"number {number}") for number in range(5)]
        stopping = asyncio.create_task(at.writer.stop())
        await asyncio.sleep(0)
        assert at.writer.is_stopping
        with pytest.raises(ShuttingDown):
            await at.submit("too late")
        assert not stopping.done()
        at.storage.open()
        await stopping
        assert all(answer.done() for answer in (first, *waiting))
        assert [(await answer).message.seq for answer in (first, *waiting)] == list(range(1, 7))


async def test_an_idle_writer_stops_at_once():
    async with desk() as at:
        await at.submit("Hello")
        await at.writer.stop()
        await at.writer.stop()


async def nothing(_work: object) -> str:
    return "done"


async def test_a_patient_job_goes_with_the_next_that_is_not():
    async with desk(patience=3600.0) as at:
        patient = [asyncio.ensure_future(at.writer.write(nothing, patient=True)) for _ in range(3)]
        await asyncio.sleep(0)
        assert at.storage.writes == 0

        await at.submit("Hello")

        assert await asyncio.gather(*patient) == ["done"] * 3
        assert at.storage.writes == 1


async def test_a_patient_job_is_stored_by_itself_after_a_moment():
    async with desk(patience=0.01) as at:
        assert await at.writer.write(nothing, patient=True) == "done"
        assert at.storage.writes == 1


async def test_a_patient_job_that_comes_while_a_batch_is_stored_is_not_forgotten():
    async with desk(patience=0.0) as at:
        first = await at.held_up()
        patient = asyncio.ensure_future(at.writer.write(nothing, patient=True))
        for _ in range(3):
            await asyncio.sleep(0)
        at.storage.open()
        await first
        assert await patient == "done"
        assert at.storage.writes == 2


async def test_stopping_does_not_wait_for_the_patient():
    async with desk(patience=3600.0) as at:
        patient = asyncio.ensure_future(at.writer.write(nothing, patient=True))
        await asyncio.sleep(0)
        await at.writer.stop()
        assert await patient == "done"
