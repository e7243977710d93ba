"""Stored files, in a folder and in a bucket alike; the cast uploads them."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obstore
import pytest

from folkmoot.core.accounts.model import Account
from folkmoot.core.messages.model import Upload
from folkmoot.core.messages.uploads import Quota, Uploads
from folkmoot.files.service import FileBounds, Files
from folkmoot.files.stores import FileStore, open_file_store
from folkmoot.files.thumbnails import Thumbnails
from folkmoot.storage import open_storage
from tests.cast import Cast, enter
from tests.files.bucket import Buckets, buckets

__all__ = ["buckets"]

MAX_BYTES = 1_000_000
MAX_FILES = 5
MAX_PIXELS = 1_000_000


@dataclass
class Shelf:
    """The files of the cast, and what can be seen of them from outside."""

    cast: Cast
    store: FileStore
    incoming: Path

    @property
    def files(self) -> Files:
        return self.files_with()

    def files_with(self, **others: Any) -> Files:
        """The files, with another part here or there."""
        parts = {
            "clock": self.cast.clock,
            "ids": self.cast.ids,
            "uploads": Uploads(self.cast.clock, Quota(MAX_FILES, 3 * MAX_BYTES)),
            "storage": self.cast.storage,
            "write": self.cast.storage.write,
            "store": self.store,
            "incoming": self.incoming,
            "thumbnails": Thumbnails(max_pixels=MAX_PIXELS),
            "bounds": FileBounds(MAX_BYTES, max_at_once=2),
        }
        return Files(**(parts | others))

    async def upload(self, owner: Account, content: bytes, name: str = "a.bin") -> Upload:
        return await put(self.files, owner, [content], name)

    async def blobs(self) -> set[str]:
        """The keys of everything that is kept."""
        found = await obstore.list(self.store._store).collect_async()
        return {one["path"] for one in found}

    async def is_clean(self) -> bool:
        """Whether nothing is kept, and nothing on its way here was left."""
        return not await self.blobs() and not list(self.incoming.iterdir())


async def put(files: Files, owner: Account, pieces: Iterable[bytes], name: str = "a") -> Upload:
    with files.receiving(owner.id) as incoming:
        for piece in pieces:
            await incoming.write(piece)
        return await files.keep(owner.id, incoming, name)


async def read(files: Files, upload: Upload, *span: int) -> bytes:
    return b"".join([piece async for piece in files.content(upload, *span)])


@pytest.fixture(params=["folder", "buckets"])
async def shelf(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Shelf:
    url = None
    if request.param == "buckets":
        found: Buckets = await asyncio.to_thread(request.getfixturevalue, "buckets")
        for name, value in found.variables.items():
            monkeypatch.setenv(name, value)
        url = await asyncio.to_thread(found.new)
    store, incoming = open_file_store(tmp_path / "files", url)
    return Shelf(await enter(await open_storage("memory://")), store, incoming)
