"""Refusals and endings as clients of the `assistant` contract read them."""

from collections.abc import Collection, Iterable

from msgspec import UNSET, Struct, UnsetType

from folkmoot.contracts.assistant.codec import encode, shown
from folkmoot.contracts.assistant.frames import ChatErrorFrame
from folkmoot.core.audience import hears
from folkmoot.core.events import TimelineEvent
from folkmoot.core.messages.errors import NotUpToDate
from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.core.shared.refusals import (
    Conflict,
    Invalid,
    Refusal,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from folkmoot.kit.socket_endpoint import Rejection
from folkmoot.realtime.wire_format import CloseReason

NO_RIGHT = 1008
OUR_FAULT = 1011
RESTART = 1012
COME_BACK = 1013

MAX_REASON_BYTES = 123
"""RFC 6455, 5.5: a control frame has at most 125, and two are the code."""

FAULT = ChatErrorFrame("internal_error", "Something went wrong on our side; try again.")

_CLOSE_CODES = {
    CloseReason.LOGIN_ENDED: NO_RIGHT,
    CloseReason.TOKEN_EXPIRED: NO_RIGHT,
    CloseReason.ACCOUNT_INACTIVE: NO_RIGHT,
    CloseReason.REMOVED: NO_RIGHT,
    CloseReason.SILENT: OUR_FAULT,
    CloseReason.SHUTDOWN: RESTART,
}


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
    """The close code and reason for an ending that a connected client meets."""
    return _CLOSE_CODES[close_reason], close_reason.value


def rejection_of(refusal: Refusal | Unavailable | None) -> Rejection:
    """How a client that is not let in is told: in an ``error`` frame, and by the close code."""
    match refusal:
        case None:
            return Rejection(OUR_FAULT, FAULT.message, encode(FAULT))
        case Unavailable():
            code = OUR_FAULT
        case TooMany():
            code = COME_BACK
        case _:
            code = NO_RIGHT
    prefix = "invalid token: " if isinstance(refusal, Unauthenticated) else ""
    return Rejection(code, _reason(f"{prefix}{refusal}"), encode(error_frame(refusal)))


def _reason(text: str) -> str:
    """As much of a text as fits into a close frame."""
    return text.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


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
        refusal.code, str(refusal), session_id=_given(session), client_id=_given(client_id)
    )
    match refusal:
        case Invalid(field=field):
            frame.field = field
        case TooMany(retry_after=retry_after):
            frame.retry_after = round(retry_after, 3)
        case NotUpToDate(facts=facts):
            frame.last_seq = facts["last_seq"]
            frame.missed = _missed(facts["missed"], hidden)
    return frame


def _missed(events: Iterable[TimelineEvent], hidden: Collection[AccountId]) -> list[Struct]:
    heard = (event for event in events if hears(event, hidden))
    return [frame for event in heard if (frame := shown(event, own=False)) is not None]


def _given(text: str | None) -> str | UnsetType:
    return text or UNSET
