"""The `ConnectionManager` of a thousand tutorials: sockets, and a loop that sends each JSON."""

import contextlib
from collections import defaultdict
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect


class ConnectionManager:
    """Who is connected to which conversation, and how to reach them all."""

    def __init__(self) -> None:
        self.connections: dict[int, list[WebSocket]] = defaultdict(list)

    def connect(self, conversation_id: int, websocket: WebSocket) -> None:
        self.connections[conversation_id].append(websocket)

    def disconnect(self, conversation_id: int, websocket: WebSocket) -> None:
        with contextlib.suppress(ValueError):
            self.connections[conversation_id].remove(websocket)

    async def broadcast(self, conversation_id: int, frame: dict[str, Any]) -> None:
        gone = []
        # A copy, because people come and go while the loop waits for a socket.
        for websocket in list(self.connections[conversation_id]):
            try:
                await websocket.send_json(frame)
            except (RuntimeError, WebSocketDisconnect):
                gone.append(websocket)
        for websocket in gone:
            self.disconnect(conversation_id, websocket)
