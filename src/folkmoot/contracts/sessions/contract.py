"""The `sessions` contract, as the server serves it."""

from functools import partial

from folkmoot.contracts.sessions import live_routes, message_routes, people_routes, routes
from folkmoot.contracts.sessions.answers import ANSWERS
from folkmoot.contracts.sessions.codec import wire_format
from folkmoot.contracts.sessions.errors import CLOSE_CODES
from folkmoot.contracts.sessions.kinds import FRAMES, OPERATIONS
from folkmoot.contracts.sessions.socket import SessionHandler
from folkmoot.contracts.sessions.spec import SPEC
from folkmoot.kit.contract import Contract, Mount, websocket

CONTRACT = Contract(
    name="sessions",
    tags={"sessions": "Session chat with agents"},
    operations=OPERATIONS,
    frames=FRAMES,
    rest=(
        Mount(routes.router),
        Mount(message_routes.router),
        Mount(people_routes.router),
        Mount(live_routes.router),
    ),
    answers=ANSWERS,
    # This contract answers a body that is no JSON with a status of its own in these places.
    malformed={
        "/api/v1/chat/sessions": 400,
        "/api/v1/chat/block": 400,
        "/api/v1/chat/unblock": 400,
    },
    specs=(SPEC,),
    open=websocket(
        SPEC.address,
        lambda given: partial(SessionHandler, wire_format(given.services.clock)),
        CLOSE_CODES.rejecting,
    ),
)
