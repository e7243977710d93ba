"""Threads that each own one connection, and the one hop from an event loop to them and back."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from folkmoot.core.shared.refusals import ServerPart, Unavailable
from folkmoot.core.work import OutcomeUnknown

Owned = TypeVar("Owned")
Result = TypeVar("Result")
Task = Callable[[Owned], Result]


class ConnectionThreads(Generic[Owned]):
    """Runs tasks on threads that share one queue; each task gets what its thread owns.

    At most ``max_waiting`` tasks wait or run at a time: past that, and when one takes longer
    than ``seconds``, the answer is `Unavailable`. To be used from one event loop. What is done
    ``afterwards``, when a task was answered, keeps only the next one waiting.
    """

    def __init__(
        self,
        name: str,
        owned: Sequence[Owned],
        max_waiting: int,
        seconds: float,
        *,
        afterwards: Callable[[Owned], object] | None = None,
        part: ServerPart = ServerPart.DATABASE,
    ) -> None:
        self._part = part
        self._max_waiting = max_waiting
        self._seconds = seconds
        self._unfinished = 0
        self._closed = False
        self._queue: SimpleQueue[_ThreadTask[Owned] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(
                target=_work,
                args=(self._queue, each, afterwards),
                name=f"{name}-{index}",
                daemon=True,
            )
            for index, each in enumerate(owned)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, task: Task[Owned, Result]) -> Result:
        """What the task returns. A task that nobody waits for any more is not begun.

        Raises:
            OutcomeUnknown: it was begun and takes too long.
            Unavailable: too many wait, it was not begun in time, or all is closed.
        """
        if self._closed:
            raise Unavailable("it is closed", part=self._part)
        if self._unfinished >= self._max_waiting:
            raise Unavailable("too many wait for it", part=self._part)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        self._unfinished += 1
        waiting = _ThreadTask(task, loop, answer, self._finished)
        self._queue.put(waiting)
        try:
            async with asyncio.timeout(self._seconds):
                return await answer
        except TimeoutError:
            if waiting.claim():
                raise Unavailable("it does not answer in time", part=self._part) from None
            raise OutcomeUnknown(
                "it does not answer in time", waiting.outcome, part=self._part
            ) from None

    @property
    def unfinished(self) -> int:
        """How many tasks wait or run."""
        return self._unfinished

    async def close(self) -> None:
        """Finish what waits, and end the threads."""
        self._closed = True
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _finished(self) -> None:
        self._unfinished -= 1


class _ThreadTask(Generic[Owned]):
    """A task on its way to a thread, and its result on the way back."""

    __slots__ = ("_answer", "_claimed", "_ended", "_finished", "_loop", "_result", "_task")

    def __init__(
        self,
        task: Task[Owned, Any],
        loop: asyncio.AbstractEventLoop,
        answer: asyncio.Future[Any],
        finished: Callable[[], None],
    ) -> None:
        self._task = task
        self._loop = loop
        self._answer = answer
        self._finished = finished
        self._claimed = threading.Lock()
        self._ended = asyncio.Event()
        self._result: tuple[Any, BaseException | None] = (None, None)

    def claim(self) -> bool:
        """Decide alone what becomes of the task; false: another thread has begun or dropped it."""
        return self._claimed.acquire(blocking=False)

    async def outcome(self) -> Any:
        """What a task that was begun returns, or raises, however long it takes."""
        await self._ended.wait()
        result, error = self._result
        if error is not None:
            raise error
        return result

    def run(self, owned: Owned) -> None:
        result, error = None, None
        if not self._answer.cancelled() and self.claim():
            try:
                result = self._task(owned)
            except BaseException as raised:  # whatever it is belongs to who waits
                error = raised
        try:
            self._loop.call_soon_threadsafe(self._settle, result, error)
        except RuntimeError:
            # The loop was closed: nobody is left to hear of it.
            return

    def _settle(self, result: Any, error: BaseException | None) -> None:
        self._finished()
        self._result = result, error
        self._ended.set()
        if self._answer.cancelled():
            return
        if error is None:
            self._answer.set_result(result)
        else:
            self._answer.set_exception(error)


def _work(
    queue: "SimpleQueue[_ThreadTask[Owned] | None]",
    owned: Owned,
    afterwards: Callable[[Owned], object] | None,
) -> None:
    while (task := queue.get()) is not None:
        task.run(owned)
        if afterwards is not None:
            afterwards(owned)
