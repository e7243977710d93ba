"""What the command line has done: in the running server if there is one, else here.

A server that runs listens at a socket file in its data folder, which only its own account can
open. So `folkmoot account …` works beside it, and the sockets of a login that it ends close.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.server import account_commands
from folkmoot.server.account_commands import NOTED, ControlAnswer, ControlCommand
from folkmoot.server.errors import StartRefused
from folkmoot.server.settings import Settings
from folkmoot.server.wiring import Components, opened

FILE_NAME = "control.sock"
MAX_LINE_BYTES = 64 * 1024
MAX_ANSWER_BYTES = 4 * 1024 * 1024
WITHIN_SECONDS = 30.0
_log = logging.getLogger(__name__)


class _ControlRequest(msgspec.Struct):
    command: str
    arguments: dict[str, str]


class _ControlResult(msgspec.Struct):
    said: str
    is_refused: bool
    data: Any = None


async def check(components: Components) -> ControlAnswer:
    """See that the database can be written, and count what is in it."""
    await components.services.storage.check()
    count = await components.services.storage.read(lambda work: work.accounts.count())
    failures = "".join(f"; {one.explained}" for one in components.readiness.health.failures())
    return ControlAnswer(f"can be written, and has {count} accounts{failures}")


COMMANDS: Mapping[str, ControlCommand] = {"check": check, **account_commands.COMMANDS}


def run(settings: Settings, command: str, **arguments: str) -> ControlAnswer:
    """What a command says it did.

    Raises:
        StartRefused: it was refused, or the data cannot be opened; the message says why.
    """
    return uvloop.run(_run(settings, _ControlRequest(command, arguments)))


def is_served(settings: Settings) -> bool:
    """Whether a server runs on this data folder."""
    return (
        asyncio.run(_asked(settings.data.absolute() / FILE_NAME, _ControlRequest("check", {})))
        is not None
    )


async def _run(settings: Settings, request: _ControlRequest) -> ControlAnswer:
    outcome = await _asked(settings.data.absolute() / FILE_NAME, request)
    if outcome is None:
        async with opened(settings) as components:
            outcome = await _done(components, request)
    if outcome.is_refused:
        raise StartRefused(outcome.said)
    return ControlAnswer(outcome.said, msgspec.to_builtins(outcome.data))


async def _asked(path: Path, request: _ControlRequest) -> _ControlResult | None:
    """What the server at this socket file says; ``None`` if none is there."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(path), limit=MAX_ANSWER_BYTES)
    except OSError:
        return None
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            writer.write(msgspec.json.encode(request) + b"\n")
            await writer.drain()
            return msgspec.json.decode(await reader.readline(), type=_ControlResult)
    except (OSError, TimeoutError, msgspec.DecodeError):
        return _ControlResult("The running server did not answer; see its log.", is_refused=True)
    finally:
        writer.close()


def told(refusal: Exception) -> str:
    """Why something was refused, for whoever runs the server: which part is away, too, and why."""
    if isinstance(refusal, Unavailable):
        return f"{refusal} ({refusal.explained})"
    return str(refusal)


async def _done(components: Components, request: _ControlRequest) -> _ControlResult:
    who = request.arguments.get("username")
    role = request.arguments.get("role")
    command = COMMANDS.get(request.command)
    if command is None:
        said = "The running server knows no such command; it is of another version."
        return _ControlResult(said, is_refused=True)
    try:
        done = await command(components, **request.arguments)
    except (Refusal, Unavailable) as refusal:
        what = f"{NOTED.get(request.command, request.command)} refused"
        components.audit.note(what, account=who, by="operator", reason=refusal.code)
        return _ControlResult(told(refusal), is_refused=True)
    if request.command in NOTED:
        components.audit.note(NOTED[request.command], account=who, by="operator", role=role)
    return _ControlResult(done.said, is_refused=False, data=done.data)


@asynccontextmanager
async def served(components: Components, settings: Settings) -> AsyncIterator[None]:
    """Take commands at the socket file of the data folder for as long as the server runs."""
    path = settings.data.absolute() / FILE_NAME

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                request = msgspec.json.decode(await reader.readline(), type=_ControlRequest)
                writer.write(msgspec.json.encode(await _done(components, request)) + b"\n")
                await writer.drain()
        except Exception:
            _log.exception("a control command failed")
        finally:
            writer.close()

    with suppress(FileNotFoundError):
        path.unlink()  # Left behind by a server that was killed: nobody answers there.
    try:
        server = await asyncio.start_unix_server(take, path=str(path), limit=MAX_LINE_BYTES)
    except OSError as error:
        _log.warning("no commands can be run beside this server: %s", error)
        yield
        return
    path.chmod(0o600)
    try:
        yield
    finally:
        server.close()
        with suppress(FileNotFoundError):
            path.unlink()
