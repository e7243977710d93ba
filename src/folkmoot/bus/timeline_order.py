"""Timelines as one process is told of them: in order, each event once, without a gap.

Whatever comes beyond the next ``seq`` waits while what is missing is read from storage; what was
told already is dropped (docs/decisions/0017).
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from folkmoot.core.conversations.events import DeliveredMoved, Durable, ReadMoved
from folkmoot.core.events import Event, TimelineEvent
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.shared.refusals import Unavailable
from folkmoot.core.work import Storage, UnitOfWork

PAGE: Final = 200
MAX_EARLY: Final = 1000
"""How many events of a conversation are kept while earlier ones are read; the rest is read too."""
_log = logging.getLogger(__name__)

Watermark = ReadMoved | DeliveredMoved


class _Hole:
    """What a conversation is missing, up to the ``last`` that is known to be there."""

    __slots__ = ("early", "last", "watermarks")

    def __init__(self) -> None:
        self.last = 0
        self.early: dict[int, TimelineEvent] = {}
        """What came before its turn, by its ``seq``."""
        self.watermarks: dict[tuple[type[Watermark], AccountId], Watermark] = {}
        """The newest of each, which may be of what is missing."""

    def keep(self, event: TimelineEvent) -> None:
        """Have an event told in its turn."""
        self.last = max(self.last, event.seq)
        if len(self.early) >= MAX_EARLY:
            self.early.clear()
        self.early[event.seq] = event

    def keep_watermark(self, event: Watermark) -> None:
        """Have a watermark told after what is missing."""
        owner = event.reader if isinstance(event, ReadMoved) else event.receiver
        self.watermarks[type(event), owner.id] = event


class TimelineOrder:
    """Where each conversation stands that somebody follows here.

    Of a conversation that nobody follows, everything is told as it comes. What is read from storage
    is told without an origin: whoever posted it was not answered. ``patience`` (seconds) is how
    long what is missing may still come by itself, ``in_flight`` how long what was read from storage
    may take to be announced, and ``rest`` how long to wait when storage cannot be read.
    """

    def __init__(
        self,
        tell: Callable[[Event], None],
        *,
        patience: float = 0.02,
        in_flight: float = 1.0,
        rest: float = 0.5,
    ) -> None:
        self._tell = tell
        self._patience = patience
        self._in_flight = in_flight
        self._rest = rest
        self._positions: dict[ConversationId, int] = {}
        self._holes: dict[ConversationId, _Hole] = {}
        self._expected: dict[ConversationId, int] = {}
        self._is_missing = asyncio.Event()
        self._is_expecting = asyncio.Event()

    def follow(self, conversation_id: ConversationId, seq: int) -> None:
        """Have a conversation told in order from after ``seq`` on, unless it is already."""
        self._positions.setdefault(conversation_id, seq)

    def forget(self, conversation_id: ConversationId) -> None:
        """Nobody follows a conversation any more."""
        self._positions.pop(conversation_id, None)
        self._holes.pop(conversation_id, None)
        self._expected.pop(conversation_id, None)

    def position(self, conversation_id: ConversationId) -> int:
        """Up to where a conversation was told; 0 where nobody follows it."""
        return self._positions.get(conversation_id, 0)

    def expect(self, conversation_id: ConversationId, seq: int) -> None:
        """Have everything told up to ``seq``, which is stored, if it is not announced soon."""
        if seq > self._positions.get(conversation_id, seq):
            self._expected[conversation_id] = max(seq, self._expected.get(conversation_id, 0))
            self._is_expecting.set()

    def take(self, event: Event) -> None:
        """Tell an event when it is its turn."""
        if isinstance(event, Durable):
            self._take_durable(event)
        elif self._holes and isinstance(event, ReadMoved | DeliveredMoved):
            hole = self._holes.get(event.conversation_id)
            self._tell(event) if hole is None else hole.keep_watermark(event)
        else:
            self._tell(event)

    async def run(self, storage: Storage) -> None:
        """Read what is missing, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._fill_holes(storage))
            tasks.create_task(self._check_expected())

    # -- what comes ----------------------------------------------------------------------------

    def _take_durable(self, event: TimelineEvent) -> None:
        conversation_id = event.conversation_id
        position = self._positions.get(conversation_id)
        if position is None:
            self._tell(event)
        elif event.seq == position + 1:
            self._advance(event)
            if self._holes and (hole := self._holes.get(conversation_id)) is not None:
                self._advance_through(conversation_id, hole)
        elif event.seq > position:
            self._open(conversation_id).keep(event)

    def _advance(self, event: TimelineEvent) -> None:
        self._positions[event.conversation_id] = event.seq
        self._tell(event)

    def _advance_through(self, conversation_id: ConversationId, hole: _Hole) -> None:
        """Tell what has come early and whose turn it is now."""
        while (position := self._positions.get(conversation_id)) is not None:
            event = hole.early.pop(position + 1, None)
            if event is None:
                break
            self._advance(event)
        if position is None or position >= hole.last:
            self._close(conversation_id, hole)

    def _open(self, conversation_id: ConversationId) -> _Hole:
        hole = self._holes.get(conversation_id)
        if hole is None:
            hole = self._holes[conversation_id] = _Hole()
        self._is_missing.set()
        return hole

    def _close(self, conversation_id: ConversationId, hole: _Hole) -> None:
        if self._holes.get(conversation_id) is hole:
            del self._holes[conversation_id]
            for event in hole.watermarks.values():
                self._tell(event)

    # -- what is read --------------------------------------------------------------------------

    async def _fill_holes(self, storage: Storage) -> None:
        while True:
            await self._is_missing.wait()
            await asyncio.sleep(self._patience)
            self._is_missing.clear()
            for conversation_id, hole in list(self._holes.items()):
                await self._fill(conversation_id, hole, storage)
            if self._holes:
                await asyncio.sleep(self._rest)
                self._is_missing.set()

    async def _fill(self, conversation_id: ConversationId, hole: _Hole, storage: Storage) -> None:
        page: Sequence[TimelineEvent]
        while self._holes.get(conversation_id) is hole:
            position = self._positions[conversation_id]
            try:
                page = await storage.read(partial(_read, conversation_id, position))
            except Unavailable:
                return
            except Exception:
                _log.exception("conversation %d cannot be read after %d", conversation_id, position)
                page = ()
            if self._holes.get(conversation_id) is hole:
                self._fill_with(conversation_id, hole, page)

    def _fill_with(
        self, conversation_id: ConversationId, hole: _Hole, page: Sequence[TimelineEvent]
    ) -> None:
        """Tell a page of what is missing; what storage does not have is missing for good."""
        before = self._positions[conversation_id]
        for event in page:
            position = self._positions.get(conversation_id)
            if position is None or event.seq > hole.last:
                break
            if event.seq > position:
                self._advance(hole.early.pop(event.seq, event))
        told_up_to = self._positions.get(conversation_id)
        if told_up_to == before:
            self._positions[conversation_id] = min(hole.early, default=hole.last + 1) - 1
        else:
            _log.warning(
                "conversation %d was told from storage from %d on", conversation_id, before + 1
            )
        self._advance_through(conversation_id, hole)

    async def _check_expected(self) -> None:
        while True:
            await self._is_expecting.wait()
            await asyncio.sleep(self._in_flight)
            self._is_expecting.clear()
            expected, self._expected = self._expected, {}
            for conversation_id, seq in expected.items():
                if seq > self._positions.get(conversation_id, seq):
                    hole = self._open(conversation_id)
                    hole.last = max(hole.last, seq)


async def _read(conversation_id: ConversationId, seq: int, work: UnitOfWork) -> list[TimelineEvent]:
    return await work.timeline.after(conversation_id, seq, limit=PAGE)
