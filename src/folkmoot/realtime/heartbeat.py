"""One pulse for all connections of this process: silent ones end, and so does what ran out."""

import asyncio

from folkmoot.core.shared.ids import Clock
from folkmoot.realtime.hub import Hub
from folkmoot.realtime.outbox import Outbox
from folkmoot.realtime.wire_format import CloseReason

PULSE_SECONDS = 1.0


class Heartbeat:
    """Pings who was silent for ``ping_after`` seconds, drops who was for ``drop_after``."""

    def __init__(
        self, hub: Hub, clock: Clock, *, ping_after: float = 20.0, drop_after: float = 45.0
    ) -> None:
        self._hub = hub
        self._clock = clock
        self._ping_after = ping_after
        self._drop_after = drop_after

    async def run(self) -> None:
        """Beat until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PULSE_SECONDS)
            self.beat(loop.time())

    def beat(self, now: float) -> None:
        """Look after every connection once; ``now`` is the loop's time."""
        self._hub.sweep(self._clock.now())
        for connection in self._hub.connections():
            outlet = connection.outlet
            if not isinstance(outlet, Outbox):
                continue
            silence = now - outlet.lane.last_heard
            if silence > self._drop_after:
                self._hub.end(connection, CloseReason.SILENT)
                outlet.lane.abort()
            elif silence > self._ping_after:
                outlet.lane.ping()
