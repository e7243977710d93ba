"""The answerer that needs no model and no network: the best passages, quoted, with where and when.

Its own sentences are the only thing in an answer that a reader of markdown could take for more
than letters: quotations are indented as code is, and clean of what cannot be seen.
"""

import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import log

from folkmoot.bots.answerer import NothingFits, Sources
from folkmoot.bots.untrusted import moment, one_line, visible
from folkmoot.core.logs.model import Excerpt

MAX_PASSAGES = 5
MAX_QUOTE_CHARS = 500
MAX_QUOTE_LINES = 8
MAX_OTHER_TIMES = 3
MAX_MATCHES = 100
MAX_SEARCHED_CHARS = 100_000
MAX_LINK_CHARS = 2_000
LEAST_FIT = 0.4
LEAST_OF_BEST = 0.6
LEAST_FIT_OF_LOGS = 0.2
"""How much of a question has to stand in a passage; logs say things in words of their own, and of
pages those are left out that have far less of it than the best."""
CLOSING = "That is what stands there, word for word; whether it is true, I cannot tell."

_WORD = re.compile(r"\w+(?:[.\-:/@]\w+)*")
_HALF_AT_START = re.compile(r"\A[^ \n]{1,30}(?=[ \n])")
_HALF_AT_END = re.compile(r"(?<=[ \n])[^ \n]{1,30}\Z")
_CLOSE_CODES = ("ingly", "edly", "ing", "ies", "ed", "es", "ly", "s", "e")
_MIN_STEM = 3
_SMALL_WORDS = frozenset(
    _WORD.findall("""
    a about after all also am an and any anybody anyone anything are as at be because been before
    being both but by can could did do does doing done during each else ever every everything for
    from get give go got had happen happened happening happens has have having he hello help her
    here hey hi him his how i if in into is it its just kindly know let like look make me mean more
    most my need no nor not now of off ok okay on one only or other our out over please said say
    says see shall she should show so some somebody someone something still such tell than thank
    thanks that the their them then there these they thing things think this those to today too up
    us use very want was we went were what when where whether which while who whom whose why will
    with would yes you your good morning afternoon evening greetings bye goodbye welcome dear sir
    """)
)


class QuotingAnswerer:
    """Answers with passages alone; the same sources give the same answer."""

    @property
    def name(self) -> str:
        """What operators call it."""
        return "built-in"

    async def answer(self, sources: Sources) -> AsyncGenerator[str, None]:
        """A sentence, the passages one by one, a sentence."""
        sought = _Sought.of(sources.question)
        chosen = _best(sought, sources) if sought.stems else []
        if not chosen:
            raise NothingFits
        many = len(chosen) > 1
        yield f"I found {f'{len(chosen)} passages' if many else 'one passage'} for that" + (
            ", the most fitting first.\n" if many else ".\n"
        )
        for alike in chosen:
            yield f"\n{_quoted(alike, sought)}\n"
        yield f"\n{CLOSING}"

    async def run(self) -> None:
        """There is nothing to look after."""

    async def ready(self) -> None:
        """There is nothing to wait for."""


@dataclass(frozen=True, slots=True)
class _Sought:
    """The beginnings of the words that a question is about, and how to find them in a text."""

    stems: tuple[str, ...]
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, question: str) -> "_Sought":
        found = (word.casefold() for word in _WORD.findall(visible(question)))
        parts = [part for word in found for part in {word, *re.split(r"\W", word)}]
        stems = sorted({_stem(part) for part in parts if part and part not in _SMALL_WORDS})
        longest_first = sorted(stems, key=lambda stem: (-len(stem), stem))
        either = "|".join(map(re.escape, longest_first)) or r"(?!)"
        return cls(tuple(stems), re.compile(rf"(?<![^\W_])(?:{either})", re.IGNORECASE))

    def found_in(self, text: str) -> frozenset[str]:
        """Which of the stems begin a word of the text."""
        found = {match[0].casefold() for match in self.pattern.finditer(text)}
        return frozenset(stem for stem in self.stems if any(f.startswith(stem) for f in found))


def _stem(word: str) -> str:
    if word.isalpha():
        for close_reason in _CLOSE_CODES:
            if word.endswith(close_reason) and len(word) - len(close_reason) >= _MIN_STEM:
                return word[: -len(close_reason)]
    return word


def _best(sought: _Sought, sources: Sources) -> list[list[Excerpt]]:
    """The best of all kinds that fit, those of one text together.

    Each kind stays in the order of its index, which knows how rare a word is among all. What the
    asker wrote is no answer to the asker.
    """
    best_page = max((one.fit for one in sources.pages), default=0.0)
    least_of_pages = max(LEAST_FIT, LEAST_OF_BEST * best_page)
    pages = [one for one in sources.pages if one.fit >= least_of_pages]
    logs = [one for one in sources.logs if one.fit >= LEAST_FIT_OF_LOGS]
    others = (one for one in sources.said if one.source != sources.asker_name)
    least = LEAST_FIT * len(sought.stems)
    said = [one for one in others if len(sought.found_in(one.text)) >= least]
    candidates = (*pages, *logs, *said)
    found = {id(one): sought.found_in(f"{one.source} {one.text}") for one in candidates}
    weights = {
        stem: log(1 + len(candidates) / (1 + sum(stem in stems for stems in found.values())))
        for stem in sought.stems
    }

    def fit(passage: Excerpt) -> float:
        return sum(weights[stem] for stem in sorted(found[id(passage)]))

    chosen: dict[str, list[Excerpt]] = {}
    while kinds := [kind for kind in (pages, logs, said) if kind]:
        passage = max(kinds, key=lambda kind: fit(kind[0])).pop(0)
        text = visible(passage.text).strip()
        if text in chosen or (text and len(chosen) < MAX_PASSAGES):
            chosen.setdefault(text, []).append(passage)
    return list(chosen.values())


def _quoted(alike: Sequence[Excerpt], sought: _Sought) -> str:
    first, *others = alike
    if first.link:
        title, _, text = visible(first.text).partition("\n")
        lines = [one_line(title), one_line(first.link, MAX_LINK_CHARS), *_shortened(text, sought)]
    else:
        when = "" if first.at is None else f", {moment(first.at)}"
        lines = [f"{one_line(first.source)}{when}:"]
        lines += _shortened(visible(first.text), sought)
    times = [moment(other.at) for other in others if other.at is not None][:MAX_OTHER_TIMES]
    if times and not first.link:
        lines.append(f"(and the same at {', '.join(times)})")
    # Should a reader's program not know code by its indentation, this makes no link of it either.
    return "\n".join(f"    {line}" for line in lines).replace("](", "] (")


def _shortened(text: str, sought: _Sought) -> list[str]:
    """The part of the text with most of the words, in few lines, none of them empty."""
    text = "\n".join(line.rstrip() for line in text.split("\n") if line.strip())
    if len(text) > MAX_QUOTE_CHARS:
        text = _best_part(text, sought)
    lines = text.split("\n")
    if len(lines) <= MAX_QUOTE_LINES:
        return lines
    starts = range(len(lines) - MAX_QUOTE_LINES + 1)
    parts = [lines[start : start + MAX_QUOTE_LINES] for start in starts]
    best = max(starts, key=lambda start: (_words(sought, "\n".join(parts[start])), -start))
    before, after = ["…"] * (best > 0), ["…"] * (best < starts[-1])
    return [*before, *parts[best], *after]


def _best_part(text: str, sought: _Sought) -> str:
    text = text[:MAX_SEARCHED_CHARS]
    matches = [match.start() for match in islice(sought.pattern.finditer(text), MAX_MATCHES)]
    starts = [0, *(max(0, start - MAX_QUOTE_CHARS // 5) for start in matches)]

    def words(start: int) -> int:
        return _words(sought, text[start : start + MAX_QUOTE_CHARS])

    start = max(starts, key=lambda start: (words(start), -start))
    end = start + MAX_QUOTE_CHARS
    part = text[start:end]
    if end < len(text):
        part = f"{_HALF_AT_END.sub('', part).rstrip()} …"
    if start:
        part = f"… {_HALF_AT_START.sub('', part).lstrip()}"
    return part


def _words(sought: _Sought, text: str) -> int:
    return len(sought.found_in(text))
