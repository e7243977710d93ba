"""The numbers of a JSON text, as those who write JSON mean them: RFC 8259, 6.

A whole number may be written ``1.0`` or ``1e0``, and many languages do. A number too large for
anybody is no fault of a text as long as nobody reads it.
"""

import re
from math import isinf
from typing import Any, Final

from folkmoot.wire.json_bounds import MAX_VALUES

MAX_EXACT: Final = 2**53 - 1
"""The largest whole number that every reader of JSON holds exactly."""

BEYOND: Final = "1e300"
"""What stands for a number that nobody holds: a double, and larger than anything is counted to."""

_MAX_DIGITS: Final = 19
_MAX_CHARS: Final = 40
_DIGITS_AS_ZERO: Final = bytes.maketrans(b"123456789", b"000000000")
_MARKS: Final = (b"0.", b"0e", b"0E", b"0" * 16)
_MAY_DIFFER = re.compile(rb"[:\[,][ \t\r\n]*-?[0-9]+(?:[.eE]|[0-9]{16})")
_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|-?[0-9][0-9.eE+-]*', re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def plain_numbers(text: bytes) -> bytes:
    """The same text, its whole numbers written as such, and those beyond a double as `BEYOND`.

    What is no JSON may come back as anything that is none.
    """
    digits = text.translate(_DIGITS_AS_ZERO)
    may_differ = any(mark in digits for mark in _MARKS) and _MAY_DIFFER.search(text)
    # More strings than values may have are not worth taking apart.
    if not may_differ or text.count(b'"') - text.count(b'\\"') > 4 * MAX_VALUES + 2:
        return text
    try:
        return _TOKENS.sub(_plain, text.decode()).encode()
    except UnicodeDecodeError:
        return text


def whole(value: Any) -> Any:
    """The same value, read from JSON already, its whole numbers as such."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_EXACT:
        return int(value)
    if isinstance(value, dict):
        return {key: whole(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [whole(entry) for entry in value]
    return value


def _plain(found: re.Match[str]) -> str:
    token = found[0]
    if token[0] == '"' or not _NUMBER.fullmatch(token):
        return token
    sign = "-" if token[0] == "-" else ""
    if token.lstrip("-").isdigit():
        return token if len(token) - len(sign) <= _MAX_DIGITS else sign + BEYOND
    value = float(token)
    if isinf(value):
        return sign + BEYOND
    if value.is_integer() and abs(value) <= MAX_EXACT:
        return str(int(value))
    return token if len(token) <= _MAX_CHARS else repr(value)
