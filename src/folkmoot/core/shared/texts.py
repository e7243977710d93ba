"""What a text must be before anything keeps it: something to see, within bounds, valid Unicode.

What is seen of a character is Unicode's to say: its properties are looked up with `regex`.
"""

from typing import Final

import regex

from folkmoot.core.shared.refusals import Invalid

# Beside what Unicode lets a program ignore: blanks that are letters, marks or symbols to it (of
# Braille, Egyptian, Khitan and music), and what stands around annotations.
_BLANKS: Final = r"\u2800\ufff9-\ufffb\U00013441\U00013442\U00016fe4\U0001d159"
_SHOWN: Final = regex.compile(rf"[^\p{{Default_Ignorable_Code_Point}}\p{{Z}}\p{{Cc}}{_BLANKS}]")
_DIRECTION: Final = regex.compile(r"\p{Bidi_Control}+")


class TextEmpty(Invalid):
    """Nothing of the text can be seen."""

    code = "text_empty"
    sentence = "{field} must not be empty."


class TextTooLong(Invalid):
    """The text has more characters than its field takes."""

    code = "text_too_long"
    sentence = "{field} must have at most {max_chars} characters."


class TextNotUnicode(Invalid):
    """The text holds a lone surrogate, so it cannot be written as UTF-8."""

    code = "text_not_unicode"
    sentence = "{field} is not valid Unicode text."


class TextHasNul(Invalid):
    """The text holds U+0000, which not every database can keep."""

    code = "text_has_nul"
    sentence = "{field} must not contain the NUL character."


def checked(text: str, *, field: str) -> str:
    """The text, if it can be stored and sent as it is.

    Raises:
        TextHasNul, TextNotUnicode: it cannot.
    """
    if "\0" in text:
        raise TextHasNul(field=field)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise TextNotUnicode(field=field) from None
    return text


def shows_nothing(text: str) -> bool:
    """Whether a reader would see nothing: white space, fillers, lone selectors and their like.

    Among what is seen they are welcome: emoji, Persian and Hindi are written with them.
    """
    return not _SHOWN.search(text)


def trimmed(text: str, *, field: str, max_chars: int) -> str:
    """The text without white space around it, 1 to ``max_chars`` characters long.

    Raises:
        TextEmpty, TextTooLong, TextHasNul, TextNotUnicode: it is none such.
    """
    text = checked(text, field=field).strip()
    if not text or (not "!" <= text[0] <= "~" and shows_nothing(text)):
        raise TextEmpty(field=field)
    if len(text) > max_chars:
        raise TextTooLong(field=field, max_chars=max_chars)
    return text


def trimmed_name(text: str, *, field: str, max_chars: int) -> str:
    """`trimmed`, for what is shown among other words: without controls of the direction.

    Left open, one would turn around whatever stands behind the name.

    Raises:
        TextEmpty, TextTooLong, TextHasNul, TextNotUnicode: it is no name.
    """
    return trimmed(without_direction(text), field=field, max_chars=max_chars)


def without_direction(text: str) -> str:
    """The text without the characters that only say which way to read."""
    return text if text.isascii() else _DIRECTION.sub("", text)
