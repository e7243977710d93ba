"""What an assistant would be given of a conversation: its newest words, within a budget."""

from collections.abc import Sequence
from dataclasses import dataclass

from folkmoot.core.messages.model import Message

MAX_CONTEXT_TOKENS = 4000
BYTES_A_TOKEN = 4
TOKENS_A_TURN = 4
"""What stands around each turn in the forms that models read."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said; ``role`` is ``user``, ``assistant`` or ``system``."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Context:
    """Turns, the oldest first, and about how many tokens they are."""

    turns: tuple[Turn, ...]
    estimated_tokens: int


def estimated_tokens(content: str) -> int:
    """About how many tokens one turn is: nobody knows without the model's own tables."""
    return TOKENS_A_TURN + -(-len(content.encode()) // BYTES_A_TOKEN)


def context_of(messages: Sequence[Message], *, max_tokens: int = MAX_CONTEXT_TOKENS) -> Context:
    """The newest of these messages (given oldest first) that fit into a budget together.

    Those without a text, as are the deleted ones, are left out. The newest is there whatever its
    length, cut to the budget.
    """
    turns: list[Turn] = []
    left = max_tokens
    for message in reversed(messages):
        content = message.body.plain_text
        if not content:
            continue
        if not turns:
            content = _cut(content, max_tokens)
        cost = estimated_tokens(content)
        if cost > left:
            break
        left -= cost
        turns.append(Turn(_role(message), content))
    return Context(tuple(reversed(turns)), max_tokens - left)


def _role(message: Message) -> str:
    return "user" if message.author is not None else message.author_kind.value


def _cut(content: str, max_tokens: int) -> str:
    room = max(0, max_tokens - TOKENS_A_TURN) * BYTES_A_TOKEN
    return content.encode()[:room].decode(errors="ignore")
