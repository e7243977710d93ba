"""The `support` contract, as the server serves it: over Socket.IO, at an address of its own."""

from folkmoot.contracts.support import routes
from folkmoot.contracts.support.frames import ANSWERS
from folkmoot.contracts.support.kinds import FRAMES, OPERATIONS
from folkmoot.contracts.support.socket import PATH, SupportSockets
from folkmoot.contracts.support.spec import SPEC
from folkmoot.contracts.support.threads import ThreadRegistry
from folkmoot.kit.contract import Contract, Environment, LiveSide, Mount
from folkmoot.wire.engine_limits import EngineLimits
from folkmoot.wire.socket_asgi import SocketServer

CONNECT_SECONDS = 10.0
"""What a Socket.IO client has to say who it is."""


def _open(given: Environment) -> LiveSide:
    assert isinstance(given.projection, ThreadRegistry)  # noqa: S101 - made below
    sockets = SupportSockets(given.services, given.projection)
    limits = EngineLimits(
        connect_timeout=CONNECT_SECONDS,
        max_payload=given.max_frame_bytes,
        max_outbox=given.max_outbox_bytes,
    )
    server = SocketServer(
        sockets, limits, identify=sockets.admission.identify, admit=sockets.admission.admit
    )
    return LiveSide(
        direct={PATH: server},
        state={"support": sockets},
        running=server.running,
        # Polls that wait would keep the server waiting for them.
        shut_down=server.shut_down,
    )


CONTRACT = Contract(
    name="support",
    tags={"support": "Customers and a desk of staff, Socket.IO"},
    operations=OPERATIONS,
    frames=FRAMES,
    rest=(
        Mount(routes.health),
        Mount(routes.router, "/chat"),
        Mount(routes.router, "/api/chat"),
    ),
    answers=ANSWERS,
    specs=(SPEC,),
    projection=ThreadRegistry,
    open=_open,
)
