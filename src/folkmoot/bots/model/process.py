"""The answerer that has a model asked by a process of its own, so that it holds up no chat.

A library that speaks HTTP takes milliseconds for a request, and a model may send whatever it likes;
neither is the server's affair. What the process finds comes back in pieces, one line each.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Final

import msgspec

from folkmoot.bots.answerer import AnswerFailed, NothingFits, Retraction, Sources
from folkmoot.bots.child_process import ChildProcess
from folkmoot.bots.model.circuit_breaker import CircuitBreaker
from folkmoot.bots.model.protocol import (
    MAX_LINE_BYTES,
    AnswerEnd,
    Ask,
    Cancel,
    LogRemark,
    Piece,
    Ready,
    Setup,
    line,
    report_in,
)
from folkmoot.core.shared.health import Health
from folkmoot.core.shared.refusals import ServerPart, Unavailable

REST_SECONDS: Final = 1.0
START_SECONDS: Final = 60.0
MAX_UNREAD_BYTES: Final = 8 * 1024 * 1024
GONE = (
    "Asking the assistant's model came to a sudden end. Your message is kept; ask again in a while."
)

DOWN_FOR: Final = timedelta(minutes=1)
_log = logging.getLogger(__name__)


class ModelUnavailable(Unavailable):
    """The model that the settings name does not answer, or not as it should."""

    code = "model_unavailable"
    part = ServerPart.MODEL


class ModelProcess:
    """Answers of the model of a ``setup``. `run` must be running; nothing is asked before.

    ``program`` is the module that asks, run as a process. One that ends is started anew for the
    next question, ``rest`` seconds after it was started at the earliest.
    """

    def __init__(
        self,
        setup: Setup,
        *,
        program: str,
        rest: float = REST_SECONDS,
        breaker: CircuitBreaker | None = None,
        health: Health | None = None,
    ) -> None:
        self._health = health or Health()
        self._setup = setup
        self._program = program
        self._rest = rest
        self._breaker = breaker or CircuitBreaker()
        self._numbers = count(1)
        self._listeners: dict[int, Callable[[Piece | AnswerEnd], None]] = {}
        self._beside: ChildProcess | None = None
        """The process once it has said that it is ready, and until it ends."""
        self._settled = asyncio.Event()
        self._wanted = asyncio.Event()

    @property
    def name(self) -> str:
        """The name of the model."""
        return self._setup.model.model

    async def run(self) -> None:
        """Keep the process going, until cancelled; the first one is there before any question."""
        while True:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(asyncio.sleep(self._rest))
                tasks.create_task(self._ask_apart())
            await self._wanted.wait()

    async def ready(self) -> None:
        """Return when there is a process that can be asked, or could not be one.

        Raises:
            AnswerFailed: the model is left alone for a moment, since it is down.
        """
        if sentence := self._breaker.refused(_now()):
            raise AnswerFailed(sentence, is_down=True)
        await self._up()

    async def _up(self) -> None:
        """Return when there is a process, or could not be one."""
        if self._beside is None:
            self._settled.clear()
            self._wanted.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(START_SECONDS):
                    await self._settled.wait()

    async def answer(self, sources: Sources) -> AsyncGenerator[str | Retraction, None]:
        """The answer, in pieces as they come; closing the iterator ends the request.

        Raises:
            NothingFits: as the model's answerer does.
            AnswerFailed: as the model's answerer does, or because the process has ended.
        """
        await self._up()
        if self._beside is None:
            raise AnswerFailed(GONE)
        number = next(self._numbers)
        reports: asyncio.Queue[Piece | AnswerEnd] = asyncio.Queue()
        self._listeners[number] = reports.put_nowait
        try:
            self._say(Ask(number, sources))
            while isinstance(report := await reports.get(), Piece):
                if report.retracts:
                    yield Retraction()
                if report.text:
                    yield report.text
        finally:
            if self._listeners.pop(number, None) is not None:
                self._say(Cancel(number))
        if report.is_down and report.failure is not None:
            self._breaker.failed(report.failure, _now())
        else:
            self._breaker.answered()
        self._note(report)
        if report.failure is not None:
            raise AnswerFailed(report.failure, is_down=report.is_down)
        if report.nothing_fits:
            raise NothingFits

    def _note(self, end: AnswerEnd) -> None:
        """Have it known how the model is; without questions nobody finds out that it is back."""
        if end.failure is None:
            self._health.well(ServerPart.MODEL)
            return
        why = end.reason or "the process that asks it has ended"
        fault = ModelUnavailable(f"it gave no answer ({why})")
        if end.is_down or not end.reason:
            self._health.failed(fault, lasts=DOWN_FOR)
        else:
            self._health.met(fault)

    def _say(self, order: Ask | Cancel) -> None:
        """Give an order; a process that has ended hears nothing, and `_ask_apart` sees to that.

        Nobody waits here, as they might for ever: a process that reads no more is ended.
        """
        beside = self._beside
        if beside is None or beside.orders.is_closing():
            return
        beside.orders.write(line(order))
        if beside.orders.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            beside.kill()

    async def _ask_apart(self) -> None:
        """Have one process ask until it ends, and tell whoever still waited for an answer then."""
        self._wanted.clear()
        try:
            beside = await ChildProcess.begun(self._program, max_line_bytes=MAX_LINE_BYTES)
        except OSError as error:
            _log.error("no process could be started to ask the model: %s", error)
            self._settled.set()
            return
        try:
            await self._hear(beside)
        except (OSError, ValueError, msgspec.DecodeError) as error:
            _log.error("the process that asks the model is not understood: %r", error)
        finally:
            self._beside = None
            code = await beside.end()
        _log.error("the process that asks the model has ended with %d", code)
        for number in list(self._listeners):
            self._report(AnswerEnd(number, GONE))
        self._settled.set()

    async def _hear(self, beside: ChildProcess) -> None:
        beside.orders.write(line(self._setup))
        async for text in beside.reports:
            match report_in(text):
                case Ready():
                    self._beside = beside
                    self._settled.set()
                case LogRemark(level=level, text=remark):
                    _log.log(level, "%s", remark)
                case report:
                    self._report(report)

    def _report(self, report: Piece | AnswerEnd) -> None:
        listener = self._listeners.get(report.number)
        if isinstance(report, AnswerEnd):
            self._listeners.pop(report.number, None)
        if listener is not None:
            listener(report)


def _now() -> float:
    return asyncio.get_running_loop().time()
