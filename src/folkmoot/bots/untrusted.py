"""Texts of strangers made harmless to show or hand on; their words stay as they are."""

import re
import unicodedata
from datetime import UTC, datetime

MAX_SOURCE_CHARS = 200
REPLACEMENT = "\ufffd"
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_LINE_ENDS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_JOINERS = frozenset("\u200c\u200d")
"""The two format characters that letters need (in Persian, Hindi, emoji); they order nothing."""
_HIGH_SURROGATES = range(0xD800, 0xDC00)


def valid(text: str) -> str:
    """The text without NUL; surrogates are paired where they can be, and replaced elsewhere."""
    text = text.replace("\0", "")
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def without_last_half(text: str) -> tuple[str, str]:
    """The text, and apart from it a first half of a surrogate pair that stood at its end."""
    if text and ord(text[-1]) in _HIGH_SURROGATES:
        return text[:-1], text[-1]
    return text, ""


def visible(text: str) -> str:
    """The text with only ``\\n`` to end lines, and nothing unseen that reorders or hides words."""
    text = _LINE_ENDS.sub("\n", _TERMINAL.sub("", valid(text))).replace("\t", "    ")
    return "".join(char for char in text if char == "\n" or _is_visible(char))


def one_line(text: str, max_chars: int = MAX_SOURCE_CHARS) -> str:
    """The text on one line, cut where it is longer."""
    flat = " ".join(visible(text).split())
    return flat if len(flat) <= max_chars else flat[: max_chars - 1] + "…"


def moment(at: datetime) -> str:
    """The time in UTC, to the second, with its Z."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _is_visible(char: str) -> bool:
    return char in _JOINERS or unicodedata.category(char) not in {"Cc", "Cf", "Cs"}
