"""One question put to a model, tried and heard until its answer ends."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from openai import AsyncStream

from folkmoot.bots.model.faults import (
    CUT_OFF,
    NOTHING,
    TOO_LONG,
    UNREADABLE,
    WITHHELD,
    Fault,
    fault_of,
)
from folkmoot.bots.model.pieces import Pieces
from folkmoot.bots.model.settings import ModelTimeouts
from folkmoot.bots.model.token_budget import TokenReservation
from folkmoot.core.messages.context import BYTES_A_TOKEN
from folkmoot.core.shared.ids import Clock

_NO_MORE = object()
_CUT_SHORT = {"length": TOO_LONG, "content_filter": WITHHELD}


@dataclass(frozen=True, slots=True)
class Jitter:
    """Where what nobody can guess comes from, and how the wait before another try is spent."""

    secret: Callable[[], str]
    jitter: Callable[[], float] = random.random
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(slots=True, kw_only=True)
class Completion:
    """Asks for pieces one by one; `close` ends the request, wherever it is, and counts it."""

    open_stream: Callable[[], Awaitable[AsyncStream[object]]]
    prompt_tokens: int
    grant: TokenReservation
    pieces: Pieces
    timeouts: ModelTimeouts
    jitter: Jitter
    clock: Clock
    _until: float = field(init=False)
    _first_by: float = field(init=False, default=0.0)
    _stream: AsyncStream[object] | None = field(init=False, default=None)
    _is_heard: bool = field(init=False, default=False)
    _tries: int = field(init=False, default=0)
    _end: str | None = field(init=False, default=None)
    _thought_bytes: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._until = _now() + self.timeouts.whole

    async def next_piece(self) -> str | None:
        """What comes next of the answer, or nothing more; tries again only before the first piece.

        Raises:
            Fault: the answer ends here, and not because the model was done.
        """
        while self._end is None:
            try:
                if piece := await self._next_of_stream():
                    return piece
            except Exception as error:  # whatever it is, `fault_of` has a sentence for it
                fault = fault_of(error, self.clock.now())
                await self._hang_up()
                if not fault.is_passing or self.pieces.began or self._tries >= self.timeouts.tries:
                    raise fault from None
                await self._back_off(fault)
        await self._hang_up()
        if sentence := _CUT_SHORT.get(self._end):
            raise Fault(sentence, f"it ended with {self._end}")
        if not self.pieces.began:
            raise Fault(NOTHING, "it gave no text")
        return None

    async def close(self) -> None:
        """End the request, and count what it took."""
        await self._hang_up()
        answered = self.pieces.bytes + self._thought_bytes
        self.grant.spent += -(-answered // BYTES_A_TOKEN)

    async def _next_of_stream(self) -> str:
        if self._stream is None:
            await self._open()
        assert self._stream is not None  # noqa: S101 - just opened
        async with self._before(_now() + self.timeouts.pause if self._is_heard else self._first_by):
            event = await anext(self._stream, _NO_MORE)
        if event is _NO_MORE:
            raise Fault(CUT_OFF, "its stream ended early", is_passing=True)
        self._is_heard = True
        text, self._end = self._read(event)
        piece = self.pieces.clean(text)
        if self.pieces.is_too_long:
            self._end = "length"
        return piece

    async def _open(self) -> None:
        self._tries += 1
        self._is_heard = False
        self._first_by = _now() + self.timeouts.first
        async with self._before(self._first_by):
            self._stream = await self.open_stream()
        self.grant.spent += self.prompt_tokens

    def _read(self, chunk: object) -> tuple[str, str | None]:
        """The text of a chunk, and why the answer ends with it if it does."""
        choices = chunk.get("choices") if isinstance(chunk, dict) else None
        if not isinstance(choices, list):
            raise Fault(UNREADABLE, "a chunk without choices")
        choice = _fields(choices[0]) if choices else {}
        delta = _fields(choice.get("delta"))
        text, end = delta.get("content"), choice.get("finish_reason")
        if not isinstance(text, str | None) or not isinstance(end, str | None):
            raise Fault(UNREADABLE, "a chunk with fields of other types")
        if isinstance(thought := delta.get("reasoning_content"), str):
            self._thought_bytes += len(thought)
        return text or "", end or None

    def _before(self, when: float) -> asyncio.Timeout:
        if _now() >= self._until:
            raise TimeoutError
        return asyncio.timeout_at(min(when, self._until))

    async def _back_off(self, fault: Fault) -> None:
        backoff = self.timeouts.backoff * 2 ** (self._tries - 1) * (0.5 + self.jitter.jitter() / 2)
        wait = max(backoff, fault.wait)
        if _now() + wait >= self._until:
            raise fault
        await self.jitter.wait(wait)

    async def _hang_up(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(Exception):
                await stream.close()


def _fields(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _now() -> float:
    return asyncio.get_running_loop().time()
