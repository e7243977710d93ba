"""Taking files in and handing them out: bytes from here on, rules in `core.messages.uploads`."""

import asyncio
import hashlib
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from folkmoot.core.accounts.model import Account
from folkmoot.core.messages.errors import (
    FileEmpty,
    FileTooLarge,
    NoSuchAttachment,
    TooManyUploads,
)
from folkmoot.core.messages.model import PICTURES, Upload
from folkmoot.core.messages.uploads import LOOSE_FOR, Uploads
from folkmoot.core.shared.health import Health
from folkmoot.core.shared.ids import AccountId, Clock, Ids, Uid
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.core.work import Storage, UnitOfWork, Write
from folkmoot.files.errors import faults
from folkmoot.files.links import as_upload_id
from folkmoot.files.location import forget_location
from folkmoot.files.names import harmless
from folkmoot.files.sniffing import HEAD_BYTES, media_type_of
from folkmoot.files.stores import THUMBNAIL, FileStore, stale
from folkmoot.files.thumbnails import Thumbnails

GATHERED_BYTES: Final = 256 * 1024
STALE_AFTER: Final = timedelta(hours=1)
FORGOTTEN_AT_ONCE: Final = 500
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FileBounds:
    """How large a file may be, how many an account may send at once, and what they may tell."""

    max_bytes: int
    max_at_once: int = 4
    keep_location: bool = False
    """Whether pictures and films may go on saying where they were made."""


@dataclass(frozen=True, slots=True)
class FilesStatistics:
    """Uploads that are under way."""

    uploading: int


class Files:
    """the files of a server. A row says that a file is here only once it is whole on disk.

    Whatever ends in between leaves a blob without a row, which `collect` removes.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Ids,
        uploads: Uploads,
        storage: Storage,
        write: Write,
        store: FileStore,
        incoming: Path,
        thumbnails: Thumbnails,
        bounds: FileBounds,
        health: Health | None = None,
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._uploads = uploads
        self._storage = storage
        self._write = write
        self._store = store
        self._incoming = incoming
        self._thumbnails = thumbnails
        self.bounds = bounds
        self._health = health or Health()
        self._under_way: Counter[AccountId] = Counter()

    def statistics(self) -> FilesStatistics:
        """How much is on its way here."""
        return FilesStatistics(self._under_way.total())

    @contextmanager
    def receiving(self, owner: AccountId) -> Iterator["Incoming"]:
        """A file on its way here; whatever is left of it at the end is removed.

        Raises:
            TooManyUploads
        """
        if self._under_way[owner] >= self.bounds.max_at_once:
            raise TooManyUploads(retry_after=5.0, max_uploads=self.bounds.max_at_once)
        self._under_way[owner] += 1
        incoming = Incoming(
            self._incoming / self._ids.secret(), self.bounds.max_bytes, self._health
        )
        try:
            yield incoming
        finally:
            incoming.remove()
            self._under_way[owner] -= 1
            if not self._under_way[owner]:
                del self._under_way[owner]

    async def check_room(self, owner: AccountId, size: int) -> None:
        """Return if the account may upload a file of this size.

        Raises:
            FileTooLarge, QuotaReached
        """
        if size > self.bounds.max_bytes:
            raise FileTooLarge(field="file", max_bytes=self.bounds.max_bytes)
        await self._storage.read(lambda work: self._uploads.check_room(work, owner, size))

    async def keep(self, owner: AccountId, incoming: "Incoming", name: str) -> Upload:
        """The upload that a file has become, once its bytes and its row are durable.

        Raises:
            FileEmpty, ImageTooLarge, QuotaReached
            Unavailable: it is not kept, or nobody knows.
        """
        await incoming.close()
        media_type = await asyncio.to_thread(media_type_of, incoming.head)
        if not self.bounds.keep_location:
            await incoming.forget_location(media_type)
        thumbnail = await self._thumbnails.of(incoming.path) if media_type in PICTURES else None
        upload = Upload(
            id=self._ids.uid(),
            owner_id=owner,
            name=harmless(name),
            size=incoming.size,
            media_type=media_type,
            digest=incoming.digest,
            created_at=self._clock.now(),
            has_thumbnail=thumbnail is not None,
        )
        await self._keep_blobs(upload.id, incoming.path, thumbnail)
        await self._remember(upload)
        return upload

    async def shown(self, viewer: Account, name: str) -> Upload:
        """The upload with this id, for whoever may see it.

        Raises:
            NoSuchAttachment
        """
        upload_id = as_upload_id(name) or Uid("")
        return await self._storage.read(lambda work: self._uploads.shown(work, viewer, upload_id))

    def content(
        self, upload: Upload, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes of a file from ``start`` up to ``end``."""
        return self._store.read(upload.id, start, upload.size if end is None else end)

    async def thumbnail(self, upload: Upload) -> bytes:
        """The small picture of an image, as `thumbnails.MEDIA_TYPE`.

        Raises:
            NoSuchAttachment: it has none.
            FilesUnavailable
        """
        if not upload.has_thumbnail:
            raise NoSuchAttachment
        return await self._store.whole(upload.id + THUMBNAIL)

    async def collect(self) -> int:
        """Remove what nobody can ask for any more; how many blobs that were.

        The row goes first and the blob after it: a process that ends in between leaves a blob
        without a row, as an upload does that ends there, and the next round finds both.
        """
        count = 0
        while forgotten := await self._write(self._forget_loose):
            await self._store.forget(_blobs_of(forgotten))
            count += len(forgotten)
        before = self._clock.now() - LOOSE_FOR
        async for keys in self._store.kept(before):
            count += await self._forget_unknown(keys)
        await asyncio.to_thread(self._clear_incoming)
        return count

    async def run(self, *, first: float = 60.0, pause: float = 3600.0) -> None:
        """Collect every ``pause`` seconds, until cancelled."""
        wait = first
        while True:
            await asyncio.sleep(wait)
            wait = pause
            try:
                count = await self.collect()
            except Unavailable as fault:
                _log.warning("files could not be collected: %s", fault.explained)
            except Exception:
                # A bug of ours: files that nobody asks for are not worth the whole server.
                _log.exception("files could not be collected")
            else:
                _log.debug("%d files were collected", count)

    async def _keep_blobs(self, upload_id: Uid, path: Path, thumbnail: bytes | None) -> None:
        try:
            if thumbnail is not None:
                await self._store.keep(upload_id + THUMBNAIL, thumbnail)
            await self._store.keep(upload_id, path)
        except Unavailable:
            with suppress(Unavailable):
                await self._store.forget(_blobs_of([upload_id]))
            raise

    async def _remember(self, upload: Upload) -> None:
        async def job(work: UnitOfWork) -> None:
            await self._uploads.keep(work, upload)

        try:
            await self._write(job)
        except Refusal:
            # Nothing of it has happened. Of `Unavailable` nobody knows, so then the blob stays.
            await self._store.forget(_blobs_of([upload.id]))
            raise

    async def _forget_loose(self, work: UnitOfWork) -> list[Uid]:
        return await self._uploads.forget_loose(work, limit=FORGOTTEN_AT_ONCE)

    async def _forget_unknown(self, keys: list[str]) -> int:
        ids = {key: Uid(key.removesuffix(THUMBNAIL)) for key in keys}
        known = await self._storage.read(lambda work: work.attachments.get(set(ids.values())))
        unknown = [key for key, upload_id in ids.items() if upload_id not in known]
        await self._store.forget(unknown)
        return len(unknown)

    def _clear_incoming(self) -> None:
        for path in stale(self._incoming, self._clock.now() - STALE_AFTER):
            path.unlink(missing_ok=True)


class Incoming:
    """One file on its way here, gathered on this machine's disk."""

    def __init__(self, path: Path, max_bytes: int, health: Health) -> None:
        self.path = path
        self.size = 0
        self.head = b""
        self._max_bytes = max_bytes
        self._health = health
        self._sum = hashlib.sha256()
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        with faults(health):
            path.touch(0o600, exist_ok=False)

    @property
    def digest(self) -> str:
        """SHA-256 of everything that was closed in, or is left of it."""
        return self._sum.hexdigest()

    async def write(self, piece: bytes) -> None:
        """Add a piece; it may be gathered with the next ones.

        Raises:
            FileTooLarge: with this piece there is more than there may be.
            Unavailable
        """
        self.size += len(piece)
        if self.size > self._max_bytes:
            raise FileTooLarge(field="file", max_bytes=self._max_bytes)
        if len(self.head) < HEAD_BYTES:
            self.head += piece[: HEAD_BYTES - len(self.head)]
        self._gathered.append(piece)
        self._gathered_bytes += len(piece)
        if self._gathered_bytes >= GATHERED_BYTES:
            await self._flush()

    async def close(self) -> None:
        """Have everything written.

        Raises:
            FileEmpty, Unavailable
        """
        if self.size == 0:
            raise FileEmpty(field="file")
        await self._flush()

    async def forget_location(self, media_type: str) -> None:
        """Take out of a picture or a film where it was made.

        Raises:
            Unavailable
        """
        with faults(self._health):
            if await asyncio.to_thread(forget_location, self.path, media_type):
                self._sum = await asyncio.to_thread(_sum_of, self.path)

    def remove(self) -> None:
        """Leave nothing behind; what was kept is elsewhere by now."""
        self.path.unlink(missing_ok=True)

    async def _flush(self) -> None:
        data = b"".join(self._gathered)
        self._gathered, self._gathered_bytes = [], 0
        with faults(self._health):
            await asyncio.to_thread(self._append, data)

    def _append(self, data: bytes) -> None:
        self._sum.update(data)
        # Never creates it: a thread that is late must not bring back what was removed.
        with self.path.open("r+b") as file:
            file.seek(0, os.SEEK_END)
            file.write(data)


def _sum_of(path: Path) -> "hashlib._Hash":
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256")


def _blobs_of(ids: list[Uid]) -> list[str]:
    return [key for one in ids for key in (str(one), one + THUMBNAIL)]
