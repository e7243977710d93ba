"""Starting and ending a server."""

import asyncio
import gc
import logging
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvloop

from folkmoot.core.messages.model import KeptFile
from folkmoot.core.shared.ids import Uid
from folkmoot.files.examination import FilesExamined, examine_files
from folkmoot.files.service import STALE_AFTER
from folkmoot.files.stores import THUMBNAIL
from folkmoot.server import control_socket, demo
from folkmoot.server.data_folder import prepare_data_folder
from folkmoot.server.errors import StartRefused
from folkmoot.server.http.application import application
from folkmoot.server.http.process import Process, config_of, listen
from folkmoot.server.ops import memory, open_files
from folkmoot.server.ops.log_setup import OwnLog, set_up_logging
from folkmoot.server.ops.word_upkeep import renew_words
from folkmoot.server.settings import Settings
from folkmoot.server.system import SystemClock
from folkmoot.server.wiring import Components, file_store_of, opened
from folkmoot.storage import examine as examine_storage
from folkmoot.storage import kept_files
from folkmoot.storage import migrate as migrate_storage
from folkmoot.storage.errors import Unusable

SWITCH_SECONDS = 0.0002
_log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Serve until a signal says to stop.

    Raises:
        StartRefused: it cannot start; nothing was served.
    """
    memory.prepare()
    open_files.raise_limit()
    made_private = prepare_data_folder(settings)
    own_log = set_up_logging(
        level=settings.log_level,
        form=settings.log_format,
        access_log=settings.access_log,
        folder=settings.own_logs,
    )
    # The storage threads need the interpreter's lock for moments only, but often: with the usual
    # 5 ms, a busy event loop would make every one of those moments wait that long.
    sys.setswitchinterval(SWITCH_SECONDS)
    with ExitStack() as listening:
        listener = listening.enter_context(listen(settings.host, settings.port))
        metrics_at = _metrics_listener(settings)
        if metrics_at is not None:
            listening.enter_context(metrics_at)
        uvloop.run(_serve(settings, listener, metrics_at, own_log, made_private))


async def _serve(
    settings: Settings,
    listener: socket.socket,
    metrics_at: socket.socket | None,
    own_log: OwnLog,
    made_private: Sequence[Path],
) -> None:
    async with opened(settings, own_log, serves=True) as components:
        for path in made_private:
            _log.warning("%s could be read by others, and is private now", path)
        if settings.demo:
            await demo.fill(components.services, components.passwords)
        app = application(settings, components)
        process = Process(config_of(app, settings), lambda: _say_goodbye(components))
        async with AsyncExitStack() as running:
            for live_side in components.live_sides:
                if live_side.running is not None:
                    await running.enter_async_context(live_side.running())
            if metrics_at is not None:
                await running.enter_async_context(
                    _metrics_served(components, app.state.refusals, settings, metrics_at)
                )
            await running.enter_async_context(control_socket.served(components, settings))
            _announce(settings, listener.getsockname()[1])
            components.audit.note("server started", by="operator", **_set_up(settings))
            if settings.assistant_logs:
                # So that nobody has to wait for the first answer from them.
                components.services.background_tasks.begin(components.logs.refresh())
            components.services.background_tasks.begin(components.pages.refresh())
            components.services.background_tasks.begin(components.services.authenticator.prepare())
            components.services.background_tasks.begin(renew_words(components.storage))
            # What is there by now stays: a full collection need not walk through it each time,
            # with everybody waiting.
            gc.collect()
            gc.freeze()
            await process.serve(sockets=[listener])
            components.audit.note("server stopped", by="operator")


# Prometheus' client is imported where somebody asks for metrics: a start costs less without it.


def _metrics_listener(settings: Settings) -> socket.socket | None:
    if settings.metrics_address is None:
        return None
    from folkmoot.server.http import metrics_port

    return metrics_port.listener_of(settings)


def _metrics_served(
    components: Components,
    http_refusals: Mapping[str, int],
    settings: Settings,
    listener: socket.socket,
) -> AbstractAsyncContextManager[None]:
    from folkmoot.server.http import metrics_port
    from folkmoot.server.ops.metrics import Measured

    measured = Measured(
        components.services,
        components.storage,
        components.readiness,
        components.assistant,
        components.tasks,
        http_refusals,
    )
    return metrics_port.served(measured, settings, listener)


async def _say_goodbye(components: Components) -> None:
    """Finish what was begun, so that every acknowledgement is out before the sockets close."""
    await components.services.receipts.flush()
    await components.services.writer.stop()
    # One turn for the answers to reach the outboxes, one for those to be written.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for live_side in components.live_sides:
        if live_side.shut_down is not None:
            live_side.shut_down()


def _set_up(settings: Settings) -> dict[str, Any]:
    """The settings that are not as they come, as text, their secrets hidden."""
    given = settings.model_dump(mode="json", exclude_defaults=True)
    return {f"setting_{name}": str(value) for name, value in given.items()}


def _announce(settings: Settings, port: int) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{port}"
    lines = [
        f"{settings.title} serves on {url}",
        f"  chat page   {url}/static/chat.html",
        f"  REST        {url}/docs",
        f"  sockets     {url}/asyncapi",
    ]
    if settings.demo:
        lines.append("  demo logins (their passwords are public: never leave this open to others)")
        lines += [f"    {one.username} / {one.password}" for one in demo.CAST]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    if not settings.limits:
        _log.warning("rates and connection counts are not limited (FOLKMOOT_LIMITS=off)")
    if settings.sqlite_synchronous == "NORMAL":
        _log.warning("synchronous=NORMAL: acknowledged messages may be lost on a power cut")


def migrate(settings: Settings) -> None:
    """Bring the database to this version's form.

    Raises:
        StartRefused: it cannot be.
    """
    prepare_data_folder(settings)
    try:
        asyncio.run(migrate_storage(settings.database_url))
    except Unusable as error:
        raise StartRefused(str(error)) from error


def examine_stored_files(settings: Settings) -> FilesExamined:
    """What of the stored files is not as the database says, beside any server.

    Raises:
        StartRefused: the database cannot be looked into, or there is no such store.
        FilesUnavailable: the store cannot be listed.
    """
    store, _ = file_store_of(settings)
    found = examine_files(_kept_files(settings), store, SystemClock().now() - STALE_AFTER)
    if not found.missing:
        return found
    # A row that went meanwhile took its file along.
    still = _kept_files(settings)
    missing = [key for key in found.missing if Uid(key.removesuffix(THUMBNAIL)) in still]
    return replace(found, missing=missing)


def _kept_files(settings: Settings) -> Mapping[Uid, KeptFile]:
    try:
        return asyncio.run(kept_files(settings.database_url))
    except Unusable as error:
        raise StartRefused(str(error)) from error


def examine(settings: Settings) -> Sequence[str]:
    """What is damaged in the database, a sentence each; all of it is read, beside any server.

    Raises:
        StartRefused: it cannot be looked into.
    """
    try:
        return asyncio.run(examine_storage(settings.database_url))
    except Unusable as error:
        raise StartRefused(str(error)) from error
