"""How clients on sockets read refusals and ends: close codes, close reasons, and error frames."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, assert_never

from msgspec import UNSET, Struct, UnsetType

from folkmoot.core.audience import hears
from folkmoot.core.events import TimelineEvent
from folkmoot.core.messages.errors import NotUpToDate
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.shared.refusals import Invalid, Refusal, TooMany, Unavailable
from folkmoot.kit.socket_endpoint import Rejection
from folkmoot.realtime.wire_format import CloseReason

NO_RIGHT, OUR_FAULT, RESTART, COME_BACK = 1008, 1011, 1012, 1013
"""The close codes of RFC 6455, 7.4.1, and of those registered since, that contracts use."""

FAULT_CODE = "internal_error"
FAULT_SENTENCE = "Something went wrong on our side; try again."
"""What a client reads of a fault of ours."""

MAX_REASON_BYTES = 123
"""RFC 6455, 5.5: a control frame has at most 125 bytes, and two are the code."""

Table = Sequence[tuple[type[Exception], int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseCodes:
    """By which codes the clients of one contract learn why they are closed, or not let in.

    ``refused`` are codes of their own for some kinds of refusals; the first that fits counts.
    ``sentence`` is what such clients read of a refusal.
    """

    ended: int = NO_RIGHT
    removed: int = NO_RIGHT
    flooding: int = NO_RIGHT
    silent: int = COME_BACK
    unavailable: int = COME_BACK
    refused: Table = ()
    sentence: Callable[[Refusal | Unavailable], str] = str

    def closing(self, close_reason: CloseReason) -> tuple[int, str]:
        """The close code and the text for why a connected client is closed."""
        return self._code_of(close_reason), close_reason.value

    def _code_of(self, close_reason: CloseReason) -> int:
        match close_reason:
            case CloseReason.LOGIN_ENDED | CloseReason.TOKEN_EXPIRED | CloseReason.ACCOUNT_INACTIVE:
                return self.ended
            case CloseReason.REMOVED:
                return self.removed
            case CloseReason.FLOODING:
                return self.flooding
            case CloseReason.SILENT:
                return self.silent
            case CloseReason.SHUTDOWN:
                return RESTART
            case _:
                assert_never(close_reason)

    def rejecting(self, refusal: Refusal | Unavailable | None) -> Rejection:
        """What a client that cannot stay is told; ``None``: a fault of ours."""
        if refusal is None:
            return Rejection(OUR_FAULT, FAULT_SENTENCE)
        table: Table = (
            *self.refused,
            (TooMany, COME_BACK),
            (Unavailable, self.unavailable),
            (Refusal, self.ended),
        )
        code = next(code for kind, code in table if isinstance(refusal, kind))
        return Rejection(code, close_reason_text(self.sentence(refusal)))


def close_reason_text(text: str) -> str:
    """As much of a text as fits into a close frame."""
    return text.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


class ErrorFields(Protocol):
    """What an ``error`` of any contract may say beside its code and its sentence."""

    field: Any
    passing: Any
    retry_after: Any
    last_seq: Any
    missed: Any


Fields = TypeVar("Fields", bound=ErrorFields)


class ErrorFrame(Struct):
    """What most contracts say of a refused frame; ``client_id`` is that of the frame.

    ``missed`` is what the author of a message had not seen.
    """

    message: str
    code: str
    client_id: str | UnsetType = UNSET
    field: str | UnsetType = UNSET
    passing: bool | UnsetType = UNSET
    retry_after: float | UnsetType = UNSET
    last_seq: int | UnsetType = UNSET
    missed: list[Any] | UnsetType = UNSET


class NotUpToDateBody(Struct):
    """The REST answer to whoever wrote without knowing what others have written."""

    detail: str
    code: str
    last_seq: int
    missed: list[Any]


Error = TypeVar("Error", bound=ErrorFrame)
Body = TypeVar("Body", bound=NotUpToDateBody)


def error_frame(
    frame: type[Error],
    refusal: Refusal | Unavailable | None,
    client_id: str | None = None,
    missed: Iterable[Any] = (),
) -> Error:
    """The frame that tells why a frame was refused; ``None``: a fault of ours."""
    if refusal is None:
        return frame(FAULT_SENTENCE, FAULT_CODE, client_id or UNSET)
    return with_facts(frame(str(refusal), refusal.code, client_id or UNSET), refusal, missed)


def with_facts(frame: Fields, refusal: Refusal | Unavailable, missed: Iterable[Any]) -> Fields:
    """The frame of an error, with what programs need to know of the refusal.

    ``missed`` is what the client had not seen, where that is why it was refused.
    """
    if refusal.retry_after is not None:
        frame.passing = True
        frame.retry_after = round(refusal.retry_after, 3)
    if isinstance(refusal, Invalid):
        frame.field = refusal.field
    elif isinstance(refusal, NotUpToDate):
        frame.last_seq = refusal.facts["last_seq"]
        frame.missed = list(missed)
    return frame


def missed_in(refusal: Refusal | Unavailable, hidden: Collection[AccountId]) -> list[TimelineEvent]:
    """What the author of a refused message had not seen, and may see.

    ``hidden``: the authors whose messages are not shown to them.
    """
    if not isinstance(refusal, NotUpToDate):
        return []
    return [event for event in refusal.facts["missed"] if hears(event, hidden)]


def not_up_to_date(body: type[Body], refusal: NotUpToDate, missed: Sequence[Struct]) -> Body:
    """The body of the REST answer to whoever wrote without knowing what others have written."""
    return body(str(refusal), refusal.code, refusal.facts["last_seq"], list(missed))
