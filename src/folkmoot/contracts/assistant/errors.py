"""Refusals and close reasons as clients of the `assistant` contract read them."""

from collections.abc import Collection
from functools import partial

from msgspec import UNSET

from folkmoot.contracts.assistant.codec import encode, shown
from folkmoot.contracts.assistant.frames import ChatErrorFrame
from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.core.shared.refusals import (
    Conflict,
    Refusal,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from folkmoot.kit.rejections import (
    FAULT_SENTENCE,
    Table,
    close_code_of,
    close_reason_text,
    missed_in,
    with_facts,
)
from folkmoot.kit.socket_endpoint import Rejection
from folkmoot.realtime.wire_format import CloseReason

NO_RIGHT = 1008
OUR_FAULT = 1011
RESTART = 1012
COME_BACK = 1013

FAULT = ChatErrorFrame("internal_error", FAULT_SENTENCE)

_CLOSE_CODES = {
    CloseReason.LOGIN_ENDED: NO_RIGHT,
    CloseReason.TOKEN_EXPIRED: NO_RIGHT,
    CloseReason.ACCOUNT_INACTIVE: NO_RIGHT,
    CloseReason.REMOVED: NO_RIGHT,
    CloseReason.SILENT: OUR_FAULT,
    CloseReason.SHUTDOWN: RESTART,
}
_REJECTIONS: Table = ((Unavailable, OUR_FAULT), (TooMany, COME_BACK), (Refusal, NO_RIGHT))


class NotJoined(Conflict):
    """The frame is for a session that this socket has not joined."""

    code = "session_not_joined"
    sentence = "Join this session first."


class TooManyJoined(Conflict):
    """One socket hears of as many sessions as it may."""

    code = "too_many_sessions"
    sentence = "One connection joins at most {max_sessions} sessions; leave one first."


class NothingToCancel(Conflict):
    """No answer to this account is being written there."""

    code = "nothing_to_cancel"
    sentence = "No answer to you is being written in this session."


def close_code(close_reason: CloseReason) -> tuple[int, str]:
    """The close code and the text for why a connected client is closed."""
    return _CLOSE_CODES[close_reason], close_reason.value


def rejection_of(refusal: Refusal | Unavailable | None) -> Rejection:
    """How a client that is not let in is told: in an ``error`` frame, and by the close code."""
    if refusal is None:
        return Rejection(OUR_FAULT, FAULT.message, encode(FAULT))
    prefix = "invalid token: " if isinstance(refusal, Unauthenticated) else ""
    code, reason = close_code_of(refusal, _REJECTIONS), close_reason_text(f"{prefix}{refusal}")
    return Rejection(code, reason, encode(error_frame(refusal)))


def error_frame(
    refusal: Refusal | Unavailable,
    *,
    session: Uid | None = None,
    client_id: str | None = None,
    hidden: Collection[AccountId] = (),
) -> ChatErrorFrame:
    """The ``error`` frame for a refused frame; the socket stays open.

    ``hidden``: the authors whose messages are not shown to the one who was refused.
    """
    frame = ChatErrorFrame(
        refusal.code, str(refusal), session_id=session or UNSET, client_id=client_id or UNSET
    )
    return with_facts(frame, refusal, missed_in(refusal, hidden, partial(shown, own=False)))
