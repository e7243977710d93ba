"""All entries of all sources of logs, clean and bounded, and the account of what was left out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final

from folkmoot.bots.logs import levels
from folkmoot.bots.logs.entry import Entry
from folkmoot.bots.logs.files import LogFile, Opened, found_by, opened
from folkmoot.bots.logs.lines import HOLE, Unreadable, lines_of
from folkmoot.bots.logs.parsing import Parser, Verdict
from folkmoot.bots.logs.parts import Parts
from folkmoot.bots.logs.redaction import Redactor
from folkmoot.bots.logs.tally import Tally
from folkmoot.bots.logs.zones import zone_of
from folkmoot.core.logs.model import LogLine, LogReading, SourceAudience

MAX_ENTRY_LINES: Final = 100
MAX_ENTRY_CHARS: Final = 64 * 1024
MAX_TEXT_CHARS: Final = 8 * 1024
MAX_ENTRIES: Final = 5_000_000
TURNS: Final = 3
"""How often the sources are looked through for files that were rotated in the meantime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSources:
    """What is to be read: files, folders and patterns, and of when.

    Whatever lies below ``own`` was written by this server, and is for `READERS`, however it was
    named; the rest is for ``audience``. A time that a line says without a zone is one of the zone
    that ``zones`` has for its pattern, or else for ``""``, or else of UTC.
    """

    patterns: tuple[str, ...]
    days: int
    now: datetime
    own: Path
    audience: SourceAudience = SourceAudience.EVERYBODY
    zones: Mapping[str, str] = field(default_factory=dict)

    def zone_of(self, pattern: str) -> tzinfo:
        """The zone of the times in what this pattern found."""
        name = self.zones.get(pattern) or self.zones.get("")
        return zone_of(name) if name else UTC


class LogReader:
    """Reads the sources once; `so_far` tells at any time how far it is."""

    def __init__(self, sources: LogSources) -> None:
        self._sources = sources
        self._oldest = sources.now - timedelta(days=sources.days)
        self._own = sources.own.resolve()
        self._tally = Tally()
        self._sizes: dict[tuple[int, int], int] = {}
        self._parts = Parts()

    def lines(self) -> Iterator[LogLine]:
        """Every entry that is not too old, those of one log in the order of their writing."""
        for turn in range(TURNS):
            files, skipped = found_by(self._sources.patterns)
            if turn == 0:
                for name, reason in skipped:
                    self._tally.skip(name, reason)
            before = self._tally.files
            for file in files:
                yield from self._lines_of(file, is_first_turn=turn == 0)
                if self._tally.entries >= MAX_ENTRIES:
                    self._tally.skip("all further files", "more entries than are kept")
                    return
            if turn and self._tally.files == before:
                return

    def so_far(self, *, is_done: bool = False) -> LogReading:
        """How far the reading is."""
        return self._tally.reading(is_done=is_done)

    def _lines_of(self, file: LogFile, *, is_first_turn: bool) -> Iterator[LogLine]:
        try:
            source = opened(file.path)
        except Unreadable as error:
            if is_first_turn:
                self._tally.skip(file.name, str(error))
            return
        with source.file:
            if source.size >= self._sizes.get(source.identity, source.size + 1):
                return
            # One that is shorter than when it was read was cut, and written to anew.
            self._sizes[source.identity] = source.size
            # A clock of another machine may be behind, or in another zone.
            if source.changed_at < (self._oldest - timedelta(days=1)).timestamp():
                self._tally.skip(file.name, "nothing in it is new enough")
                return
            try:
                yield from self._entries_of(file, source)
            except Unreadable as error:
                self._tally.skip(file.name, str(error))

    def _entries_of(self, file: LogFile, source: Opened) -> Iterator[LogLine]:
        fresh = self._parts.fresh(file, source)
        is_own = file.path.is_relative_to(self._own)
        audience = SourceAudience.READERS if is_own else self._sources.audience
        gathered = EntryBuilder(file.name, audience)
        parser = Parser(self._sources.now, self._sources.zone_of(file.source))
        self._tally.files += 1
        try:
            for number, raw in enumerate(lines_of(fresh.pieces()), start=1):
                done = self._read(fresh.lines_before + number, raw, parser, gathered)
                if done is not None:
                    yield from self._kept(done, gathered)
                    if self._tally.entries >= MAX_ENTRIES:
                        return
        except Unreadable as error:
            # What came before the place where it breaks off is as good as any.
            self._tally.skip(file.name, str(error))
        last = gathered.finish()
        if last is not None:
            yield from self._kept(last, gathered)

    def _read(
        self, number: int, raw: bytes | None, parser: Parser, gathered: "EntryBuilder"
    ) -> LogLine | None:
        """The entry that ends before this line, if one does."""
        if raw is None:
            self._tally.unreadable += 1
            return None
        if HOLE in raw:
            raw = raw.rpartition(HOLE)[2]  # what stands before a hole was cut off by it
        line = raw.decode("utf-8", "replace").rstrip("\r")
        if not line or line.isspace():
            return None
        parsed = parser.parse(line)
        if isinstance(parsed, Entry):
            return gathered.begin(number, parsed)
        if parsed is Verdict.NOTHING:
            return gathered.finish()
        if parsed is Verdict.BROKEN:
            self._tally.unreadable += 1
            # What follows a line that cannot be read belongs to that line.
            return gathered.finish()
        if not gathered.add(line):
            self._tally.unreadable += 1
        return None

    def _kept(self, line: LogLine, gathered: "EntryBuilder") -> Iterator[LogLine]:
        if line.at is not None:
            gathered.is_outdated = line.at < self._oldest
        # One without a time is as old as the one before it, or as the file.
        if gathered.is_outdated:
            self._tally.outdated += 1
        else:
            self._tally.entries += 1
            yield line


class EntryBuilder:
    """The entry that is being read, to which further lines may belong."""

    def __init__(self, source: str, audience: SourceAudience) -> None:
        self._source = source.encode("utf-8", "replace").decode()
        self._audience = audience
        self._redactor = Redactor()
        self._entry: Entry | None = None
        self._number = 0
        self._more: list[str] = []
        self._chars = 0
        self.is_outdated = False
        """Whether the last entry with a time is older than asked."""

    def begin(self, number: int, entry: Entry) -> LogLine | None:
        """Begin an entry; the one before, which is complete now."""
        done = self.finish()
        self._entry, self._number, self._chars = entry, number, len(entry.text)
        return done

    def add(self, line: str) -> bool:
        """Whether the line belongs to the entry, and there is room for it."""
        self._chars += len(line)
        if (
            self._entry is None
            or len(self._more) >= MAX_ENTRY_LINES
            or self._chars > MAX_ENTRY_CHARS
        ):
            return False
        self._more.append(line)
        return True

    def finish(self) -> LogLine | None:
        """The entry, its secrets taken out before anything is cut off."""
        entry, self._entry = self._entry, None
        if entry is None:
            return None
        text, level = entry.text, entry.level
        if self._more:
            level = level or levels.of_second_line(self._more[0])
            text = "\n".join([text, *self._more])
            self._more = []
        return LogLine(
            source=self._source,
            number=self._number,
            at=entry.at,
            level=level,
            text=self._redactor.clean(text)[:MAX_TEXT_CHARS],
            audience=self._audience,
        )
