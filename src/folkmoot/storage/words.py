"""Words of texts and of questions: what counts as one, and what is shown of a message found.

Every storage finds the same because every one is given words in this form, with one space between:
folded (`folding`), and after them the stems of those that have some (`stems`). Where nothing tells
where a word ends, in Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese, pairs of characters
are kept instead of words: 東京都 is kept as 東京, 京都 and 都, so that whatever stands in it is
found. So are signs and emoji that stand in a row; of punctuation by itself nothing is kept.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Final

import regex

from folkmoot.storage.folding import folded, folded_signs, spelt
from folkmoot.storage.stems import stems_of

MAX_TERMS = 32
MAX_WORD_CHARS = 64
MAX_SIGNS: Final = 16
SNIPPET_CHARS = 160
_BEFORE_CHARS = 40
_RELATED: Final = 0.5
"""How much a word counts that only shares a stem with what was asked for."""
# Single signs that mean something where they stand by themselves or next to a word: #42, C#, 5 %.
_TELLING: Final = r"#$%&*+<=>@\\^`|~"
_ASCII_TOKEN: Final = re.compile(rf"[a-z0-9]+|[^a-z0-9\s\x00-\x1f\x7f]{{2,}}|[{_TELLING}]")
_UNSEEN: Final = r"\p{Default_Ignorable_Code_Point}"
_TOKEN: Final = regex.compile(
    rf"[\p{{L}}\p{{N}}\p{{M}}][\p{{L}}\p{{N}}\p{{M}}{_UNSEEN}]*"
    rf"|[\p{{S}}\p{{P}}][\p{{S}}\p{{P}}\p{{Me}}{_UNSEEN}]*"
)
_IS_SIGN: Final = regex.compile(r"[\p{S}\p{P}]")
_IS_TELLING: Final = regex.compile(r"\p{S}|[\uff03\uff05\uff06\uff0a\uff20\uff3c]")
# Han, kana, bopomofo and Hangul, with the marks that repeat or lengthen; and the scripts whose
# lines are broken by a dictionary.
_PAIRED: Final = (
    "\u3005-\u3007\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f"
    "\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U000323af" + r"\p{Line_Break=SA}"
)
_PAIRED_ONE: Final = regex.compile(f"[{_PAIRED}]")
_GRAPHEME: Final = regex.compile(r"\X")
_JOINER: Final = "\u200d"
# Where a word may end for some, and does not for others: both is kept.
_SEAM: Final = regex.compile("[\u200b\u200c]+")


@dataclass(frozen=True, slots=True)
class SaidWord:
    """What is kept of a word of a text, or of a pair of its characters, and all that finds it.

    ``start`` and ``end`` are where its characters are in the token that it was read from;
    ``first_end``, where the first character of a pair ends.
    """

    folded: str
    forms: frozenset[str]
    start: int
    end: int
    first_end: int | None = None
    is_sign: bool = False

    @property
    def is_of_stretch(self) -> bool:
        """Whether it is of letters that nothing divides into words."""
        return self.first_end is not None and not self.is_sign


@dataclass(frozen=True, slots=True)
class _Read:
    """A token of a text: its words in their order, and what is kept of it for finding them."""

    words: tuple[SaidWord, ...]
    said: str
    stems: str


@dataclass(frozen=True, slots=True)
class Term:
    """A word that must be there, or one of its ``forms``, or, of a ``prefix``, what begins with it.

    ``then`` must follow at once, and then it is the last of these that may be begun only: of a
    stretch without words, the word is its first pair.
    """

    word: str
    is_prefix: bool = False
    then: tuple[str, ...] = ()
    forms: frozenset[str] = frozenset()

    def weight(self, word: SaidWord) -> float:
        """How well this word of a text will do, from 0 to 1, as far as one word can."""
        is_begun = self.is_prefix and not self.then
        if word.folded == self.word or (is_begun and word.folded.startswith(self.word)):
            return 1.0
        return 0.0 if self.forms.isdisjoint(word.forms) else _RELATED

    def weights(self, words: Sequence[SaidWord]) -> Iterator[tuple[int, float]]:
        """Where in the words of a text it begins, and how well it does there."""
        for position, word in enumerate(words):
            weight = self.weight(word)
            if weight and (not self.then or self._goes_on(words, position)):
                yield position, weight

    def _goes_on(self, words: Sequence[SaidWord], position: int) -> bool:
        after = words[position + 1 : position + 1 + len(self.then)]
        if len(after) < len(self.then):
            return False
        *middle, last = (word.folded for word in after)
        *wanted, end = self.then
        return middle == wanted and (last.startswith(end) if self.is_prefix else last == end)


def words_of(text: str) -> str:
    """The words of a text and their stems, as they are kept for finding it again."""
    found = _all_read(text)
    said = [one.said for one in found if one.said]
    return " ".join(said + [one.stems for one in found if one.stems])


def read(text: str) -> list[SaidWord]:
    """The words of a text in their order."""
    return [word for one in _all_read(text) for word in one.words]


def terms_of(question: str) -> list[Term]:
    """The terms of a question, of which all must be there; the last may be begun only.

    Those past `MAX_TERMS` are not asked for. Signs and what they touch must be there together.
    """
    chains: list[list[SaidWord]] = []
    end = -1
    for start, token in _placed(question[: MAX_TERMS * MAX_WORD_CHARS]):
        pieces = list(_asked(token))
        for piece in pieces:
            if start == end and _belong_together(chains[-1][-1], piece[0]):
                chains[-1].extend(piece)
            else:
                chains.append(piece)
        end = start + len(token) if pieces else -1
    chains = chains[:MAX_TERMS]
    last = len(chains) - 1
    return [_term(chain, is_last=position == last) for position, chain in enumerate(chains)]


def score_of(words: Sequence[SaidWord], terms: Iterable[Term]) -> float:
    """How well these words answer, from 0 (a term is missing) on up: often, and in few words."""
    score = 0.0
    for term in terms:
        count = sum(weight for _, weight in term.weights(words))
        if not count:
            return 0.0
        score += count / (count + 1 + len(words) / 16)
    return score


def snippet_of(text: str, terms: Sequence[Term]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """A piece of the text around the first word found, and the positions in it of those found."""
    found = _found(text, terms)
    if not found:
        return text[:SNIPPET_CHARS].rstrip(), ()
    start = _start(text, found[0][0])
    end = max(start + SNIPPET_CHARS, found[0][1])
    marks = [(begin - start, stop - start) for begin, stop in found if stop <= end]
    return text[start:end].rstrip(), tuple(marks)


def _start(text: str, first: int) -> int:
    """Where a piece begins that shows what is before its first mark: at a word, if one begins."""
    start = max(0, min(first - _BEFORE_CHARS, len(text) - SNIPPET_CHARS))
    if start == 0:
        return 0
    space = text.find(" ", start - 1, first)
    if space < 0:
        return start if _PAIRED_ONE.match(text, start) else first
    return space + 1


def _found(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """Where in the text is what will do for one of the terms, the longest of what overlaps."""
    words: list[SaidWord] = []
    locations: list[int] = []
    for start, token in _placed(text):
        for word in _read(token).words:
            words.append(word)
            locations.append(start)
    hits = [
        _location(words, locations, position, term)
        for term in terms
        for position, _ in term.weights(words)
    ]
    kept: list[tuple[int, int]] = []
    for start, end in sorted(hits, key=lambda hit: (hit[0], -hit[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


def _location(
    words: Sequence[SaidWord], locations: Sequence[int], position: int, term: Term
) -> tuple[int, int]:
    """Where the characters are that a term found at this word."""
    last = position + len(term.then)
    word, end = words[last], words[last].end
    begun = term.then[-1] if term.then else term.word
    if term.is_prefix and word.first_end is not None and len(begun) < len(word.folded):
        end = word.first_end
    return locations[position] + words[position].start, locations[last] + end


def _all_read(text: str) -> list[_Read]:
    tokens = _ASCII_TOKEN.findall(text.lower()) if text.isascii() else _TOKEN.findall(text)
    is_long = len(text) > MAX_WORD_CHARS and max(map(len, tokens), default=0) > MAX_WORD_CHARS
    return list(map(_read if is_long else _read_once, tokens))


def _placed(text: str) -> Iterator[tuple[int, str]]:
    """The tokens of a text, and where each begins."""
    if text.isascii():
        # One character stays one character, so the positions are those of the text.
        return ((found.start(), found[0]) for found in _ASCII_TOKEN.finditer(text.lower()))
    return ((found.start(), found[0]) for found in _TOKEN.finditer(text))


def _read(token: str) -> _Read:
    return _read_once(token) if len(token) <= MAX_WORD_CHARS else _read_anew(token)


def _read_anew(token: str) -> _Read:
    words = tuple(_words(token))
    # A text is mostly said in words that were said before.
    stems = sorted({form for word in words for form in word.forms if form != word.folded})
    return _Read(words, " ".join([word.folded for word in words]), " ".join(stems))


_read_once = lru_cache(maxsize=16_384)(_read_anew)


def _words(token: str) -> Iterator[SaidWord]:
    if _IS_SIGN.match(token):
        yield from _signs(token)
        return
    for start, piece, characters in _pieces(token):
        if characters:
            yield from _pairs(characters)
            continue
        whole = _word(piece, start)
        if whole is None:
            continue
        yield whole
        for part in _SEAM.split(piece) if _SEAM.search(piece) else ():
            kept = _word(part, start)
            if kept is not None and kept.folded != whole.folded:
                yield SaidWord(kept.folded, kept.forms, whole.start, whole.end)


def _word(piece: str, start: int) -> SaidWord | None:
    kept = folded(piece)[:MAX_WORD_CHARS]
    if not kept:
        return None
    stems = stems_of(spelt(piece)) | stems_of(kept) if len(piece) <= MAX_WORD_CHARS else set()
    forms = frozenset({kept, *(folded(stem) for stem in stems)})
    return SaidWord(kept, forms, start, start + len(piece))


_Character = tuple[str, int, int]
"""A character as it is kept, and where in its token it came from."""


def _pieces(token: str) -> Iterator[tuple[int, str, list[_Character]]]:
    """The stretches of a token that are kept as pairs, by their characters, and those that are not,
    without."""
    if token.isascii() or not _PAIRED_ONE.search(folded(token)):
        yield 0, token, []
        return
    graphemes = [
        (kept, found.start(), found.end())
        for found in _GRAPHEME.finditer(token)
        if (kept := folded(found[0]))
    ]
    for is_paired, those in groupby(graphemes, lambda each: bool(_PAIRED_ONE.match(each[0]))):
        stretch = list(those)
        start, end = stretch[0][1], stretch[-1][2]
        characters = [(each, first, after) for kept, first, after in stretch for each in kept]
        yield start, token[start:end], characters if is_paired else []


def _pairs(characters: Sequence[_Character], *, is_sign: bool = False) -> Iterator[SaidWord]:
    """Each character with the next, and the last one alone."""
    ends = [*characters[1:], ("", 0, characters[-1][2])]
    for (one, start, first_end), (other, _, end) in zip(characters, ends, strict=True):
        yield SaidWord(one + other, frozenset((one + other,)), start, end, first_end, is_sign)


def _signs(token: str) -> Iterator[SaidWord]:
    signs: list[_Character] = []
    for position, character in enumerate(token):
        kept = folded_signs(character)
        if kept and len(signs) < MAX_SIGNS:
            signs.append((kept, position, position + 1))
        elif signs and not kept and character != _JOINER:
            # What is not seen belongs to the sign before it: a heart, and that it has colours.
            signs[-1] = (*signs[-1][:2], position + 1)
    if len(signs) > 1 or (signs and _IS_TELLING.match(signs[0][0])):
        yield from _pairs(signs, is_sign=True)


def _asked(token: str) -> Iterator[list[SaidWord]]:
    """What of a token of a question must be there in a row."""
    for is_stretch, those in groupby(_read(token).words, lambda word: word.first_end is not None):
        words = list(those)
        if not is_stretch:
            # Of a word with a seam all of it, not its parts.
            yield words[:1]
        elif words[0].is_sign:
            yield words
        else:
            yield words[: max(1, min(len(words) - 1, MAX_WORD_CHARS))]


def _belong_together(before: SaidWord, word: SaidWord) -> bool:
    if before.is_of_stretch or word.is_of_stretch:
        return False
    return before.is_sign or word.is_sign


def _term(chain: Sequence[SaidWord], *, is_last: bool) -> Term:
    *before, last = chain
    if last.is_sign and before and len(before[-1].folded) > 1 and before[-1].is_sign:
        # The last pair of signs has the last sign, after which others may follow.
        *before, last = before
    is_begun = is_last if last.first_end is None else len(last.folded) == 1
    folds = [word.folded for word in (*before, last)]
    return Term(
        folds[0], is_begun, tuple(folds[1:]), chain[0].forms if len(folds) == 1 else frozenset()
    )
