"""What the socket of the `sessions` contract offers, for the AsyncAPI document and `GET …/ws`."""

from folkmoot.contracts.sessions import errors
from folkmoot.contracts.sessions.frames import INBOUND, OUTBOUND
from folkmoot.kit.socket_spec import SocketSpec

SPEC = SocketSpec(
    name="sessions",
    address="/api/v1/chat/ws/{session_id}",
    summary="One account in one session: messages as they are posted, and all that follows.",
    parameters={"session_id": "The session's UUID"},
    query={
        "token": "An access token; or use a header, the subprotocol pair, a cookie or a ticket",
        "ticket": "A one-use ticket from `POST /auth/ws-ticket`, instead of a token",
        "after_seq": "The last `seq` seen: everything after it is sent first",
    },
    inbound=INBOUND,
    outbound=OUTBOUND,
    tag_field="message_type",
    close_codes={
        1000: "Normal",
        errors.NO_RIGHT: "No right to be here: invalid token, not a participant, no such session; "
        "or the right was lost: token expired, logged out, deactivated, removed",
        1009: "A frame was larger than the server takes",
        errors.OUR_FAULT: "A fault of the server, or no sign of life: come back and resume",
        errors.RESTART: "The server restarts: come back and resume",
        errors.COME_BACK: "Too slow or too many: come back and resume",
    },
)
