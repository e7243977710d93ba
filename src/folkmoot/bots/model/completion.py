"""One question put to a model, tried and heard until its answer ends."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from folkmoot.bots.answerer import Retraction
from folkmoot.bots.model import chunks
from folkmoot.bots.model.chunks import Chunk
from folkmoot.bots.model.events import End
from folkmoot.bots.model.faults import CUT_OFF, NOTHING, UNREADABLE, Fault, fault_of
from folkmoot.bots.model.pieces import Pieces
from folkmoot.bots.model.settings import ModelTimeouts
from folkmoot.bots.model.thoughts import Habit, Heard, Thoughts
from folkmoot.bots.model.token_budget import TokenReservation
from folkmoot.core.messages.context import BYTES_A_TOKEN
from folkmoot.core.shared.ids import Clock

_NO_MORE = object()
_NOTHING_YET = object()
_SIGNS = (*End, _NO_MORE, _NOTHING_YET)
_STOP = "stop"


@dataclass(frozen=True, slots=True)
class Jitter:
    """Where what nobody can guess comes from, and how the wait before another try is spent."""

    secret: Callable[[], str]
    jitter: Callable[[], float] = random.random
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep


class EventSource(Protocol):
    """The events of one response, as they come."""

    def __anext__(self) -> Awaitable[object]:
        """The next event."""
        ...

    async def close(self) -> None:
        """Let go of the response."""
        ...


@dataclass(slots=True, kw_only=True)
class Completion:
    """Asks for pieces one by one; `close` ends the request, wherever it is, and counts it."""

    open_stream: Callable[[], Awaitable[EventSource]]
    habit: Habit
    prompt_tokens: int
    grant: TokenReservation
    pieces: Pieces
    timeouts: ModelTimeouts
    jitter: Jitter
    clock: Clock
    _until: float = field(init=False)
    _next_by: float = field(init=False, default=0.0)
    _release_at: float | None = field(init=False, default=None)
    _stream: EventSource | None = field(init=False, default=None)
    _coming: "asyncio.Task[object] | None" = field(init=False, default=None)
    _thoughts: Thoughts = field(init=False)
    _tries: int = field(init=False, default=0)
    _end: str | None = field(init=False, default=None)
    _fault: Fault | None = field(init=False, default=None)
    _is_over: bool = field(init=False, default=False)
    _has_pieces: bool = field(init=False, default=False)
    _is_odd: bool = field(init=False, default=False)
    _ready: deque[str | Retraction] = field(init=False, default_factory=deque)
    _thought_bytes: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._until = _now() + self.timeouts.whole
        self._thoughts = Thoughts(self.habit)

    async def next_piece(self) -> str | Retraction | None:
        """What comes next of the answer, or nothing more; tries again only before the first piece.

        Raises:
            Fault: the answer ends here, and not because the model was done.
        """
        while not self._ready and not self._is_over:
            try:
                await self._hear()
            except Exception as error:  # whatever it is, `fault_of` has a sentence for it
                await self._fail(fault_of(error, self.clock.now()))
        if self._ready:
            return self._ready.popleft()
        await self._hang_up()
        if self._fault is not None:
            raise self._fault
        if (sentence := chunks.failure_of(self._end or _STOP)) is not None:
            raise Fault(sentence, f"it ended with {self._end}")
        if not self.pieces.began:
            raise Fault(NOTHING, "it gave no text")
        return None

    @property
    def seen(self) -> Habit | None:
        """What the answer showed of how its model thinks."""
        return self._thoughts.seen

    async def close(self) -> None:
        """End the request, and count what it took."""
        await self._hang_up()
        answered = self.pieces.bytes + self._thought_bytes + self._thoughts.dropped_chars
        self.grant.spent += -(-answered // BYTES_A_TOKEN)

    async def _hear(self) -> None:
        """Take in the next event, or that there is none."""
        if self._stream is None:
            await self._open()
        try:
            event = await self._next_event()
            chunk = None if event in _SIGNS else chunks.read(event)
        except Exception:
            if self._end is None:
                raise
            event = chunk = None  # the answer had come to its end, whatever follows
        if chunk is not None:
            self._add(chunk)
        elif event is _NOTHING_YET:
            self._take(self._thoughts.release())
        else:
            self._conclude(event if isinstance(event, End) else None)

    def _add(self, chunk: Chunk) -> None:
        if self._end is None:
            self._next_by = _now() + self.timeouts.pause
        self._is_odd = self._is_odd or chunk.is_odd
        if chunk.thought_chars:
            self._thought_bytes += chunk.thought_chars
            # Who sends thoughts apart has none in the text.
            self._take(self._thoughts.release())
        if chunk.text and not (chunk.is_whole and self._has_pieces):
            self._has_pieces = self._has_pieces or not chunk.is_whole
            self._take(self._thoughts.feed(chunk.text))
            if self._release_at is None and self._thoughts.is_held:
                self._release_at = _now() + self.timeouts.held
        if chunk.end is not None:
            if self._end is None:
                self._next_by = _now() + self.timeouts.after_end
            self._end = chunk.end

    def _take(self, heard: Heard) -> None:
        if heard.retracts:
            if self.pieces.began:
                self._ready.append(Retraction())
            self.pieces.start_again()
        self._ready += filter(None, map(self.pieces.clean, heard.pieces))
        if self.pieces.is_too_long:
            self._end, self._is_over = chunks.LENGTH, True

    def _conclude(self, told: End | None) -> None:
        """Note that nothing more comes, and how that was told.

        Raises:
            Fault: that was no end of an answer.
        """
        is_end = self._end is not None or told is not End.UNTOLD
        is_whole = is_end and chunks.failure_of(self._end or _STOP) is None
        self._take(self._thoughts.end(is_whole=is_whole))
        is_empty = self._end is None and not self.pieces.began
        if is_empty and self._is_odd:
            raise Fault(UNREADABLE, "nothing in it is known")
        has_said = told is End.DONE or self._thoughts.dropped_chars > 0
        if not is_end or (is_empty and not has_said):
            raise Fault(CUT_OFF, "its stream ended early", is_passing=True)
        self._is_over = True

    async def _fail(self, fault: Fault) -> None:
        """Have the answer end with a fault, unless it can be asked for once more."""
        await self._hang_up()
        began = self.pieces.began or self._thoughts.is_held
        if not fault.is_passing or began or self._tries >= self.timeouts.tries:
            self._take(self._thoughts.end(is_whole=False))
            # What was held back may be more than an answer has, whatever happened behind it.
            self._fault = None if self.pieces.is_too_long else fault
            self._is_over = True
        elif not await self._back_off(fault):
            self._fault, self._is_over = fault, True

    async def _open(self) -> None:
        self._tries += 1
        self._thought_bytes += self._thoughts.dropped_chars
        self._thoughts = Thoughts(self.habit)
        self._release_at, self._has_pieces, self._is_odd = None, False, False
        self._next_by = _now() + self.timeouts.first
        async with self._before(self._next_by):
            self._stream = await self.open_stream()
        self.grant.spent += self.prompt_tokens

    async def _next_event(self) -> object:
        """The next event, or that it is time to hold nothing back."""
        assert self._stream is not None  # noqa: S101 - the caller has opened it
        releases = self._release_at if self._thoughts.is_held else None
        if releases is None and self._coming is None:
            async with self._before(self._next_by):
                return await anext(self._stream, _NO_MORE)
        if self._coming is None:
            self._coming = asyncio.ensure_future(anext(self._stream, _NO_MORE))
        limit = min(self._next_by, self._until)
        wait = (limit if releases is None else min(limit, releases)) - _now()
        done, _ = await asyncio.wait({self._coming}, timeout=max(0.0, wait))
        if done:
            coming, self._coming = self._coming, None
            return coming.result()
        if releases is not None and releases <= limit:
            return _NOTHING_YET
        raise TimeoutError

    def _before(self, when: float) -> asyncio.Timeout:
        if _now() >= self._until:
            raise TimeoutError
        return asyncio.timeout_at(min(when, self._until))

    async def _back_off(self, fault: Fault) -> bool:
        """Wait for another try; whether there is time for one."""
        backoff = self.timeouts.backoff * 2 ** (self._tries - 1) * (0.5 + self.jitter.jitter() / 2)
        wait = max(backoff, fault.wait)
        if _now() + wait >= self._until:
            return False
        await self.jitter.wait(wait)
        return True

    async def _hang_up(self) -> None:
        stream, self._stream = self._stream, None
        coming, self._coming = self._coming, None
        if coming is not None:
            coming.cancel()
            await asyncio.wait({coming})
            if not coming.cancelled():
                coming.exception()
        if stream is not None:
            with suppress(Exception):
                await stream.close()


def _now() -> float:
    return asyncio.get_running_loop().time()
