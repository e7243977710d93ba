"""Taking WebSocket visitors in: who they are, how much they may send, and how they go.

This is the part of a socket that every contract shares. What is said on it is the `Guest`'s.
"""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from folkmoot.auth.gate import Caller, credentials_of
from folkmoot.core.shared.refusals import Refusal, TooMany, Unavailable
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.house import House
from folkmoot.realtime.outbox import Outbox
from folkmoot.realtime.wire.lane import Lane, forget_request, lane_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger(__name__)


class Guest(Protocol):
    """One visitor who was let in, as a contract serves them."""

    connection: Connection

    async def arrive(self) -> None:
        """Greet, and send what was missed.

        Raises:
            Refusal: the visitor has no right to be here after all.
        """
        ...

    def hear(self, data: str | bytes) -> Awaitable[None] | None:
        """Take a frame in. What is returned is awaited before the next frame is read."""
        ...

    def apologise(self) -> None:
        """Tell the client that a frame of theirs met a fault of ours."""
        ...


class Manner(Protocol):
    """How a contract receives visitors."""

    def guest(self, scope: Scope, caller: Caller, outbox: Outbox) -> Guest:
        """The visitor, as this contract serves them."""
        ...

    def turned_away(self, refusal: Refusal | Unavailable | None) -> tuple[int, str]:
        """The close code and reason for a visitor who cannot stay; ``None``: a fault of ours."""
        ...


class Reception:
    """A plain ASGI endpoint for the WebSockets of one contract."""

    def __init__(self, house: House, manner: Manner) -> None:
        self._house = house
        self._manner = manner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket from its handshake to its end."""
        await receive()
        try:
            self._house.limits.connect(_address(scope))
        except TooMany as refusal:
            await _deny(send, refusal)
            return
        credentials = credentials_of(scope)
        await send({"type": "websocket.accept", "subprotocol": credentials.subprotocol})
        lane = lane_of(scope, send)
        await lane.attend(self._serve(scope, receive, lane))

    async def _serve(self, scope: Scope, receive: Receive, lane: Lane) -> None:
        guest = await self._take_in(scope, lane)
        if guest is None:
            return
        forget_request(scope)
        try:
            await _listen(guest, receive)
        finally:
            self._house.hub.close(guest.connection)

    async def _take_in(self, scope: Scope, lane: Lane) -> Guest | None:
        """The guest, greeted; ``None`` for one who was turned away and told why."""
        house = self._house
        guest = None
        try:
            caller = await house.gate.caller(credentials_of(scope))
            house.limits.count_connections(len(house.hub.connections_of(caller.account.id)))
            guest = self._manner.guest(scope, caller, Outbox(lane, house.tick, house.slow_readers))
            house.hub.open(guest.connection)
            await guest.arrive()
        except (Refusal, Unavailable) as refusal:
            lane.close(*self._manner.turned_away(refusal))
        except Exception:
            _log.exception("a visitor could not be taken in")
            lane.close(*self._manner.turned_away(None))
        except BaseException:
            if guest is not None:
                house.hub.close(guest.connection)
            raise
        else:
            return guest
        if guest is not None:
            house.hub.close(guest.connection)
        return None


async def _listen(guest: Guest, receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        if not guest.connection.is_open:
            continue  # It has lost its rights, whatever of it was still under way.
        data = message.get("text")
        try:
            waiting = guest.hear(message["bytes"] if data is None else data)
            if waiting is not None:
                await waiting
        except Exception:
            _log.exception("a frame could not be handled")
            guest.apologise()


async def _deny(send: Send, refusal: TooMany) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"retry-after", str(int(refusal.retry_after) + 1).encode()),
    ]
    await send({"type": "websocket.http.response.start", "status": 429, "headers": headers})
    body = f'{{"detail":"{refusal}","code":"{refusal.code}"}}'.encode()
    await send({"type": "websocket.http.response.body", "body": body})


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""
