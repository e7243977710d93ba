"""Where the bytes are kept: a folder on this machine, or a bucket; both through obstore.

Blobs lie under the ids of their files. Such an id opens nothing: the folder is its owner's alone,
the bucket is private, and everything that goes out passes `Files.shown` first, which asks the core.
So it need not be a secret; 62 of its bits are random all the same, and nobody can list them.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from folkmoot.core.shared.health import Health
from folkmoot.files.errors import FileStoreInvalid, FilesUnavailable, faults

INCOMING: Final = "incoming"
PIECE_BYTES: Final = 256 * 1024
FOLDER_PIECE_BYTES: Final = 64 * 1024
"""Each reader, however slow, has three pieces in memory; a bucket is asked for larger ones, because
each is a journey."""
PART_BYTES: Final = 5 * 1024 * 1024
PIECE_SECONDS: Final = 20
KEEP_SECONDS: Final = 120
KEPT_AT_ONCE: Final = 4
LISTED_AT_ONCE: Final = 500
PROBE: Final = "probe"
THUMBNAIL: Final = ".thumbnail"
"""What the key of a small picture ends in, after that of its file."""


class Blob(NamedTuple):
    """What a store says of one of its blobs: its size in bytes, and since when it is there."""

    key: str
    size: int
    since: datetime


class FileStore:
    """Keeps blobs by their keys; a blob is there as a whole, or not at all.

    This class is enough for a bucket; a folder needs a little more care (`FolderStore`).
    """

    piece_bytes = PIECE_BYTES

    def __init__(self, store: ObjectStore, name: str, health: Health | None = None) -> None:
        self._store = store
        self._health = health or Health()
        self._turns = asyncio.Semaphore(KEPT_AT_ONCE)
        self.name = name

    async def keep(self, key: str, source: Path | bytes) -> None:
        """Take a file, or these bytes; when this returns, they are whole and durable.

        Raises:
            StorageFull, FilesUnavailable: nothing is under the key, or nobody knows.
        """
        with faults(self._health):
            async with asyncio.timeout(KEEP_SECONDS), self._turns:
                await obstore.put_async(
                    self._store, key, source, chunk_size=PART_BYTES, max_concurrency=1
                )

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` up to ``end``, each piece fetched when it is asked for.

        So a slow reader holds neither a file nor a connection open.

        Raises:
            FilesUnavailable
        """
        while start < end:
            upto = min(start + self.piece_bytes, end)
            with faults(self._health, is_reading=True):
                async with asyncio.timeout(PIECE_SECONDS):
                    piece = await obstore.get_range_async(self._store, key, start=start, end=upto)
            if len(piece) != upto - start:
                raise FilesUnavailable
            data = bytes(piece)
            del piece
            yield data
            del data
            start = upto

    async def whole(self, key: str) -> bytes:
        """All bytes of a small blob.

        Raises:
            FilesUnavailable
        """
        with faults(self._health, is_reading=True):
            async with asyncio.timeout(PIECE_SECONDS):
                found = await obstore.get_async(self._store, key)
                return bytes(await found.bytes_async())

    async def forget(self, keys: Collection[str]) -> None:
        """Remove blobs; those that are not there stay so.

        Raises:
            FilesUnavailable
        """
        for key in keys:
            with faults(self._health), suppress(FileNotFoundError):
                async with asyncio.timeout(PIECE_SECONDS):
                    await obstore.delete_async(self._store, key)

    async def kept(self, before: datetime) -> AsyncIterator[list[str]]:
        """The keys of everything that was put here before then, some at a time.

        Raises:
            FilesUnavailable
        """
        with faults(self._health):
            async for some in obstore.list(self._store, chunk_size=LISTED_AT_ONCE):
                keys = [one["path"] for one in some if one["last_modified"] < before]
                yield [key for key in keys if not key.startswith(f"{INCOMING}/")]

    def listed(self) -> Iterator[Blob]:
        """Everything that is kept here, in no order. Blocks: not for the event loop, as `check`.

        Raises:
            FilesUnavailable
        """
        with faults(self._health, is_reading=True):
            for some in obstore.list(self._store, chunk_size=LISTED_AT_ONCE):
                for one in some:
                    if not one["path"].startswith(f"{INCOMING}/") and one["path"] != PROBE:
                        yield Blob(one["path"], one["size"], one["last_modified"])

    async def probe(self) -> None:
        """Return if files can be kept here right now; whoever asks notes how it went.

        Raises:
            StorageFull, FilesUnavailable
        """
        with faults(Health()):
            async with asyncio.timeout(PIECE_SECONDS):
                await obstore.put_async(self._store, PROBE, b"probe")
                await obstore.delete_async(self._store, PROBE)

    def check(self) -> None:
        """Return if files can be kept and removed here right now. Blocks.

        Not through the event loop: obstore's thread wakes the loop before it is done with Python,
        and a process that ends just then, as a command does, is aborted.

        Raises:
            StorageFull, FilesUnavailable
        """
        with faults(self._health):
            obstore.put(self._store, PROBE, b"probe")
            obstore.delete(self._store, PROBE)


class FolderStore(FileStore):
    """A folder on this machine: what is kept has reached the disk, its name too."""

    piece_bytes = FOLDER_PIECE_BYTES

    def __init__(self, folder: Path, health: Health | None = None) -> None:
        super().__init__(LocalStore(folder), str(folder), health)
        self._folder = folder

    async def keep(self, key: str, source: Path | bytes) -> None:
        """Take a file that lies in this folder's ``incoming``, or these bytes."""
        with faults(self._health):
            async with asyncio.timeout(KEEP_SECONDS):
                if isinstance(source, Path):
                    await asyncio.to_thread(_reach_disk, source)
                    path = source.relative_to(self._folder).as_posix()
                    await obstore.rename_async(self._store, path, key)
                else:
                    await obstore.put_async(self._store, key, source)
                    await asyncio.to_thread(_reach_disk, self._folder / key)
                await asyncio.to_thread(_reach_disk, self._folder)


def open_file_store(
    folder: Path, url: str | None, health: Health | None = None
) -> tuple[FileStore, Path]:
    """Where files are kept, and the folder on this machine where they are gathered first.

    What fails there is noted in ``health``.

    Raises:
        PlaceInvalid: the address is none of a bucket, or the folder cannot be made.
    """
    incoming = folder / INCOMING
    try:
        for one in (folder, incoming):
            one.mkdir(mode=0o700, parents=True, exist_ok=True)
        _reach_disk(folder)
        _reach_disk(folder.parent)
        if url is None:
            return FolderStore(folder, health), incoming
        return FileStore(_bucket(url), url, health), incoming
    except OSError as error:
        raise FileStoreInvalid(f"{incoming} cannot be made: {error.strerror or error}") from error


def stale(incoming: Path, before: datetime) -> list[Path]:
    """What a process left behind that ended in the middle of an upload."""
    moment = before.timestamp()
    return [one for one in incoming.iterdir() if one.stat().st_mtime < moment]


def _bucket(url: str) -> S3Store:
    if not url.startswith("s3://"):
        raise FileStoreInvalid("a bucket is named like s3://bucket/prefix")
    try:
        return S3Store.from_url(
            url,
            client_options={
                "allow_http": True,
                "connect_timeout": timedelta(seconds=5),
                "timeout": timedelta(seconds=PIECE_SECONDS),
            },
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=PIECE_SECONDS)},
        )
    except (BaseError, ValueError) as error:
        raise FileStoreInvalid(str(error).partition("\n")[0]) from error


def _reach_disk(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
