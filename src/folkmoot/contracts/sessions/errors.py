"""Refusals and close reasons as clients of the `sessions` contract read them."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from msgspec import UNSET, Struct

from folkmoot.contracts.sessions.answers import SessionNotUpToDateOut
from folkmoot.contracts.sessions.frames import SessionErrorFrame, SessionErrorMetadata
from folkmoot.core.conversations.errors import NotAMember
from folkmoot.core.shared.ids import Uid
from folkmoot.core.shared.refusals import NotFound, Refusal, Unauthenticated, Unavailable
from folkmoot.kit import rejections
from folkmoot.kit.rejections import FAULT_CODE, FAULT_SENTENCE, OUR_FAULT, CloseCodes, with_facts
from folkmoot.kit.times import in_seconds


def _sentence(refusal: Refusal | Unavailable) -> str:
    """What clients of this contract look for in the text of a close frame."""
    if isinstance(refusal, Unauthenticated):
        return f"invalid token: {refusal}"
    if isinstance(refusal, NotAMember):
        return "not a participant in this session"
    return "session not found" if isinstance(refusal, NotFound) else str(refusal)


CLOSE_CODES = CloseCodes(silent=OUR_FAULT, unavailable=OUR_FAULT, sentence=_sentence)
"""Clients of this contract come back after 1011 and after no other code."""

not_up_to_date = partial(rejections.not_up_to_date, SessionNotUpToDateOut)
"""The body of the REST answer to whoever wrote without knowing what others have written."""


def error_frame(
    refusal: Refusal | Unavailable | None,
    client_id: str | None = None,
    missed: Iterable[Struct] = (),
    *,
    conversation: Uid,
    account: Uid,
    at: datetime,
) -> SessionErrorFrame:
    """The ``error`` frame for a refused frame; the socket stays open. ``None``: a fault of ours."""
    metadata = SessionErrorMetadata(refusal.code if refusal else FAULT_CODE, client_id or UNSET)
    if refusal is not None:
        with_facts(metadata, refusal, missed)
    sentence = FAULT_SENTENCE if refusal is None else str(refusal)
    return SessionErrorFrame(conversation, account, sentence, in_seconds(at), metadata)
