"""What is one emoji, and the form in which it is kept: fully qualified, as Unicode has it."""

from collections.abc import Mapping
from functools import cache
from typing import Final

import regex

_JOINER: Final = "\u200d"
# They ask for a glyph in colours, or in black and white: the emoji is the same.
_SELECTORS: Final = str.maketrans("", "", "\ufe0e\ufe0f")
# Unicode says beforehand which code points will be emoji one day.
_TO_COME: Final = regex.compile(r"(?=\p{Cn})\p{Extended_Pictographic}")


def fully_qualified(text: str) -> str | None:
    """The one emoji that the text is, with all its selectors (UTS #51, ED-18); ``None`` if none.

    Of all spellings of it, with a selector too few or too many, it is the same. Those that Unicode
    recommends are known, what joins some of them (a family in which each has a skin tone
    of their own), and each that is newer than the tables here.
    """
    bare = text.translate(_SELECTORS)
    known = _by_bare_form()
    if _TO_COME.fullmatch(bare):
        return bare
    pieces = [bare] if bare in known else bare.split(_JOINER)
    if not all(piece in known for piece in pieces):
        return None
    return _JOINER.join([known[piece] for piece in pieces])


@cache
def _by_bare_form() -> Mapping[str, str]:
    # Eight megabytes and a twentieth of a second, for whoever reacts first.
    from emoji import EMOJI_DATA, STATUS

    fit = STATUS["component"], STATUS["fully_qualified"]
    return {
        emoji.translate(_SELECTORS): emoji
        for emoji, facts in EMOJI_DATA.items()
        if facts["status"] in fit
    }
