"""All passages of all pages in some folders, clean and bounded, and what was left out."""

import codecs
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from folkmoot.bots.logs.files import Opened, found_by, opened
from folkmoot.bots.logs.lines import SNIFFED_BYTES, Unreadable, refuse_binary
from folkmoot.bots.logs.tally import Tally
from folkmoot.bots.pages.markdown import page_of_markdown
from folkmoot.bots.pages.markup import page_of_html
from folkmoot.bots.pages.page import MAX_TITLE_CHARS, HelpPage, Section, passages_of
from folkmoot.bots.untrusted import one_line, visible
from folkmoot.core.logs.model import LogLine, LogReading

MAX_PAGES: Final = 10_000
MAX_PAGE_BYTES: Final = 1024 * 1024
MAX_ALL_BYTES: Final = 256 * 1024 * 1024
MAX_PASSAGES: Final = 200_000
MAX_TITLE_LINE: Final = 80
MAX_ENTRIES_LOOKED_AT: Final = 100_000
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSET: Final = re.compile(
    rb"<meta[^>]{0,200}?charset\s{0,5}=\s{0,5}[\"']?([\w-]{2,30})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSources:
    """The folders of pages, and where they are published, if they are; see `link_of`."""

    folders: tuple[str, ...]
    link: str = ""


def page_of_text(text: str) -> HelpPage:
    """The page that a plain text is: a short first line that stands alone is its title."""
    first, _, rest = text.strip().partition("\n")
    page = HelpPage()
    if len(first) <= MAX_TITLE_LINE and (not rest or not rest.split("\n", 1)[0].strip()):
        page.title, text = first.strip(), rest
    page.add(text)
    return page


PAGES: Final[dict[str, Callable[[str], HelpPage]]] = {
    ".md": page_of_markdown,
    ".markdown": page_of_markdown,
    ".html": page_of_html,
    ".htm": page_of_html,
    ".xhtml": page_of_html,
    ".txt": page_of_text,
    ".text": page_of_text,
}
"""How each kind of page is read, by the ending of its name."""


def is_page(path: Path) -> bool:
    """Whether a file is a page by its name."""
    return path.suffix.lower() in PAGES


def pages_in(folder: str) -> tuple[list[tuple[Path, str]], list[tuple[str, str]]]:
    """The pages in a folder, each with its path there; what was left out, and why."""
    files, skipped = found_by((folder,))
    root = Path(folder).expanduser().resolve()
    pages = []
    for file in files:
        path = file.path
        inside = path.relative_to(root) if path.is_relative_to(root) else Path(path.name)
        if is_page(path) and not _is_dotted(inside):
            pages.append((path, inside.as_posix()))
    return pages, [one for one in skipped if is_page(Path(one[0])) or not files]


def link_of(link: str, path: str) -> str:
    """Where a page is published: the path below its folder, after ``link`` or in its ``{page}``.

    ``{page}`` stands for the path without its ending.
    """
    if not link:
        return one_line(path)
    if "{page}" in link:
        return link.replace("{page}", quote(path.rpartition(".")[0]))
    return f"{link.rstrip('/')}/{quote(path)}"


def state_of(folders: Sequence[str]) -> str:
    """A mark that is another once a page was added, changed or taken away."""
    mark = hashlib.sha256()
    left = MAX_ENTRIES_LOOKED_AT
    for folder in folders:
        for parent, below, names in os.walk(Path(folder).expanduser()):
            below.sort()
            for name in sorted(names):
                path = Path(parent, name)
                left -= 1
                if left < 0:
                    return mark.hexdigest()
                if is_page(path):
                    mark.update(f"{os.fsencode(path)!r} {_status(path)}\n".encode())
    return mark.hexdigest()


def _status(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return "gone"
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"


class PageReader:
    """Reads the pages once; `so_far` tells at any time how far it is."""

    def __init__(self, sources: PageSources) -> None:
        self._sources = sources
        self._tally = Tally()
        self._seen: set[Path] = set()
        self._left = MAX_ALL_BYTES

    def lines(self) -> Iterator[LogLine]:
        """Every passage, those of one page in their order."""
        for folder in self._sources.folders:
            pages, skipped = pages_in(folder)
            for name, reason in skipped:
                self._tally.skip(name, reason)
            for path, inside in pages:
                if path not in self._seen:
                    self._seen.add(path)
                    yield from self._lines_of(path, inside)
                if self._is_full():
                    self._tally.skip("all further pages", "more than is read of pages")
                    return

    def so_far(self, *, is_done: bool = False) -> LogReading:
        """How far the reading is."""
        return self._tally.reading(is_done=is_done)

    def _is_full(self) -> bool:
        tally = self._tally
        return tally.files >= MAX_PAGES or tally.entries >= MAX_PASSAGES or self._left <= 0

    def _lines_of(self, path: Path, inside: str) -> Iterator[LogLine]:
        name = inside.encode("utf-8", "replace").decode()
        try:
            source = opened(path)
            with source.file:
                data = _beginning(source)
            text = _decoded(data, path.suffix.lower())
        except Unreadable as error:
            self._tally.skip(name, str(error))
            return
        if source.size > len(data):
            self._tally.skip(name, f"only its first {MAX_PAGE_BYTES // 1024} KiB are read")
        self._left -= len(data)
        self._tally.files += 1
        page = PAGES[path.suffix.lower()](visible(text))
        title = one_line(page.title, MAX_TITLE_CHARS) or _named(path)
        link = page.address or link_of(self._sources.link, name)
        at = datetime.fromtimestamp(min(max(source.changed_at, 0), 2**40), UTC)
        for section in page.sections:
            for passage in self._passages(section, title, link, at):
                self._tally.entries += 1
                yield passage

    def _passages(self, section: Section, title: str, link: str, at: datetime) -> Iterator[LogLine]:
        heading = one_line(section.heading, MAX_TITLE_CHARS)
        named = f"{title}: {heading}" if heading and heading != title else title
        where = f"{link}#{quote(section.anchor)}" if section.anchor else link
        for number, passage in enumerate(passages_of(visible(section.text)), start=1):
            yield LogLine(
                source=named,
                number=number,
                at=at,
                level="",
                text=f"{named}\n{passage}",
                link=where,
            )


def _is_dotted(inside: Path) -> bool:
    """Whether it is hidden, or in a hidden folder, as what version control keeps is."""
    return any(part.startswith(".") for part in inside.parts)


def _named(path: Path) -> str:
    """A title for a page without one."""
    name = path.stem.encode("utf-8", "replace").decode()
    return one_line(re.sub(r"[-_]+", " ", name), MAX_TITLE_CHARS) or "A page"


def _beginning(source: Opened) -> bytes:
    data = b""
    while len(data) < MAX_PAGE_BYTES:
        try:
            piece = source.file.read(MAX_PAGE_BYTES - len(data))
        except OSError as error:
            raise Unreadable(error.strerror or "cannot be read") from error
        if not piece:
            break
        data += piece
    return data


def _decoded(data: bytes, ending: str) -> str:
    """The text, whatever is broken in it replaced.

    Raises:
        Unreadable: it is no text.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    refuse_binary(data[:SNIFFED_BYTES])
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    declared = _CHARSET.search(data[:SNIFFED_BYTES]) if "htm" in ending else None
    try:
        return data.decode(declared[1].decode() if declared else "utf-8", "replace")
    except LookupError:
        return data.decode("utf-8", "replace")
