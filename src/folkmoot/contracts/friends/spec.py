"""What the socket of the `friends` contract offers, for the AsyncAPI document."""

from folkmoot.contracts.friends.frames import INBOUND, OUTBOUND
from folkmoot.kit.rejections import COME_BACK, NO_RIGHT
from folkmoot.kit.socket_spec import CLOSE_MEANINGS, FLOODING, TOKEN_QUERY, SocketSpec

SPEC = SocketSpec(
    name="friends",
    address="/api/v1/chat/ws/chat",
    summary="One account and all its friends: messages as they are sent, delivered and read.",
    parameters={},
    query={
        **TOKEN_QUERY,
        "resume": "With `1` nothing but the greeting is sent until the client says `resume`",
    },
    inbound=INBOUND,
    outbound=OUTBOUND,
    close_codes=CLOSE_MEANINGS
    | {
        NO_RIGHT: "The right to be here was lost: token expired, logged out, deactivated; "
        f"or a flood: {FLOODING}",
        COME_BACK: "Too slow, too many or too silent: come back and resume",
    },
)
