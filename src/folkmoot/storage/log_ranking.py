"""Which entries of logs answer a question best: candidates by their rarest words, then weighed.

Words that stand in many entries say little and cost much: entries are gathered by the rare ones,
and by several common ones together. All candidates are then weighed by all words, by BM25 and by
what a log line has besides words: how grave it is, how old, and where it comes from.
"""

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from math import log
from typing import Final

from folkmoot.core.logs.model import Excerpt, SourceAudience
from folkmoot.storage.log_words import LogQuestion, indexed

TOKENS: Final = "porter unicode61 remove_diacritics 2"
MOST_ROWS: Final = 40_000
MOST_COMMON_ROWS: Final = 150
MOST_CANDIDATES: Final = 400
WEIGHED_CHARS: Final = 700
MOST_ALIKE: Final = 2

K1, B, TYPICAL_WORDS = 1.2, 0.4, 18.0
ALIKE_FIT: Final = 0.7
PHRASE_WEIGHT: Final = 0.35
SOURCE_WEIGHT: Final = 2.0
COVERAGE_WEIGHT: Final = 0.6
RECENCY_WEIGHT: Final = 0.02
_GRAVITY: Final = {"critical": 0.12, "error": 0.12, "warning": 0.06}
_NUMBERS = re.compile(r"\d+|\b[0-9a-f]{6,}\b")
_WORD = re.compile(r"[^\W_]+")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_FOR_AUDIENCES: Final = """
    SELECT words.rowid FROM words LEFT JOIN withheld ON withheld.id = words.rowid
    WHERE words MATCH ? AND COALESCE(withheld.audience, 'everybody')
        IN (SELECT value FROM json_each(?))
"""
_LINES: Final = """
    SELECT lines.id, sources.name, sources.link, lines.number, lines.at, lines.level, lines.text
    FROM json_each(?) AS wanted JOIN lines ON lines.id = wanted.value
    JOIN sources ON sources.id = lines.source
"""


@dataclass(frozen=True, slots=True)
class _Line:
    id: int
    source: str
    link: str
    number: int
    at: int | None
    level: str
    text: str


class _Stemmer:
    """The index's own idea of what a word is, asked of an index in memory."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.executescript(
            f"CREATE VIRTUAL TABLE texts USING fts5 (text, content = '', tokenize = '{TOKENS}');"
            "CREATE VIRTUAL TABLE tokens USING fts5vocab (texts, instance);"
        )

    def __enter__(self) -> "_Stemmer":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def stems(self, texts: Mapping[int, str]) -> dict[int, dict[str, list[int]]]:
        """Of each text its words as the index keeps them, and the positions where they stand."""
        self._connection.execute("INSERT INTO texts (texts) VALUES ('delete-all')")
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO texts (rowid, text) VALUES (?, ?)", texts.items())
        self._connection.execute("COMMIT")
        found: dict[int, dict[str, list[int]]] = {number: {} for number in texts}
        for term, number, position in self._connection.execute(
            "SELECT term, doc, offset FROM tokens"
        ):
            found[number].setdefault(term, []).append(position)
        return found


class Candidates:
    """The entries that may answer one question, of sources with one of the ``audiences``."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        question: LogQuestion,
        *,
        entries: int,
        audiences: Collection[SourceAudience],
    ) -> None:
        self._connection = connection
        self._question = question
        self._entries = max(entries, 1)
        self._audiences = json.dumps(sorted(audiences))
        self._scores: dict[int, float] = defaultdict(float)
        words = list(dict.fromkeys(word.text for each in question.wanted for word in each.words))
        with _Stemmer() as stemmer:
            stems = stemmer.stems(dict(enumerate(words)))
        # What the index does not take for one word (an emoji, say) cannot be looked for as one.
        self._stems = {
            words[number]: next(iter(found))
            for number, found in stems.items()
            if sum(map(len, found.values())) == 1
        }
        self._documents = self._known_counts()

    def gather(self) -> None:
        """Find candidates, until there are enough, or the connection says that time is up."""
        try:
            self._gather_rare()
            self._gather_common()
        except sqlite3.OperationalError as error:
            if "interrupted" not in str(error):
                raise

    def best(self, limit: int) -> list[Excerpt]:
        """The best of what was gathered, the best first."""
        ranked = sorted(self._scores, key=lambda number: (-self._scores[number], -number))
        lines = self._lines(ranked[:MOST_CANDIDATES])
        if not lines:
            return []
        with _Stemmer() as stemmer:
            stems = stemmer.stems({line.id: indexed(line.text[:WEIGHED_CHARS]) for line in lines})
        times = [line.at for line in lines if line.at is not None] or [0]
        newest, oldest = max(times), min(times)
        scored = []
        for line in lines:
            age = 1.0 if line.at is None else (newest - line.at) / (newest - oldest or 1)
            score = self._weight(line, stems[line.id]) * (1 - RECENCY_WEIGHT * age)
            scored.append((score, line))
        scored.sort(
            key=lambda each: (-each[0], -(each[1].at or 0), each[1].source, -each[1].number)
        )
        return [
            _passage(line, score, self._fit(line, stems[line.id]))
            for score, line in _varied(scored, limit)
        ]

    # -- gathering -----------------------------------------------------------------------------

    def _known_counts(self) -> dict[str, int]:
        marks = ", ".join("?" * len(self._stems))
        query = f"SELECT term, documents FROM common WHERE term IN ({marks})"  # noqa: S608 - marks
        return dict(self._connection.execute(query, list(self._stems.values())))

    def _rarity(self, stem: str) -> float:
        count = self._documents.get(stem, 0)
        return log(1 + (self._entries - count + 0.5) / (count + 0.5))

    def _gather_rare(self) -> None:
        left = MOST_ROWS
        words = [word for each in self._question.wanted for word in each.words]
        weights: dict[str, float] = {}
        for word in words:
            if word.text in self._stems:
                weights[word.text] = max(word.weight, weights.get(word.text, 0.0))
        order = sorted(weights, key=lambda text: self._documents.get(self._stems[text], 0))
        for text in order:
            stem = self._stems[text]
            if self._documents.get(stem, 0) > left:
                continue
            rows = self._rows(f'"{text}"')
            left -= len(rows)
            self._documents.setdefault(stem, len(rows))
            gain = weights[text] * self._rarity(stem)
            for number in rows:
                self._scores[number] += gain

    def _gather_common(self) -> None:
        """By words that are common, those entries that have several, and the last that have one."""
        wanted = [each.words[0].text for each in self._question.wanted]
        wanted = [text for text in wanted if text in self._stems]
        common = [text for text in wanted if self._documents.get(self._stems[text], 0)]
        common.sort(key=lambda text: self._documents[self._stems[text]])
        groups: list[Sequence[str]] = [common[:size] for size in range(len(common), 2, -1)]
        groups += combinations(common[:6], 2)
        groups += [[text] for text in common]
        for group in groups:
            if group:
                query = " AND ".join(f'"{text}"' for text in group)
                gain = sum(self._rarity(self._stems[text]) for text in group)
                for number in self._rows(query, MOST_COMMON_ROWS):
                    self._scores[number] = max(self._scores[number], gain)

    def _rows(self, query: str, limit: int | None = None) -> list[int]:
        statement, values = _FOR_AUDIENCES, [query, self._audiences]
        if limit is not None:
            statement += f" ORDER BY words.rowid DESC LIMIT {limit}"
        return [row[0] for row in self._connection.execute(statement, values)]

    def _lines(self, numbers: Sequence[int]) -> list[_Line]:
        asked = "[" + ",".join(map(str, numbers)) + "]"
        return [_Line(*row) for row in self._connection.execute(_LINES, (asked,))]

    # -- weighing ------------------------------------------------------------------------------

    def _weight(self, line: _Line, stems: Mapping[str, Sequence[int]]) -> float:
        length = sum(len(positions) for positions in stems.values())
        norm = K1 * (1 - B + B * length / TYPICAL_WORDS)
        source = {word.lower() for word in _WORD.findall(line.source)}
        total = possible = covered = 0.0
        for wanted in self._question.wanted:
            best = most = 0.0
            for word in wanted.words:
                stem = self._stems.get(word.text)
                if stem is None:
                    continue
                rarity = self._rarity(stem)
                most = max(most, rarity if word.weight == 1.0 else 0.0)
                count = len(stems.get(stem, ()))
                if count:
                    best = max(best, word.weight * rarity * count * (K1 + 1) / (count + norm))
                elif word.text in source:
                    best = max(best, SOURCE_WEIGHT * word.weight)
            total += best
            possible += most
            covered += min(best, most)
        total += self._in_a_row(stems)
        total *= 1 + COVERAGE_WEIGHT * (covered / possible if possible else 0.0)
        gravity = _GRAVITY.get(line.level, 0.0)
        return total * (1 + (gravity if self._question.is_of_trouble else gravity / 4))

    def _fit(self, line: _Line, stems: Mapping[str, Sequence[int]]) -> float:
        """How much of what the question is about stands in the entry, from 0 to 1."""
        source = {word.lower() for word in _WORD.findall(line.source)}
        shares = [
            max(
                (
                    1.0 if word.weight == 1.0 else ALIKE_FIT
                    for word in wanted.words
                    if word.text in source or self._stems.get(word.text) in stems
                ),
                default=0.0,
            )
            for wanted in self._question.wanted
        ]
        return sum(shares) / len(shares)

    def _in_a_row(self, stems: Mapping[str, Sequence[int]]) -> float:
        """What it is worth that words stand in the entry as they stand in the question."""
        worth = 0.0
        for phrase in self._question.phrases:
            row = [self._stems.get(text, text) for text in phrase]
            if all(stem in stems for stem in row) and _is_row(row, stems):
                worth += PHRASE_WEIGHT * sum(self._rarity(stem) for stem in row)
        return worth


def _is_row(row: Sequence[str], stems: Mapping[str, Sequence[int]]) -> bool:
    return any(
        all(position + step in stems[stem] for step, stem in enumerate(row))
        for position in stems[row[0]]
    )


def _varied(scored: Sequence[tuple[float, _Line]], limit: int) -> Iterator[tuple[float, _Line]]:
    """The first ones, but of entries that differ in numbers only no more than a few."""
    counts: dict[str, int] = defaultdict(int)
    chosen = 0
    for score, line in scored:
        kind = _NUMBERS.sub("0", line.text[:WEIGHED_CHARS])
        counts[kind] += 1
        if counts[kind] <= MOST_ALIKE and chosen < limit:
            chosen += 1
            yield score, line


def _passage(line: _Line, score: float, fit: float) -> Excerpt:
    at = None if line.at is None else _EPOCH + timedelta(microseconds=line.at)
    source = line.source if line.link else f"{line.source}:{line.number}"
    return Excerpt(source=source, at=at, text=line.text, link=line.link, rank=score, fit=fit)
