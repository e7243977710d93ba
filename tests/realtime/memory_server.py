"""A server in memory, and clients that keep whatever they are sent."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from obstore.store import MemoryStore

from folkmoot.bus.codec import JsonCodec
from folkmoot.bus.memory import MemoryBus, MemoryNetwork
from folkmoot.bus.memory_presence import MemoryPresence
from folkmoot.bus.subscribers import Publisher
from folkmoot.core.accounts.errors import TokenInvalid, TokenMissing
from folkmoot.core.accounts.model import Account, Login
from folkmoot.core.conversations.desk import Desks
from folkmoot.core.conversations.events import DeliveredMoved, Durable
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.conversations.reach import Reach
from folkmoot.core.logs.errors import AlreadyReading
from folkmoot.core.logs.model import FOR_EVERYBODY, Excerpt, LogQuery, LogReading
from folkmoot.core.logs.store import OnProgress
from folkmoot.core.messages.uploads import Quota, Uploads
from folkmoot.core.presence.events import Entered, Exited, Typing
from folkmoot.core.shared.ids import ConversationId
from folkmoot.core.shared.rates import Rate
from folkmoot.core.social.friends import Friends
from folkmoot.core.work import Storage, UnitOfWork
from folkmoot.files.service import FileBounds, Files
from folkmoot.files.stores import FileStore
from folkmoot.files.thumbnails import Thumbnails
from folkmoot.kit.subscription import Enter, Subscription
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.entrance import Entrance, EntranceSettings
from folkmoot.realtime.hub import Hub
from folkmoot.realtime.intentions import Allowance, Slot
from folkmoot.realtime.outbox import SlowReaders, Tick
from folkmoot.realtime.receipts import Receipts
from folkmoot.realtime.services import Services
from folkmoot.realtime.wire_format import CloseReason
from folkmoot.realtime.writer import Writer
from folkmoot.storage.memory.storage import MemoryStorage
from tests.cast import Cast, enter
from tests.deadlines import WITHIN_S

GENEROUS = EntranceSettings(
    rates=dict.fromkeys(Allowance, Rate(6000, 1000)),
    per_account=dict.fromkeys(Slot, 100),
    per_address=dict.fromkeys(Slot, 100),
)


class RecordingOutlet:
    """An outlet that keeps what it is sent, and takes nothing once it is closed."""

    def __init__(self) -> None:
        self.frames: list[str] = []
        self.ended: tuple[int, str] | None = None
        self.news = asyncio.Event()
        self._roomy = asyncio.Event()
        self._roomy.set()

    def push(self, frame: bytes) -> None:
        if self.ended is None:
            self.frames.append(frame.decode())
            self.news.set()

    def offer(self, frame: bytes) -> None:
        if self._roomy.is_set():
            self.push(frame)

    async def room(self) -> bool:
        await self._roomy.wait()
        return self.ended is None

    def close(self, code: int, reason: str) -> None:
        self.ended = self.ended or (code, reason)
        self._roomy.set()

    def stop_reading(self) -> None:
        self._roomy.clear()

    def read_on(self) -> None:
        self._roomy.set()


class NamedEvents:
    """A contract whose frames are an event's name and what tells it from others."""

    contract = "none"

    def __init__(self, *, echoes: bool = True) -> None:
        self.echoes = echoes
        self.encoded = 0

    def frame(self, event: object, *, own: bool) -> bytes | None:
        if own and isinstance(event, Entered | Exited | Typing):
            return None
        self.encoded += 1
        return f"{label(event)}{' own' if own else ''}".encode()

    def close_code(self, close_reason: CloseReason) -> tuple[int, str]:
        return 4000 + list(CloseReason).index(close_reason), close_reason.value


def label(event: Any) -> str:
    """How a `NamedEvents` client sees an event."""
    name = type(event).__name__
    if isinstance(event, Durable):
        return f"{name} {event.seq}"
    if isinstance(event, DeliveredMoved):
        person = event.receiver
    else:
        person = getattr(event, "person", None) or event.reader
    extra = getattr(event, "up_to_seq", None) or getattr(event, "is_typing", "")
    return f"{name} {person.username} {extra}".strip()


class MemoryLogIndex:
    """An index of logs that holds what a test puts into it; whatever shares a word is found."""

    def __init__(self) -> None:
        self.passages: list[Excerpt] = []
        self.withheld: list[Excerpt] = []
        """What only those may read whose queries name other audiences than everybody."""
        self.readings = [LogReading(files=1, entries=2, is_done=True)]
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.is_reading = False

    async def find(self, query: LogQuery) -> list[Excerpt]:
        words = set(query.words.casefold().split())
        passages = self.passages if query.audiences == FOR_EVERYBODY else self.withheld
        found = [each for each in passages if words & set(each.text.casefold().split())]
        return found[: query.limit]

    async def size(self) -> int:
        return len(self.passages)

    async def read_anew(self, days: int, on_progress: OnProgress) -> LogReading:
        if self.is_reading:
            raise AlreadyReading
        self.is_reading = True
        for reading in self.readings[:-1]:
            on_progress(reading)
        await self.go_on.wait()
        self.is_reading = False
        on_progress(self.readings[-1])
        return self.readings[-1]

    async def refresh(self) -> None:
        pass


class MemoryPageIndex:
    """An index of pages that holds what a test puts into it; whatever shares a word is found."""

    def __init__(self) -> None:
        self.passages: list[Excerpt] = []

    async def find(self, words: str, *, limit: int = 8) -> list[Excerpt]:
        wanted = set(words.casefold().split())
        found = [each for each in self.passages if wanted & set(each.text.casefold().split())]
        return found[:limit]

    async def read_anew(self) -> LogReading | None:
        return None

    async def refresh(self) -> None:
        pass


class KnownTokens:
    """An authenticator that knows its tokens from the test."""

    def __init__(self) -> None:
        self.callers: dict[str, Any] = {}

    async def caller(self, credentials: Any) -> Any:
        if credentials.token is None:
            raise TokenMissing
        if credentials.token not in self.callers:
            raise TokenInvalid
        return self.callers[credentials.token]


@dataclass
class MemoryServer:
    """The cast at a server in memory whose writer works."""

    cast: Cast
    services: Services
    wire_format: NamedEvents
    publisher: Publisher
    bus: MemoryBus

    @property
    def hub(self) -> Hub:
        return self.services.hub

    async def login(self, account: Account) -> Login:
        return await self.cast.do(
            self.cast.accounts.start_login, account, lasting=timedelta(days=1)
        )

    async def connect(
        self,
        account: Account,
        home: Conversation | None = None,
        login: Login | None = None,
        hub: Hub | None = None,
    ) -> Connection:
        """A connection that is open, bound for the LOBBY, and listens to nothing yet."""
        login = login or await self.login(account)
        home = home or self.cast.lobby
        connection = Connection(
            self.wire_format,
            RecordingOutlet(),
            account.person,
            login.id,
            login.expires_at,
            home=home.id,
        )
        (self.hub if hub is None else hub).open(connection)  # an empty one is falsy
        return connection

    async def listen(self, account: Account, after_seq: int | None = None) -> Connection:
        """A connection that follows the LOBBY; what brought it there is forgotten."""
        connection = await self.connect(account)
        await self.follow(connection, after_seq)
        return connection

    async def follow(
        self,
        connection: Connection,
        after_seq: int | None,
        enter: Enter | None = None,
        conversation_id: ConversationId | None = None,
    ) -> None:
        followed = conversation_id or connection.home
        assert followed is not None

        async def as_member(work: UnitOfWork) -> Any:
            return await self.cast.conversations.entered(work, connection.person.id, followed)

        with Subscription(self.services, connection) as subscription:
            snapshot = await subscription.read_one(followed, after_seq, enter or as_member)
            await subscription.catch_up(snapshot)

    async def say(self, author: Account, content: str, **options: Any) -> Any:
        """What the LOBBY's author posted, durable and announced."""
        return (
            await self.services.writer.post(self.cast.draft(author, content, **options))
        ).message

    async def do(self, act: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """What the service's ``act`` returns, durable and announced."""
        return await self.services.writer.write(lambda work: act(work, *arguments, **options))


def heard(connection: Connection) -> list[str]:
    """What the connection was sent since it was last asked."""
    assert isinstance(connection.outlet, RecordingOutlet)
    frames, connection.outlet.frames = connection.outlet.frames, []
    return frames


async def hears(connection: Connection, frame: str) -> list[str]:
    """What the connection was sent since it was last asked, once this is the last of it."""
    assert isinstance(connection.outlet, RecordingOutlet)
    async with asyncio.timeout(WITHIN_S):
        while frame not in connection.outlet.frames[-1:]:
            connection.outlet.news.clear()
            await connection.outlet.news.wait()
    return heard(connection)


def ended(connection: Connection) -> str | None:
    """Why the connection was closed, if it was."""
    assert isinstance(connection.outlet, RecordingOutlet)
    return connection.outlet.ended and connection.outlet.ended[1]


@asynccontextmanager
async def memory_server(
    storage: Storage | None = None, bus: MemoryBus | None = None
) -> AsyncIterator[MemoryServer]:
    """A server with the cast in it; its writer runs until the end."""
    cast = await enter(storage or MemoryStorage())
    # As between processes: what a test shows has been JSON.
    bus = bus or MemoryBus(MemoryNetwork(codec=JsonCodec()))
    publisher = Publisher(bus.publish)
    writer = Writer(
        cast.storage,
        cast.posting,
        publisher.publish,
        linger=0,
        answer_seconds=WITHIN_S,
        announce_again=bus.publish,
    )
    receipts = Receipts(writer, cast.marks, pause=0)
    presence = MemoryPresence(publisher.publish, cast.clock.monotonic)
    hub = Hub(bus, presence, receipts, cast.clock.monotonic)
    services = Services(
        clock=cast.clock,
        ids=cast.ids,
        authenticator=KnownTokens(),  # type: ignore[arg-type]  # as strict as the real one
        accounts=cast.accounts,
        reach=Reach(cast.accounts),
        social=cast.social,
        conversations=cast.conversations,
        messages=cast.messages,
        friends=Friends(cast.clock, cast.ids),
        desks=Desks(cast.clock, cast.ids),
        marks=cast.marks,
        files=_files(cast, writer),
        logs=MemoryLogIndex(),
        pages=MemoryPageIndex(),
        storage=cast.storage,
        writer=writer,
        bus=bus,
        publish=publisher.publish,
        receipts=receipts,
        hub=hub,
        presence=presence,
        entrance=Entrance(GENEROUS, cast.clock.monotonic),
        tick=Tick(),
        slow_readers=SlowReaders(),
    )
    running = [
        asyncio.create_task(writer.run()),
        asyncio.create_task(bus.timelines.run(cast.storage)),
    ]
    try:
        yield MemoryServer(cast, services, NamedEvents(), publisher, bus)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _files(cast: Cast, writer: Writer) -> Files:
    return Files(
        clock=cast.clock,
        ids=cast.ids,
        uploads=Uploads(cast.clock, Quota(max_files=10, max_bytes=1_000_000)),
        storage=cast.storage,
        write=writer.write,
        store=FileStore(MemoryStore(), "in memory"),
        incoming=Path("nobody", "uploads", "here"),
        thumbnails=Thumbnails(max_pixels=1_000_000),
        bounds=FileBounds(1_000_000),
    )
