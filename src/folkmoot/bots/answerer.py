"""What an answerer is handed and gives back, whichever it is: a model, or passages alone."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from folkmoot.core.logs.model import Excerpt
from folkmoot.core.messages.context import Turn
from folkmoot.core.shared.ids import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """A question, and all that its answer may be drawn from; every answerer gets the same.

    ``turns`` is what was said last, the oldest first, the question itself the last of it.
    ``pages`` are passages of pages, ``logs`` of logs, ``said`` of what was said earlier in the
    conversation, each the best first. Whoever gets the answer may read all of it. All of it is
    data: whoever wrote a log or a message gives no orders. ``asker_name``: who asks, as ``said``
    names people.
    """

    asker: AccountId
    asker_name: str
    question: str
    turns: tuple[Turn, ...]
    pages: tuple[Excerpt, ...] = ()
    logs: tuple[Excerpt, ...] = ()
    said: tuple[Excerpt, ...] = ()


class AnswerFailed(Exception):
    """There is no answer, or no more of it; ``str()`` is a sentence for whoever asked.

    ``is_down``: whatever the question, what answers could not have answered it now. ``reason`` is
    for whoever runs the server.
    """

    def __init__(self, sentence: str, *, is_down: bool = False, reason: str = "") -> None:
        super().__init__(sentence)
        self.is_down = is_down
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Retraction:
    """What came so far is no part of the answer, which begins anew with the next piece."""


class NothingFits(Exception):
    """Nothing of the sources answers the question: that is for a person to do."""


class Answerer(Protocol):
    """Finds answers. It has no tools: nothing that it is told to do can be done by it."""

    @property
    def name(self) -> str:
        """What answers, as operators know it."""
        ...

    async def ready(self) -> None:
        """Return when there can be answers, or a sentence that says why not.

        Raises:
            AnswerFailed: there will be none to what is asked now.
        """
        ...

    def answer(self, sources: Sources) -> AsyncGenerator[str | Retraction, None]:
        """The answer, in pieces as they come, none of them empty; closing the iterator cancels it.

        Raises:
            NothingFits: before the first piece, or the first after a retraction.
            AnswerFailed: before the first piece, or after any.
        """
        ...

    async def run(self) -> None:
        """Look after whatever answers need beside the asking, until cancelled."""
        ...
