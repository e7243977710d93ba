"""Which implementation stands behind each port, and how the parts of a server are put together."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from folkmoot.auth.authenticator import Authenticator, Origins
from folkmoot.auth.common_passwords import common_passwords
from folkmoot.auth.email_changes import EmailTokens, Mailer, NoMailer
from folkmoot.auth.issuers import Issuers
from folkmoot.auth.login_limits import AuthRates, LoginRateLimiter
from folkmoot.auth.logins import Lifetimes, Logins
from folkmoot.auth.passwords import Passwords
from folkmoot.auth.signing import WeakSecret, load_secret
from folkmoot.auth.tokens import AccessTokens
from folkmoot.bots.answerer import Answerer
from folkmoot.bots.assistant import Assistant, AssistantBounds
from folkmoot.bots.commands import Commands
from folkmoot.bots.ephemeral_notices import EphemeralNotices
from folkmoot.bots.logs.index import Logs
from folkmoot.bots.pages.index import Pages
from folkmoot.bots.research import Research
from folkmoot.bus.memory import MemoryBus
from folkmoot.bus.memory_presence import MemoryPresence
from folkmoot.bus.port import Bus
from folkmoot.bus.subscribers import Consumer, Projection, Publisher
from folkmoot.contracts.catalogue import CONTRACTS
from folkmoot.core.accounts.service import Accounts
from folkmoot.core.conversations.desk import Desks
from folkmoot.core.conversations.reach import Reach
from folkmoot.core.conversations.receipts import Watermarks
from folkmoot.core.conversations.service import Conversations
from folkmoot.core.endings import Endings
from folkmoot.core.messages.answers import Answers
from folkmoot.core.messages.owed_answers import ANSWER
from folkmoot.core.messages.posting import Posting
from folkmoot.core.messages.service import Messages
from folkmoot.core.messages.uploads import Quota, Uploads
from folkmoot.core.shared.health import Health
from folkmoot.core.shared.rates import Rate
from folkmoot.core.shared.refusals import ServerPart
from folkmoot.core.social.friends import Friends
from folkmoot.core.social.service import Social
from folkmoot.core.work import Storage
from folkmoot.files.errors import FileStoreInvalid
from folkmoot.files.service import FileBounds, Files
from folkmoot.files.stores import FileStore, open_file_store
from folkmoot.files.thumbnails import Thumbnails
from folkmoot.kit.contract import Environment, LiveSide
from folkmoot.realtime.entrance import Entrance, EntranceSettings
from folkmoot.realtime.heartbeat import Heartbeat
from folkmoot.realtime.hub import Hub
from folkmoot.realtime.intentions import Allowance, Slot
from folkmoot.realtime.outbox import SlowReaders, Tick
from folkmoot.realtime.receipts import Receipts
from folkmoot.realtime.services import Services
from folkmoot.realtime.writer import Writer
from folkmoot.server.answerers import answerer_of
from folkmoot.server.data_folder import (
    HighWaterMark,
    check_belongs_together,
    prepare_data_folder,
)
from folkmoot.server.errors import StartRefused
from folkmoot.server.ops.audit import AuditConsumer, AuditTrail
from folkmoot.server.ops.health import Check, Readiness, check_lines, log_notice
from folkmoot.server.ops.log_rates import tell_every_minute
from folkmoot.server.ops.log_setup import OwnLog
from folkmoot.server.ops.memory import MemoryReturn
from folkmoot.server.programs.mail import MailCommand
from folkmoot.server.settings import Settings
from folkmoot.server.sources import opened_logs, opened_pages
from folkmoot.server.system import SystemClock, SystemIds, first_connection_id
from folkmoot.storage import lock_storage, open_storage
from folkmoot.storage.errors import Unusable
from folkmoot.storage.postgres_settings import PostgresSettings
from folkmoot.storage.reporting import ReportingStorage
from folkmoot.storage.sqlite import SqliteSettings
from folkmoot.tasks.runner import TaskRunner

if TYPE_CHECKING:
    from folkmoot.storage.postgres_lock import PostgresLock


@dataclass(frozen=True, slots=True)
class Components:
    """The services, and what belongs to a server but is not every contract's business."""

    services: Services
    logins: Logins
    passwords: Passwords
    endings: Endings
    logs: Logs
    pages: Pages
    assistant: Assistant
    tasks: TaskRunner
    audit: AuditTrail
    leaving_out: tuple[Callable[[], None], ...]
    """What has left out lines or entries, and says how many."""
    live_sides: tuple[LiveSide, ...]
    readiness: Readiness
    storage: ReportingStorage
    high_water: HighWaterMark | None


@dataclass(frozen=True, slots=True)
class _Resources:
    """What a server works with and lets go of in the end."""

    storage: ReportingStorage
    health: Health
    issuers: Issuers | None
    answerer: Answerer
    logs: Logs
    pages: Pages
    audit: AuditTrail


@asynccontextmanager
async def opened(
    settings: Settings, own_log: OwnLog | None = None, *, serves: bool = False
) -> AsyncIterator[Components]:
    """A server at work: its storage open, its tasks running, all of it ended in order.

    One that ``serves`` clients has its database to itself; a command may work beside it.

    Raises:
        StartRefused: something about the settings or the machine keeps it from opening, or
            another server has taken the database.
    """
    prepare_data_folder(settings)
    secret = _secret_of(settings)
    async with AsyncExitStack() as ending:
        try:
            lock = await lock_storage(settings.database_url) if serves else None
            if lock is not None:
                ending.push_async_callback(lock.release)
            storage = await _storage_of(settings, lock)
        except Unusable as error:
            raise StartRefused(str(error)) from error
        ending.push_async_callback(storage.close)
        if not settings.keeps_nothing:
            await check_belongs_together(settings, storage)
        means = await ending.enter_async_context(_means(settings, storage))
        components = _assembled(settings, means, secret, own_log)
        async with _at_work(components, lock, serves=serves):
            yield components


async def _storage_of(settings: Settings, lock: "PostgresLock | None") -> Storage:
    seconds = settings.answer_seconds
    return await open_storage(
        settings.database_url,
        sqlite=SqliteSettings(
            synchronous=settings.sqlite_synchronous,
            max_waiting_reads=settings.max_waiting_reads,
            answer_seconds=seconds,
        ),
        postgres=PostgresSettings(max_waiting=settings.max_waiting_reads, answer_seconds=seconds),
        lock=lock,
    )


@asynccontextmanager
async def _means(settings: Settings, storage: Storage) -> AsyncIterator[_Resources]:
    health = Health(SystemClock().now, log_notice)
    answerer = answerer_of(settings, health)
    audit = AuditTrail(settings.own_logs, SystemClock())
    try:
        async with (
            opened_issuers(settings, health) as issuers,
            opened_logs(settings, health) as logs,
            opened_pages(settings, health) as pages,
        ):
            reporting = ReportingStorage(storage, health)
            yield _Resources(reporting, health, issuers, answerer, logs, pages, audit)
    finally:
        audit.close()


@asynccontextmanager
async def opened_issuers(
    settings: Settings, health: Health | None = None
) -> AsyncIterator[Issuers | None]:
    """The outside issuers that are set; without any, nothing that asks them is even imported."""
    if not settings.issuers:
        yield None
        return
    import httpx2

    async with httpx2.AsyncClient(follow_redirects=False) as client:
        believed = [one.settings for one in settings.issuers]
        yield Issuers(believed, SystemClock(), client, health=health)


def _secret_of(settings: Settings) -> bytes:
    given = settings.secret.get_secret_value() if settings.secret else None
    try:
        return load_secret(settings.data.absolute(), given)
    except WeakSecret as error:
        raise StartRefused(str(error)) from error
    except OSError as error:
        raise StartRefused(
            f"The signing secret in {settings.data.absolute()} cannot be kept "
            f"({error.strerror or error}): check the folder's rights."
        ) from error


def _assembled(
    settings: Settings, means: _Resources, secret: bytes, own_log: OwnLog | None
) -> Components:
    clock, ids, storage = SystemClock(), SystemIds(), means.storage
    accounts = Accounts(clock, ids)
    conversations = Conversations(clock, ids, asks_blockers=settings.ask_blockers)
    bus, marks, passwords = MemoryBus(), Watermarks(clock), Passwords()
    store = file_store_of(settings, means.health)
    publisher = Publisher(bus.publish)
    writer = _writer(settings, storage, publisher, bus)
    receipts = Receipts(writer, marks)
    presence = MemoryPresence(publisher.publish, time.monotonic)
    projections = _projections(bus)
    hub = Hub(bus, presence, receipts, time.monotonic, first_id=first_connection_id())
    tokens = AccessTokens(secret, clock, life=timedelta(minutes=settings.access_token_minutes))
    services = Services(
        clock=clock,
        ids=ids,
        authenticator=_authenticator(settings, means, accounts, tokens, writer),
        accounts=accounts,
        social=Social(clock),
        reach=Reach(accounts, settings.contact),
        conversations=conversations,
        messages=Messages(clock, max_chars=settings.max_content_chars),
        files=_files(settings, means, store, writer),
        logs=means.logs,
        pages=means.pages,
        storage=storage,
        writer=writer,
        bus=bus,
        publish=publisher.publish,
        friends=Friends(clock, ids),
        desks=Desks(clock, ids, max_open=_max_open_sessions(settings)),
        marks=marks,
        receipts=receipts,
        hub=hub,
        presence=presence,
        entrance=Entrance(entrance_settings(settings), time.monotonic),
        tick=Tick(),
        slow_readers=SlowReaders(max_bytes=settings.max_outbox_bytes),
        audit=means.audit,
    )
    logins = _logins(settings, services, tokens, passwords, means.audit, secret)
    assistant = _assistant(settings, services, means.answerer)
    tasks = _task_runner(settings, services, assistant)
    _register(publisher, _audit(settings, services, means), assistant, tasks)
    live_sides = _live_sides(settings, services, assistant, projections)
    return Components(
        services,
        logins,
        passwords,
        _endings(services),
        means.logs,
        means.pages,
        assistant,
        tasks,
        means.audit,
        _leaving_out(means, own_log),
        live_sides,
        _readiness(means, store[0], own_log, writer),
        means.storage,
        None if settings.keeps_nothing else HighWaterMark(settings, storage),
    )


def _audit(settings: Settings, services: Services, means: _Resources) -> AuditConsumer:
    return AuditConsumer(services, means.audit, with_messages=settings.audit_messages)


def _leaving_out(means: _Resources, own_log: OwnLog | None) -> tuple[Callable[[], None], ...]:
    return (means.audit.tell,) if own_log is None else (means.audit.tell, own_log.rates.tell)


def _writer(settings: Settings, storage: Storage, publisher: Publisher, bus: Bus) -> Writer:
    return Writer(
        storage,
        Posting(SystemClock(), SystemIds()),
        publisher.publish,
        announce_again=bus.publish,
        answer_seconds=settings.answer_seconds,
    )


def _endings(services: Services) -> Endings:
    parts = (services.conversations, services.desks, services.friends, services.social)
    return Endings(services.accounts, *parts)


def _task_runner(settings: Settings, services: Services, assistant: Assistant) -> TaskRunner:
    # The same when the server is started again.
    holder = f"{socket.gethostname()}:{settings.data.absolute()}"
    runner = TaskRunner(services.writer.write, services.clock, holder=holder)
    runner.register(ANSWER, assistant.handle, at_once=assistant.bounds.at_once)
    return runner


def _logins(
    settings: Settings,
    services: Services,
    tokens: AccessTokens,
    passwords: Passwords,
    audit: AuditTrail,
    secret: bytes,
) -> Logins:
    mailer: Mailer = NoMailer()
    if settings.mail_command is not None:
        tasks = services.background_tasks
        mailer = MailCommand(settings.mail_command, settings.mail_from, tasks)
    return Logins(
        storage=services.storage,
        write=services.writer.write,
        accounts=services.accounts,
        clock=services.clock,
        ids=services.ids,
        tokens=tokens,
        passwords=passwords,
        login_rates=LoginRateLimiter(_auth_rates(settings)),
        email_tokens=EmailTokens(secret, services.clock),
        mailer=mailer,
        lifetimes=Lifetimes(login=timedelta(days=settings.refresh_token_days)),
        audit=audit,
    )


def _authenticator(
    settings: Settings,
    means: _Resources,
    accounts: Accounts,
    tokens: AccessTokens,
    writer: Writer,
) -> Authenticator:
    clock = SystemClock()
    return Authenticator(
        storage=means.storage,
        write=writer.write,
        accounts=accounts,
        clock=clock,
        tokens=tokens,
        origins=Origins(settings.allowed_origins),
        issuers=means.issuers,
    )


def _projections(bus: Bus) -> dict[str, Projection]:
    """What each contract keeps up with events: before the hub, which shows what they know."""
    return {one.name: one.projection(bus) for one in CONTRACTS if one.projection is not None}


def _live_sides(
    settings: Settings,
    services: Services,
    assistant: Assistant,
    projections: Mapping[str, Projection],
) -> tuple[LiveSide, ...]:
    given = Environment(
        services=services,
        max_frame_bytes=settings.max_frame_bytes,
        max_outbox_bytes=settings.max_outbox_bytes,
        cancel_answer=assistant.cancel,
    )
    return tuple(
        contract.open(replace(given, projection=projections.get(contract.name)))
        for contract in CONTRACTS
        if contract.open is not None
    )


def _register(publisher: Publisher, *consumers: Consumer) -> None:
    for consumer in consumers:
        publisher.register(consumer)


def _assistant(settings: Settings, services: Services, answerer: Answerer) -> Assistant:
    """The assistant, and commands: both tell one account alone what is not kept."""
    notices = EphemeralNotices(services.clock, services.ids)
    services.command_handlers.append(Commands(services, notices))
    answers = Answers(services.clock, services.ids, max_chars=settings.max_content_chars)
    research = Research(
        services.storage,
        services.logs,
        services.pages,
        answers,
        max_tokens=settings.assistant_max_context_tokens,
    )
    bounds = AssistantBounds(at_once=settings.assistant_at_once, seconds=settings.assistant_seconds)
    return Assistant(services, answers, answerer, research, notices, bounds=bounds)


def file_store_of(settings: Settings, health: Health | None = None) -> tuple[FileStore, Path]:
    """Where files are kept, and the folder where they are gathered first.

    Raises:
        StartRefused: the settings name no store that can be used.
    """
    try:
        return open_file_store(settings.data.absolute() / "files", settings.files_url, health)
    except FileStoreInvalid as error:
        raise StartRefused(
            f"Files cannot be kept there ({error}): check FOLKMOOT_FILES_URL and the data folder."
        ) from error


def _files(
    settings: Settings, means: _Resources, store: tuple[FileStore, Path], writer: Writer
) -> Files:
    clock = SystemClock()
    quota = Quota(settings.max_files_per_account, settings.max_file_bytes_per_account)
    return Files(
        clock=clock,
        ids=SystemIds(),
        uploads=Uploads(clock, quota),
        storage=means.storage,
        write=writer.write,
        store=store[0],
        incoming=store[1],
        thumbnails=Thumbnails(max_pixels=settings.max_image_pixels),
        bounds=FileBounds(settings.max_file_bytes, keep_location=settings.photo_location == "keep"),
        health=means.health,
    )


def _readiness(
    means: _Resources, store: FileStore, own_log: OwnLog | None, writer: Writer
) -> Readiness:
    lines = [means.audit.lines]
    if own_log is not None and own_log.lines is not None:
        lines.append(own_log.lines)
    checks: dict[ServerPart, Check] = {
        ServerPart.FILES: store.probe,
        ServerPart.LOG_FOLDER: lambda: check_lines(lines),
    }
    if means.issuers is not None:
        checks[ServerPart.ISSUER] = means.issuers.check
    always = frozenset({ServerPart.LOG_FOLDER})
    return Readiness(means.storage, means.health, checks, always, lambda: writer.stalled)


@asynccontextmanager
async def _at_work(
    components: Components, lock: "PostgresLock | None", *, serves: bool
) -> AsyncIterator[None]:
    """Run the server's tasks; one that fails ends the server instead of leaving it half alive."""
    services = components.services
    work: list[Coroutine[Any, Any, object]] = [services.writer.run()]
    if serves:
        # A command leaves what is owed to the server beside it, whose clients hear of it.
        work += _work_of_a_server(components)
        work.append(tell_every_minute(*components.leaving_out))
    if lock is not None:
        work.append(_hold(lock))
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(one) for one in work]
            try:
                yield
                await services.receipts.flush()
                await services.writer.stop()
            finally:
                for task in running:
                    task.cancel()
    except BaseExceptionGroup as failures:
        # What was done with the server came to nothing, its tasks did not: say it in its own words.
        if len(failures.exceptions) > 1:
            raise
        raise failures.exceptions[0] from None


def _work_of_a_server(components: Components) -> list[Coroutine[Any, Any, object]]:
    services = components.services
    return [
        services.bus.timelines.run(services.storage),
        services.receipts.run(),
        Heartbeat(services.hub, services.clock).run(),
        services.background_tasks.run(),
        services.files.run(),
        components.logs.run(),
        components.pages.run(),
        components.assistant.run(),
        components.readiness.run(),
        components.tasks.run(),
        MemoryReturn().run(),
        asyncio.to_thread(common_passwords),  # Or the first who registers would wait for it.
        *([components.high_water.run()] if components.high_water else []),
    ]


async def _hold(lock: "PostgresLock") -> None:
    try:
        await lock.run()
    except Unusable as error:
        raise StartRefused(str(error)) from error


def _max_open_sessions(settings: Settings) -> int | None:
    return settings.max_open_sessions_per_account if settings.limits else None


def entrance_settings(settings: Settings) -> EntranceSettings:
    """What one account, or one address, may ask for."""
    rates = {
        Allowance.SEND: Rate(settings.send_per_minute, settings.send_burst),
        Allowance.SIGNAL: _rate(settings.typing_per_minute, part=5, least=20),
        Allowance.READ: _rate(settings.read_per_minute, part=2, least=20),
        Allowance.SEARCH: _rate(settings.search_per_minute, part=2, least=5),
        Allowance.PROFILE: _at_once(settings.profile_per_minute),
        Allowance.OPEN: _rate(settings.open_per_minute, part=2, least=2),
        Allowance.STRANGER: Rate(settings.strangers_per_minute, settings.strangers_burst),
        Allowance.UPLOAD: _rate(settings.upload_per_minute, part=3, least=5),
        Allowance.DOWNLOAD: _rate(settings.download_per_minute, part=3, least=10),
        Allowance.CONNECT: _rate(settings.connect_per_minute, part=3, least=20),
        Allowance.FRAME: _rate(settings.frame_per_minute, part=3, least=100),
        Allowance.REQUEST: _rate(settings.request_per_minute, part=3, least=100),
        Allowance.UNKNOWN: _rate(settings.unknown_per_minute, part=2, least=20),
    }
    per_account = {
        Slot.CONNECTION: settings.max_connections_per_account,
        Slot.UPLOAD: settings.max_uploads_per_account,
        Slot.DOWNLOAD: settings.max_downloads_per_account,
        Slot.SEARCH: settings.max_searches_per_account,
        Slot.OPENING: settings.max_openings_per_account,
    }
    per_address = {
        Slot.CONNECTION: settings.max_connections_per_address,
        Slot.UPLOAD: settings.max_uploads_per_address,
        Slot.DOWNLOAD: settings.max_downloads_per_address,
    }
    return EntranceSettings(
        rates, per_account, per_address, settings.flood_times, enabled=settings.limits
    )


def _rate(per_minute: float, *, part: int, least: int) -> Rate:
    """A part of a minute's worth may come at once, and a few however little that is."""
    return Rate(per_minute, max(least, int(per_minute / part)))


def _auth_rates(settings: Settings) -> AuthRates:
    return AuthRates(
        login_per_name=_at_once(settings.login_per_minute),
        login_per_address=_at_once(settings.address_login_per_minute),
        register_per_address=_at_once(settings.register_per_minute),
        refresh_per_address=_at_once(settings.refresh_per_minute),
        ticket_per_account=_at_once(settings.ticket_per_minute),
        password_per_account=_at_once(settings.password_per_minute),
        enabled=settings.limits,
    )


def _at_once(per_minute: float) -> Rate:
    """A minute's worth may come at once."""
    return Rate(per_minute, max(1, int(per_minute)))
