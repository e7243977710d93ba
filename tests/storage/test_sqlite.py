"""What only a SQLite file can do to one: be held, damaged, full, or somebody else's."""

import asyncio
import os
import resource
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from signal import SIG_IGN, SIGXFSZ, signal

import pytest

from folkmoot.core.shared.pages import Page
from folkmoot.core.shared.refusals import StorageFull, Unavailable
from folkmoot.core.work import OutcomeUnknown, UnitOfWork
from folkmoot.storage import Unusable, migrate, open_storage
from folkmoot.storage.sqlite import SqliteSettings
from tests.cast import Cast, enter
from tests.deadlines import WITHIN_S
from tests.loop_clock import LoopClock
from tests.patience import PATIENT_SQLITE, opened_patiently

IMPATIENT = replace(PATIENT_SQLITE, busy_seconds=0.05)
NOBODY = 65534


async def open_cast(path: Path, settings: SqliteSettings = IMPATIENT) -> Cast:
    return await enter(await opened_patiently(f"sqlite:///{path}", sqlite=settings))


async def contents(cast: Cast) -> list[str]:
    page = await cast.see(lambda work: work.views.page(cast.lobby.id, Page(100)))
    return [message.body.content for message in page]


async def test_what_was_acknowledged_is_there_after_opening_again(sqlite_path: Path) -> None:
    cast = await open_cast(sqlite_path)
    await cast.say(cast.ana, "hello")
    await cast.storage.close()

    again = await open_storage(f"sqlite:///{sqlite_path}")
    found = await again.read(lambda work: work.views.page(cast.lobby.id, Page(10)))
    await again.close()

    assert [message.body.content for message in found] == ["hello"]


async def test_a_second_process_is_refused_until_the_first_has_ended(sqlite_path: Path) -> None:
    cast = await open_cast(sqlite_path)

    with pytest.raises(Unusable, match="Another folkmoot uses"):
        await open_storage(f"sqlite:///{sqlite_path}")
    with pytest.raises(Unusable, match="Another folkmoot uses"):
        await migrate(f"sqlite:///{sqlite_path}")

    await cast.storage.close()
    assert not await migrate(f"sqlite:///{sqlite_path}")


async def test_the_file_and_its_folder_are_nobody_elses_business(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "folkmoot.db"

    cast = await open_cast(path)
    await cast.say(cast.ana, "hello")

    modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    await cast.storage.close()
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {"folkmoot.db", "folkmoot.db-wal", "folkmoot.db.lock"} <= modes.keys()
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("damage", ["no database", "damaged schema", "cut off"])
async def test_a_damaged_file_is_refused_and_left_as_it_is(sqlite_path: Path, damage: str) -> None:
    await migrate(f"sqlite:///{sqlite_path}")
    content = harm(sqlite_path, damage)

    with pytest.raises(Unusable, match="damaged or no SQLite database"):
        await open_storage(f"sqlite:///{sqlite_path}")

    assert contents_of_file(sqlite_path) == content


async def test_a_file_in_the_way_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Unusable, match="cannot be written"):
        await open_storage(f"sqlite:///{tmp_path / 'file' / 'folkmoot.db'}")


async def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o755)
    tmp_path.parent.chmod(0o755)
    with as_nobody(folder), pytest.raises(Unusable, match="cannot be written"):
        await open_storage(f"sqlite:///{folder / 'folkmoot.db'}")


async def test_a_file_locked_by_another_program_is_refused(sqlite_path: Path) -> None:
    await migrate(f"sqlite:///{sqlite_path}")
    with closing(sqlite3.connect(sqlite_path, isolation_level=None)) as stranger:
        stranger.execute("PRAGMA locking_mode = EXCLUSIVE")
        stranger.execute("BEGIN EXCLUSIVE")

        with pytest.raises(Unusable, match="locked by another program"):
            await open_storage(f"sqlite:///{sqlite_path}", sqlite=IMPATIENT)


async def test_a_stranger_who_writes_for_long_makes_it_unavailable_and_no_worse(
    sqlite_path: Path,
) -> None:
    cast = await open_cast(sqlite_path)
    with closing(sqlite3.connect(sqlite_path, isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")

        with pytest.raises(Unavailable):
            await cast.say(cast.ana, "hello")
        with pytest.raises(Unavailable):
            await cast.storage.check()
        assert await contents(cast) == []

    await cast.storage.check()
    assert (await cast.say(cast.ana, "hello")).seq == 1
    await cast.storage.close()


async def test_a_full_disk_is_told_keeps_what_was_there_and_passes(sqlite_path: Path) -> None:
    cast = await open_cast(sqlite_path)
    await cast.say(cast.ana, "before")
    size = sqlite_path.with_name("folkmoot.db-wal").stat().st_size

    with room_for(size + 8192):
        with pytest.raises(Unavailable):
            await repeat(lambda: cast.say(cast.ana, "x" * 9000))
        kept = await contents(cast)
        assert kept[0] == "before"
        with pytest.raises(Unavailable):
            await repeat(cast.storage.check)

    await cast.storage.check()
    await cast.say(cast.ana, "after")
    assert await contents(cast) == [*kept, "after"]
    await cast.storage.close()


async def test_a_full_database_is_storage_full_and_recovers(sqlite_path: Path) -> None:
    cast = await open_cast(sqlite_path)
    writer = cast.storage._writer._connection
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StorageFull):
        await cast.say(cast.ana, "x" * 10_000)

    assert await contents(cast) == []
    writer.execute("PRAGMA max_page_count = 1000000")
    assert (await cast.say(cast.ana, "hello")).seq == 1
    await cast.storage.close()


async def test_deleted_words_are_nowhere_in_the_file(sqlite_path: Path) -> None:
    cast = await open_cast(sqlite_path)
    message = await cast.say(cast.ana, "the secret word is xylophone")
    await cast.do(cast.messages.edit, cast.ana.id, cast.lobby.id, message.id, "or marimba")
    await cast.do(cast.messages.delete, cast.ana.id, cast.lobby.id, message.id)
    await cast.storage.close()

    stored = b"".join(each.read_bytes() for each in sqlite_path.parent.iterdir())

    assert b"xylophone" not in stored
    assert b"marimba" not in stored


async def test_readers_are_not_held_up_by_a_writer_and_see_only_what_is_committed(
    sqlite_path: Path,
) -> None:
    cast = await open_cast(sqlite_path)
    await cast.say(cast.ana, "hello")
    with closing(sqlite3.connect(sqlite_path, isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        stranger.execute("UPDATE messages SET content = 'not committed'")

        assert await contents(cast) == ["hello"]
    await cast.storage.close()


async def test_more_than_may_wait_are_turned_away(sqlite_path: Path) -> None:
    cast = await open_cast(sqlite_path, replace(PATIENT_SQLITE, max_waiting_reads=2))

    answers = await asyncio.gather(*(cast.head() for _ in range(5)), return_exceptions=True)

    assert [isinstance(answer, Unavailable) for answer in answers] == [False] * 2 + [True] * 3
    assert (await cast.head()).last_seq == 0
    await cast.storage.close()


async def test_a_job_that_nobody_waits_for_any_more_is_not_begun(sqlite_path: Path) -> None:
    cast = await open_cast(sqlite_path)
    may_end = threading.Event()

    async def long_job(work: UnitOfWork) -> None:
        assert may_end.wait(WITHIN_S)

    first = asyncio.create_task(cast.storage.write(long_job))
    second = asyncio.create_task(cast.say(cast.ana, "never mind"))
    await asyncio.wait({first, second}, timeout=0)
    second.cancel()
    await asyncio.wait({second})
    may_end.set()
    await first

    assert await contents(cast) == []
    await cast.storage.close()


async def test_what_was_begun_and_takes_too_long_has_an_outcome_later(
    sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast = await open_cast(sqlite_path)
    clock = LoopClock(monkeypatch)
    began, may_end = threading.Event(), threading.Event()

    async def long_job(work: UnitOfWork) -> object:
        (answer,) = await cast.posting.post(work, [cast.draft(cast.ana, "hello")])
        began.set()
        assert may_end.wait(WITHIN_S)
        return answer

    begun = asyncio.create_task(cast.storage.write(long_job))
    assert await asyncio.to_thread(began.wait, WITHIN_S)
    behind = asyncio.create_task(cast.say(cast.ana, "not begun"))
    await asyncio.wait({begun, behind}, timeout=0)
    clock.put_forward(IMPATIENT.timeout_seconds)
    with pytest.raises(OutcomeUnknown) as unknown:
        await begun
    with pytest.raises(Unavailable) as unavailable:
        await behind
    may_end.set()
    async with asyncio.timeout(WITHIN_S):
        posted = await unknown.value.outcome()

    assert not isinstance(unavailable.value, OutcomeUnknown)
    assert posted.message.seq == 1
    assert await contents(cast) == ["hello"]
    await cast.storage.close()


async def test_what_was_begun_and_fails_late_is_known_not_to_have_happened(
    sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast = await open_cast(sqlite_path)
    clock = LoopClock(monkeypatch)
    began, may_end = threading.Event(), threading.Event()

    async def long_job(work: UnitOfWork) -> None:
        await cast.posting.post(work, [cast.draft(cast.ana, "hello")])
        began.set()
        assert may_end.wait(WITHIN_S)
        raise StorageFull

    begun = asyncio.create_task(cast.storage.write(long_job))
    assert await asyncio.to_thread(began.wait, WITHIN_S)
    clock.put_forward(IMPATIENT.timeout_seconds)
    with pytest.raises(OutcomeUnknown) as unknown:
        await begun
    may_end.set()
    async with asyncio.timeout(WITHIN_S):
        with pytest.raises(StorageFull):
            await unknown.value.outcome()

    assert await contents(cast) == []
    await cast.storage.close()


def contents_of_file(path: Path) -> bytes:
    return path.read_bytes()


def harm(path: Path, damage: str) -> bytes:
    """What is in the file after this."""
    content = bytearray(path.read_bytes())
    if damage == "no database":
        content[:] = b"This is a letter, and has been one for a long time. " * 100
    elif damage == "damaged schema":
        content[100:4096] = b"\xff" * 3996
    else:
        del content[len(content) // 2 :]
    path.write_bytes(content)
    return bytes(content)


async def repeat(act: Callable[[], Awaitable[object]], times: int = 20) -> None:
    for _ in range(times):
        await act()


@contextmanager
def room_for(max_bytes: int) -> Iterator[None]:
    """A disk on which no file can grow beyond this."""
    ignored = signal(SIGXFSZ, SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal(SIGXFSZ, ignored)


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Without the rights of root, who may write everywhere, in a folder that is not ours."""
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    else:
        folder.chmod(0o555)
    try:
        yield
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
        else:
            folder.chmod(0o755)


async def test_looking_whether_it_is_well_writes_nothing_where_something_was_just_stored(
    sqlite_path: Path,
) -> None:
    cast = await open_cast(sqlite_path)
    await cast.say(cast.ana, "hello")
    log = sqlite_path.with_name(f"{sqlite_path.name}-wal")
    before = log.read_bytes()
    await cast.storage.check()
    assert log.read_bytes() == before
    await cast.storage.close()


async def test_a_disk_that_refuses_a_few_kilobytes_is_full_whatever_it_says_is_free(
    sqlite_path: Path,
) -> None:
    cast = await open_cast(sqlite_path)
    await cast.say(cast.ana, "hello")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200 * 1024, hard))
    try:
        with pytest.raises(StorageFull):
            await cast.storage.check()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await cast.storage.check()
    await cast.storage.close()
