"""The data folder: private to its owner, and kept together with the database that belongs to it."""

import asyncio
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from folkmoot.auth.signing import FILE_NAME as SECRET
from folkmoot.core.shared.refusals import Unavailable
from folkmoot.core.work import DatabaseMark, Storage
from folkmoot.server.errors import StartRefused
from folkmoot.server.settings import Settings

IDENTITY: Final = "identity"
HIGH_WATER: Final = "high-water"
MARK_SECONDS: Final = 1.0
_OURS: Final = frozenset({SECRET, IDENTITY, "folkmoot.db", "logs", "lost+found"})
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_SQLITE_ENDINGS: Final = ("", "-wal", "-shm", ".lock")
_log = logging.getLogger(__name__)


def prepare_data_folder(settings: Settings) -> list[Path]:
    """Make the data folder, for its owner only, and see that it can be written.

    What others could read in it is made private, and the files of an SQLite database elsewhere;
    returned is what was.

    Raises:
        StartRefused: it cannot be, or it holds what belongs to something else.
    """
    folder = settings.data.absolute()
    probe = folder / ".writable"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made_private = [folder] if _close_to_others(folder) else []
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise StartRefused(
            f"The data folder {folder} cannot be written ({error.strerror or error}): "
            "give this account the right to, or choose another with --data."
        ) from error
    files = (*_files_in(folder), *_database_files(settings))
    return made_private + [file for file in files if _make_private(file)]


def _close_to_others(folder: Path) -> bool:
    """Take everybody else's rights on the folder; whether there were any.

    Where another account owns it, as a volume that is shared by a group, each file in it is
    private; but whoever can write there could exchange them.
    """
    mode = folder.stat()
    if not mode.st_mode & _OTHERS:
        return False
    if mode.st_uid != os.geteuid():
        if mode.st_mode & stat.S_IWOTH:
            raise StartRefused(f"Everybody can write in the data folder {folder}: {_CHOOSE}")
        return False
    names = {one.name for one in folder.iterdir()}
    if names and not names & _OURS:
        raise StartRefused(
            f"The data folder {folder} can be read by others, and holds what is not folkmoot's: "
            f"{_CHOOSE}"
        )
    folder.chmod(0o700)
    return True


_CHOOSE: Final = "make it private (chmod 700), or choose another with --data."


def _files_in(folder: Path) -> Iterator[Path]:
    """What lies in the folder, and in the folder of files; not what a link leads to."""
    for one in folder.iterdir():
        if not one.is_symlink():
            yield one


def _database_files(settings: Settings) -> Iterator[Path]:
    path = settings.sqlite_path
    if path is not None:
        real = path.resolve()
        yield from (real.with_name(f"{real.name}{ending}") for ending in _SQLITE_ENDINGS)


def _make_private(file: Path) -> bool:
    """Take others' rights on a file or folder of ours; whether there were any.

    Raises:
        StartRefused: another account owns it, and everybody may read or write it.
    """
    with suppress(FileNotFoundError):
        status = file.stat()
        if not status.st_mode & _OTHERS:
            return False
        if status.st_uid == os.geteuid():
            file.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)
            return True
        if status.st_mode & stat.S_IRWXO:
            raise StartRefused(
                f"Others may read {file}, which another account owns: make it private (chmod o=)."
            )
    return False


async def check_belongs_together(settings: Settings, storage: Storage) -> None:
    """See that this is the database that the keys in the data folder were made for.

    Tokens name accounts by number: with another database behind the same keys, old tokens would
    be good for new people. Where no database is noted yet, this one is. A database that has less
    than it had is used, and the loss is said in the log.

    Raises:
        StartRefused: it is another one, or empty.
    """
    mark = await storage.read(lambda work: work.mark())
    folder = settings.data.absolute()
    known = await asyncio.to_thread(_noted, folder / IDENTITY)
    if known is None:
        await asyncio.to_thread(_note, folder / IDENTITY, mark.uid)
    elif known != mark.uid:
        state = "is empty" if mark.newest_message == 0 else "is another one"
        raise StartRefused(
            f"The data folder {folder} belongs to a database, and the one that was opened {state}: "
            f"restore the one that belongs to it. To begin anew with this one, move {IDENTITY} and "
            f"{SECRET} out of the folder first, or set another FOLKMOOT_SECRET, so that old logins "
            "are good for nobody."
        )
    if lost := await asyncio.to_thread(_missing, folder / HIGH_WATER, mark):
        _log.error(
            "THE DATABASE HAS LOST MESSAGES: it ends with message number %d, and a server of this "
            "data folder had acknowledged number %d. An older copy was restored, or its log "
            "(-wal) is gone: if that was not meant, stop, and restore the newest copy",
            mark.newest_message,
            mark.newest_message + lost,
        )


class HighWaterMark:
    """How far the database had got, noted outside it, so that a loss is noticed at the next start.

    It is a second behind, and waits for no disk: what a power cut takes from it is noticed by
    nobody, what a lost or exchanged database file does is.
    """

    def __init__(self, settings: Settings, storage: Storage) -> None:
        self._path = settings.data.absolute() / HIGH_WATER
        self._storage = storage
        self._noted = -1

    async def run(self) -> None:
        """Note it once a second where it has moved, until cancelled."""
        while True:
            with suppress(Unavailable, OSError):
                await self.note()
            await asyncio.sleep(MARK_SECONDS)

    async def note(self) -> None:
        """Note how far the database has got, if it has moved since."""
        mark = await self._storage.read(lambda work: work.mark())
        if mark.newest_message != self._noted:
            await asyncio.to_thread(_note_number, self._path, mark.newest_message)
            self._noted = mark.newest_message


def loss(settings: Settings, mark: DatabaseMark) -> int:
    """How many messages the database had once that it does not have now."""
    return _missing(settings.data.absolute() / HIGH_WATER, mark)


def _missing(path: Path, mark: DatabaseMark) -> int:
    noted = _noted(path) or ""
    number = int(noted) if noted.isascii() and noted.isdigit() and len(noted) <= 20 else 0
    return max(0, number - mark.newest_message)


def _noted(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip() or None
    except FileNotFoundError:
        return None


def _note(path: Path, text: str) -> None:
    """Write a small file so that it is whole on disk or not there at all."""
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, f"{text}\n".encode("ascii"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(path)


def _note_number(path: Path, number: int) -> None:
    """Twenty digits in one write: never half of one number and half of another."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(descriptor, f"{number:020}\n".encode("ascii"), 0)
    finally:
        os.close(descriptor)
