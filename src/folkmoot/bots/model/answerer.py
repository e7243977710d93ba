"""The answerer that asks a model: one question, a few tries, one answer in pieces."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

import httpx2
from openai import AsyncOpenAI, AsyncStream

from folkmoot.bots.answerer import AnswerFailed, NothingFits, Retraction, Sources
from folkmoot.bots.model.completion import Completion, Jitter
from folkmoot.bots.model.connection import ENDS, GuardedTransport, ResponseBounds, Unfit
from folkmoot.bots.model.events import End, EventDecoder
from folkmoot.bots.model.faults import Fault
from folkmoot.bots.model.pieces import Pieces
from folkmoot.bots.model.prompt import Prompt, composed
from folkmoot.bots.model.settings import ModelSettings, ModelTimeouts
from folkmoot.bots.model.thoughts import Habit, habit_by_name
from folkmoot.bots.model.token_budget import TokenBudget, TokenReservation
from folkmoot.core.shared.ids import Clock

READ_OUT_SECONDS = 0.1
_log = logging.getLogger(__name__)


class ModelAnswerer:
    """Answers of a model behind an OpenAI-compatible endpoint."""

    def __init__(
        self,
        settings: ModelSettings,
        *,
        clock: Clock,
        jitter: Jitter,
        budget: TokenBudget,
        timeouts: ModelTimeouts | None = None,
        bounds: ResponseBounds | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._jitter = jitter
        self._budget = budget
        self._timeouts = timeouts or ModelTimeouts()
        self._habit = habit_by_name(settings.model)
        self._client = _client(settings, self._timeouts, bounds or ResponseBounds())

    @property
    def name(self) -> str:
        """The name of the model."""
        return self._settings.model

    async def answer(self, sources: Sources) -> AsyncGenerator[str | Retraction, None]:
        """The answer, in pieces as the model sends them, without what it thought before.

        Nothing is tried again once a piece was handed on. To cancel, close the iterator, or
        cancel who waits for its next piece: the request ends then.
        """
        prompt = composed(
            sources,
            make_fence=self._jitter.secret,
            max_tokens=self._settings.max_context_tokens,
        )
        whole = prompt.tokens + self._settings.max_answer_tokens
        grant = self._budget.grant(sources.asker, whole)
        completion = self._completion(prompt, grant)
        beginning = _Beginning(prompt.nothing_fits)
        try:
            while (piece := await completion.next_piece()) is not None:
                if isinstance(piece, Retraction):
                    beginning = _Beginning(prompt.nothing_fits)
                    yield piece
                elif known := beginning.known(piece):
                    yield known
            if left := beginning.left():
                yield left
        except Fault as fault:
            _log.warning("The assistant's model gave no whole answer: %s", fault.reason)
            is_down = fault.is_passing and not completion.pieces.began
            raise AnswerFailed(fault.sentence, is_down=is_down, reason=fault.reason) from None
        finally:
            await completion.close()
            self._learn(completion.seen)
            self._budget.settle(grant)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    def _learn(self, seen: Habit | None) -> None:
        """Keep in mind how the model thinks; one that was seen to begin so may always do so."""
        if seen is not None and self._habit is not Habit.THINKS_FIRST:
            self._habit = seen

    def _completion(self, prompt: Prompt, grant: TokenReservation) -> Completion:
        return Completion(
            open_stream=lambda: self._opened(prompt),
            habit=self._habit,
            prompt_tokens=prompt.tokens,
            grant=grant,
            pieces=Pieces(self._settings.max_answer_chars),
            timeouts=self._timeouts,
            jitter=self._jitter,
            clock=self._clock,
        )

    async def _opened(self, prompt: Prompt) -> "_Events":
        body = {
            "model": self._settings.model,
            "messages": [{"role": turn.role, "content": turn.content} for turn in prompt.turns],
            "stream": True,
            self._settings.max_tokens_field: self._settings.max_answer_tokens,
        }
        return await self._client.post(
            "/chat/completions", cast_to=object, body=body, stream=True, stream_cls=_Events
        )


class _Events(AsyncStream[object]):
    """The events of a response as plain values.

    The library's own decoder takes for events what the standard does not, and its models cost ten
    times as much and check nothing, so that a flood of events would hold up everybody's answer.
    """

    async def __stream__(self) -> AsyncIterator[object]:
        decoder = EventDecoder()
        body = self.response.aiter_bytes()
        async for piece in body:
            for event in decoder.feed(piece):
                if event is End.DONE:
                    await _read_out(body)
                    yield event
                    return
                yield event
        for event in decoder.end():
            yield event
        if not decoder.is_json and not self.response.headers.keys() & set(ENDS):
            yield End.UNTOLD


async def _read_out(body: AsyncIterator[bytes]) -> None:
    """Read what follows the end of a stream, which is nothing: then the connection is kept."""
    with suppress(httpx2.HTTPError, Unfit, TimeoutError):
        async with asyncio.timeout(READ_OUT_SECONDS):
            async for _ in body:
                pass


class _Beginning:
    """Keeps the first words of an answer until it is known that they do not say that none fits."""

    def __init__(self, nothing_fits: str) -> None:
        self._nothing_fits = nothing_fits
        self._held: str | None = ""

    def known(self, piece: str) -> str:
        """What may be handed on with this piece.

        Raises:
            NothingFits
        """
        if self._held is None:
            return piece
        self._held += piece
        if self._nothing_fits.startswith(self._held.rstrip()):
            return ""
        if self._held.startswith(self._nothing_fits):
            raise NothingFits
        known, self._held = self._held, None
        return known

    def left(self) -> str:
        """What was kept when the answer came to its end.

        Raises:
            NothingFits
        """
        if self._held and self._held.rstrip() == self._nothing_fits:
            raise NothingFits
        return self._held or ""


def _client(
    settings: ModelSettings, timeouts: ModelTimeouts, bounds: ResponseBounds
) -> AsyncOpenAI:
    transport = GuardedTransport(httpx2.AsyncHTTPTransport(), settings.key, bounds)
    timeout = httpx2.Timeout(timeouts.whole, connect=timeouts.connect)
    return AsyncOpenAI(
        # The transport has the key, or none; the library must not look for one elsewhere.
        api_key="unused",
        base_url=settings.base_url,
        max_retries=0,
        timeout=timeout,
        http_client=httpx2.AsyncClient(
            transport=transport, timeout=timeout, follow_redirects=False, trust_env=False
        ),
    )
