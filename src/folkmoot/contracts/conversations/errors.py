"""Refusals and endings as clients of the `conversations` contract read them."""

from collections.abc import Collection, Iterable
from functools import partial

from msgspec import UNSET, Struct

from folkmoot.contracts.conversations.codec import shown
from folkmoot.contracts.conversations.frames import ErrorOut, NotUpToDateOut
from folkmoot.core.accounts.errors import TokenInvalid, TokenMissing
from folkmoot.core.audience import hears
from folkmoot.core.conversations.errors import NoSuchConversation, NotAMember
from folkmoot.core.events import TimelineEvent
from folkmoot.core.messages.errors import ClientIdReused, NotUpToDate
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.shared.refusals import (
    Forbidden,
    Invalid,
    Refusal,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from folkmoot.kit.rest import refusals
from folkmoot.realtime.wire_format import CloseReason

BAD_TOKEN = 4001
AUTH_ERROR = 4000
NOT_A_PARTICIPANT = 4003
NO_SUCH_CONVERSATION = 4004
COME_BACK = 1013
OUR_FAULT = 1011
RESTART = 1012

MAX_REASON_BYTES = 123
"""RFC 6455, 5.5: a control frame has at most 125, and two are the code."""

refused = partial(
    refusals,
    such_as={403: NotAMember(), 404: NoSuchConversation(), 409: ClientIdReused()},
)
"""How this contract's routes describe their refusals."""

FAULT_SENTENCE = "Something went wrong on our side; try again."

_CLOSE_CODES = {
    CloseReason.LOGIN_ENDED: AUTH_ERROR,
    CloseReason.TOKEN_EXPIRED: AUTH_ERROR,
    CloseReason.ACCOUNT_INACTIVE: AUTH_ERROR,
    CloseReason.REMOVED: NOT_A_PARTICIPANT,
    CloseReason.SILENT: COME_BACK,
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
        case TokenMissing() | TokenInvalid():
            code = BAD_TOKEN
        case Unauthenticated():
            code = BAD_TOKEN
        case NoSuchConversation():
            code = NO_SUCH_CONVERSATION
        case NotAMember():
            code = NOT_A_PARTICIPANT
        case TooMany() | Unavailable():
            code = COME_BACK
        case Forbidden():
            code = AUTH_ERROR
        case _:
            code = AUTH_ERROR
    return code, _reason(str(refusal))


def _reason(text: str) -> str:
    """As much of a text as fits into a close frame."""
    return text.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


def error_frame(
    refusal: Refusal | Unavailable,
    *,
    client_id: str | None = None,
    hidden: Collection[AccountId] = (),
) -> ErrorOut:
    """The ``error`` frame for a refused frame; the socket stays open.

    ``hidden``: the authors whose messages are not shown to the one who was refused.
    """
    frame = ErrorOut(message=str(refusal), code=refusal.code, client_id=client_id or UNSET)
    match refusal:
        case Invalid(field=field):
            frame.field = field
        case TooMany(retry_after=retry_after):
            frame.retry_after = round(retry_after, 3)
        case NotUpToDate(facts=facts):
            frame.last_seq = facts["last_seq"]
            frame.missed = _missed(facts["missed"], hidden)
    return frame


def not_up_to_date(refusal: NotUpToDate, *, hidden: Collection[AccountId]) -> NotUpToDateOut:
    """The body of the REST answer to whoever wrote without knowing what others have written."""
    return NotUpToDateOut(
        detail=str(refusal),
        code=refusal.code,
        last_seq=refusal.facts["last_seq"],
        missed=_missed(refusal.facts["missed"], hidden),
    )


def _missed(events: Iterable[TimelineEvent], hidden: Collection[AccountId]) -> list[Struct]:
    heard = (event for event in events if hears(event, hidden))
    return [frame for event in heard if (frame := shown(event, own=False)) is not None]
