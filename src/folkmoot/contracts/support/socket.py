"""The live side of the `support` contract, as an application over Socket.IO."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from folkmoot.auth.authenticator import Caller
from folkmoot.contracts.support.admission import Admission
from folkmoot.contracts.support.cursor import (
    Positions,
    after_cursor,
    after_position,
    cursor_of,
    positions_in,
)
from folkmoot.contracts.support.errors import rejection_of
from folkmoot.contracts.support.handler import MAX_ROOMS, SupportHandler
from folkmoot.contracts.support.subscription import Since, handed_to
from folkmoot.contracts.support.threads import ThreadRegistry
from folkmoot.contracts.support.wire_format import SupportWireFormat
from folkmoot.core.accounts.model import STAFF
from folkmoot.core.shared.ids import Uid
from folkmoot.core.shared.refusals import Unavailable
from folkmoot.realtime.services import Services
from folkmoot.wire.engine import EngineEnd
from folkmoot.wire.handshake import Handshake
from folkmoot.wire.socket import SocketEvent
from folkmoot.wire.socket_application import Socket

PATH = "/socket.io"

_SECONDS = re.compile(r"[0-9]{9,}(?:\.[0-9]+)?")
_NUMBER = re.compile(r"[0-9]{1,15}")


class SupportSockets:
    """What is spoken over Socket.IO: one `SupportHandler` for each socket that is let in."""

    namespaces = frozenset(("/",))

    def __init__(self, services: Services, threads: ThreadRegistry) -> None:
        self._services = services
        self._threads = threads
        self.admission = Admission(services)
        self._plain = SupportWireFormat(self._threads, with_offsets=False)
        self._with_offsets = SupportWireFormat(self._threads, with_offsets=True)
        self._joined = 0
        self._started_at = services.clock.now()

    @property
    def uptime(self) -> float:
        """For how many seconds there has been this."""
        return (self._services.clock.now() - self._started_at).total_seconds()

    def __len__(self) -> int:
        """How many clients are connected and known."""
        return self._joined

    async def connect(self, socket: Socket, auth: dict[str, Any]) -> Mapping[str, object] | None:
        """Let a client in whom the authenticator knows.

        Raises:
            ConnectRefused
        """
        caller = await self.admission.caller(socket.handshake, auth)
        socket.release = self.admission.reserved(socket.handshake, caller).release
        remembers = _remembers(socket.handshake, auth) and caller.account.role not in STAFF
        start = _Start.of(socket.handshake, auth)
        start.rooms = _rooms(auth)
        pid = None
        if remembers:
            try:
                pid = await self._recover(caller, auth, start)
            except Unavailable as fault:
                raise rejection_of(fault) from None
        wire_format = self._with_offsets if remembers else self._plain
        handler = SupportHandler(self._services, self._threads, wire_format, socket, caller)
        socket.account = (handler, start)
        return None if pid is None else {"pid": pid}

    async def joined(self, socket: Socket) -> None:
        """Send what the client has missed, and have it hear of what is to come."""
        handler, start = socket.account
        socket.account = handler
        self._joined += 1
        is_return = start.since is not None
        await handler.start(start.since, start.rooms, with_receipts=is_return)

    async def receive(self, socket: Socket, event: SocketEvent) -> Sequence[object] | None:
        """Have the handler do what the client asks for."""
        handler: SupportHandler = socket.account
        await handler.receive(event)
        return None

    async def left(self, socket: Socket, end: EngineEnd) -> None:  # noqa: ARG002 - why is no matter here
        """Forget a client that is gone."""
        self._joined -= 1
        handler: SupportHandler = socket.account
        handler.close()

    async def _recover(self, caller: Caller, auth: Mapping[str, Any], start: "_Start") -> str:
        """The id under which the client finds what it missed: its old one, or a new one.

        A new one says what the account was handed by now, so that a client which is gone before
        it has got anything can come back as well.
        """
        customer = caller.account
        given = auth.get("pid")
        owner, _, origin = given.partition("~") if isinstance(given, str) else ("", "", "")
        positions = positions_in(auth.get("offset")) or positions_in(origin)
        if owner == str(customer.id) and positions is not None:
            start.since = partial(after_cursor, positions)
            return str(given)
        present = await self._services.storage.read(lambda work: handed_to(work, customer.person))
        return f"{customer.id}~{cursor_of(present)}"


class _Start:
    """From where a client that connects wants to be sent its thread."""

    def __init__(self, since: Since | None) -> None:
        self.since = since
        """``None``: it does not say, and is sent what was not yet handed to its account."""
        self.rooms: dict[str, Positions] = {}
        """How far the client says that it had got in the threads of others."""

    @classmethod
    def of(cls, handshake: Handshake, auth: Mapping[str, Any]) -> "_Start":
        """As ``auth`` says, or else the query; what cannot be read counts as not said."""

        def given(name: str) -> object:
            return auth[name] if name in auth else handshake.parameter(name)

        positions = positions_in(given("cursor"))
        if positions is not None:
            return cls(partial(after_cursor, positions))
        seq, session = str(given("after_seq")), given("session_id")
        if _NUMBER.fullmatch(seq):
            uid = Uid(session.lower()) if isinstance(session, str) else None
            return cls(partial(after_position, int(seq), uid))
        return cls(None)


def _rooms(auth: Mapping[str, Any]) -> dict[str, Positions]:
    said = auth.get("rooms")
    if not isinstance(said, dict):
        return {}
    positions = {name: positions_in(cursor) for name, cursor in list(said.items())[:MAX_ROOMS]}
    return {name: position for name, position in positions.items() if position is not None}


def _remembers(handshake: Handshake, auth: Mapping[str, Any]) -> bool:
    """Whether the client keeps the last text of an event, as npm's does, and comes back with it.

    To python-socketio's that text would be one argument too many. It is known by the seconds
    since 1970 that it puts into its address, and any client may say it by ``auth.offsets``.
    """
    said = auth.get("offsets")
    if isinstance(said, bool):
        return said
    return not _SECONDS.fullmatch(handshake.parameter("t") or "")
