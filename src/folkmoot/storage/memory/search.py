"""Finding messages by their words, in memory: by looking at every one."""

from collections.abc import Iterator, Sequence

from folkmoot.core.audience import hidden_authors
from folkmoot.core.conversations.model import Kind
from folkmoot.core.messages.errors import NothingToLookFor
from folkmoot.core.messages.views import SearchHit, SearchQuery
from folkmoot.core.shared.ids import AccountId, MessageId
from folkmoot.storage.memory.row_loading import full_message_of
from folkmoot.storage.memory.state import MessageRow, State
from folkmoot.storage.words import Term, read, score_of, snippet_of, terms_of


class MemorySearch:
    """`Search` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def find(
        self, viewer: AccountId, question: SearchQuery, *, any_session: bool = False
    ) -> list[SearchHit]:
        terms = terms_of(question.words)
        if not terms:
            raise NothingToLookFor(field="q")
        scored = [
            (score_of(read(row.body.plain_text), terms), number)
            for number, row in self._readable(viewer, any_session=any_session)
            if _is_asked_for(row, question)
        ]
        best = sorted(((score, number) for score, number in scored if score), reverse=True)
        return [self._hit(number, terms, score) for score, number in best[: max(question.limit, 0)]]

    async def renew(self, limit: int) -> bool:
        del limit
        return False

    def _readable(
        self, viewer: AccountId, *, any_session: bool
    ) -> Iterator[tuple[MessageId, MessageRow]]:
        state = self._state
        mine = state.memberships.get(viewer, frozenset())
        blocked = {blocked for blocker, blocked in state.blocks if blocker == viewer}
        for number, row in state.messages.items():
            head = state.conversations[row.conversation_id]
            if head.id not in mine and not (any_session and head.kind is Kind.SESSION):
                continue
            if row.deleted_at is None and row.author_id not in hidden_authors(head, blocked):
                yield number, row

    def _hit(self, number: MessageId, terms: Sequence[Term], score: float) -> SearchHit:
        message = full_message_of(self._state, number)
        return SearchHit(message, *snippet_of(message.body.plain_text, terms), score)


def _is_asked_for(row: MessageRow, question: SearchQuery) -> bool:
    return (
        question.conversation_id in (None, row.conversation_id)
        and question.author_id in (None, row.author_id)
        and (question.since is None or row.created_at >= question.since)
        and (question.until is None or row.created_at < question.until)
    )
