"""The `friends` contract, as the server serves it."""

from functools import partial

from folkmoot.contracts.friends import friend_routes, message_routes
from folkmoot.contracts.friends.errors import CLOSE_CODES, STATUSES
from folkmoot.contracts.friends.frames import ANSWERS
from folkmoot.contracts.friends.kinds import FRAMES, OPERATIONS
from folkmoot.contracts.friends.socket import FriendsHandler
from folkmoot.contracts.friends.spec import SPEC
from folkmoot.contracts.friends.wire_format import FriendsWireFormat
from folkmoot.kit.contract import Contract, Mount, websocket

CONTRACT = Contract(
    name="friends",
    tags={"friends": "Person to person, friends only"},
    operations=OPERATIONS,
    frames=FRAMES,
    rest=(Mount(message_routes.router), Mount(friend_routes.router)),
    answers=ANSWERS,
    statuses={"/api/v1/chat/messages": STATUSES, "/api/v1/chat/friends": STATUSES},
    specs=(SPEC,),
    open=websocket(
        SPEC.address,
        lambda given: partial(FriendsHandler, FriendsWireFormat(given.services.presence)),
        CLOSE_CODES.rejecting,
        authenticates_first=True,
    ),
)
