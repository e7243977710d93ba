"""Services with a session, somebody in charge, and an answerer that says what it is told."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from folkmoot.bots.answerer import AnswerFailed, Retraction, Sources
from folkmoot.bots.assistant import Assistant, AssistantBounds
from folkmoot.bots.commands import Commands
from folkmoot.bots.ephemeral_notices import EphemeralNotices
from folkmoot.bots.research import Research
from folkmoot.core.accounts.model import Account, Role
from folkmoot.core.conversations.desk import Desks
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.messages.answers import Answers
from folkmoot.core.messages.model import Message
from folkmoot.core.messages.owed_answers import ANSWER
from folkmoot.core.shared.pages import Page
from folkmoot.core.work import Storage
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.wire_format import CloseReason
from folkmoot.tasks.runner import TaskRunner
from tests.cast import MAX_CHARS
from tests.deadlines import WITHIN_S
from tests.realtime.memory_server import (
    MemoryLogIndex,
    MemoryServer,
    RecordingOutlet,
    memory_server,
)


class ScriptedAnswerer:
    """An answerer that tells what a test has it tell: pieces, failures, and waits."""

    name = "a test"

    def __init__(self) -> None:
        self.asked: list[Sources] = []
        self.refuses: AnswerFailed | None = None
        self.script: list[str | Retraction | Exception | asyncio.Event] = ["because"]
        self.closed = 0
        self.stuck = asyncio.Event()
        """Set when a step is reached that waits: what was told before has been taken."""

    async def answer(self, sources: Sources) -> AsyncGenerator[str | Retraction, None]:
        self.asked.append(sources)
        try:
            for step in list(self.script):
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, asyncio.Event):
                    self.stuck.set()
                    await step.wait()
                else:
                    yield step
        finally:
            self.closed += 1

    async def run(self) -> None:
        pass

    async def ready(self) -> None:
        if self.refuses is not None:
            raise self.refuses


class Watching:
    """A contract that keeps events as they are, so that a test can wait for one."""

    contract = "none"
    echoes = True

    def frame(self, event: object, *, own: bool) -> object:
        del own
        return event

    def close_code(self, close_reason: CloseReason) -> tuple[int, str]:
        return 4000, close_reason.value


class Watcher(RecordingOutlet):
    """An outlet that keeps events, and wakes whoever waits for one."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []
        self._news = asyncio.Condition()
        self._telling: set[asyncio.Task[None]] = set()

    def push(self, frame: Any) -> None:
        self.events.append(frame)
        task = asyncio.ensure_future(self._tell())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def until(self, fits: Callable[[Any], bool]) -> Any:
        """The first event that fits, however late it comes."""
        async with asyncio.timeout(WITHIN_S), self._news:
            await self._news.wait_for(lambda: any(map(fits, self.events)))
        return next(filter(fits, self.events))

    def of(self, kind: type) -> list[Any]:
        """The events of a kind that have come so far."""
        return [event for event in self.events if isinstance(event, kind)]


@dataclass
class Scene:
    """Cy's session, with the assistant on; an agent, an analyst; and what listens to it."""

    server: MemoryServer
    answers: Answers
    answerer: ScriptedAnswerer
    session: Conversation
    agent: Account
    assistant: Assistant
    tasks: TaskRunner

    @property
    def cy(self) -> Account:
        return self.server.cast.cy

    @property
    def logs(self) -> MemoryLogIndex:
        assert isinstance(self.server.services.logs, MemoryLogIndex)
        return self.server.services.logs

    async def say(self, author: Account, content: str, **options: Any) -> Message:
        """What somebody said in the session, or, of a command, its answer."""
        draft = self.server.cast.draft(author, content, where=self.session, **options)
        async with asyncio.timeout(WITHIN_S):
            return (await self.server.services.submit(draft)).message

    async def watch(self, account: Account, where: Conversation | None = None) -> Watcher:
        """A connection of the account in the session, and what it is sent."""
        return (await self.connect(account, where))[1]

    async def connect(
        self, account: Account, where: Conversation | None = None
    ) -> tuple[Connection, Watcher]:
        login, watcher = await self.server.login(account), Watcher()
        home = where or self.session
        connection = Connection(Watching(), watcher, account.person, login.id, login.expires_at)
        self.server.hub.open(connection)
        connection.home = home.id
        await self.server.follow(connection, None)
        return connection, watcher

    async def history(self) -> Sequence[Message]:
        page: Sequence[Message] = await self.server.cast.see(
            lambda work: work.views.page(self.session.id, Page(100))
        )
        return page

    async def head(self) -> Conversation:
        return await self.server.cast.head(self.session.id)


@asynccontextmanager
async def scened(
    storage: Storage | None = None, *, bounds: AssistantBounds | None = None
) -> AsyncIterator[Scene]:
    """The scene, the assistant and the commands at work in it."""
    async with memory_server(storage) as server:
        services, cast = server.services, server.cast
        agent = await cast.account("agent", Role.AGENT)
        desks = Desks(cast.clock, cast.ids)
        session = await server.do(desks.open, cast.cy, title="HELP", agent=agent, assistant_on=True)
        answers, answerer = Answers(cast.clock, cast.ids, max_chars=MAX_CHARS), ScriptedAnswerer()
        research = Research(services.storage, services.logs, services.pages, answers)
        notices = EphemeralNotices(cast.clock, cast.ids)
        assistant = Assistant(
            services,
            answers,
            answerer,
            research,
            notices,
            bounds=bounds or AssistantBounds(),
        )
        services.command_handlers.append(Commands(services, notices))
        tasks = TaskRunner(services.writer.write, cast.clock, holder="a test")
        tasks.register(ANSWER, assistant.handle, at_once=assistant.bounds.at_once)
        server.publisher.register(assistant)
        server.publisher.register(tasks)
        parts = (services.background_tasks, assistant, tasks)
        running = [asyncio.create_task(each.run()) for each in parts]
        try:
            yield Scene(server, answers, answerer, session, agent, assistant, tasks)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


FAILURE = AnswerFailed("The model does not answer.")
