"""WebSockets from their handshake to their end: who connects, how many may, how they are closed.

This is the part of a socket that every contract shares; what is said on it is its handler's.
"""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from math import ceil
from typing import Any, NamedTuple, Protocol

import msgspec

from folkmoot.auth.authenticator import Caller, credentials_of
from folkmoot.core.shared.refusals import Refusal, TooMany, Unauthenticated, Unavailable
from folkmoot.kit.refused import note_turned_away
from folkmoot.kit.rest import RefusalOut
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.entrance import Reservation
from folkmoot.realtime.intentions import IntentionKind, Slot
from folkmoot.realtime.outbox import Outbox
from folkmoot.realtime.request_id import request_id
from folkmoot.realtime.services import Services
from folkmoot.wire.lane import Lane, forget_request, lane_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger(__name__)


class Rejection(NamedTuple):
    """How a client that cannot stay is told: a close code, a reason, and a last frame before."""

    code: int
    reason: str
    last_frame: bytes = b""


class ConnectionHandler(Protocol):
    """Serves one connection, as its contract does."""

    connection: Connection

    async def start(self) -> None:
        """Greet, and send what was missed.

        Raises:
            Refusal: the client has no right to be here after all.
        """
        ...

    def receive(self, data: str | bytes) -> Awaitable[None] | None:
        """Take a frame in. What is returned is awaited before the next frame is read."""
        ...

    def report_fault(self) -> None:
        """Tell the client that a frame of theirs met a fault of ours."""
        ...


class HandlerFactory(Protocol):
    """Makes the handlers of one contract's connections."""

    authenticates_first: bool
    """Whether a client without a right is refused by an HTTP status instead of the 101, which a
    browser cannot read, or accepted and then closed with a code, which it can."""

    def handler(self, scope: Scope, caller: Caller, outbox: Outbox) -> ConnectionHandler:
        """The handler of a new connection.

        Raises:
            Refusal: the address leads nowhere.
        """
        ...

    def rejection_of(self, refusal: Refusal | Unavailable | None) -> Rejection:
        """What a client that cannot stay is told; ``None``: a fault of ours."""
        ...


class SocketEndpoint:
    """A plain ASGI endpoint for the WebSockets of one contract."""

    def __init__(self, services: Services, handlers: HandlerFactory) -> None:
        self._services = services
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket from its handshake to its end."""
        slots = await self._entered(scope, receive, send)
        if slots is not None:
            with slots:
                await self._admit(scope, receive, send, slots)

    async def _entered(self, scope: Scope, receive: Receive, send: Send) -> Reservation | None:
        """The slot of the address; ``None`` where it has none left and was told so."""
        await receive()
        entrance, address = self._services.entrance, _address(scope)
        try:
            entrance.request(address)
            entrance.enter(address, IntentionKind.CONNECT)
            return entrance.reserve(Slot.CONNECTION, address=address)
        except Refusal as refusal:
            self._note_turned_away(scope, refusal, None)
            await _refuse_handshake(send, refusal)
            return None

    async def _admit(self, scope: Scope, receive: Receive, send: Send, slots: Reservation) -> None:
        caller = None
        credentials = credentials_of(scope)
        try:
            if self._handlers.authenticates_first:
                caller = await self._services.authenticator.caller(credentials)
        except (Refusal, Unavailable) as refusal:
            self._note_turned_away(scope, refusal, None)
            await _refuse_handshake(send, refusal)
            return
        except Exception:
            _log.exception("a client could not be authenticated")
            await _refuse_handshake(send, None)
            return
        await send(
            {
                "type": "websocket.accept",
                "subprotocol": credentials.subprotocol,
                "headers": _request_id_header(),
            }
        )
        lane = lane_of(scope, send)
        await lane.serve(self._serve(scope, receive, lane, caller, slots))

    async def _serve(
        self,
        scope: Scope,
        receive: Receive,
        lane: Lane,
        caller: Caller | None,
        slots: Reservation,
    ) -> None:
        handler = await self._start(scope, lane, caller, slots)
        if handler is None:
            return
        forget_request(scope)
        try:
            await _receive_frames(handler, receive)
        finally:
            self._services.hub.close(handler.connection)
            slots.release()

    def _note_turned_away(
        self, scope: Scope, refusal: Refusal | Unavailable, caller: Caller | None
    ) -> None:
        person = None if caller is None else caller.account.person
        address, path = _address(scope), scope.get("path", "")
        note_turned_away(self._services, refusal, person, address=address, path=path)

    async def _start(
        self, scope: Scope, lane: Lane, caller: Caller | None, slots: Reservation
    ) -> ConnectionHandler | None:
        """The handler, started; ``None`` where the client was rejected and told why."""
        services = self._services
        handler = None
        try:
            caller = caller or await services.authenticator.caller(credentials_of(scope))
            me = caller.account.id
            services.entrance.enter(me, IntentionKind.CONNECT)
            slots.extend(services.entrance.reserve(Slot.CONNECTION, account=me))
            handler = self._handlers.handler(
                scope, caller, Outbox(lane, services.tick, services.slow_readers)
            )
            services.hub.open(handler.connection)
            await handler.start()
        except (Refusal, Unavailable) as refusal:
            self._note_turned_away(scope, refusal, caller)
            _close_rejected(lane, handler, self._handlers.rejection_of(refusal))
        except Exception:
            _log.exception("a connection could not be started")
            _close_rejected(lane, handler, self._handlers.rejection_of(None))
        except BaseException:
            if handler is not None:
                services.hub.close(handler.connection)
            raise
        else:
            return handler
        if handler is not None:
            services.hub.close(handler.connection)
        return None


def _close_rejected(lane: Lane, handler: ConnectionHandler | None, rejection: Rejection) -> None:
    """Close a connection, after whatever its client was told already."""
    if rejection.last_frame and handler is not None:
        handler.connection.push(rejection.last_frame)
    elif rejection.last_frame:
        lane.write(rejection.last_frame)
    lane.close(rejection.code, rejection.reason)


async def _receive_frames(handler: ConnectionHandler, receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        if not handler.connection.is_open:
            continue  # It has lost its rights, whatever of it was still under way.
        data = message.get("text")
        try:
            waiting = handler.receive(message["bytes"] if data is None else data)
            if waiting is not None:
                await waiting
        except Exception:
            _log.exception("a frame could not be handled")
            handler.report_fault()


_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (TooMany, 429),
    (Unauthenticated, 401),
    (Refusal, 403),
    (Unavailable, 503),
)
_FAULT = 500


async def _refuse_handshake(send: Send, refusal: Refusal | Unavailable | None) -> None:
    """Refuse a handshake; the server under us may have no way to say more than 403.

    ``None`` is for a fault of ours.
    """
    status = next((status for kind, status in _STATUSES if isinstance(refusal, kind)), _FAULT)
    headers = [(b"content-type", b"application/json"), *_request_id_header()]
    if isinstance(refusal, Unauthenticated):
        headers.append((b"www-authenticate", b"Bearer"))
    said = RefusalOut("Something went wrong on our side.", "internal_error")
    if refusal is not None:
        said = RefusalOut(str(refusal), refusal.code)
        if refusal.retry_after is not None:
            headers.append((b"retry-after", b"%d" % max(1, ceil(refusal.retry_after))))
            said.passing, said.retry_after = True, round(refusal.retry_after, 3)
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": msgspec.json.encode(said)})


def _request_id_header() -> list[tuple[bytes, bytes]]:
    number = request_id.get()
    return [(b"x-request-id", number.encode())] if number else []


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""
