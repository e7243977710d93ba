"""The pages that the assistant answers from: read by a process of its own once they change."""

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from folkmoot.bots.logs.index import ReadingFailed, StoredIndex, index_apart
from folkmoot.bots.pages.reading import state_of
from folkmoot.core.logs.errors import AlreadyReading
from folkmoot.core.logs.model import Excerpt, LogQuery, LogReading
from folkmoot.core.shared.health import Health
from folkmoot.core.shared.refusals import Unavailable

FILE_NAME: Final = "page-index.db"
WAIT_SECONDS: Final = 4.0
REST_FACTOR: Final = 20
"""A look at the folders is followed by a rest that is so many times as long as it worked."""
LONG_REST_SECONDS: Final = 0.25
"""Nobody waits for the end of a longer one: with very many pages, the newest may be missed."""

_log = logging.getLogger(__name__)


class PageOrder(msgspec.Struct, frozen=True, tag="pages"):
    """What the reading process is told where pages are to be read."""

    folders: tuple[str, ...]
    link: str
    target: str
    made_of: str


def made_of_pages(folders: Sequence[str], link: str) -> str:
    """What the index of these pages says that it was made of; see `AboutIndex`."""
    return msgspec.json.encode([list(folders), link]).decode()


class Pages:
    """`PageIndex` of some folders; without any there is no ``index``, and nothing to find.

    The index is ``page-index.db`` in the data ``folder``. ``reader`` is the module that reads, run
    as a process. `run` must be running for `refresh`.
    """

    def __init__(
        self,
        *,
        folders: Sequence[str],
        link: str,
        folder: Path,
        index: StoredIndex | None,
        reader: str,
        health: Health | None = None,
    ) -> None:
        self._index = index
        self._reader = reader
        self._health = health or Health()
        self._order = PageOrder(
            folders=tuple(folders),
            link=link,
            target=str(folder.absolute() / FILE_NAME),
            made_of=made_of_pages(folders, link),
        )
        self._state: str | None = None
        self._rest_until = 0.0
        self._wanted = asyncio.Event()
        self._asked = self._looked = 0
        self._news = asyncio.Condition()
        self._reading = asyncio.Lock()

    async def find(self, words: str, *, limit: int = 8) -> list[Excerpt]:
        """The best matches, the best first; none if too many ask."""
        if self._index is None:
            return []
        try:
            return await self._index.find(LogQuery(words, limit=limit))
        except Unavailable as fault:
            self._health.met(fault)
            return []

    async def read_anew(self) -> LogReading | None:
        """Read all pages; ``None`` if none are named."""
        return None if self._index is None else await self._read()

    async def refresh(self) -> None:
        """Return when what was changed on disk is read, or a few seconds later."""
        if self._index is None:
            return
        rest = self._rest_until - time.monotonic()
        if rest > LONG_REST_SECONDS:
            return
        await asyncio.sleep(max(0.0, rest))
        self._asked += 1
        asked = self._asked
        self._wanted.set()
        try:
            async with asyncio.timeout(WAIT_SECONDS), self._news:
                await self._news.wait_for(lambda: self._looked >= asked)
        except TimeoutError:
            return

    async def run(self) -> None:
        """Look for changes whenever `refresh` asks for it, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            asked = self._asked
            try:
                await self._look()
            except (AlreadyReading, ReadingFailed) as fault:
                _log.warning("the pages could not be read: %s", fault)
            async with self._news:
                self._looked = asked
                self._news.notify_all()

    async def _look(self) -> None:
        state, seconds = await asyncio.to_thread(_timed_state_of, self._order.folders)
        self._rest_until = time.monotonic() + REST_FACTOR * seconds
        if state != self._state:
            await self._read()
            self._state = state

    async def _read(self) -> LogReading:
        if self._reading.locked():
            raise AlreadyReading
        async with self._reading:
            reading = await index_apart(self._reader, self._order, lambda _: None)
        for name, reason in reading.skipped:
            _log.warning("page left out: %s: %s", name, reason)
        if not reading.files:
            _log.warning("no pages were found in %s", ", ".join(self._order.folders))
        return reading


def _timed_state_of(folders: Sequence[str]) -> tuple[str, float]:
    """`state_of`, and how long the processor was at it."""
    begun = time.thread_time()
    return state_of(folders), time.thread_time() - begun
