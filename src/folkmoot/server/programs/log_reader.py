"""The program that reads logs, or pages, into an index: ordered on stdin, it reports on stdout.

It runs in a process of its own (see `folkmoot.bots.logs.index`), behind everybody else in line for
the processor and bounded in memory, because logs are large and anything may be in them. Whoever
gave the order keeps stdin open; when that ends, so does this.
"""

import os
import resource
import sys
import threading
from pathlib import Path
from time import monotonic
from typing import BinaryIO, Final

import msgspec

from folkmoot.bots.logs.index import EXIT_ALREADY, IndexOrder, IndexReport
from folkmoot.bots.logs.reading import LogReader, LogSources
from folkmoot.bots.pages.index import PageOrder
from folkmoot.bots.pages.reading import PageReader, PageSources
from folkmoot.core.logs.model import LogReading
from folkmoot.server.system import SystemClock
from folkmoot.storage.errors import Unusable
from folkmoot.storage.log_index import AboutIndex, build

NICENESS: Final = 10
MEMORY_BYTES: Final = 1024 * 1024 * 1024
INDEX_BYTES: Final = 16 * 1024 * 1024 * 1024
SECONDS_BETWEEN_REPORTS: Final = 0.5
STDIN: Final = 0
EXIT_FAILED: Final = 1
EXIT_ALONE: Final = 4


class _Teller:
    """Reports how far a reading is, about twice a second."""

    def __init__(self, reader: LogReader | PageReader, target: BinaryIO) -> None:
        self._reader = reader
        self._target = target
        self._last = monotonic()

    def tell(self) -> None:
        """Report, if the last report is a while ago."""
        now = monotonic()
        if now - self._last >= SECONDS_BETWEEN_REPORTS:
            self._last = now
            say(self._target, IndexReport(reading=self._reader.so_far()))


def say(target: BinaryIO, report: IndexReport) -> None:
    """Write one report."""
    target.write(msgspec.json.encode(report) + b"\n")
    target.flush()


def read(order: IndexOrder | PageOrder, target: BinaryIO) -> LogReading:
    """Build the index that is ordered; what was read in the end.

    Raises:
        Unusable: another process is at it.
        OSError, sqlite3.Error: there is no room, or no right; the old index remains.
    """
    if isinstance(order, PageOrder):
        pages = PageReader(PageSources(folders=order.folders, link=order.link))
        about = AboutIndex(made_of=order.made_of, now=SystemClock().now(), days=0)
        return _indexed(pages, order.target, about, target)
    sources = LogSources(
        patterns=order.sources,
        days=order.days,
        now=order.now,
        own=Path(order.own),
        audience=order.audience,
        zones=order.zones,
    )
    about = AboutIndex(made_of=order.made_of, now=order.now, days=order.days)
    return _indexed(LogReader(sources), order.target, about, target)


def _indexed(
    reader: LogReader | PageReader, path: str, about: AboutIndex, target: BinaryIO
) -> LogReading:
    teller = _Teller(reader, target)
    build(Path(path), reader.lines(), about, tell=teller.tell)
    return reader.so_far(is_done=True)


def main() -> int:
    """Do what the order on stdin says; the exit code."""
    # Without a buffer: a thread that waits in one keeps the interpreter from ending.
    with open(STDIN, "rb", buffering=0, closefd=False) as stdin:
        order = msgspec.json.decode(stdin.readline(), type=IndexOrder | PageOrder)
    threading.Thread(target=_end_when_alone, daemon=True).start()
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (INDEX_BYTES, INDEX_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    target = sys.stdout.buffer
    try:
        reading = read(order, target)
    except Unusable:
        return EXIT_ALREADY
    except Exception as error:  # whatever it is, nobody else would hear of it
        say(target, IndexReport(failed=f"{type(error).__name__}: {error}"))
        return EXIT_FAILED
    say(target, IndexReport(reading=reading))
    return 0


def _end_when_alone() -> None:
    """End at once when nobody waits any more: the server was ended, perhaps by force."""
    while os.read(STDIN, 4096):
        pass
    os._exit(EXIT_ALONE)


if __name__ == "__main__":
    sys.exit(main())
