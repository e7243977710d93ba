"""Words of texts and of questions: what counts as one, and what is shown of a message found.

Every storage finds the same because every one is given words in this form: of letters, digits and
the marks on them, case and accents folded, with one space between.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MAX_TERMS = 32
MAX_WORD_CHARS = 64
SNIPPET_CHARS = 160
_BEFORE_CHARS = 40
_ACCENTS = dict.fromkeys(range(768, 880))


class _Separators(dict[int, int]):
    """What each character is replaced by before a text is split: itself, or a space.

    Remembered of the Basic Multilingual Plane only: nobody can make it grow without end.
    """

    def __missing__(self, code: int) -> int:
        replaced = code if unicodedata.category(chr(code))[0] in "LNM" else ord(" ")
        if code < 0x10000:
            self[code] = replaced
        return replaced


_separators = _Separators()


@dataclass(frozen=True, slots=True)
class Term:
    """A word that must be there, or, of a ``prefix``, one that begins like it."""

    word: str
    is_prefix: bool = False

    def fits(self, word: str) -> bool:
        """Whether this word of a text will do."""
        return word.startswith(self.word) if self.is_prefix else word == self.word


def words_of(text: str) -> str:
    """The words of a text, as they are kept for finding it again."""
    if text.isascii():
        found: Iterable[str] = text.translate(_separators).lower().split()
    else:
        found = filter(None, map(_folded, text.translate(_separators).split()))
    return " ".join([word[:MAX_WORD_CHARS] for word in found])


def terms_of(question: str) -> list[Term]:
    """The terms of a question, of which all must be there; the last may be begun only.

    Those past `MAX_TERMS` are not asked for.
    """
    words = words_of(question[: MAX_TERMS * MAX_WORD_CHARS]).split(" ")
    words = [word for word in words if word][:MAX_TERMS]
    return [Term(word) for word in words[:-1]] + [Term(word, is_prefix=True) for word in words[-1:]]


def score_of(words: Sequence[str], terms: Iterable[Term]) -> float:
    """How well these words answer, from 0 (a term is missing) on up: often, and in few words."""
    score = 0.0
    for term in terms:
        count = sum(1 for word in words if term.fits(word))
        if not count:
            return 0.0
        score += count / (count + 1 + len(words) / 16)
    return score


def snippet_of(text: str, terms: Sequence[Term]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """A piece of the text around the first word found, and the places in it of those found."""
    found = _found(text, terms)
    first = next(found, None)
    if first is None:
        return text[:SNIPPET_CHARS].rstrip(), ()
    start = _start(text, first[0])
    end = start + SNIPPET_CHARS
    marks = [first]
    for place in found:
        if place[1] > end:
            break
        marks.append(place)
    piece = text[start : max(end, first[1])].rstrip()
    return piece, tuple((begin - start, stop - start) for begin, stop in marks)


def _start(text: str, first: int) -> int:
    """Where a piece begins that shows what is before its first mark: at a word, if one begins."""
    start = max(0, min(first - _BEFORE_CHARS, len(text) - SNIPPET_CHARS))
    if start == 0:
        return 0
    space = text.find(" ", start - 1, first)
    return first if space < 0 else space + 1


def _found(text: str, terms: Sequence[Term]) -> Iterator[tuple[int, int]]:
    """Where in the text words are that will do for one of the terms."""
    for start, end in _places(text):
        word = _folded(text[start:end])[:MAX_WORD_CHARS]
        if any(term.fits(word) for term in terms):
            yield start, end


def _places(text: str) -> Iterator[tuple[int, int]]:
    """Where each word begins and ends."""
    # One character stays one character, so the places are those of the text.
    split, end = text.translate(_separators), 0
    for word in split.split():
        start = split.index(word, end)
        end = start + len(word)
        yield start, end


def _folded(word: str) -> str:
    """The word without case and accents."""
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", word).translate(_ACCENTS).casefold()
    # Some characters fall apart into several words, or into punctuation.
    return "".join(plain.translate(_separators).split())
