"""The program that asks a model: its setup and questions come on stdin, pieces go to stdout.

It runs in a process of its own (see `folkmoot.bots.model.process`), behind everybody else in line
for the processor and bounded in memory. The server that gave it its setup keeps stdin open; when
that ends, so does this, and at nothing else: what ends the server may be sent to both, and the
server has things to finish.
"""

import asyncio
import logging
import os
import resource
import selectors
import signal
import sys
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from typing import BinaryIO, Final

from folkmoot.bots.answerer import AnswerFailed, NothingFits, Retraction
from folkmoot.bots.model.answerer import ModelAnswerer
from folkmoot.bots.model.completion import Jitter
from folkmoot.bots.model.faults import BROKEN
from folkmoot.bots.model.protocol import (
    MAX_LINE_BYTES,
    AnswerEnd,
    Ask,
    LogRemark,
    Piece,
    Ready,
    Setup,
    line,
    order_in,
    setup_in,
)
from folkmoot.bots.model.token_budget import TokenBudget
from folkmoot.server.system import SystemClock, SystemIds

NICENESS: Final = 10
MEMORY_BYTES: Final = 2 * 1024 * 1024 * 1024
FENCE_CHARS: Final = 22
"""Of 6 random bits each; a model reads every one of them at both ends of every passage."""
GATHER_SECONDS: Final = 0.05
QUIET_SECONDS: Final = 60.0
MAX_KEPT_BACK: Final = 100
"""Different things that were said lately and may be kept back now; with more, all may be said."""

_log = logging.getLogger("folkmoot.model")


class PieceWriter:
    """Says what is found. Pieces that follow one another closely are said as one."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._gathered: dict[int, Piece] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._said_at = 0.0

    def add(self, number: int, piece: str | Retraction) -> None:
        """Say what comes next of an answer, now or a moment later."""
        before = self._gathered.get(number, Piece(number, ""))
        if isinstance(piece, Retraction):
            self._gathered[number] = Piece(number, "", retracts=True)
        else:
            self._gathered[number] = Piece(number, before.text + piece, before.retracts)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            due = max(loop.time(), self._said_at + GATHER_SECONDS)
            self._timer = loop.call_at(due, self._say_gathered)

    def say(self, report: Ready | AnswerEnd | LogRemark) -> None:
        """Say this, after all that was found before."""
        self._say_gathered()
        self._write(line(report))

    def _say_gathered(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        pieces = [line(piece) for piece in self._gathered.values()]
        self._gathered.clear()
        if pieces:
            self._said_at = asyncio.get_running_loop().time()
            self._write(b"".join(pieces))

    def _write(self, data: bytes) -> None:
        self._target.write(data)
        self._target.flush()


class Forwarded(logging.Handler):
    """Leaves what is logged here to the server's log.

    A model that is down fails every question alike: the same is said once in `QUIET_SECONDS`, and
    with it how often it was kept back since the last time.
    """

    def __init__(self, speaker: PieceWriter, now: Callable[[], float]) -> None:
        super().__init__(logging.WARNING)
        self._speaker = speaker
        self._now = now
        self._kept_back: dict[str, tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Say it, or keep it back."""
        text, now = record.getMessage(), self._now()
        until, count = self._kept_back.get(text, (0.0, 0))
        if now < until:
            self._kept_back[text] = (until, count + 1)
            return
        if len(self._kept_back) >= MAX_KEPT_BACK:
            self._kept_back.clear()
        self._kept_back[text] = (now + QUIET_SECONDS, 0)
        again = f" (and {count} times more since this was last said)" if count else ""
        self._speaker.say(LogRemark(record.levelno, f"{text}{again}"))


class Asker:
    """Asks what it is told to, all at once, and says what comes of it."""

    def __init__(self, answerer: ModelAnswerer, speaker: PieceWriter) -> None:
        self._answerer = answerer
        self._speaker = speaker
        self._asking: dict[int, asyncio.Task[None]] = {}

    async def serve(self, orders: asyncio.StreamReader) -> None:
        """Follow orders until there are no more."""
        async with asyncio.TaskGroup() as tasks:
            async for text in orders:
                order = order_in(text)
                if isinstance(order, Ask):
                    task = tasks.create_task(self._ask(order))
                    self._asking[order.number] = task
                    task.add_done_callback(partial(self._forget, order.number))
                elif order.number in self._asking:
                    self._asking[order.number].cancel()
            for asking in self._asking.values():
                asking.cancel()

    async def _ask(self, ask: Ask) -> None:
        failure, is_down, reason, nothing_fits = None, False, "", False
        try:
            async with aclosing(self._answerer.answer(ask.sources)) as pieces:
                async for piece in pieces:
                    self._speaker.add(ask.number, piece)
        except NothingFits:
            nothing_fits = True
        except AnswerFailed as error:
            failure, is_down, reason = str(error), error.is_down, error.reason
        except Exception as error:
            # Of one question; all others go on.
            _log.error("a model's answer could not be read: %s", type(error).__name__)
            failure, reason = BROKEN, type(error).__name__
        self._speaker.say(AnswerEnd(ask.number, failure, is_down, reason, nothing_fits))

    def _forget(self, number: int, _task: asyncio.Task[None]) -> None:
        del self._asking[number]


class YieldingSelector(selectors.DefaultSelector):
    """Has whoever waits for the processor go first, before each look for what is new.

    Being nice makes turns fewer and not shorter: a server that shares a core with this process
    would wait for the whole of a turn, 3 to 4 ms, as long as there is something to do here.
    """

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is new, as of any selector."""
        os.sched_yield()
        return super().select(timeout)


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop that gives way between its turns."""
    return asyncio.SelectorEventLoop(YieldingSelector())


def answerer_of(setup: Setup) -> ModelAnswerer:
    """Who asks, by what was set up."""
    clock, ids = SystemClock(), SystemIds()
    return ModelAnswerer(
        setup.model,
        clock=clock,
        jitter=Jitter(lambda: ids.secret()[:FENCE_CHARS]),
        budget=TokenBudget(
            clock, per_account=setup.tokens_per_account, for_all=setup.tokens_for_all
        ),
        timeouts=setup.timeouts,
    )


async def work() -> None:
    """Read the setup, and then follow orders until stdin ends."""
    orders = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin.buffer
    )
    setup = await orders.readline()
    if not setup:
        return
    speaker = PieceWriter(sys.stdout.buffer)
    now = asyncio.get_running_loop().time
    logging.getLogger("folkmoot").addHandler(Forwarded(speaker, now))
    answerer = answerer_of(setup_in(setup))
    # Only now: on a busy machine the libraries would take many times as long to load.
    os.nice(NICENESS)
    speaker.say(Ready())
    try:
        await Asker(answerer, speaker).serve(orders)
    finally:
        await answerer.close()


def main() -> None:
    """Ask until stdin ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(work())


if __name__ == "__main__":
    main()
