"""`folkmoot doctor`: is everything here as a server needs it?"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import assert_never

from rich.console import Console

from folkmoot.bots.pages.reading import pages_in
from folkmoot.core.conversations.reach import ContactPolicy
from folkmoot.core.shared.refusals import Unavailable
from folkmoot.server import control_socket, running
from folkmoot.server.answerers import model_of
from folkmoot.server.data_folder import prepare_data_folder
from folkmoot.server.errors import StartRefused
from folkmoot.server.http.process import listen
from folkmoot.server.ops import open_files
from folkmoot.server.settings import Settings
from folkmoot.server.system import SystemClock
from folkmoot.server.wiring import file_store_of, opened_issuers

OWN_OPEN_FILES = 100
"""What the server itself has open at most, beside its connections."""
FEWEST_OPEN_FILES, FEW_OPEN_FILES = 2 * OWN_OPEN_FILES, 4096
MOST_NAMED = 10
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)

Finding = str
"""What is well, in a few words; what is not, is raised as `StartRefused`."""


def examine(settings: Settings, *, deep: bool = False) -> int:
    """Print the settings and what was found; the exit code, 0 if a server can run here.

    A ``deep`` look reads the whole database and lists all files: it takes as long as they are
    many, and reads none of the files.
    """
    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.print("Settings")
    for name, value in settings.shown().items():
        console.print(f"  {name} = {value}")
    console.print("Checks")
    checks: list[tuple[str, Callable[[Settings], Finding]]] = [
        ("data folder", _data_folder),
        ("database", _database),
        ("files", _files),
        ("assistant", _assistant),
        ("contact", _contact),
        ("port", _port),
        ("clock", _clock),
        ("open files", _open_files),
    ]
    if settings.issuers:
        checks.append(("issuers", _issuers))
    if deep:
        checks += [("every row of the database", _every_row), ("every file", _every_file)]
    faults = 0
    for name, check in checks:
        try:
            console.print(f"  ok     {name}: {check(settings)}")
        except (StartRefused, Unavailable) as error:
            faults += 1
            console.print(f"  WRONG  {name}: {control_socket.told(error)}")
    return 1 if faults else 0


def _data_folder(settings: Settings) -> Finding:
    prepare_data_folder(settings)
    return f"{settings.data.absolute()} can be written"


def _database(settings: Settings) -> Finding:
    return control_socket.run(settings, "check").said


def _every_row(settings: Settings) -> Finding:
    if faults := running.examine(settings):
        raise StartRefused(f"{'; '.join(faults)}. Stop the server, and restore a backup.")
    return "whole"


def _every_file(settings: Settings) -> Finding:
    found = running.examine_stored_files(settings)
    faults = [
        f"{_named(keys)} {what}"
        for keys, what in (
            (found.missing, "that a row of the database names, cannot be found"),
            (found.other_sizes, "not as long as the database says"),
        )
        if keys
    ]
    if faults:
        raise StartRefused(f"{'; '.join(faults)}. Take them from a backup of the files.")
    loose = f"; files that no row names, and a server removes: {found.unknown}"
    whole = f"all {found.named} are there" if found.named else "no row names one"
    return whole + loose if found.unknown else whole


def _named(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else ""
    return f"{len(keys)} ({', '.join(keys[:MOST_NAMED])}{more})"


def _files(settings: Settings) -> Finding:
    store, _ = file_store_of(settings)
    store.check()
    return f"can be kept in {store.name}"


def _assistant(settings: Settings) -> Finding:
    model = model_of(settings)
    answers = f"{model.model} answers" if model else "answers without a model"
    pages = {folder: len(pages_in(folder)[0]) for folder in settings.assistant_pages}
    if empty := [folder for folder, count in pages.items() if not count]:
        return f"{answers}; there are no pages in {', '.join(empty)}"
    return f"{answers}, from {sum(pages.values())} pages" if pages else answers


def _issuers(settings: Settings) -> Finding:
    if faults := asyncio.run(_faults_of_issuers(settings)):
        reasons = (f"the keys of {name} cannot be had: {why}" for name, why in faults.items())
        raise StartRefused(f"{'; '.join(reasons)}.")
    return ", ".join(f"{one.issuer}, {one.settings.how}" for one in settings.issuers)


async def _faults_of_issuers(settings: Settings) -> Mapping[str, str]:
    async with opened_issuers(settings) as issuers:
        return {} if issuers is None else await issuers.examine()


def _contact(settings: Settings) -> Finding:
    match settings.contact:
        case ContactPolicy.ANYONE:
            return (
                "anyone who registers can begin with everybody, and find out who is here; "
                "where strangers can register, FOLKMOOT_CONTACT=known is better"
            )
        case ContactPolicy.KNOWN:
            return "accounts begin with friends, staff, and people they share a conversation with"
        case ContactPolicy.STAFF:
            return "accounts begin with staff only"
        case _:
            assert_never(settings.contact)


def _port(settings: Settings) -> Finding:
    if control_socket.is_served(settings):
        return "a server of this data folder is running"
    listen(settings.host, settings.port).close()
    return f"{settings.port} on {settings.host} is free"


def _clock(settings: Settings) -> Finding:
    del settings
    now = SystemClock().now()
    if now < EARLIEST:
        raise StartRefused(
            f"It says {now:%Y-%m-%d %H:%M:%S} UTC, which is before this program was written: "
            "set it, or tokens and times will be wrong."
        )
    return f"{now:%Y-%m-%d %H:%M:%S} UTC"


def _open_files(settings: Settings) -> Finding:
    del settings
    most = open_files.raise_limit()
    if most is None:
        return "without limit"
    if most < FEWEST_OPEN_FILES:
        raise StartRefused(
            f"The machine allows {most} at once, of which a server itself needs {OWN_OPEN_FILES}: "
            "raise the hard limit (ulimit -Hn, or LimitNOFILE= of the service)."
        )
    if most < FEW_OPEN_FILES:
        return (
            f"up to {most}, too little for more than {most - OWN_OPEN_FILES} connections: for "
            "more, raise the hard limit (ulimit -Hn, or LimitNOFILE= of the service)"
        )
    return f"up to {most}"
