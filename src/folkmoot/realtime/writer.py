"""The one way in which anything durable happens: collected, stored in one transaction, announced.

Whatever arrives while a batch is being stored makes up the next one. Answers go out after the
commit and never before; a refused entry spoils no other; one that fails is tried by itself.
Where nobody knows whether a batch was stored, nothing else is until that is known
(docs/decisions/0016).
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, TypeVar

from folkmoot.core.events import Event
from folkmoot.core.messages.events import MessagePosted
from folkmoot.core.messages.model import Draft, Message, Posted
from folkmoot.core.messages.posting import Posting, announcement
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.core.work import Job, OutcomeUnknown, Storage, UnitOfWork
from folkmoot.realtime.request_id import request_id

Result = TypeVar("Result")
_WAITING_PART = 0.75
"""How much of the time for an answer an entry may have waited when it is begun."""
_log = logging.getLogger(__name__)


class TooBusy(Unavailable):
    """More is waiting to be stored than the server takes on."""

    code = "too_busy"
    sentence = "The server has more to store than it can take on; try again in a moment."
    reason = "too much waits to be stored"


class ShuttingDown(Unavailable):
    """This process is about to end and takes nothing new on."""

    code = "shutting_down"
    sentence = "The server is restarting; try again in a moment."
    reason = "it is about to end"


@dataclass(slots=True, eq=False)
class _Entry:
    """Something to be stored, and who waits for the answer."""

    task: Draft | Job[Any]
    answer: asyncio.Future[Any]
    entered_at: float
    is_patient: bool = False
    request_id: str = ""
    outcome: Any = field(default=None)

    @property
    def is_draft(self) -> bool:
        return isinstance(self.task, Draft)

    def settle(self) -> None:
        if self.answer.done():
            return
        if isinstance(self.outcome, BaseException):
            self.answer.set_exception(self.outcome)
        else:
            self.answer.set_result(self.outcome)


@dataclass(frozen=True, slots=True)
class WriterStatistics:
    """What waits to be stored, and what was stored and refused so far, by the refusal's code."""

    waiting: int
    batches: int
    messages: int
    refusals: Mapping[str, int]


class Writer:
    """Stores drafts and runs writing jobs in batches, in the order in which they came.

    ``announce`` is told what was recorded, after the commit. ``linger`` (seconds) is how long a
    busy writer lets entries gather; an idle one never waits, but for ``patience`` (seconds) where
    there are only patient jobs. At most ``max_waiting`` entries wait. ``grace`` (seconds) is how
    long entries whose outcome nobody knows are kept waiting for it; from then on all are refused
    until it is known. So it is where the storage does not answer, ``answer_seconds`` after the
    first of a batch has come: nobody waits for longer. ``announce_again`` is told of messages
    whose posters were answered before: whoever was told of them already hears nothing.
    """

    def __init__(
        self,
        storage: Storage,
        posting: Posting,
        announce: Callable[[Sequence[Event]], None],
        *,
        max_batch: int = 500,
        max_waiting: int = 20_000,
        linger: float = 0.002,
        patience: float = 0.02,
        grace: float = 0.5,
        answer_seconds: float = 2.5,
        announce_again: Callable[[Sequence[Event]], None] = lambda _: None,
    ) -> None:
        self._storage = storage
        self._posting = posting
        self._announce = announce
        self._announce_again = announce_again
        self._repeated: list[Message] = []
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._linger = linger
        self._patience = patience
        self._grace = grace
        self._answer_seconds = answer_seconds
        self._stalled: Unavailable | None = None
        self._waiting: deque[_Entry] = deque()
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False
        self._batches = 0
        self._messages = 0
        self._refusals: Counter[str] = Counter()

    @property
    def is_stopping(self) -> bool:
        """Whether nothing new is taken on any more."""
        return self._stopping

    @property
    def stalled(self) -> Unavailable | None:
        """Why nothing is taken on until it is known what became of the last batch, if so."""
        return self._stalled

    def statistics(self) -> WriterStatistics:
        """How it did since the start."""
        return WriterStatistics(
            len(self._waiting), self._batches, self._messages, dict(self._refusals)
        )

    def submit(self, draft: Draft) -> asyncio.Future[Posted]:
        """Have a draft stored; drafts of one author are stored in the order of their submission.

        The future fails with the draft's refusal, or with `Unavailable`.
        """
        return self._enter(draft)

    async def post(self, draft: Draft) -> Posted:
        """The message that the draft became, once it is durable."""
        return await self.submit(draft)

    async def settle(self, draft: Draft) -> Draft:
        """The draft with its conversation's id for a destination; one is begun if need be.

        Only for what is answered and not stored: whoever submits a draft need not ask.
        """
        return await self.write(lambda work: self._posting.settle(work, draft))

    async def write(self, job: Job[Result], *, patient: bool = False) -> Result:
        """What the job returns, once everything it did is durable.

        A job must refuse before it changes anything: it shares its transaction with others. One
        that nobody is kept waiting by is ``patient``: it goes with the next that is not, and so
        costs no transaction, or by itself after a moment.
        """
        future: asyncio.Future[Result] = self._enter(job, is_patient=patient)
        return await future

    async def run(self) -> None:
        """Store what arrives, until cancelled."""
        loop = asyncio.get_running_loop()
        busy_until = 0.0
        while True:
            await self._arrived.wait()
            if loop.time() < busy_until:
                await asyncio.sleep(self._linger)
            self._arrived.clear()
            batch = self._take()
            if self._waiting:
                self._arrived.set()
            if batch:
                await self._store_in_time(batch)
                for entry in batch:
                    entry.settle()
                if sum(not entry.is_patient for entry in batch) > 1:
                    busy_until = loop.time() + self._linger
            if not self._waiting:
                self._idle.set()

    async def stop(self) -> None:
        """Refuse what comes from now on, and return when all that came before is settled."""
        self._stopping = True
        if self._waiting:
            self._arrived.set()
        await self._idle.wait()

    def _enter(self, task: Draft | Job[Any], *, is_patient: bool = False) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        entry = _Entry(task, loop.create_future(), loop.time(), is_patient, request_id.get())
        if self._stopping:
            entry.answer.set_exception(ShuttingDown())
        elif self._stalled is not None:
            entry.answer.set_exception(_fresh(self._stalled))
        elif len(self._waiting) >= self._max_waiting:
            entry.answer.set_exception(TooBusy())
        else:
            self._waiting.append(entry)
            self._idle.clear()
            if is_patient:
                loop.call_later(self._patience, self._arrived.set)
            else:
                self._arrived.set()
        return entry.answer

    def _take(self) -> list[_Entry]:
        count = min(len(self._waiting), self._max_batch)
        taken = (self._waiting.popleft() for _ in range(count))
        latest = asyncio.get_running_loop().time() - self._answer_seconds * _WAITING_PART
        batch = []
        for entry in taken:
            if entry.entered_at < latest and not entry.answer.done():
                # There is not time enough left to store it in.
                entry.answer.set_exception(TooBusy())
            # Whoever stopped waiting for an answer that was not begun has it no longer stored.
            if not entry.answer.done():
                batch.append(entry)
        return batch

    async def _store_in_time(self, batch: Sequence[_Entry]) -> None:
        """Store a batch; if that takes too long, nobody is kept waiting for it."""
        latest = batch[0].entered_at + self._answer_seconds
        overdue = asyncio.get_running_loop().call_at(latest, self._note_overdue, batch)
        try:
            await self._store(batch)
        finally:
            overdue.cancel()
            self._stalled = None

    async def _store(self, batch: Sequence[_Entry]) -> None:
        try:
            outcomes, events = await self._storage.write(self._job(batch))
        except OutcomeUnknown as unknown:
            await self._find_out(batch, unknown)
        except Exception as error:
            await self._store_singly(batch, error)
        else:
            self._take_in(batch, outcomes)
            self._tell(events)

    def _take_in(self, batch: Sequence[_Entry], outcomes: Sequence[Any]) -> None:
        self._batches += 1
        for entry, outcome in zip(batch, outcomes, strict=True):
            entry.outcome = outcome
            if isinstance(outcome, Posted) and outcome.is_repeat:
                self._repeated.append(outcome.message)
            elif isinstance(outcome, Posted):
                self._messages += 1
            elif isinstance(outcome, Refusal):
                self._refusals[outcome.code] += 1

    def _tell(self, events: Sequence[Event]) -> None:
        if self._stalled is not None:
            # Its author was told of no message, and so is shown it like everybody else.
            events = [_without_origin(event) for event in events]
        repeated, self._repeated = self._repeated, []
        try:
            self._announce(events)
            if repeated:
                self._announce_again([announcement(message) for message in repeated])
        except Exception:
            # It is durable, and whoever waits for an answer must get it all the same.
            _log.exception("what was stored could not be announced")

    async def _find_out(self, batch: Sequence[_Entry], unknown: OutcomeUnknown) -> None:
        """Learn what became of a batch, and announce it if it is durable, before anything later."""
        known = asyncio.ensure_future(unknown.outcome())
        try:
            await asyncio.wait({known}, timeout=self._grace)
            if not known.done() and self._stalled is None:
                self._stall(batch, unknown)
            outcomes, events = await known
        except Exception as error:
            _log.warning("a batch of %d was not stored: %s", len(batch), unknown.explained)
            await self._store_singly(batch, error)
        else:
            _log.warning("a batch of %d was stored after all: %s", len(batch), unknown.explained)
            self._take_in(batch, outcomes)
            self._tell(events)
        finally:
            known.cancel()

    def _note_overdue(self, batch: Sequence[_Entry]) -> None:
        self._stall(batch, OutcomeUnknown("it does not answer in time"))

    def _stall(self, batch: Sequence[_Entry], unknown: OutcomeUnknown) -> None:
        """Keep nobody waiting any longer for what nobody knows."""
        self._stalled = unknown
        for entry in batch:
            entry.outcome = unknown
            entry.settle()
        while self._waiting:
            entry = self._waiting.popleft()
            entry.outcome = _fresh(unknown)
            entry.settle()
        self._idle.set()

    async def _store_singly(self, batch: Sequence[_Entry], error: Exception) -> None:
        """Nothing of the batch has happened: find out which entry is to blame, if one is."""
        batch = [entry for entry in batch if not entry.answer.done()]
        if len(batch) <= 1 or isinstance(error, Unavailable):
            if not isinstance(error, Refusal | Unavailable):
                extra = {"request_id": batch[0].request_id if batch else ""}
                _log.error("a write failed", exc_info=error, extra=extra)
            for entry in batch:
                entry.outcome = error
            return
        for entry in batch:
            if not entry.answer.done():
                await self._store([entry])

    def _job(self, batch: Sequence[_Entry]) -> Job[tuple[list[Any], list[Event]]]:
        async def job(work: UnitOfWork) -> tuple[list[Any], list[Event]]:
            outcomes: list[Any] = []
            for are_drafts, run in groupby(batch, key=lambda entry: entry.is_draft):
                tasks = [entry.task for entry in run]
                if are_drafts:
                    outcomes += await self._posting.post(work, tasks)  # type: ignore[arg-type]  # grouped by kind
                else:
                    outcomes += [await _attempt(work, task) for task in tasks]  # type: ignore[arg-type]  # grouped by kind
            return outcomes, list(work.events)

        return job


def _fresh(fault: Unavailable) -> Unavailable:
    """What to tell those of whom nothing was begun."""
    return Unavailable(fault.reason, part=fault.part)


def _without_origin(event: Event) -> Event:
    return replace(event, origin=None) if isinstance(event, MessagePosted) else event


async def _attempt(work: UnitOfWork, job: Job[Any]) -> Any:
    try:
        return await job(work)
    except Refusal as refusal:
        return refusal
