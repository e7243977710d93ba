"""Taking WebSocket visitors in: who they are, how much they may send, and how they go.

This is the part of a socket that every contract shares; what is said on it is its handler's.
"""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple, Protocol

import msgspec

from folkmoot.auth.authenticator import Caller, credentials_of
from folkmoot.core.shared.refusals import Refusal, TooMany, Unauthenticated, Unavailable
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.outbox import Outbox
from folkmoot.realtime.services import Services
from folkmoot.wire.lane import Lane, forget_request, lane_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger(__name__)


class Rejection(NamedTuple):
    """How a visitor who cannot stay is let go: a close code, a reason, and a last frame before."""

    code: int
    reason: str
    last_frame: bytes = b""


class ConnectionHandler(Protocol):
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

    def report_fault(self) -> None:
        """Tell the client that a frame of theirs met a fault of ours."""
        ...


class HandlerFactory(Protocol):
    """How a contract receives visitors."""

    authenticates_first: bool
    """Whether a visitor without a right is refused by an HTTP status instead of the 101, which a
    browser cannot read, or let in and then closed with a code, which it can."""

    def guest(self, scope: Scope, caller: Caller, outbox: Outbox) -> ConnectionHandler:
        """The visitor, as this contract serves them."""
        ...

    def rejection_of(self, refusal: Refusal | Unavailable | None) -> Rejection:
        """What a visitor who cannot stay is told; ``None``: a fault of ours."""
        ...


class SocketEndpoint:
    """A plain ASGI endpoint for the WebSockets of one contract."""

    def __init__(self, services: Services, manner: HandlerFactory) -> None:
        self._services = services
        self._manner = manner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket from its handshake to its end."""
        await receive()
        caller = None
        credentials = credentials_of(scope)
        try:
            self._services.limits.connect(_address(scope))
            if self._manner.authenticates_first:
                caller = await self._services.authenticator.caller(credentials)
        except (Refusal, Unavailable) as refusal:
            await _deny(send, refusal)
            return
        except Exception:
            _log.exception("a visitor could not be asked who they are")
            await _deny(send, None)
            return
        await send({"type": "websocket.accept", "subprotocol": credentials.subprotocol})
        lane = lane_of(scope, send)
        await lane.serve(self._serve(scope, receive, lane, caller))

    async def _serve(
        self, scope: Scope, receive: Receive, lane: Lane, caller: Caller | None
    ) -> None:
        guest = await self._take_in(scope, lane, caller)
        if guest is None:
            return
        forget_request(scope)
        try:
            await _listen(guest, receive)
        finally:
            self._services.hub.close(guest.connection)

    async def _take_in(
        self, scope: Scope, lane: Lane, caller: Caller | None
    ) -> ConnectionHandler | None:
        """The guest, greeted; ``None`` for one who was turned away and told why."""
        services = self._services
        guest = None
        try:
            caller = caller or await services.authenticator.caller(credentials_of(scope))
            services.limits.count_connections(len(services.hub.connections_of(caller.account.id)))
            guest = self._manner.guest(
                scope, caller, Outbox(lane, services.tick, services.slow_readers)
            )
            services.hub.open(guest.connection)
            await guest.arrive()
        except (Refusal, Unavailable) as refusal:
            _close_rejected(lane, guest, self._manner.rejection_of(refusal))
        except Exception:
            _log.exception("a visitor could not be taken in")
            _close_rejected(lane, guest, self._manner.rejection_of(None))
        except BaseException:
            if guest is not None:
                services.hub.close(guest.connection)
            raise
        else:
            return guest
        if guest is not None:
            services.hub.close(guest.connection)
        return None


def _close_rejected(lane: Lane, guest: ConnectionHandler | None, rejection: Rejection) -> None:
    """Say goodbye, after whatever the visitor was told already."""
    if rejection.last_frame and guest is not None:
        guest.connection.push(rejection.last_frame)
    elif rejection.last_frame:
        lane.write(rejection.last_frame)
    lane.close(rejection.code, rejection.reason)


async def _listen(guest: ConnectionHandler, receive: Receive) -> None:
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
            guest.report_fault()


_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (TooMany, 429),
    (Unauthenticated, 401),
    (Refusal, 403),
)
_FAULT = 500


async def _deny(send: Send, refusal: Refusal | Unavailable | None) -> None:
    """Refuse a handshake; the server under us may have no way to say more than 403.

    ``None`` is for a fault of ours; so, to whoever wants a socket, is all that is unavailable.
    """
    status = next((status for kind, status in _STATUSES if isinstance(refusal, kind)), _FAULT)
    headers = [(b"content-type", b"application/json")]
    if isinstance(refusal, TooMany):
        headers.append((b"retry-after", str(int(refusal.retry_after) + 1).encode()))
    if isinstance(refusal, Unauthenticated):
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    detail, code = ("Something went wrong on our side.", "internal_error")
    if refusal is not None:
        detail, code = str(refusal), refusal.code
    body = msgspec.json.encode({"detail": detail, "code": code})
    await send({"type": "websocket.http.response.body", "body": body})


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""
