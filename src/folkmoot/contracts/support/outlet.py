"""A Socket.IO socket as the hub's way out of a connection."""

from typing import Any

from folkmoot.contracts.support.errors import RIGHTS_LOST
from folkmoot.wire.engine import EngineEnd
from folkmoot.wire.socket_application import Socket

PAUSE_BYTES = 256 * 1024
"""What may wait for a client in a replay before its transport is waited for."""


class SocketOutlet:
    """Sends packets that are encoded already; what may be missed is volatile by its making."""

    __slots__ = ("_socket", "offer", "push")

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        # The socket's own, for this runs once for every delivery.
        self.push = socket.send
        self.offer = socket.send

    def say(self, name: str, *args: Any) -> None:
        """Send an event to this client alone."""
        self._socket.emit(name, *args)

    async def room(self) -> bool:
        """Wait until the client's transport has taken what was sent."""
        return await self._socket.room()

    async def has_room(self) -> bool:
        """Return when a replay may go on; false when nobody is there to read it."""
        if self._socket.waiting_bytes < PAUSE_BYTES:
            return self._socket.is_joined
        return await self._socket.room()

    def close(self, code: int, reason: str) -> None:
        """End the connection. Who has lost a right is put out first: clients then stay away.

        Others find their transport closed, which makes them come back and resume.
        """
        if code == RIGHTS_LOST:
            self._socket.emit("error", {"code": "connection_ended", "message": reason})
            self._socket.leave()
            self._socket.close()
        else:
            self._socket.close(EngineEnd.SHUTDOWN)
