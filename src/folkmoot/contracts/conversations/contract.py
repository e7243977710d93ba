"""The `conversations` contract, as the server serves it."""

from folkmoot.contracts.conversations import invitation_routes, message_routes, routes
from folkmoot.contracts.conversations.errors import CLOSE_CODES
from folkmoot.contracts.conversations.frames import ANSWERS
from folkmoot.contracts.conversations.kinds import FRAMES, OPERATIONS
from folkmoot.contracts.conversations.socket import ConversationHandler
from folkmoot.contracts.conversations.spec import SPEC
from folkmoot.kit.contract import Contract, Mount, websocket

CONTRACT = Contract(
    name="conversations",
    tags={"conversations": "Many-party chat, integer ids"},
    operations=OPERATIONS,
    frames=FRAMES,
    rest=(Mount(invitation_routes.router), Mount(routes.router), Mount(message_routes.router)),
    answers=ANSWERS,
    specs=(SPEC,),
    open=websocket(SPEC.address, lambda _: ConversationHandler, CLOSE_CODES.rejecting),
)
