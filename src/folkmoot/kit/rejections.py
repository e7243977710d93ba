"""How clients on sockets read refusals and ends: close codes, close reasons, and error frames."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from folkmoot.core.audience import hears
from folkmoot.core.events import TimelineEvent
from folkmoot.core.messages.errors import NotUpToDate
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.shared.refusals import Invalid, Refusal, Unavailable

FAULT_SENTENCE = "Something went wrong on our side; try again."
"""What a client reads of a fault of ours."""

MAX_REASON_BYTES = 123
"""RFC 6455, 5.5: a control frame has at most 125 bytes, and two are the code."""

Table = Sequence[tuple[type[Exception], int]]
"""The close code of each kind of refusal; the first that fits counts."""


class ErrorFields(Protocol):
    """What an ``error`` of any contract may say beside its code and its sentence."""

    field: Any
    passing: Any
    retry_after: Any
    last_seq: Any
    missed: Any


Fields = TypeVar("Fields", bound=ErrorFields)
Body = TypeVar("Body", bound=Struct)


def close_reason_text(text: str) -> str:
    """As much of a text as fits into a close frame."""
    return text.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


def close_code_of(refusal: Refusal | Unavailable, table: Table) -> int:
    """The close code of a refusal; the table ends with a kind that all are of."""
    return next(code for kind, code in table if isinstance(refusal, kind))


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


def missed_in(
    refusal: Refusal | Unavailable,
    hidden: Collection[AccountId],
    show: Callable[[TimelineEvent], Struct | None],
) -> list[Struct]:
    """What the author of a refused message had not seen, and may see, as it is shown to them."""
    if not isinstance(refusal, NotUpToDate):
        return []
    heard = (event for event in refusal.facts["missed"] if hears(event, hidden))
    return [frame for event in heard if (frame := show(event)) is not None]


def not_up_to_date(
    body: Callable[..., Body], refusal: NotUpToDate, missed: Sequence[Struct]
) -> Body:
    """The body of the REST answer to whoever wrote without knowing what others have written."""
    return body(
        detail=str(refusal),
        code=refusal.code,
        last_seq=refusal.facts["last_seq"],
        missed=list(missed),
    )
