"""What the socket of the `conversations` contract offers, for the AsyncAPI document."""

from folkmoot.contracts.conversations import errors
from folkmoot.contracts.conversations.frames import INBOUND, OUTBOUND
from folkmoot.kit.rejections import COME_BACK, NO_RIGHT
from folkmoot.kit.socket_spec import CLOSE_MEANINGS, FLOODING, TOKEN_QUERY, SocketSpec

SPEC = SocketSpec(
    name="conversations",
    address="/conversations/{conversation_id}/ws",
    summary="One account in one conversation: messages as they are posted, and all that follows.",
    parameters={"conversation_id": "The conversation's number"},
    query={
        **TOKEN_QUERY,
        "after_seq": "The last `seq` seen: everything after it is sent first",
    },
    inbound=INBOUND,
    outbound=OUTBOUND,
    untagged="message",
    close_codes=CLOSE_MEANINGS
    | {
        NO_RIGHT: f"A flood: {FLOODING}",
        COME_BACK: "Too slow, too many or too busy: come back and resume",
        errors.AUTH_ERROR: "The right to be here was lost: token expired, logged out, deactivated",
        errors.BAD_TOKEN: "The token is missing or not valid",
        errors.NOT_A_PARTICIPANT: "Not, or no longer, a participant",
        errors.NO_SUCH_CONVERSATION: "There is no such conversation",
    },
)
