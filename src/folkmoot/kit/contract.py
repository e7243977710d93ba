"""What a wire contract is to the server: one value, and everything that it serves is in it.

The server loops over these values and knows no contract by name. Adding one is a folder with a
``contract.py``, and a line in `folkmoot.contracts.catalogue`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fastapi import APIRouter
from msgspec import Struct

from folkmoot.bus.port import Bus
from folkmoot.bus.subscribers import Projection
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.kit.admitted_client import AdmittedClient, Handlers
from folkmoot.kit.sending import Sender
from folkmoot.kit.socket_endpoint import ConnectionHandler, Rejection, SocketEndpoint
from folkmoot.kit.socket_spec import SocketSpec
from folkmoot.realtime.intentions import IntentionKind
from folkmoot.realtime.services import Services

DirectServer = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI application that takes requests and sockets as the server under us gives them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What a contract is given to open its sockets with. Sizes are in bytes.

    ``cancel_answer`` ends the answer that the assistant is writing to an account in a session;
    whether there was one. ``projection`` is the contract's own, if it has one.
    """

    services: Services
    max_frame_bytes: int
    max_outbox_bytes: int
    cancel_answer: Callable[[ConversationId, AccountId], bool]
    projection: Projection | None = None


class Mount(NamedTuple):
    """Routes of REST, and the path before theirs."""

    router: APIRouter
    prefix: str = ""


@dataclass(slots=True, kw_only=True)
class LiveSide:
    """The live side of a contract in one running server.

    ``sockets`` are WebSockets by their address. ``direct`` are servers by their path, past all
    layers of HTTP. ``state`` is for the contract's own routes, in ``app.state``.
    ``running`` is entered while the server runs; ``shut_down`` is called once all answers are out
    and before the sockets close.
    """

    sockets: Mapping[str, SocketEndpoint] = field(default_factory=dict)
    direct: Mapping[str, DirectServer] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    running: Callable[[], AbstractAsyncContextManager[None]] | None = None
    shut_down: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One API of the server, over REST, sockets or both.

    ``tags`` describe groups of routes. ``answers`` are the types of REST answers, for the schemas
    of the OpenAPI document. By the beginning of a path, ``statuses`` are the HTTP statuses by code
    that differ from those of their kind, ``malformed`` the status of a body that is no JSON;
    ``uploads`` are where a body may be as large as a file. ``operations`` say of each
    ``METHOD /path`` which kind of intention it is, ``frames`` of each that a client may send.
    ``projection`` makes what the contract keeps up with events, and subscribes it to the topics
    that it needs; it is told of each event before the hub is.
    """

    name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    rest: Sequence[Mount] = ()
    answers: Sequence[type[Struct]] = ()
    statuses: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    malformed: Mapping[str, int] = field(default_factory=dict)
    uploads: Sequence[str] = ()
    operations: Mapping[str, IntentionKind] = field(default_factory=dict)
    frames: Mapping[type[Struct], IntentionKind] = field(default_factory=dict)
    specs: Sequence[SocketSpec] = ()
    projection: Callable[[Bus], Projection] | None = None
    open: Callable[[Environment], LiveSide] | None = None


def websocket(
    path: str,
    handler_of: Callable[[Environment], Callable[[AdmittedClient], ConnectionHandler]],
    rejection_of: Callable[[Refusal | Unavailable | None], Rejection],
    *,
    authenticates_first: bool = False,
) -> Callable[[Environment], LiveSide]:
    """The `Contract.open` of a contract whose live side is one WebSocket; see `HandlerFactory`.

    ``handler_of`` gives what makes the handler of each client.
    """

    def opened(environment: Environment) -> LiveSide:
        services = environment.services
        make = handler_of(environment)
        handlers = Handlers(Sender(services), make, rejection_of, authenticates_first)
        return LiveSide(sockets={path: SocketEndpoint(services, handlers)})

    return opened
