"""What waits to be written on one connection, and the tick that writes for all of them at once.

A slow reader is never awaited: its outbox fills to a bound, then the connection is closed with
a code that says "come back". How bytes reach the client is the lane's concern, not ours.
"""

import asyncio
import logging
from dataclasses import dataclass

from folkmoot.wire.lane import Lane, discard

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SlowReaders:
    """What an outbox does about a client that reads more slowly than it is written to."""

    max_bytes: int = 1024 * 1024
    code: int = 1013
    reason: str = "slow reader: come back and resume"
    deadline: float = 3.0
    """Seconds that the close frame has to get out before the connection is dropped."""


@dataclass(frozen=True, slots=True)
class OutboxStatistics:
    """Frames that were kept from slow readers, and slow readers that were closed."""

    dropped_frames: int
    slow_closes: int


class Tick:
    """The outboxes of this process that were pushed to in this turn of the event loop.

    They are flushed together in the next turn, each by one write, however much was pushed.
    """

    def __init__(self) -> None:
        self.dropped_frames = 0
        self.slow_closes = 0
        self._dirty: list[Outbox] = []

    def statistics(self) -> OutboxStatistics:
        """What slow readers cost so far."""
        return OutboxStatistics(self.dropped_frames, self.slow_closes)

    def mark(self, outbox: "Outbox") -> None:
        """Flush this outbox at the end of the tick."""
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self._dirty.append(outbox)

    def _flush(self) -> None:
        outboxes, self._dirty = self._dirty, []
        frames: list[bytes] = []
        data = b""
        for outbox in outboxes:
            # Listeners of one conversation were pushed the same frames: join them once for all.
            if outbox.frames != frames:
                frames = outbox.frames[:]
                data = b"".join(frames)
            outbox.frames.clear()
            try:
                # Outbox.take, written out: this line runs once for every delivery.
                if outbox.lane.paused:
                    outbox.hold(data)
                else:
                    outbox.lane.write(data)
            except Exception:
                # One broken connection must not cost the others their frames.
                _log.exception("Dropping a connection that cannot be written to")
                outbox.lane.abort()


class Outbox:
    """The frames of one connection, in order, between the fan-out and its lane.

    While the lane is paused at most ``max_bytes`` wait here and in the transport together; a
    tick that finds the lane clear is always taken whole, so a long replay awaits ``room``.
    """

    __slots__ = ("_held", "_held_bytes", "_roomy", "_slow", "_tick", "frames", "lane")

    def __init__(self, lane: Lane, tick: Tick, slow: SlowReaders) -> None:
        self.lane = lane
        self.frames: list[bytes] = []
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._roomy: asyncio.Event | None = None
        self._slow = slow
        self._tick = tick
        lane.feeder = self

    def push(self, frame: bytes) -> None:
        """Send a frame at the end of this tick; it is never dropped while the connection lives."""
        frames = self.frames
        if not frames:
            self._tick.mark(self)
        frames.append(frame)

    def offer(self, frame: bytes) -> None:
        """Send a frame that may be missed, such as typing or presence: not to a slow reader."""
        if self.lane.paused:
            self._tick.dropped_frames += 1
        else:
            self.push(frame)

    def close(self, code: int, reason: str) -> None:
        """Send what waits, say goodbye, and end the connection."""
        self.lane.close(code, reason)

    async def room(self) -> bool:
        """Wait until the client has caught up; only for a connection's own task, in a replay.

        False when the connection has ended, so that nobody replays to nowhere.
        """
        self.take(self._gather())
        while self.lane.paused:
            self._roomy = self._roomy or asyncio.Event()
            await self._roomy.wait()
        return self.lane.write is not discard

    def take(self, data: bytes) -> None:
        """Write what has been gathered, or hold it while the lane is paused."""
        if self.lane.paused:
            self.hold(data)
        else:
            self.lane.write(data)

    def hold(self, data: bytes) -> None:
        """Keep data until the lane resumes, or give the reader up if that is too much."""
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes + self.lane.buffered_bytes > self._slow.max_bytes:
            self._tick.slow_closes += 1
            # Forgotten, so that the close frame stands as far in front as it can.
            self._release()
            self.frames.clear()
            self.lane.close(self._slow.code, self._slow.reason, self._slow.deadline)

    def on_resume(self) -> None:
        self.lane.write(self._release())
        if self._roomy is not None:
            self._roomy.set()
            self._roomy = None

    def on_close(self) -> None:
        self.lane.write(self._release() + self._gather())

    def _gather(self) -> bytes:
        data = b"".join(self.frames)
        self.frames.clear()
        return data

    def _release(self) -> bytes:
        data = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        return data
