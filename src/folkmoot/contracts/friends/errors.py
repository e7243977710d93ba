"""Refusals and endings as clients of the `friends` contract read them."""

from collections.abc import Sequence

from msgspec import UNSET, Struct

from folkmoot.contracts.friends.frames import DirectNotUpToDateOut, FriendsErrorOut
from folkmoot.core.messages.errors import NotUpToDate
from folkmoot.core.shared.refusals import Invalid, Refusal, TooMany, Unavailable
from folkmoot.realtime.wire_format import CloseReason

NO_RIGHT = 1008
OUR_FAULT = 1011
RESTART = 1012
COME_BACK = 1013

FAULT_SENTENCE = "Something went wrong on our side; try again."

STATUSES = {"self_request": 400}
"""The statuses that this contract's REST routes have of their own, by code."""

_CLOSE_CODES = {
    CloseReason.LOGIN_ENDED: NO_RIGHT,
    CloseReason.TOKEN_EXPIRED: NO_RIGHT,
    CloseReason.ACCOUNT_INACTIVE: NO_RIGHT,
    CloseReason.REMOVED: NO_RIGHT,
    CloseReason.SILENT: COME_BACK,
    CloseReason.SHUTDOWN: RESTART,
}


def close_code(close_reason: CloseReason) -> tuple[int, str]:
    """The close code and reason for an ending that a connected client meets."""
    return _CLOSE_CODES[close_reason], close_reason.value


def rejection_of(refusal: Refusal | Unavailable | None) -> tuple[int, str]:
    """The close code and reason for a client that was let in and cannot stay."""
    match refusal:
        case None:
            return OUR_FAULT, FAULT_SENTENCE
        case TooMany() | Unavailable():
            return COME_BACK, str(refusal)
        case _:
            return NO_RIGHT, str(refusal)


def error_frame(
    refusal: Refusal | Unavailable,
    *,
    client_id: str | None = None,
    missed: Sequence[Struct] = (),
) -> FriendsErrorOut:
    """The ``error`` frame for a refused frame; the socket stays open.

    ``missed`` is what the client had not seen, where that is why it was refused.
    """
    frame = FriendsErrorOut(message=str(refusal), code=refusal.code, client_id=client_id or UNSET)
    match refusal:
        case Invalid(field=field):
            frame.field = field
        case TooMany(retry_after=retry_after):
            frame.retry_after = round(retry_after, 3)
        case NotUpToDate(facts=facts):
            frame.last_seq = facts["last_seq"]
            frame.missed = list(missed)
    return frame


def fault_frame(client_id: str | None = None) -> FriendsErrorOut:
    """The ``error`` frame for a frame that met a fault of ours."""
    return FriendsErrorOut(FAULT_SENTENCE, "internal_error", client_id or UNSET)


def not_up_to_date(refusal: NotUpToDate, missed: Sequence[Struct]) -> DirectNotUpToDateOut:
    """The body of the REST answer to whoever wrote without knowing what the other has written."""
    return DirectNotUpToDateOut(
        detail=str(refusal),
        code=refusal.code,
        last_seq=refusal.facts["last_seq"],
        missed=list(missed),
    )
