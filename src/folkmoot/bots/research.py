"""Research what an answer may be drawn from: what all who are given it may read."""

from collections import defaultdict
from dataclasses import dataclass, replace

from folkmoot.bots.answerer import Sources
from folkmoot.bots.quoting import LEAST_FIT_OF_LOGS
from folkmoot.core.accounts.model import STAFF, Account
from folkmoot.core.audience import hidden_authors
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.logs.model import Excerpt, LogQuery, withheld_sources_of
from folkmoot.core.logs.store import LogIndex, PageIndex
from folkmoot.core.messages.answers import Answers
from folkmoot.core.messages.context import MAX_CONTEXT_TOKENS, context_of
from folkmoot.core.messages.errors import NothingToLookFor
from folkmoot.core.messages.model import Message
from folkmoot.core.messages.owed_answers import OwedAnswer
from folkmoot.core.messages.views import SearchQuery
from folkmoot.core.shared.ids import AccountId, MessageId
from folkmoot.core.shared.pages import Page
from folkmoot.core.work import Storage, UnitOfWork

MAX_TURNS = 20
MAX_LOGS = 8
MAX_PAGES = 6
MAX_SAID = 4
MAX_WORDS = 8
MIN_WORD_CHARS = 4
HITS_A_WORD = 10


@dataclass(frozen=True, slots=True)
class QuestionContext:
    """A question to which an answer is owed, and what was said around it."""

    owed: OwedAnswer
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
        pages: PageIndex,
        answers: Answers,
        *,
        max_tokens: int = MAX_CONTEXT_TOKENS,
    ) -> None:
        self._storage = storage
        self._logs = logs
        self._pages = pages
        self._answers = answers
        self._max_tokens = max_tokens

    async def context(self, owed: OwedAnswer) -> QuestionContext | None:
        """Where a question stands; ``None`` if no answer is owed to it now."""
        return await self._storage.read(lambda work: self._context(work, owed))

    async def sources(self, context: QuestionContext) -> Sources:
        """All that the answer may be drawn from that everybody in the session reads, now and later.

        Anybody may be added to a session, so it is what everybody may read, whoever asks.
        """
        question = context.question.body.plain_text
        await self._pages.refresh()
        await self._logs.refresh()
        pages = await self._pages.find(question, limit=MAX_PAGES)
        logs = await self._logs.find(LogQuery(question, limit=MAX_LOGS))
        return Sources(
            asker=context.asker.id,
            asker_name=context.asker.username,
            question=question,
            turns=context_of(context.before, max_tokens=self._max_tokens).turns,
            pages=tuple(pages),
            logs=tuple(logs),
            said=context.said,
        )

    async def withheld(self, context: QuestionContext, shared: Sources) -> Sources | None:
        """What the asker may read besides, and not everybody; ``None`` if none of it fits."""
        audiences = withheld_sources_of(context.asker.role)
        if not audiences:
            return None
        found = await self._logs.find(LogQuery(shared.question, audiences, MAX_LOGS))
        fitting = tuple(one for one in found if one.fit >= LEAST_FIT_OF_LOGS)
        return replace(shared, pages=(), logs=fitting, said=()) if fitting else None

    async def may_still_read(self, context: QuestionContext) -> bool:
        """Whether the answer is still wanted, by an asker of the same role."""
        now = await self.context(context.owed)
        return now is not None and now.asker.role is context.asker.role and now.asker.is_active

    async def _context(self, work: UnitOfWork, owed: OwedAnswer) -> QuestionContext | None:
        still = await self._answers.still_owed(work, owed)
        if still is None:
            return None
        head, question = still
        asker_id = question.author_id
        askers = await work.accounts.by_ids([] if asker_id is None else [asker_id])
        if asker_id is None or asker_id not in askers:
            return None
        hidden = await _hidden(work, head, asker_id)
        page = Page(MAX_TURNS, before_seq=question.seq + 1)
        before = await work.views.page(head.id, page, hidden=hidden)
        said = await _said(work, askers[asker_id], question, hidden)
        return QuestionContext(owed, head, question, askers[asker_id], tuple(before), said)


async def _hidden(
    work: UnitOfWork, head: Conversation, asker_id: AccountId
) -> frozenset[AccountId]:
    """Whose words some member is not shown, but for the asker's, which are what is answered."""
    if head.is_two_party:
        return frozenset()
    members = (await work.conversations.members([head.id]))[head.id]
    readers = {asker_id, *(member.person.id for member in members)}
    blocked = [await work.social.blocked_by(reader) for reader in sorted(readers)]
    return frozenset().union(*(hidden_authors(head, each) for each in blocked)) - {asker_id}


async def _said(
    work: UnitOfWork, asker: Account, question: Message, hidden: frozenset[AccountId]
) -> tuple[Excerpt, ...]:
    """What people said earlier in the conversation that has the most of the question's words."""
    scores: dict[MessageId, float] = defaultdict(float)
    found: dict[MessageId, Message] = {}
    for word in _words(question.body.plain_text):
        asked = SearchQuery(word, HITS_A_WORD, conversation_id=question.conversation_id)
        try:
            hits = await work.search.find(asker.id, asked, any_session=asker.role in STAFF)
        except NothingToLookFor:
            continue
        for hit in hits:
            author_id = hit.message.author_id
            if author_id and author_id not in hidden and hit.message.seq < question.seq:
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
