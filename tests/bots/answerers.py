"""Questions for answerers, and what comes of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from folkmoot.bots.answerer import Answerer, AnswerFailed, NothingFits, Retraction, Sources
from folkmoot.bots.model.answerer import ModelAnswerer
from folkmoot.bots.model.completion import Jitter
from folkmoot.bots.model.connection import ResponseBounds
from folkmoot.bots.model.settings import ModelSettings, ModelTimeouts
from folkmoot.bots.model.token_budget import TokenBudget
from folkmoot.core.logs.model import Excerpt
from folkmoot.core.messages.context import Turn
from folkmoot.core.shared.ids import AccountId
from tests.bots.model_server import ModelServer
from tests.cast import NOON, CountingIds, FrozenClock
from tests.deadlines import WITHIN_S

ANA, BO = AccountId(1), AccountId(2)
KEY = "sk-test-4f8Zq1-never-to-be-seen"
PATIENT = ModelTimeouts(
    whole=WITHIN_S, connect=WITHIN_S, first=WITHIN_S, pause=WITHIN_S, backoff=0.5
)


def sources(
    question: str = "Why did the disk fill?",
    *,
    asker: AccountId = ANA,
    asker_name: str = "ana",
    pages: tuple[Excerpt, ...] = (),
    turns: tuple[Turn, ...] = (),
    logs: tuple[Excerpt, ...] = (),
    said: tuple[Excerpt, ...] = (),
) -> Sources:
    return Sources(
        asker=asker,
        asker_name=asker_name,
        question=question,
        turns=(*turns, Turn("user", question)),
        pages=pages,
        logs=logs,
        said=said,
    )


def passage(text: str, source: str = "app.log:12", rank: float = 1.0) -> Excerpt:
    return Excerpt(source=source, at=NOON, text=text, rank=rank)


@dataclass
class Collected:
    """All of an answer: its pieces, and the sentence with which it failed, if it did.

    ``retracted`` are pieces that turned out to be no part of it.
    """

    pieces: list[str]
    failure: str | None = None
    nothing_fits: bool = False
    retracted: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@asynccontextmanager
async def at_work(answerer: Answerer) -> AsyncIterator[None]:
    """Have an answerer look after what it needs."""
    running = asyncio.create_task(answerer.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


async def collect(answerer: Answerer, asked: Sources | None = None) -> Collected:
    collected = Collected([])
    try:
        async for piece in answerer.answer(asked or sources()):
            if isinstance(piece, Retraction):
                collected.retracted += collected.pieces
                collected.pieces.clear()
                continue
            assert piece
            collected.pieces.append(piece)
    except NothingFits:
        collected.nothing_fits = True
    except AnswerFailed as failure:
        collected.failure = str(failure)
    return collected


@dataclass
class ModelSetup:
    """What stands around a model's answerer in a test; waits are noted down instead of waited."""

    clock: FrozenClock = field(default_factory=FrozenClock)
    waits: list[float] = field(default_factory=list)
    timeouts: ModelTimeouts = PATIENT
    bounds: ResponseBounds = field(default_factory=ResponseBounds)
    per_account: int = 0
    for_all: int = 0
    secret: Callable[[], str] = field(default_factory=lambda: CountingIds().secret)

    @asynccontextmanager
    async def answerer(self, url: str, **settings: Any) -> AsyncIterator[ModelAnswerer]:
        async def wait(seconds: float) -> None:
            self.waits.append(seconds)

        chosen = replace(ModelSettings(base_url=url, model="test-model", key=KEY), **settings)
        answerer = ModelAnswerer(
            chosen,
            clock=self.clock,
            jitter=Jitter(self.secret, jitter=lambda: 1.0, wait=wait),
            budget=TokenBudget(self.clock, per_account=self.per_account, for_all=self.for_all),
            timeouts=self.timeouts,
            bounds=self.bounds,
        )
        try:
            yield answerer
        finally:
            await answerer.close()

    async def ask(
        self, server: ModelServer, asked: Sources | None = None, **settings: Any
    ) -> Collected:
        async with self.answerer(server.url, **settings) as answerer:
            return await collect(answerer, asked)
