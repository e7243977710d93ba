"""What of a word's letters tells it from another word, so that it is found however it is typed.

Case, width, accents, vowel marks and what is not seen do not; nor do forms of one letter that are
confused in use. What Unicode knows of characters is looked up, and little is listed.
"""

import unicodedata
from typing import Final

import regex
from anyascii import anyascii

# Classes of marks that people leave out: laid over a letter; the vowels of Hebrew, Arabic and
# Syriac; and what stands above and below. What is left are the vowels and tones of other scripts.
_OVERLAY: Final = 1
_VOWELS: Final = range(10, 37)
_AROUND: Final = 200
_UNSEEN: Final = regex.compile(r"\p{Default_Ignorable_Code_Point}|\p{Me}")
_LATIN: Final = regex.compile(r"\p{Latin}")
# As is usual for search: of Arabic the forms of alef, yeh, kaf and heh, and the stroke that only
# lengthens; the dot of Hindi that is seldom typed.
_ALIKE: Final = {
    "\u0640": "",
    "\u0671": "\u0627",
    "\u0649": "\u064a",
    "\u06cc": "\u064a",
    "\u06a9": "\u0643",
    "\u0629": "\u0647",
    "\u06c0": "\u0647",
    "\u06c1": "\u0647",
    "\u06be": "\u0647",
    "\u093c": "",
}


class _Folds(dict[int, str]):
    """What is kept of each character of a decomposed word, in lower case.

    Remembered of the Basic Multilingual Plane only: nobody can make it grow without end.
    """

    def __missing__(self, code: int) -> str:
        kept = _kept(chr(code))
        if code < 0x10000:
            self[code] = kept
        return kept


class _SignFolds(dict[int, str]):
    """What is kept of each sign: full width of those in ASCII, which tables of words split at."""

    def __missing__(self, code: int) -> str:
        kept = _kept_sign(chr(code))
        if code < 0x10000:
            self[code] = kept
        return kept


_folds, _sign_folds = _Folds(), _SignFolds()


def folded(word: str) -> str:
    """What is kept of a word; nothing, where there is nothing but marks in it."""
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", word).casefold().translate(_folds)
    # Decomposed, one Hangul syllable would be three characters.
    return unicodedata.normalize("NFC", plain)


def spelt(word: str) -> str:
    """The word as a dictionary has it: in lower case, with the marks that belong to it."""
    if word.isascii():
        return word.lower()
    return unicodedata.normalize("NFC", _UNSEEN.sub("", word).casefold())


def folded_signs(run: str) -> str:
    """What is kept of signs in a row."""
    return run.translate(_sign_folds)


def _kept(character: str) -> str:
    if character in _ALIKE:
        return _ALIKE[character]
    if unicodedata.category(character)[0] not in "LNM" or _UNSEEN.match(character):
        return ""
    marks = unicodedata.combining(character)
    if marks == _OVERLAY or marks in _VOWELS or marks >= _AROUND:
        return ""
    if _LATIN.match(character) and not character.isascii():
        return anyascii(character).lower() or character
    return character


def _kept_sign(character: str) -> str:
    if _UNSEEN.match(character):
        return ""
    plain = unicodedata.normalize("NFKC", character)
    if len(plain) != 1 or plain.isalnum():
        plain = character
    return chr(ord(plain) + 0xFEE0) if "!" <= plain <= "~" else plain
