"""Research what an answer may be drawn from: nothing that its asker could not read."""

from collections import defaultdict
from dataclasses import dataclass

from folkmoot.bots.answerer import Sources
from folkmoot.core.accounts.model import STAFF, Account
from folkmoot.core.audience import hidden_authors
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.logs.model import Excerpt, LogQuery
from folkmoot.core.logs.store import LogIndex
from folkmoot.core.messages.answers import Answers
from folkmoot.core.messages.context import MAX_CONTEXT_TOKENS, context_of
from folkmoot.core.messages.model import Message
from folkmoot.core.messages.owed_answers import OwedAnswer
from folkmoot.core.messages.views import SearchQuery
from folkmoot.core.shared.ids import MessageId
from folkmoot.core.shared.pages import Page
from folkmoot.core.work import Storage, UnitOfWork

MAX_TURNS = 20
MAX_LOGS = 8
MAX_SAID = 4
MAX_WORDS = 8
MIN_WORD_CHARS = 4
HITS_A_WORD = 10


@dataclass(frozen=True, slots=True)
class QuestionContext:
    """A question to which an answer is owed, and what was said around it."""

    head: Conversation
    question: Message
    asker: Account
    before: tuple[Message, ...]
    said: tuple[Excerpt, ...]


class Research:
    """Reads what there is about a question. ``max_tokens`` bounds what was said before it."""

    def __init__(
        self,
        storage: Storage,
        logs: LogIndex,
        answers: Answers,
        *,
        max_tokens: int = MAX_CONTEXT_TOKENS,
    ) -> None:
        self._storage = storage
        self._logs = logs
        self._answers = answers
        self._max_tokens = max_tokens

    async def context(self, owed: OwedAnswer) -> QuestionContext | None:
        """Where a question stands; ``None`` if no answer is owed to it now."""
        return await self._storage.read(lambda work: self._context(work, owed))

    async def sources(self, context: QuestionContext) -> Sources:
        """All that the answer may be drawn from."""
        question = context.question.body.plain_text
        await self._logs.refresh()
        logs = await self._logs.find(LogQuery(question, context.asker, MAX_LOGS))
        return Sources(
            asker=context.asker.id,
            question=question,
            turns=context_of(context.before, max_tokens=self._max_tokens).turns,
            logs=tuple(logs),
            said=context.said,
        )

    async def _context(self, work: UnitOfWork, owed: OwedAnswer) -> QuestionContext | None:
        still = await self._answers.still_owed(work, owed)
        if still is None:
            return None
        head, question = still
        asker_id = question.author_id
        askers = await work.accounts.by_ids([] if asker_id is None else [asker_id])
        if asker_id is None or asker_id not in askers:
            return None
        hidden = hidden_authors(head, await work.social.blocked_by(asker_id))
        page = Page(MAX_TURNS, before_seq=question.seq + 1)
        before = await work.views.page(head.id, page, hidden=hidden)
        said = await _said(work, askers[asker_id], question)
        return QuestionContext(head, question, askers[asker_id], tuple(before), said)


async def _said(work: UnitOfWork, asker: Account, question: Message) -> tuple[Excerpt, ...]:
    """What people said earlier in the conversation that has the most of the question's words."""
    scores: dict[MessageId, float] = defaultdict(float)
    found: dict[MessageId, Message] = {}
    for word in _words(question.body.plain_text):
        asked = SearchQuery(word, HITS_A_WORD, conversation_id=question.conversation_id)
        hits = await work.search.find(asker.id, asked, any_session=asker.role in STAFF)
        for hit in hits:
            if hit.message.author is not None and hit.message.seq < question.seq:
                found[hit.message.id] = hit.message
                scores[hit.message.id] += 1 / len(hits)
    best = sorted(found.values(), key=lambda each: (-scores[each.id], -each.seq))
    return tuple(
        Excerpt(
            source=each.author.username if each.author else "",
            at=each.created_at,
            text=each.body.plain_text,
            rank=scores[each.id],
        )
        for each in best[:MAX_SAID]
    )


def _words(question: str) -> list[str]:
    """The longest words of a question: the short ones are in everything."""
    words = {word.strip("?!.,;:\"'()[]").casefold() for word in question.split()}
    telling = sorted(
        (word for word in words if len(word) >= MIN_WORD_CHARS), key=lambda w: (-len(w), w)
    )
    return telling[:MAX_WORDS]
