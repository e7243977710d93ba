"""Refusals and close reasons as clients of the `friends` contract read them."""

from collections.abc import Sequence
from functools import partial

from msgspec import UNSET, Struct

from folkmoot.contracts.friends.frames import DirectNotUpToDateOut, FriendsErrorOut
from folkmoot.core.shared.refusals import Refusal, TooMany, Unavailable
from folkmoot.kit import rejections
from folkmoot.kit.rejections import FAULT_SENTENCE, Table, close_code_of, with_facts
from folkmoot.realtime.wire_format import CloseReason

NO_RIGHT = 1008
OUR_FAULT = 1011
RESTART = 1012
COME_BACK = 1013

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
_REJECTIONS: Table = ((TooMany, COME_BACK), (Unavailable, COME_BACK), (Refusal, NO_RIGHT))

not_up_to_date = partial(rejections.not_up_to_date, DirectNotUpToDateOut)
"""The body of the REST answer to whoever wrote without knowing what the other has written."""


def close_code(close_reason: CloseReason) -> tuple[int, str]:
    """The close code and the text for why a connected client is closed."""
    return _CLOSE_CODES[close_reason], close_reason.value


def rejection_of(refusal: Refusal | Unavailable | None) -> tuple[int, str]:
    """The close code and the text for a client that was let in and cannot stay."""
    if refusal is None:
        return OUR_FAULT, FAULT_SENTENCE
    return close_code_of(refusal, _REJECTIONS), str(refusal)


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
    return with_facts(frame, refusal, missed)


def fault_frame(client_id: str | None = None) -> FriendsErrorOut:
    """The ``error`` frame for a frame that met a fault of ours."""
    return FriendsErrorOut(FAULT_SENTENCE, "internal_error", client_id or UNSET)
