"""What the socket of the `sessions` contract offers, for the AsyncAPI document and `GET …/ws`."""

from folkmoot.contracts.sessions.frames import INBOUND, OUTBOUND
from folkmoot.kit.rejections import COME_BACK, NO_RIGHT, OUR_FAULT
from folkmoot.kit.socket_spec import CLOSE_MEANINGS, FLOODING, TOKEN_QUERY, SocketSpec

SPEC = SocketSpec(
    name="sessions",
    address="/api/v1/chat/ws/{session_id}",
    summary="One account in one session: messages as they are posted, and all that follows.",
    parameters={"session_id": "The session's UUID"},
    query={
        **TOKEN_QUERY,
        "after_seq": "The last `seq` seen: everything after it is sent first",
    },
    inbound=INBOUND,
    outbound=OUTBOUND,
    tag_field="message_type",
    close_codes=CLOSE_MEANINGS
    | {
        NO_RIGHT: "No right to be here: invalid token, not a participant, no such session; "
        "or the right was lost: token expired, logged out, deactivated, removed; "
        f"or a flood: {FLOODING}",
        OUR_FAULT: "A fault of the server, or no sign of life: come back and resume",
        COME_BACK: "Too slow or too many: come back and resume",
    },
)
