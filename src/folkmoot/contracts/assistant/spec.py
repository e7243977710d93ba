"""What the socket of the `assistant` contract offers, for the AsyncAPI document."""

from folkmoot.contracts.assistant.frames import INBOUND, OUTBOUND
from folkmoot.kit.rejections import COME_BACK, NO_RIGHT, OUR_FAULT
from folkmoot.kit.socket_spec import CLOSE_MEANINGS, FLOODING, TOKEN_QUERY, SocketSpec

SPEC = SocketSpec(
    name="assistant",
    address="/ws/chat",
    summary="One socket for all sessions of an account, with an assistant that answers in them.",
    parameters={},
    query=TOKEN_QUERY,
    inbound=INBOUND,
    outbound=OUTBOUND,
    close_codes=CLOSE_MEANINGS
    | {
        NO_RIGHT: "No right to be here, as an `error` frame before it says: invalid token; "
        "or the right was lost: token expired, logged out, deactivated; "
        f"or a flood: {FLOODING}",
        OUR_FAULT: "A fault of the server, or no sign of life: come back and resume",
        COME_BACK: "Too slow or too many: come back and resume",
    },
)
