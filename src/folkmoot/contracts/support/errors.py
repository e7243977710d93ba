"""Refusals and close reasons as clients of the `support` contract read them."""

from collections.abc import Iterable
from typing import Any

from folkmoot.core.messages.errors import NotUpToDate
from folkmoot.core.shared.refusals import (
    Conflict,
    Forbidden,
    Invalid,
    Refusal,
    Unauthenticated,
    Unavailable,
)
from folkmoot.kit.rejections import RESTART, CloseCodes
from folkmoot.wire.refusals import ConnectRefused, RequestRefused

AUTHENTICATION_REQUIRED = "authentication required"
RIGHTS_LOST = 4001

CLOSE_CODES = CloseCodes(
    ended=RIGHTS_LOST, removed=RIGHTS_LOST, flooding=RIGHTS_LOST, silent=RESTART
)
"""Whether a client may come back after a close, as codes that never reach the wire."""


class EventUnknown(Invalid):
    """The event has a name that this contract does not know."""

    code = "event_unknown"
    sentence = "There is no event {given!r}; known are {known}."


class EventMalformed(Invalid):
    """What came with an event is not what the event takes."""

    code = "event_malformed"
    sentence = "This event cannot be read: {problem}."


class MayNotWrite(Forbidden):
    """Customers reach the desk and those who serve at it, staff reach customers; nobody else."""

    code = "forbidden"
    sentence = "You may not do this with that user."


class ReceiverNeeded(Invalid):
    """Staff have to say which customer they mean."""

    code = "receiver_needed"
    sentence = "Name the customer in {field}."


class NothingBegun(Conflict):
    """The customer has no open session, and named nobody of staff."""

    code = "no_open_session"
    sentence = "There is no open session yet: send a message, or name somebody of staff."


class TooManyRooms(Invalid):
    """The connection listens to as many customers as it may."""

    code = "too_many_rooms"
    sentence = "A connection listens to at most {max_rooms} rooms."


class TooSoon(RequestRefused):
    """The address has opened as many connections as it may for now."""

    code = "rate_limited"
    message = "Too many requests"
    status = 429

    def __init__(self, retry_after: float) -> None:
        super().__init__()
        self.retry_after = retry_after


class NotNow(RequestRefused):
    """Nobody can tell right now who is asking."""

    code = "unavailable"
    message = "Unavailable"
    status = 503
    retry_after = 2.0


def rejection_of(refusal: Refusal | Unavailable) -> ConnectRefused:
    """What a client that is not let in sees as its ``connect_error``."""
    is_unknown = isinstance(refusal, Unauthenticated)
    data = error_data(refusal) | {"message": str(refusal)}
    return ConnectRefused(AUTHENTICATION_REQUIRED if is_unknown else str(refusal), data)


def error_data(
    refusal: Refusal | Unavailable,
    *,
    missed: Iterable[object] = (),
) -> dict[str, Any]:
    """A refusal as acks and ``error`` events carry it."""
    error: dict[str, Any] = {"code": refusal.code, "message": str(refusal)}
    if refusal.retry_after is not None:
        error |= {"passing": True, "retry_after": round(refusal.retry_after, 3)}
    match refusal:
        case Invalid(field=field):
            error["field"] = field
        case NotUpToDate(facts=facts):
            error |= {"last_seq": facts["last_seq"], "missed": list(missed)}
    return error
