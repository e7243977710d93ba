"""What is kept is compared with what rows say, in a folder and in a bucket alike."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import obstore
import pytest

from folkmoot.core.messages.model import KeptFile, Upload
from folkmoot.files.examination import FilesExamined, examine_files
from tests.files.conftest import Shelf
from tests.files.pictures import picture

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


async def examined(
    shelf: Shelf, uploads: Sequence[Upload], before: datetime = LONG_AGO
) -> FilesExamined:
    named = {one.id: KeptFile(one.size, one.has_thumbnail) for one in uploads}
    return await asyncio.to_thread(examine_files, named, shelf.store, before)


@pytest.mark.program
async def test_what_is_as_its_rows_say_is_well(shelf):
    uploads = [await shelf.upload(shelf.cast.ana, content) for content in (b"a letter", picture())]

    assert await examined(shelf, uploads) == FilesExamined(2, [], [], 0)


@pytest.mark.program
async def test_what_rows_name_and_nobody_finds_is_named_small_pictures_too(shelf):
    uploads = [await shelf.upload(shelf.cast.ana, content) for content in (b"1", b"2", picture())]
    gone = [uploads[1].id, f"{uploads[2].id}.thumbnail"]
    await shelf.store.forget(gone)

    assert await examined(shelf, uploads) == FilesExamined(3, sorted(gone), [], 0)


async def test_what_is_cut_off_is_named(shelf):
    upload = await shelf.upload(shelf.cast.ana, b"a long letter")
    await asyncio.to_thread(obstore.put, shelf.store._store, upload.id, b"a long")

    assert await examined(shelf, [upload]) == FilesExamined(1, [], [upload.id], 0)


async def test_what_no_row_names_is_counted_unless_it_may_be_on_its_way(shelf):
    await shelf.upload(shelf.cast.ana, b"nobody knows")
    (shelf.incoming / "on its way").write_bytes(b"half")
    later = datetime.now(UTC) + timedelta(days=1)

    assert await examined(shelf, []) == FilesExamined(0, [], [], 0)
    assert await examined(shelf, [], before=later) == FilesExamined(0, [], [], 1)
