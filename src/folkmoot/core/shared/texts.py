"""What a text must be before anything keeps it: within bounds, valid Unicode, without NUL."""

from folkmoot.core.shared.refusals import Invalid


class TextEmpty(Invalid):
    """Nothing is left of the text after trimming."""

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


def trimmed(text: str, *, field: str, max_chars: int) -> str:
    """The text without white space around it, 1 to ``max_chars`` characters long.

    Raises:
        TextEmpty, TextTooLong, TextHasNul, TextNotUnicode: it is none such.
    """
    text = checked(text, field=field).strip()
    if not text:
        raise TextEmpty(field=field)
    if len(text) > max_chars:
        raise TextTooLong(field=field, max_chars=max_chars)
    return text
