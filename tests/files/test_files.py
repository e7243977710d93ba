"""The promises of `Files`, on a folder and on a bucket."""

import asyncio
import hashlib
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from folkmoot.core.accounts.model import Role
from folkmoot.core.conversations.desk import Desks
from folkmoot.core.messages.errors import (
    ClientIdReused,
    FileEmpty,
    FileTooLarge,
    ImageTooLarge,
    NoSuchAttachment,
    QuotaReached,
    TooManyUploads,
)
from folkmoot.core.messages.model import MessageKind
from folkmoot.core.messages.uploads import LOOSE_FOR
from folkmoot.core.shared.health import Health
from folkmoot.core.shared.refusals import StorageFull, Unavailable
from folkmoot.files.errors import FileStoreInvalid, FilesUnavailable, faults
from folkmoot.files.stores import FolderStore, open_file_store
from tests.deadlines import WITHIN_S
from tests.files.conftest import MAX_BYTES, MAX_FILES, put, read
from tests.files.pictures import bomb, noise, picture

TEXT = b"Hello, Bo!"


class Gone(Exception):
    """The client is not there any more."""


async def test_a_file_comes_back_as_it_was_given(shelf):
    content = noise(700_001)
    upload = await put(shelf.files, shelf.cast.ana, [content[:5], content[5:]], "../a.bin")
    assert (upload.name, upload.size) == ("a.bin", len(content))
    assert upload.digest == hashlib.sha256(content).hexdigest()
    assert await read(shelf.files, upload) == content
    assert await read(shelf.files, upload, 10, 300_000) == content[10:300_000]
    assert not list(shelf.incoming.iterdir())


@pytest.mark.program
async def test_a_picture_has_a_thumbnail_and_another_file_has_none(shelf):
    image = await shelf.upload(shelf.cast.ana, picture())
    text = await shelf.upload(shelf.cast.ana, TEXT)
    assert image.has_thumbnail
    assert (await shelf.files.thumbnail(image))[8:12] == b"WEBP"
    assert not text.has_thumbnail
    with pytest.raises(NoSuchAttachment):
        await shelf.files.thumbnail(text)


@pytest.mark.program
async def test_half_a_picture_is_kept_as_a_file_that_is_not_shown_as_one(shelf):
    upload = await shelf.upload(shelf.cast.ana, picture()[:60])
    assert not upload.attachment.is_picture
    assert await read(shelf.files, upload) == picture()[:60]


@pytest.mark.parametrize(
    ("content", "refusal"),
    [(b"", FileEmpty), (bytes(MAX_BYTES + 1), FileTooLarge), (bomb(), ImageTooLarge)],
)
@pytest.mark.program
async def test_what_is_refused_leaves_nothing(shelf, content, refusal):
    with pytest.raises(refusal):
        await shelf.upload(shelf.cast.ana, content)
    assert await shelf.is_clean()


async def test_a_file_may_be_exactly_as_large_as_it_may_be(shelf):
    assert (await shelf.upload(shelf.cast.ana, bytes(MAX_BYTES))).size == MAX_BYTES


@pytest.mark.parametrize("after", range(4))
async def test_an_upload_that_stops_leaves_nothing(shelf, after):
    def pieces():
        for _ in range(after):
            yield bytes(200_000)
        raise Gone

    with pytest.raises(Gone):
        await put(shelf.files, shelf.cast.ana, pieces())
    assert await shelf.is_clean()
    assert await shelf.cast.see(lambda work: work.attachments.usage(shelf.cast.ana.id)) == (0, 0)


@pytest.mark.program
async def test_one_file_more_than_an_account_may_have_is_refused_and_leaves_nothing(shelf):
    for _ in range(MAX_FILES):
        await shelf.upload(shelf.cast.ana, TEXT)
    before = await shelf.blobs()
    with pytest.raises(QuotaReached):
        await shelf.files.check_room(shelf.cast.ana.id, 1)
    with pytest.raises(QuotaReached):
        await shelf.upload(shelf.cast.ana, picture())
    assert await shelf.blobs() == before
    await shelf.upload(shelf.cast.bo, TEXT)


async def test_more_bytes_than_an_account_may_have_are_refused(shelf):
    for _ in range(3):
        await shelf.upload(shelf.cast.ana, bytes(MAX_BYTES))
    with pytest.raises(QuotaReached):
        await shelf.upload(shelf.cast.ana, b"x")


async def test_an_account_uploads_a_few_files_at_once(shelf):
    files = shelf.files
    with files.receiving(shelf.cast.ana.id), files.receiving(shelf.cast.ana.id):
        with pytest.raises(TooManyUploads), files.receiving(shelf.cast.ana.id):
            pass
        with files.receiving(shelf.cast.bo.id):
            pass
    with files.receiving(shelf.cast.ana.id):
        pass
    assert await shelf.is_clean()


# -- who sees it -----------------------------------------------------------------------------------


async def test_a_file_is_its_uploaders_alone_until_it_hangs_on_a_message(shelf):
    cast = shelf.cast
    upload = await shelf.upload(cast.ana, TEXT)
    assert await shelf.files.shown(cast.ana, upload.id) == upload
    for other in (cast.bo, cast.cy):
        with pytest.raises(NoSuchAttachment):
            await shelf.files.shown(other, upload.id)


@pytest.mark.program
async def test_members_see_it_until_they_leave_or_the_message_is_deleted(shelf):
    cast = shelf.cast
    upload = await shelf.upload(cast.ana, picture())
    message = await cast.say(cast.ana, "Look", attachment=upload.id)
    assert message.body.kind is MessageKind.IMAGE
    assert await shelf.files.shown(cast.bo, upload.id.upper()) == upload
    with pytest.raises(NoSuchAttachment):
        await shelf.files.shown(cast.cy, upload.id)
    await cast.do(cast.messages.delete, cast.ana.id, cast.lobby.id, message.id)
    with pytest.raises(NoSuchAttachment):
        await shelf.files.shown(cast.bo, upload.id)
    await cast.say(cast.ana, "Again", attachment=upload.id)
    assert await shelf.files.shown(cast.bo, upload.id) == upload
    await cast.do(cast.conversations.remove_member, cast.bo.id, cast.lobby.id, cast.bo.id)
    with pytest.raises(NoSuchAttachment):
        await shelf.files.shown(cast.bo, upload.id)


async def test_staff_see_what_hangs_in_a_session_and_nothing_else(shelf):
    cast = shelf.cast
    agent = await cast.account("dee", Role.AGENT)
    analyst = await cast.account("eli", Role.ANALYST)
    session = await cast.do(Desks(cast.clock, cast.ids).open, cast.cy)
    upload = await shelf.upload(cast.cy, TEXT)
    await cast.say(cast.cy, "Help", attachment=upload.id, where=session)
    assert await shelf.files.shown(agent, upload.id) == upload
    elsewhere = await shelf.upload(cast.ana, TEXT)
    await cast.say(cast.ana, "Look", attachment=elsewhere.id)
    for viewer, file in ((analyst, upload), (agent, elsewhere)):
        with pytest.raises(NoSuchAttachment):
            await shelf.files.shown(viewer, file.id)


@pytest.mark.parametrize("claimed", [MessageKind.TEXT, MessageKind.IMAGE, MessageKind.FILE])
@pytest.mark.program
async def test_a_file_says_itself_what_its_message_is_made_of(shelf, claimed):
    cast = shelf.cast
    image, text = [await shelf.upload(cast.ana, content) for content in (picture(), TEXT)]
    for file, kind in ((image, MessageKind.IMAGE), (text, MessageKind.FILE)):
        message = await cast.say(cast.ana, "Look", attachment=file.id, kind=claimed)
        assert message.body.kind is kind


async def test_the_same_file_under_the_same_client_id_is_the_same_message(shelf):
    cast = shelf.cast
    one, other = [await shelf.upload(cast.ana, TEXT) for _ in range(2)]
    first = await cast.say(cast.ana, "Look", attachment=one.id, client_id="a")
    again = await cast.say(cast.ana, "Look", attachment=one.id, client_id="a")
    assert again.id == first.id
    for attachment in (other.id, None):
        with pytest.raises(ClientIdReused):
            await cast.say(cast.ana, "Look", attachment=attachment, client_id="a")


@pytest.mark.parametrize("name", ["", "x", "../a", "0" * 36, "\0", "\ud800", "9" * 5000])
async def test_what_is_no_id_names_nothing(shelf, name):
    with pytest.raises(NoSuchAttachment):
        await shelf.files.shown(shelf.cast.ana, name)


async def test_nobody_hangs_up_what_they_cannot_see(shelf):
    cast = shelf.cast
    upload = await shelf.upload(cast.cy, TEXT)
    with pytest.raises(NoSuchAttachment):
        await cast.say(cast.ana, "Mine now", attachment=upload.id)


# -- what becomes of it ----------------------------------------------------------------------------


@pytest.mark.program
async def test_what_never_hung_on_a_message_is_collected_after_a_day(shelf):
    cast = shelf.cast
    loose = await shelf.upload(cast.ana, picture())
    used = await shelf.upload(cast.ana, picture(size=(30, 30)))
    await cast.say(cast.ana, "Look", attachment=used.id)
    cast.clock.pass_by(LOOSE_FOR)
    assert await shelf.files.collect() == 0
    cast.clock.pass_by()
    assert await shelf.files.collect() == 1
    assert await shelf.blobs() == {used.id, f"{used.id}.thumbnail"}
    with pytest.raises(NoSuchAttachment):
        await shelf.files.shown(cast.ana, loose.id)
    assert await read(shelf.files, used)


async def test_the_file_of_a_deleted_message_is_collected(shelf):
    cast = shelf.cast
    upload = await shelf.upload(cast.ana, TEXT)
    message = await cast.say(cast.ana, "Look", attachment=upload.id)
    await cast.do(cast.messages.delete, cast.ana.id, cast.lobby.id, message.id)
    cast.clock.pass_by(LOOSE_FOR + timedelta(seconds=1))
    assert await shelf.files.collect() == 1
    assert await shelf.is_clean()


async def test_a_blob_without_a_row_is_collected_and_one_that_is_new_is_not(shelf):
    """What a process leaves that ends between the blob and the row, in either order."""
    await shelf.store.keep("00000000-0000-7000-8000-999999999999", b"blob")
    await shelf.store.keep("00000000-0000-7000-8000-999999999999.thumbnail", b"small")
    at = datetime.now(UTC) - shelf.cast.clock.now()
    shelf.cast.clock.pass_by(at + LOOSE_FOR - timedelta(minutes=5))
    assert await shelf.files.collect() == 0
    shelf.cast.clock.pass_by(timedelta(minutes=10))
    assert await shelf.files.collect() == 2
    assert await shelf.is_clean()


async def test_what_a_dead_process_was_receiving_is_cleared(shelf):
    dead, alive = shelf.incoming / "dead", shelf.incoming / "alive"
    for path in (dead, alive):
        path.write_bytes(b"half a fi")
    now = shelf.cast.clock.now().timestamp()
    os.utime(dead, (now - 3601, now - 3601))
    os.utime(alive, (now - 3000, now - 3000))
    await shelf.files.collect()
    assert list(shelf.incoming.iterdir()) == [alive]


async def test_collecting_goes_on_until_it_is_ended(shelf):
    upload = await shelf.upload(shelf.cast.ana, TEXT)
    shelf.cast.clock.pass_by(LOOSE_FOR + timedelta(seconds=1))
    nothing_left = asyncio.Event()

    async def telling(job):
        if not (result := await shelf.cast.storage.write(job)):
            nothing_left.set()
        return result

    collecting = asyncio.create_task(shelf.files_with(write=telling).run(first=0, pause=0))
    await asyncio.wait_for(nothing_left.wait(), WITHIN_S)
    assert upload.id not in await shelf.blobs()
    collecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await collecting


# -- when something fails --------------------------------------------------------------------------


async def test_a_file_store_that_works_says_so(shelf):
    await asyncio.to_thread(shelf.store.check)
    assert await shelf.is_clean()


async def test_a_lost_blob_is_our_fault_and_told_before_anything_is_sent(shelf):
    upload = await shelf.upload(shelf.cast.ana, TEXT)
    await shelf.store.forget([upload.id])
    with pytest.raises(FilesUnavailable):
        await anext(shelf.files.content(upload))


async def test_forgetting_what_is_not_there_changes_nothing(shelf):
    await shelf.store.forget(["nothing", "of-the-kind"])


async def test_when_nobody_knows_whether_the_row_was_stored_the_blob_stays(shelf):
    async def lost(_job):
        raise Unavailable

    with pytest.raises(Unavailable):
        await put(shelf.files_with(write=lost), shelf.cast.ana, [TEXT])
    assert len(await shelf.blobs()) == 1


def test_a_bucket_that_does_not_answer_is_our_fault(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    store, _ = open_file_store(tmp_path, "s3://bucket/prefix")
    with pytest.raises(FilesUnavailable):
        store.check()


def test_what_is_kept_in_a_folder_is_for_its_owner_only(tmp_path):
    tmp_path.chmod(0o755)
    _, incoming = open_file_store(tmp_path / "files", None)
    for folder in (tmp_path / "files", incoming):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("url", ["http://bucket", "bucket", "s3:", "file:///etc"])
def test_what_names_no_bucket_is_refused(tmp_path, url):
    with pytest.raises(FileStoreInvalid):
        open_file_store(tmp_path, url)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileStoreInvalid):
        open_file_store(tmp_path / "file", None)


def test_a_full_disk_is_told_apart():
    health = Health()
    with pytest.raises(StorageFull), faults(health):
        raise OSError(28, "No space left on device")
    assert [failure.reason for failure in health.failures()] == ["the disk is full"]
    with pytest.raises(FilesUnavailable), faults(health):
        raise OSError(5, "Input/output error")
    assert [failure.explained for failure in health.failures()] == ["files: Input/output error"]


def test_a_file_that_is_gone_says_nothing_of_the_others():
    health = Health()
    with pytest.raises(FilesUnavailable), faults(health, is_reading=True):
        raise FileNotFoundError(2, "No such file or directory")
    assert health.failures() == []
    with pytest.raises(FilesUnavailable), faults(health):
        raise FileNotFoundError(2, "No such file or directory")
    assert health.failures()


async def test_a_kept_file_and_its_name_have_reached_the_disk(tmp_path, monkeypatch):
    store, incoming = open_file_store(tmp_path / "files", None)
    assert isinstance(store, FolderStore)
    reached = []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda number: (reached.append(_name(number)), sync(number)))
    (incoming / "one").write_bytes(b"content")
    await store.keep("key", incoming / "one")
    assert reached == [str(incoming / "one"), str(tmp_path / "files")]
    reached.clear()
    await store.keep("small", b"content")
    assert reached == [str(tmp_path / "files" / "small"), str(tmp_path / "files")]


def _name(number: int) -> str:
    return str(Path(f"/proc/self/fd/{number}").readlink())
