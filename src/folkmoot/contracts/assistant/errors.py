"""Refusals and close reasons as clients of the `assistant` contract read them."""

from collections.abc import Iterable

from msgspec import UNSET, Struct

from folkmoot.contracts.assistant.frames import ChatErrorFrame
from folkmoot.core.shared.ids import Uid
from folkmoot.core.shared.refusals import Conflict, Refusal, Unauthenticated, Unavailable
from folkmoot.kit.json_frame import json_frame
from folkmoot.kit.rejections import (
    FAULT_CODE,
    FAULT_SENTENCE,
    OUR_FAULT,
    CloseCodes,
    with_facts,
)
from folkmoot.kit.socket_endpoint import Rejection

FAULT = ChatErrorFrame(FAULT_CODE, FAULT_SENTENCE)


def _sentence(refusal: Refusal | Unavailable) -> str:
    prefix = "invalid token: " if isinstance(refusal, Unauthenticated) else ""
    return f"{prefix}{refusal}"


CLOSE_CODES = CloseCodes(silent=OUR_FAULT, unavailable=OUR_FAULT, sentence=_sentence)


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


def rejection_of(refusal: Refusal | Unavailable | None) -> Rejection:
    """How a client that is not let in is told: in an ``error`` frame, and by the close code."""
    last_frame = FAULT if refusal is None else error_frame(refusal)
    return CLOSE_CODES.rejecting(refusal)._replace(last_frame=json_frame(last_frame))


def error_frame(
    refusal: Refusal | Unavailable,
    client_id: str | None = None,
    missed: Iterable[Struct] = (),
    *,
    session: Uid | None = None,
) -> ChatErrorFrame:
    """The ``error`` frame for a refused frame; the socket stays open."""
    frame = ChatErrorFrame(refusal.code, str(refusal), session or UNSET, client_id or UNSET)
    return with_facts(frame, refusal, missed)
