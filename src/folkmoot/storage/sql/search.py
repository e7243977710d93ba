"""Finding messages by their words, in SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, bindparam, text

from folkmoot.core.messages.views import SearchHit, SearchQuery
from folkmoot.core.shared.ids import AccountId, MessageId
from folkmoot.storage.keys import MAX_NUMBER, clamped
from folkmoot.storage.sql.executor import Executor
from folkmoot.storage.sql.indexing import Indexing
from folkmoot.storage.sql.rows import to_plain_text
from folkmoot.storage.sql.statements import Statement
from folkmoot.storage.sql.views import SqlViews
from folkmoot.storage.times import to_micros
from folkmoot.storage.words import Term, score_of, snippet_of, terms_of, words_of

MAX_RANKED = 300
"""Of very many the newest are ranked: a word that everybody uses must not cost more each day."""

# Whoever may not read a message does not come across it: `audience.hidden_authors` and the rule
# of membership, said once more.
_MAY_SEE = """
    messages.deleted_at IS NULL
    AND (EXISTS (SELECT 1 FROM members
                 WHERE members.conversation_id = messages.conversation_id
                   AND members.account_id = :viewer AND members.left_at IS NULL)
         OR (:any_session = 1 AND conversations.kind = 'session'))
    AND (conversations.member_count <= 2
         OR messages.author_id IS NULL
         OR NOT EXISTS (SELECT 1 FROM blocks
                        WHERE blocks.blocker_id = :viewer
                          AND blocks.blocked_id = messages.author_id))
"""
_ASKED_FOR = """
    messages.created_at >= :since AND messages.created_at < :until
    AND (:conversation_id IS NULL OR messages.conversation_id = :conversation_id)
    AND (:author_id IS NULL OR messages.author_id = :author_id)
"""
_numbers = [
    bindparam(name, type_=BigInteger())
    for name in ("viewer", "any_session", "since", "until", "conversation_id", "author_id", "limit")
]
_READABLE = f"{_ASKED_FOR} AND {_MAY_SEE}"
_IN_TABLE = f"""
    SELECT messages.id, messages.kind, messages.content
    FROM message_words
    CROSS JOIN messages ON messages.id = message_words.rowid
    CROSS JOIN conversations ON conversations.id = messages.conversation_id
    WHERE message_words MATCH :words AND {_READABLE}
    ORDER BY message_words.rowid DESC LIMIT {MAX_RANKED}
"""  # noqa: S608 - only names of ours are put in
_SINCE_THE_LAST_BUNDLE = f"""
    SELECT messages.id, messages.kind, messages.content
    FROM messages CROSS JOIN conversations ON conversations.id = messages.conversation_id
    WHERE messages.id > :after AND {_READABLE}
"""  # noqa: S608 - only names of ours are put in
# The sum keeps PostgreSQL from walking down the numbers, past everything without these words.
_IN_COLUMN = f"""
    WITH newest AS (
        SELECT messages.id AS id, ts_rank(messages.words, question) AS rank
        FROM to_tsquery('simple', :words) AS question
        JOIN messages ON messages.words @@ question
        JOIN conversations ON conversations.id = messages.conversation_id
        WHERE {_READABLE}
        ORDER BY messages.id + 0 DESC LIMIT {MAX_RANKED}
    ) SELECT id, rank FROM newest ORDER BY rank DESC, id DESC LIMIT :limit
"""  # noqa: S608 - only names of ours are put in
_IN_TABLE_OR_COLUMN = Statement(
    text(_IN_TABLE).bindparams(*_numbers[:-1]), on_postgres=text(_IN_COLUMN).bindparams(*_numbers)
)
_SINCE = Statement(text(_SINCE_THE_LAST_BUNDLE).bindparams(*_numbers[:-1]))

Ranked = tuple[MessageId, float]


class SqlSearch:
    """`Search` in SQL."""

    def __init__(self, executor: Executor, views: SqlViews) -> None:
        self._executor = executor
        self._views = views

    async def find(
        self, viewer: AccountId, question: SearchQuery, *, any_session: bool = False
    ) -> list[SearchHit]:
        terms = terms_of(question.words)
        if not terms:
            return []
        params = {
            "viewer": viewer,
            "any_session": int(any_session),
            "since": -MAX_NUMBER if question.since is None else to_micros(question.since),
            "until": MAX_NUMBER if question.until is None else to_micros(question.until),
            # No conversation and no account has the number that a far too large one becomes.
            "conversation_id": _clamped(question.conversation_id),
            "author_id": _clamped(question.author_id),
            "limit": clamped(max(question.limit, 0)),
        }
        ranked = await (self._in_table if self._executor.has_word_table else self._in_column)(
            terms, params
        )
        found = await self._views.messages(number for number, _ in ranked)
        return [
            SearchHit(found[number], *snippet_of(found[number].body.plain_text, terms), rank)
            for number, rank in ranked
        ]

    async def _in_table(self, terms: Sequence[Term], params: dict[str, Any]) -> list[Ranked]:
        # Between quotes nothing has a meaning of its own, and there is no quote in a word.
        # Which pairs follow each other this table does not know: the score sees to that.
        words = " AND ".join(
            f'"{word}"{"*" if term.is_prefix else ""}' for term in terms for word in _words(term)
        )
        after = await Indexing(self._executor).indexed_up_to()
        rows = [
            *await self._executor.rows(_SINCE, {**params, "after": after}),
            *await self._executor.rows(_IN_TABLE_OR_COLUMN, {**params, "words": words}),
        ]
        scored = [
            (score_of(words_of(to_plain_text(row)).split(" "), terms), number)
            for number, *row in rows
        ]
        best = sorted(((score, number) for score, number in scored if score), reverse=True)
        return [(number, score) for score, number in best[: params["limit"]]]

    async def _in_column(self, terms: Sequence[Term], params: dict[str, Any]) -> list[Ranked]:
        words = " & ".join(
            " <-> ".join(f"'{word}'{':*' if term.is_prefix else ''}" for word in _words(term))
            for term in terms
        )
        rows = await self._executor.rows(_IN_TABLE_OR_COLUMN, {**params, "words": words})
        return [(number, rank) for number, rank in rows]


def _words(term: Term) -> tuple[str, ...]:
    return (term.word, *term.then)


def _clamped(number: int | None) -> int | None:
    return None if number is None else clamped(number)
