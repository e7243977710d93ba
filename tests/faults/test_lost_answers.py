"""A commit that succeeds while its answer is lost, or late: everybody is told of it all the same.

Every contract writes and reads at once. Each reader stays connected from before the first fault to
after the last, and must have been told the timeline that the database has; so must whoever comes
back with any cursor.
"""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest

from folkmoot.bus.timeline_order import TimelineOrder
from folkmoot.core.work import OutcomeUnknown, Storage
from folkmoot.realtime.writer import Writer
from folkmoot.storage import open_storage
from folkmoot.storage.sqlite import SqliteSettings
from tests.adapters.adapter import SharedConversation, ShownEvent
from tests.deadlines import WITHIN_S
from tests.faults.company import Company, Reader, company
from tests.faults.timelines import (
    faults_of_telling,
    faults_of_timeline,
    shown,
    stored_timeline,
)
from tests.postgres import ONE_WORKER, PostgresServer, database, postgres
from tests.postgres_proxy import PostgresProxy, postgres_proxy
from tests.running import Server

__all__ = ["database", "postgres"]

CUTS = 24
FREEZES = 2
EVENTS_BETWEEN = 5
RESUMED_FROM = 4
TIME_LIMIT_S = 3.0
"""What the disk is waited for, instead of the seconds that a server waits: it stands still longer
than that, whatever that is."""
LOOP_DISK_BYTES = 64 * 1024 * 1024
FREEZE = "FOLKMOOT_TEST_FREEZE"


# -- what a server is made to suffer ---------------------------------------------------------------


class _FreezingCursor(sqlite3.Cursor):
    """Commits when the disk lets it."""

    def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
        while statement == "COMMIT" and Path(os.environ[FREEZE]).exists():
            time.sleep(0.01)  # polls: another process has the disk
        return super().execute(statement, *arguments)


class _FreezingConnection(sqlite3.Connection):
    def cursor(self, factory: Any = _FreezingCursor) -> Any:
        return super().cursor(factory)


def impatient_storage() -> None:
    """Wait for the disk no longer than `TIME_LIMIT_S`."""
    defaults = SqliteSettings()
    SqliteSettings.__init__.__defaults__ = tuple(  # type: ignore[attr-defined]  # a plain function
        TIME_LIMIT_S if name == "timeout_seconds" else getattr(defaults, name)
        for name in SqliteSettings.__dataclass_fields__
    )


async def _taken_for_a_failure(self: Writer, batch: Any, unknown: OutcomeUnknown) -> None:
    await self._store_singly(batch, unknown)


def freezing_disk() -> None:
    """Have every commit wait for as long as a file is there, and nobody wait long for it."""
    sqlite3.connect = partial(sqlite3.connect, factory=_FreezingConnection)  # type: ignore[assignment]  # in a process of its own
    impatient_storage()


def forgetful_writer() -> None:
    """Take what nobody knows for what did not happen."""
    Writer._find_out = _taken_for_a_failure  # type: ignore[method-assign]  # in a process of its own


def forgetful_writer_on_a_freezing_disk() -> None:
    """Both: what was missed can only be read from storage."""
    forgetful_writer()
    freezing_disk()


def forgetful_server_on_a_freezing_disk() -> None:
    """Nor is anything read that was missed."""
    forgetful_writer_on_a_freezing_disk()
    TimelineOrder.take = lambda order, event: order._tell(event)  # type: ignore[method-assign]  # in a process of its own


# -- the experiment --------------------------------------------------------------------------------


@asynccontextmanager
async def reopened(url: str) -> AsyncIterator[Storage]:
    storage = await open_storage(url)
    try:
        yield storage
    finally:
        await storage.close()


async def resumed(reader: Reader, after: Any) -> list[ShownEvent]:
    """What whoever comes back with a cursor is told."""
    async with reader.contract.enter(reader.client, reader.conversation, after) as connection:
        return await connection.everything()


class Inspection:
    """What is wrong after the faults: asked of the server, and judged by its database."""

    def __init__(self, people: Company) -> None:
        self._people = people
        self._resumed: list[tuple[Reader, int, list[ShownEvent]]] = []

    async def ask(self) -> None:
        """Come back through every contract, with cursors from before, between and after."""
        ends = {
            kind: (await self._end(conversation)).seq
            for kind, conversation in self._people.conversations.items()
        }
        for reader in self._people.readers:
            await reader.heard_up_to(ends[reader.conversation.kind])
            at = range(0, len(reader.heard), max(1, len(reader.heard) // RESUMED_FROM))
            for index in at:
                event = reader.heard[index]
                self._resumed.append((reader, event.seq, await resumed(reader, event.cursor)))
            self._resumed.append((reader, 0, await resumed(reader, 0)))

    async def faults(self, storage: Storage) -> list[str]:
        """All that is wrong."""
        faults = []
        for kind, conversation in self._people.conversations.items():
            timeline = await stored_timeline(storage, conversation.number)
            told = self._people.told(conversation)
            faults += [f"{kind}: {fault}" for fault in faults_of_timeline(timeline, told)]
            wanted = shown(timeline)
            for reader in self._people.readers:
                if reader.conversation != conversation:
                    continue
                wrong = faults_of_telling(wanted, reader.heard)
                if reader.times_connected != 1:
                    wrong.append(f"it was connected {reader.times_connected} times")
                faults += [f"{reader.name}, live: {fault}" for fault in wrong]
            for reader, after, events in self._resumed:
                if reader.conversation == conversation:
                    rest = [entry for entry in wanted if entry[0] > after]
                    wrong = faults_of_telling(rest, events)
                    faults += [f"{reader.name}, after {after}: {fault}" for fault in wrong]
        return faults

    async def _end(self, conversation: SharedConversation) -> ShownEvent:
        """A last message: all that everybody is still to be told comes before it."""
        writer = next(w for w in self._people.writers if w.conversation == conversation)
        return await writer.says_last(f"the end of {conversation.uid}")


async def everybody_is_told_more(people: Company) -> None:
    """Return when everybody was told of something more."""
    for reader in people.readers:
        await reader.heard_up_to(reader.heard[-1].seq + 1 if reader.heard else 1)


async def some_more_is_told(people: Company) -> None:
    """Return when whoever was told most was told of a little more."""
    busy = max(people.readers, key=lambda reader: len(reader.heard))
    await busy.heard_up_to(busy.heard[-1].seq + EVENTS_BETWEEN)


async def somebody_is_refused(people: Company) -> None:
    """Return when a writer was told that the server cannot right now."""
    waiting = [asyncio.ensure_future(writer.unavailable.wait()) for writer in people.writers]
    done, others = await asyncio.wait(
        waiting, timeout=WITHIN_S, return_when=asyncio.FIRST_COMPLETED
    )
    for one in others:
        one.cancel()
    assert done


# -- PostgreSQL, whose connection breaks in the middle of a COMMIT ---------------------------------


@pytest.fixture
def proxy(postgres: PostgresServer) -> Iterator[PostgresProxy]:
    with postgres_proxy(postgres) as proxy:
        yield proxy


async def cut_again_and_again(server: Server, proxy: PostgresProxy, url: str) -> list[str]:
    """What is wrong after `CUTS` answers to COMMIT were lost under load."""
    server.start()
    async with company(server, changes=True) as people:
        inspection = Inspection(people)
        async with people.at_work():
            for number in range(CUTS):
                if number % 6 == 0:
                    await everybody_is_told_more(people)
                await some_more_is_told(people)
                assert await asyncio.to_thread(proxy.cut().wait, WITHIN_S)
            await people.finish()
            await inspection.ask()
    await asyncio.to_thread(server.stop)
    async with reopened(url) as storage:
        return await inspection.faults(storage)


@pytest.mark.fault
@ONE_WORKER
async def test_what_postgresql_committed_is_told_though_its_answer_is_lost(
    tmp_path, postgres, proxy, database
):
    server = Server(tmp_path, "--demo", "--database", proxy.url(database))
    try:
        faults = await cut_again_and_again(server, proxy, postgres.url(database))
    finally:
        server.kill()
    assert faults == []
    assert server.output.count("was stored after all") >= CUTS


# -- SQLite, whose disk stands still ---------------------------------------------------------------


class FreezingDisk(Protocol):
    """What a server writes to, and what stands still when it is to."""

    def freeze(self) -> None:
        """Let nothing more be written; what is begun ends when it can."""

    def thaw(self) -> None:
        """Let everything be written again."""


class Disk:
    """What a server with a `freezing_disk` writes to."""

    def __init__(self, folder: Path) -> None:
        self._frozen = folder / "frozen"

    @property
    def settings(self) -> dict[str, str]:
        return {FREEZE: str(self._frozen)}

    def freeze(self) -> None:
        self._frozen.touch()

    def thaw(self) -> None:
        self._frozen.unlink()


class LoopDisk:
    """A disk in a file, for the data folder of a server in this folder."""

    def __init__(self, folder: Path) -> None:
        self._image, self.folder = folder / "disk.img", folder / "data"
        self.folder.mkdir()
        with self._image.open("wb") as image:
            image.truncate(LOOP_DISK_BYTES)

    def mount(self) -> bool:
        """Whether that can be had here."""
        make = ["mkfs.ext4", "-q", str(self._image)]
        mount = ["mount", "-o", "loop", str(self._image), str(self.folder)]
        return all(map(_succeeds, (make, mount, ["fsfreeze", "--version"])))

    def unmount(self) -> None:
        _succeeds(["fsfreeze", "--unfreeze", str(self.folder)])
        _succeeds(["umount", "--lazy", str(self.folder)])

    def freeze(self) -> None:
        assert _succeeds(["fsfreeze", "--freeze", str(self.folder)])

    def thaw(self) -> None:
        assert _succeeds(["fsfreeze", "--unfreeze", str(self.folder)])


def _succeeds(command: list[str]) -> bool:
    return (
        shutil.which(command[0]) is not None
        and not subprocess.run(command, capture_output=True, check=False).returncode
    )


@pytest.fixture
def loop_disk(tmp_path: Path) -> Iterator[LoopDisk]:
    disk = LoopDisk(tmp_path)
    if os.geteuid() != 0 or not disk.mount():
        pytest.skip("a disk that can be frozen needs the right to mount one from a file")
    yield disk
    disk.unmount()


async def freeze_again_and_again(
    server: Server, disk: FreezingDisk, times: int = FREEZES
) -> list[str]:
    """What is wrong after the disk stood still for longer than anybody waited."""
    server.start()
    async with company(server, changes=True, resend_after_s=WITHIN_S) as people:
        inspection = Inspection(people)
        async with people.at_work():
            for _ in range(times):
                await everybody_is_told_more(people)
                await some_more_is_told(people)
                for writer in people.writers:
                    writer.unavailable.clear()
                disk.freeze()
                try:
                    await somebody_is_refused(people)
                finally:
                    disk.thaw()
            await people.finish()
            await inspection.ask()
    await asyncio.to_thread(server.stop)
    async with reopened(f"sqlite:///{server.data / 'folkmoot.db'}") as storage:
        return await inspection.faults(storage)


@pytest.mark.fault
@pytest.mark.parametrize(
    ("prepare", "times", "said"),
    [
        (freezing_disk, FREEZES, "was stored after all"),
        (forgetful_writer_on_a_freezing_disk, 1, "was told from storage"),
    ],
)
async def test_what_a_disk_keeps_late_is_told(tmp_path, prepare, times, said):
    disk = Disk(tmp_path)
    server = Server(tmp_path, "--demo", prepare=prepare, **disk.settings)
    try:
        faults = await freeze_again_and_again(server, disk, times)
    finally:
        server.kill()
    assert faults == []
    assert server.output.count(said) >= times


@pytest.mark.fault
async def test_what_is_written_once_a_frozen_disk_thaws_is_told(tmp_path, loop_disk):
    server = Server(tmp_path, "--demo", prepare=impatient_storage)
    try:
        faults = await freeze_again_and_again(server, loop_disk, times=1)
    finally:
        server.kill()
    assert faults == []


@pytest.mark.fault
async def test_what_is_stored_after_whoever_sent_it_was_refused_is_told(tmp_path):
    disk = Disk(tmp_path)
    settings = {**disk.settings, "FOLKMOOT_ANSWER_SECONDS": str(TIME_LIMIT_S / 3)}
    server = Server(tmp_path, "--demo", prepare=freezing_disk, **settings)
    try:
        faults = await freeze_again_and_again(server, disk, times=1)
    finally:
        server.kill()
    assert faults == []


# -- the checker itself ----------------------------------------------------------------------------


@pytest.mark.fault
async def test_a_server_that_takes_late_for_never_is_found_out(tmp_path):
    disk = Disk(tmp_path)
    prepare = forgetful_server_on_a_freezing_disk
    server = Server(tmp_path, "--demo", prepare=prepare, **disk.settings)
    try:
        faults = await freeze_again_and_again(server, disk, times=1)
    finally:
        server.kill()
    assert any("never told" in fault for fault in faults)
