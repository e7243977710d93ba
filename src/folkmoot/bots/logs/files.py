"""Which files the sources of logs mean, in the order in which they were written.

Only regular files are opened, nothing is waited for, and a link leads nowhere but within the
folder that was named. A file that was rotated is one log with those it was rotated from.
"""

import glob
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from folkmoot.bots.logs.lines import Unreadable

MAX_FILES: Final = 10_000
MAX_CANDIDATES: Final = 100_000
_MAGIC = re.compile(r"[*?\[]")
_ROTATED = re.compile(
    r"(?P<base>.+?)(?:[.-](?P<turn>\d{1,14}(?:[-.T_]\d{1,9}){0,3}))?(?P<gz>\.gz)?"
)


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file that is to be read: where it is, what it is called, and the log it is a part of.

    ``source`` is what named it, as it stands in the settings.
    """

    path: Path
    name: str
    series: str
    order: tuple[int, int]
    source: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that is open, as it is now."""

    file: BinaryIO
    identity: tuple[int, int]
    size: int
    changed_at: float


def found_by(sources: tuple[str, ...]) -> tuple[list[LogFile], list[tuple[str, str]]]:
    """The files that the sources mean, each log's oldest first, and what was left out and why."""
    files: dict[Path, LogFile] = {}
    skipped: list[tuple[str, str]] = []
    for source in sources:
        try:
            _add(source, files, skipped)
        except (OSError, ValueError, RuntimeError) as error:
            skipped.append((source, getattr(error, "strerror", None) or "cannot be found"))
    kept = sorted(files.values(), key=lambda each: (each.series, each.order, each.name))
    return kept, skipped


def opened(path: Path) -> Opened:
    """The file, open for reading, if it is one.

    Raises:
        Unreadable: it is gone, may not be read, or is no regular file.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        if not stat.S_ISREG(path.lstat().st_mode):  # to open a device may already do something
            raise Unreadable("not a regular file")
        descriptor = os.open(path, flags)
    except OSError as error:
        raise Unreadable(error.strerror or "cannot be opened") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise Unreadable("not a regular file")
    identity = status.st_dev, status.st_ino
    return Opened(os.fdopen(descriptor, "rb", 0), identity, status.st_size, status.st_mtime)


def _add(source: str, files: dict[Path, LogFile], skipped: list[tuple[str, str]]) -> None:
    named = Path(source).expanduser()
    if _MAGIC.search(source) and not named.exists():
        root = _steady_part(named)
        candidates = _matching(str(named))
    elif named.is_dir():
        root, candidates = named, _below(named)
    else:
        # Whoever names a file by itself means what it links to, too.
        root, candidates = named.resolve().parent, iter([named.resolve()])
    inside = root.resolve()
    is_empty = True
    for path in islice(candidates, MAX_CANDIDATES):
        is_empty = False
        _take(path, inside, source, files, skipped)
    if is_empty:
        skipped.append((source, "there is no such file"))


def _take(
    path: Path,
    root: Path,
    source: str,
    files: dict[Path, LogFile],
    skipped: list[tuple[str, str]],
) -> None:
    try:
        name = str(path.absolute().relative_to(root))
    except ValueError:
        name = path.name
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):
        skipped.append((name, "leads nowhere"))
        return
    if not real.is_relative_to(root):
        skipped.append((name, "leads out of the folder"))
    elif len(files) >= MAX_FILES:
        skipped.append((name, "more files than are read"))
    elif real.is_dir():
        if path.is_symlink():
            skipped.append((name, "a link to a folder"))
    else:
        match = _ROTATED.fullmatch(real.name)
        base, turn = (match["base"], match["turn"]) if match else (real.name, None)
        series = str(real.parent / base)
        files.setdefault(real, LogFile(real, name, series, _order(turn), source))


def _order(turn: str | None) -> tuple[int, int]:
    """Where a file stands in its log: by a date from old to new, by a turn from many to few."""
    if turn is None:
        return (2, 0)
    digits = int(re.sub(r"\D", "", turn))
    return (0, digits) if digits >= 1_000_000 else (1, -digits)


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        inside = Path(parent)
        for name in [*sorted(names), *(each for each in folders if (inside / each).is_symlink())]:
            yield inside / name


def _matching(pattern: str) -> Iterator[Path]:
    found = glob.iglob(pattern, recursive=True)  # noqa: PTH207 - Path.glob takes no whole paths
    # Links to folders above can make a pattern match without end.
    yield from map(Path, sorted(islice(found, MAX_CANDIDATES)))


def _steady_part(pattern: Path) -> Path:
    """The folder in which a pattern begins to vary."""
    parts = pattern.parts
    first = next(index for index, part in enumerate(parts) if _MAGIC.search(part))
    return Path(*parts[:first]) if first else Path()
