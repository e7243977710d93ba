"""Refusals and close reasons as clients of the `conversations` contract read them."""

from collections.abc import Collection
from functools import partial

from msgspec import UNSET

from folkmoot.contracts.conversations.codec import shown
from folkmoot.contracts.conversations.frames import ErrorOut, NotUpToDateOut
from folkmoot.core.conversations.errors import NoSuchConversation, NotAMember
from folkmoot.core.messages.errors import ClientIdReused, NotUpToDate
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.shared.refusals import Refusal, TooMany, Unauthenticated, Unavailable
from folkmoot.kit import rejections
from folkmoot.kit.rejections import (
    FAULT_SENTENCE,
    Table,
    close_code_of,
    close_reason_text,
    missed_in,
    with_facts,
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

refused = partial(
    refusals,
    such_as={403: NotAMember(), 404: NoSuchConversation(), 409: ClientIdReused()},
)
"""How this contract's routes describe their refusals."""

_CLOSE_CODES = {
    CloseReason.LOGIN_ENDED: AUTH_ERROR,
    CloseReason.TOKEN_EXPIRED: AUTH_ERROR,
    CloseReason.ACCOUNT_INACTIVE: AUTH_ERROR,
    CloseReason.REMOVED: NOT_A_PARTICIPANT,
    CloseReason.SILENT: COME_BACK,
    CloseReason.SHUTDOWN: RESTART,
}
_REJECTIONS: Table = (
    (Unauthenticated, BAD_TOKEN),
    (NoSuchConversation, NO_SUCH_CONVERSATION),
    (NotAMember, NOT_A_PARTICIPANT),
    (TooMany, COME_BACK),
    (Unavailable, COME_BACK),
    (Refusal, AUTH_ERROR),
)


def close_code(close_reason: CloseReason) -> tuple[int, str]:
    """The close code and the text for why a connected client is closed."""
    return _CLOSE_CODES[close_reason], close_reason.value


def rejection_of(refusal: Refusal | Unavailable | None) -> tuple[int, str]:
    """The close code and the text for a client that is not let in; ``None``: a fault of ours."""
    if refusal is None:
        return OUR_FAULT, FAULT_SENTENCE
    return close_code_of(refusal, _REJECTIONS), close_reason_text(str(refusal))


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
    return with_facts(frame, refusal, missed_in(refusal, hidden, partial(shown, own=False)))


def not_up_to_date(refusal: NotUpToDate, *, hidden: Collection[AccountId]) -> NotUpToDateOut:
    """The body of the REST answer to whoever wrote without knowing what others have written."""
    missed = missed_in(refusal, hidden, partial(shown, own=False))
    return rejections.not_up_to_date(NotUpToDateOut, refusal, missed)
