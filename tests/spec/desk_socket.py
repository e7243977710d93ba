"""Just enough of Socket.IO 5 over a WebSocket for transcripts: text packets, one namespace."""

import json
from collections import deque
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

PATH = "/socket.io/?EIO=4&transport=websocket"


class DeskSocket:
    """One client; acks are waited for, events are kept until they are asked for."""

    def __init__(self, url: str) -> None:
        self._url = url.replace("http", "ws", 1) + PATH
        self._socket: ClientConnection | None = None
        self._events: deque[tuple[str, Any]] = deque()
        self._count = 0

    async def open(self, auth: dict[str, Any]) -> Any:
        """What the server answers to the CONNECT."""
        self._socket = await connect(self._url, compression=None)
        await self._recv("0")
        await self._socket.send(f"40{json.dumps(auth)}")
        return json.loads((await self._recv("40", "44"))[2:])

    async def emit(self, name: str, data: Any, *, asks: bool) -> Any:
        """The ack, where one is asked for."""
        self._count += 1
        number = str(self._count) if asks else ""
        arguments = [name] if data is None else [name, data]
        await self._send(f"42{number}{json.dumps(arguments)}")
        if not asks:
            return None
        return json.loads((await self._recv(f"43{number}"))[2 + len(number) :])[0]

    async def told(self) -> tuple[str, Any]:
        """The next event."""
        while not self._events:
            self._keep(await self._recv("42"))
        return self._events.popleft()

    async def untold(self) -> list[tuple[str, Any]]:
        """Every event that has come and was not asked for."""
        await self.emit("heartbeat", None, asks=True)
        return [event for event in self._events if event[0] != "heartbeat"]

    async def pass_over(self) -> None:
        """Forget every event that has come so far."""
        await self.untold()
        self._events.clear()

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def _send(self, packet: str) -> None:
        assert self._socket is not None
        await self._socket.send(packet)

    async def _recv(self, *kinds: str) -> str:
        """The next packet of these kinds; pings are answered, events kept."""
        assert self._socket is not None
        while True:
            packet = str(await self._socket.recv())
            if packet.startswith(kinds):
                return packet
            if packet == "2":
                await self._socket.send("3")
            elif packet.startswith("42"):
                self._keep(packet)

    def _keep(self, packet: str) -> None:
        name, *arguments = json.loads(packet[2:])
        self._events.append((name, arguments[0] if arguments else None))
