"""Keys that a client made up: a database is not asked for those that it could never hold."""

from collections.abc import Iterable
from typing import TypeVar

MAX_NUMBER = 2**63 - 1
Numbered = TypeVar("Numbered", bound=int)
Named = TypeVar("Named", bound=str)


def is_number(key: int) -> bool:
    """Whether the key fits into a column."""
    return -MAX_NUMBER <= key <= MAX_NUMBER


def numbers(keys: Iterable[Numbered]) -> list[Numbered]:
    """Those that fit into a column, each once."""
    return [key for key in set(keys) if -MAX_NUMBER <= key <= MAX_NUMBER]


def texts(keys: Iterable[Named]) -> list[Named]:
    """Those that are storable texts, each once."""
    return [key for key in set(keys) if is_storable(key)]


def is_storable(text: str) -> bool:
    """Whether every database can hold the text: no NUL, no lone surrogate."""
    if text.isascii():
        return "\0" not in text
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def clamped(number: int) -> int:
    """The nearest number that fits into a column."""
    return max(-MAX_NUMBER, min(number, MAX_NUMBER))
