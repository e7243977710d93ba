"""Refusals and endings as clients of the `sessions` contract read them."""

from collections.abc import Collection, Iterable
from datetime import datetime

from msgspec import UNSET, Struct

from folkmoot.contracts.sessions.answers import SessionNotUpToDateOut
from folkmoot.contracts.sessions.codec import instant, shown
from folkmoot.contracts.sessions.frames import SessionErrorFrame, SessionErrorMetadata
from folkmoot.core.audience import hears
from folkmoot.core.conversations.errors import NotAMember
from folkmoot.core.events import TimelineEvent
from folkmoot.core.messages.errors import NotUpToDate
from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.core.shared.refusals import (
    Invalid,
    NotFound,
    Refusal,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from folkmoot.realtime.wire_format import CloseReason

NO_RIGHT = 1008
OUR_FAULT = 1011
RESTART = 1012
COME_BACK = 1013

MAX_REASON_BYTES = 123
"""RFC 6455, 5.5: a control frame has at most 125, and two are the code."""

FAULT_SENTENCE = "Something went wrong on our side; try again."

_CLOSE_CODES = {
    CloseReason.LOGIN_ENDED: NO_RIGHT,
    CloseReason.TOKEN_EXPIRED: NO_RIGHT,
    CloseReason.ACCOUNT_INACTIVE: NO_RIGHT,
    CloseReason.REMOVED: NO_RIGHT,
    # Clients of this contract come back after 1011 and after no other code.
    CloseReason.SILENT: OUR_FAULT,
    CloseReason.SHUTDOWN: RESTART,
}


def close_code(close_reason: CloseReason) -> tuple[int, str]:
    """The close code and reason for an ending that a connected client meets."""
    return _CLOSE_CODES[close_reason], close_reason.value


def rejection_of(refusal: Refusal | Unavailable | None) -> tuple[int, str]:
    """The close code and reason for a client that is not let in."""
    match refusal:
        case None:
            return OUR_FAULT, FAULT_SENTENCE
        case Unavailable():
            return OUR_FAULT, _reason(str(refusal))
        case TooMany():
            return COME_BACK, _reason(str(refusal))
        case Unauthenticated():
            return NO_RIGHT, _reason(f"invalid token: {refusal}")
        case NotAMember():
            return NO_RIGHT, "not a participant in this session"
        case NotFound():
            return NO_RIGHT, "session not found"
        case _:
            return NO_RIGHT, _reason(str(refusal))


def error_frame(
    refusal: Refusal | Unavailable,
    *,
    conversation: Uid,
    account: Uid,
    at: datetime,
    client_id: str | None = None,
    hidden: Collection[AccountId] = (),
) -> SessionErrorFrame:
    """The ``error`` frame for a refused frame; the socket stays open.

    ``hidden``: the authors whose messages are not shown to the one who was refused.
    """
    metadata = SessionErrorMetadata(code=refusal.code, client_id=client_id or UNSET)
    match refusal:
        case Invalid(field=field):
            metadata.field = field
        case TooMany(retry_after=retry_after):
            metadata.retry_after = round(retry_after, 3)
        case NotUpToDate(facts=facts):
            metadata.last_seq = facts["last_seq"]
            metadata.missed = _missed(facts["missed"], hidden)
    return SessionErrorFrame(conversation, account, str(refusal), instant(at), metadata)


def not_up_to_date(refusal: NotUpToDate, *, hidden: Collection[AccountId]) -> SessionNotUpToDateOut:
    """The body of the REST answer to whoever wrote without knowing what others have written."""
    return SessionNotUpToDateOut(
        detail=str(refusal),
        code=refusal.code,
        last_seq=refusal.facts["last_seq"],
        missed=_missed(refusal.facts["missed"], hidden),
    )


def _missed(events: Iterable[TimelineEvent], hidden: Collection[AccountId]) -> list[Struct]:
    heard = (event for event in events if hears(event, hidden))
    frames = (shown(event, own=False, now=event.at) for event in heard)
    return [frame for frame in frames if frame is not None]


def _reason(text: str) -> str:
    """As much of a text as fits into a close frame."""
    return text.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
