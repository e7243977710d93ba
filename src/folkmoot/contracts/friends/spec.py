"""What the socket of the `friends` contract offers, for the AsyncAPI document."""

from folkmoot.contracts.friends.frames import INBOUND, OUTBOUND
from folkmoot.kit.rejections import COME_BACK, NO_RIGHT, OUR_FAULT, RESTART
from folkmoot.kit.socket_spec import TOKEN_QUERY, SocketSpec

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
    close_codes={
        1000: "Normal",
        NO_RIGHT: "The right to be here was lost: token expired, logged out, deactivated",
        1009: "A frame was larger than the server takes",
        OUR_FAULT: "A fault of the server; come back",
        RESTART: "The server restarts: come back and resume",
        COME_BACK: "Too slow, too many or too silent: come back and resume",
    },
)
