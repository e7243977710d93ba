"""What inflected words have in common, by the stemmers of the Snowball project.

Nothing says which language a word is in, and two words of a question say less: a word has the stems
that it would have in each of the common languages of its script.
"""

import threading
from typing import Final

import regex
import Stemmer  # type: ignore[import-not-found]  # it comes without types

_LATIN: Final = (
    "english", "german", "french", "spanish", "italian", "portuguese", "dutch", "swedish",
    "danish", "norwegian",
)  # fmt: skip
_SCRIPTS: Final = (
    (regex.compile(r"\p{Latin}+"), _LATIN),
    (regex.compile(r"[\p{Cyrillic}\p{Mn}]+"), ("russian",)),
    (regex.compile(r"[\p{Greek}\p{Mn}]+"), ("greek",)),
    (regex.compile(r"[\p{Arabic}\p{Mn}]+"), ("arabic", "persian")),
    (regex.compile(r"[\p{Devanagari}]+"), ("hindi",)),
    (regex.compile(r"[\p{Tamil}]+"), ("tamil",)),
    (regex.compile(r"[\p{Armenian}]+"), ("armenian",)),
)
_MIN_CHARS: Final = 3
"""Shorter than this, what is cut off makes other words of them: German makes ``on`` of ``one``."""


class _Stemmers(threading.local):
    """One of each language for each thread: they keep what they are at."""

    def __init__(self) -> None:
        languages = [language for _, those in _SCRIPTS for language in those]
        self.of = {language: Stemmer.Stemmer(language, 0) for language in languages}


_stemmers = _Stemmers()


def stems_of(word: str) -> set[str]:
    """The stems of a word, itself perhaps among them. It is in lower case and composed."""
    if len(word) < _MIN_CHARS:
        return set()
    languages = next((those for script, those in _SCRIPTS if script.fullmatch(word)), ())
    found = {_stemmers.of[language].stemWord(word) for language in languages}
    return {stem for stem in found if len(stem) >= _MIN_CHARS}
