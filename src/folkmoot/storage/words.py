"""Words of texts and of questions: what counts as one, and what is shown of a message found.

Every storage finds the same because every one is given words in this form: of letters, digits and
the marks on them, case and accents folded, with one space between. Chinese, Japanese and Korean
are kept as pairs of characters instead of words, since nothing there tells where a word ends:
東京都 is kept as 東京, 京都 and 都, so that whatever stands in it is found.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MAX_TERMS = 32
MAX_WORD_CHARS = 64
SNIPPET_CHARS = 160
_BEFORE_CHARS = 40
_ACCENTS = dict.fromkeys(range(768, 880))
# Han, kana, bopomofo and Hangul, with the marks that repeat or lengthen.
_PAIRED = (
    "\u3005-\u3007\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f"
    "\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U000323af"
)
_STRETCHES = re.compile(f"[{_PAIRED}]+|[^{_PAIRED}]+")
_PAIRED_ONE = re.compile(f"[{_PAIRED}]")


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
    """A word that must be there, or, of a ``prefix``, one that begins like it.

    ``then`` must follow at once: of a stretch without words, the word is its first pair.
    """

    word: str
    is_prefix: bool = False
    then: tuple[str, ...] = ()

    @property
    def stretch(self) -> str:
        """The characters that are looked for."""
        return self.word + "".join([pair[-1] for pair in self.then])

    def fits(self, word: str) -> bool:
        """Whether this word of a text will do, as far as one word can."""
        return word.startswith(self.word) if self.is_prefix else word == self.word

    def count_in(self, words: Sequence[str]) -> int:
        """How often it is among the words of a text."""
        if not self.then:
            return sum(map(self.fits, words))
        wanted = (self.word, *self.then)
        starts = (position for position, word in enumerate(words) if word == self.word)
        return sum(tuple(words[start : start + len(wanted)]) == wanted for start in starts)


def words_of(text: str) -> str:
    """The words of a text, as they are kept for finding it again."""
    if text.isascii():
        found: Iterable[str] = text.translate(_separators).lower().split()
        return " ".join([word[:MAX_WORD_CHARS] for word in found])
    folded = map(_folded, text.translate(_separators).split())
    return " ".join(
        [kept for word in folded for _, piece in _pieces(word) for kept in _kept(piece)]
    )


def terms_of(question: str) -> list[Term]:
    """The terms of a question, of which all must be there; the last may be begun only.

    Those past `MAX_TERMS` are not asked for.
    """
    asked = question[: MAX_TERMS * MAX_WORD_CHARS]
    folded = map(_folded, asked.translate(_separators).split())
    pieces = [piece[:MAX_WORD_CHARS] for word in folded for _, piece in _pieces(word)][:MAX_TERMS]
    last = len(pieces) - 1
    return [_term(piece, is_last=position == last) for position, piece in enumerate(pieces)]


def score_of(words: Sequence[str], terms: Iterable[Term]) -> float:
    """How well these words answer, from 0 (a term is missing) on up: often, and in few words."""
    score = 0.0
    for term in terms:
        count = term.count_in(words)
        if not count:
            return 0.0
        score += count / (count + 1 + len(words) / 16)
    return score


def snippet_of(text: str, terms: Sequence[Term]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """A piece of the text around the first word found, and the positions in it of those found."""
    found = _found(text, terms)
    first = next(found, None)
    if first is None:
        return text[:SNIPPET_CHARS].rstrip(), ()
    start = _start(text, first[0])
    end = start + SNIPPET_CHARS
    marks = [first]
    for position in found:
        if position[1] > end:
            break
        marks.append(position)
    piece = text[start : max(end, first[1])].rstrip()
    return piece, tuple((begin - start, stop - start) for begin, stop in marks)


def _start(text: str, first: int) -> int:
    """Where a piece begins that shows what is before its first mark: at a word, if one begins."""
    start = max(0, min(first - _BEFORE_CHARS, len(text) - SNIPPET_CHARS))
    if start == 0:
        return 0
    space = text.find(" ", start - 1, first)
    if space < 0:
        return start if _PAIRED_ONE.match(text, start) else first
    return space + 1


def _found(text: str, terms: Sequence[Term]) -> Iterator[tuple[int, int]]:
    """Where in the text is what will do for one of the terms."""
    for start, end in _words(text):
        word = _folded(text[start:end])
        hits = [
            (start + offset + first, start + offset + after)
            for offset, piece in _pieces(word)
            for first, after in _hits(piece, terms)
        ]
        if len(word) == end - start:
            yield from hits
        elif hits:
            # Folding has moved the characters: the whole word is shown.
            yield start, end


def _hits(piece: str, terms: Sequence[Term]) -> Iterator[tuple[int, int]]:
    """Where in a piece of a word is what will do, from left to right, without overlapping."""
    if not _PAIRED_ONE.match(piece):
        if any(not term.then and term.fits(piece[:MAX_WORD_CHARS]) for term in terms):
            yield 0, len(piece)
        return
    wanted = sorted({term.stretch for term in terms}, key=len, reverse=True)
    position = 0
    while position < len(piece):
        hit = next((one for one in wanted if piece.startswith(one, position)), None)
        if hit is not None:
            yield position, position + len(hit)
        position += len(hit or " ")


def _pieces(folded: str) -> Iterator[tuple[int, str]]:
    """The stretches of a folded word that are kept as pairs, and those that are not."""
    if folded.isascii() or not _PAIRED_ONE.search(folded):
        if folded:
            yield 0, folded
        return
    for stretch in _STRETCHES.finditer(folded):
        yield stretch.start(), stretch[0]


def _kept(piece: str) -> list[str]:
    """What is kept of a piece: each character with the next, or the piece as one word."""
    if piece.isascii() or not _PAIRED_ONE.match(piece):
        return [piece[:MAX_WORD_CHARS]]
    return [piece[position : position + 2] for position in range(len(piece))]


def _term(piece: str, *, is_last: bool) -> Term:
    if not _PAIRED_ONE.match(piece):
        return Term(piece, is_prefix=is_last)
    if len(piece) == 1:
        return Term(piece, is_prefix=True)
    first, *then = _kept(piece)[:-1]
    return Term(first, then=tuple(then))


def _words(text: str) -> Iterator[tuple[int, int]]:
    """Where each word begins and ends."""
    # One character stays one character, so the positions are those of the text.
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
    whole = "".join(plain.translate(_separators).split())
    # Decomposed, one Hangul syllable would be three characters.
    return unicodedata.normalize("NFC", whole)
