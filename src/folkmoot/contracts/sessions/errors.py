"""Refusals and close reasons as clients of the `sessions` contract read them."""

from collections.abc import Collection
from datetime import datetime

from msgspec import UNSET, Struct

from folkmoot.contracts.sessions.answers import SessionNotUpToDateOut
from folkmoot.contracts.sessions.codec import instant, shown
from folkmoot.contracts.sessions.frames import SessionErrorFrame, SessionErrorMetadata
from folkmoot.core.conversations.errors import NotAMember
from folkmoot.core.events import TimelineEvent
from folkmoot.core.messages.errors import NotUpToDate
from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.core.shared.refusals import NotFound, Refusal, TooMany, Unauthenticated, Unavailable
from folkmoot.kit import rejections
from folkmoot.kit.rejections import (
    FAULT_SENTENCE,
    Table,
    close_code_of,
    close_reason_text,
    missed_in,
    with_facts,
)
from folkmoot.realtime.wire_format import CloseReason

NO_RIGHT = 1008
OUR_FAULT = 1011
RESTART = 1012
COME_BACK = 1013

_CLOSE_CODES = {
    CloseReason.LOGIN_ENDED: NO_RIGHT,
    CloseReason.TOKEN_EXPIRED: NO_RIGHT,
    CloseReason.ACCOUNT_INACTIVE: NO_RIGHT,
    CloseReason.REMOVED: NO_RIGHT,
    # Clients of this contract come back after 1011 and after no other code.
    CloseReason.SILENT: OUR_FAULT,
    CloseReason.SHUTDOWN: RESTART,
}
_REJECTIONS: Table = ((Unavailable, OUR_FAULT), (TooMany, COME_BACK), (Refusal, NO_RIGHT))


def close_code(close_reason: CloseReason) -> tuple[int, str]:
    """The close code and the text for why a connected client is closed."""
    return _CLOSE_CODES[close_reason], close_reason.value


def rejection_of(refusal: Refusal | Unavailable | None) -> tuple[int, str]:
    """The close code and the text for a client that is not let in; ``None``: a fault of ours."""
    if refusal is None:
        return OUR_FAULT, FAULT_SENTENCE
    return close_code_of(refusal, _REJECTIONS), close_reason_text(_sentence(refusal))


def _sentence(refusal: Refusal | Unavailable) -> str:
    """What clients of this contract look for in the text of a close frame."""
    if isinstance(refusal, Unauthenticated):
        return f"invalid token: {refusal}"
    if isinstance(refusal, NotAMember):
        return "not a participant in this session"
    return "session not found" if isinstance(refusal, NotFound) else str(refusal)


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
    with_facts(metadata, refusal, missed_in(refusal, hidden, _shown_late))
    return SessionErrorFrame(conversation, account, str(refusal), instant(at), metadata)


def not_up_to_date(refusal: NotUpToDate, *, hidden: Collection[AccountId]) -> SessionNotUpToDateOut:
    """The body of the REST answer to whoever wrote without knowing what others have written."""
    missed = missed_in(refusal, hidden, _shown_late)
    return rejections.not_up_to_date(SessionNotUpToDateOut, refusal, missed)


def _shown_late(event: TimelineEvent) -> Struct | None:
    return shown(event, own=False, now=event.at)
