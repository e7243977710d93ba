"""What an operator says of a model; without the library, which only the process that asks loads."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """A model and how it is asked. ``base_url`` ends before ``/chat/completions``."""

    base_url: str
    model: str
    key: str | None = field(default=None, repr=False)
    max_answer_tokens: int = 1000
    max_answer_chars: int = 10_000
    max_context_tokens: int = 4000
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"


@dataclass(frozen=True, slots=True)
class ModelTimeouts:
    """How long a model is waited for, in seconds, and how often it is tried.

    ``first`` is from a request to the first event, ``pause`` between two events, ``whole`` from
    the question to the last piece, with all tries and the waits between them. ``held`` is for the
    first words of a model of which it is not known whether these are a thought, ``after_end`` for
    what may follow once the model has said that it is done.
    """

    whole: float = 60.0
    connect: float = 5.0
    first: float = 45.0
    pause: float = 20.0
    tries: int = 3
    backoff: float = 0.5
    held: float = 2.0
    after_end: float = 1.0

    @classmethod
    def of(cls, whole: float) -> "ModelTimeouts":
        """In the usual shares of a whole: a model may think for long, but not stop in between."""
        return cls(whole=whole, connect=min(5.0, whole / 4), first=whole * 0.75, pause=whole / 3)
