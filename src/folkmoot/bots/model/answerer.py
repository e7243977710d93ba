"""The answerer that asks a model: one question, a few tries, one answer in pieces."""

import logging
from collections.abc import AsyncGenerator

import httpx2
from openai import AsyncOpenAI, AsyncStream

from folkmoot.bots.answerer import AnswerFailed, NothingFits, Sources
from folkmoot.bots.model.completion import Completion, Jitter
from folkmoot.bots.model.connection import GuardedTransport, ResponseBounds
from folkmoot.bots.model.faults import Fault
from folkmoot.bots.model.pieces import Pieces
from folkmoot.bots.model.prompt import Prompt, composed
from folkmoot.bots.model.settings import ModelSettings, ModelTimeouts
from folkmoot.bots.model.token_budget import TokenBudget, TokenReservation
from folkmoot.core.shared.ids import Clock

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
        self._client = _client(settings, self._timeouts, bounds or ResponseBounds())

    @property
    def name(self) -> str:
        """The name of the model."""
        return self._settings.model

    async def answer(self, sources: Sources) -> AsyncGenerator[str, None]:
        """The answer, in pieces as the model sends them.

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
        try:
            held: str | None = ""
            while piece := await completion.next_piece():
                if held is not None:
                    held += piece
                    if prompt.nothing_fits.startswith(held.rstrip()):
                        continue
                    if held.startswith(prompt.nothing_fits):
                        raise NothingFits
                    piece, held = held, None
                yield piece
            if held:
                if held.rstrip() == prompt.nothing_fits:
                    raise NothingFits
                yield held
        except Fault as fault:
            _log.warning("The assistant's model gave no whole answer: %s", fault.reason)
            is_down = fault.is_passing and not completion.pieces.began
            raise AnswerFailed(fault.sentence, is_down=is_down, reason=fault.reason) from None
        finally:
            await completion.close()
            self._budget.settle(grant)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    def _completion(self, prompt: Prompt, grant: TokenReservation) -> Completion:
        return Completion(
            open_stream=lambda: self._opened(prompt),
            prompt_tokens=prompt.tokens,
            grant=grant,
            pieces=Pieces(self._settings.max_answer_chars),
            timeouts=self._timeouts,
            jitter=self._jitter,
            clock=self._clock,
        )

    async def _opened(self, prompt: Prompt) -> AsyncStream[object]:
        body = {
            "model": self._settings.model,
            "messages": [{"role": turn.role, "content": turn.content} for turn in prompt.turns],
            "stream": True,
            self._settings.max_tokens_field: self._settings.max_answer_tokens,
        }
        # Events as plain objects: the models of the library cost ten times as much and check
        # nothing, so that a flood of small events would hold up everybody's chat.
        return await self._client.post(
            "/chat/completions",
            cast_to=object,
            body=body,
            stream=True,
            stream_cls=AsyncStream[object],
        )


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
