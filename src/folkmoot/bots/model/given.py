"""What an operator says of a model; without the library, so that it can be checked at no cost."""

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
