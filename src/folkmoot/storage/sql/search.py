"""Finding messages by their words, in SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, bindparam, text

from folkmoot.core.messages.errors import NothingToLookFor
from folkmoot.core.messages.views import SearchHit, SearchQuery
from folkmoot.core.shared.ids import AccountId
from folkmoot.storage.keys import MAX_NUMBER, clamped
from folkmoot.storage.sql.executor import Executor, Row
from folkmoot.storage.sql.indexing import Indexing
from folkmoot.storage.sql.rows import to_plain_text
from folkmoot.storage.sql.statements import Statement
from folkmoot.storage.sql.views import SqlViews
from folkmoot.storage.times import to_micros
from folkmoot.storage.words import Term, read, score_of, snippet_of, terms_of

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
    for name in ("viewer", "any_session", "since", "until", "conversation_id", "author_id")
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
    SELECT messages.id, messages.kind, messages.content
    FROM (SELECT CAST(CAST(:words AS text) AS tsquery) AS question) AS asked
    JOIN messages ON messages.words @@ asked.question
    JOIN conversations ON conversations.id = messages.conversation_id
    WHERE {_READABLE}
    ORDER BY messages.id + 0 DESC LIMIT {MAX_RANKED}
"""  # noqa: S608 - only names of ours are put in
_IN_TABLE_OR_COLUMN = Statement(
    text(_IN_TABLE).bindparams(*_numbers), on_postgres=text(_IN_COLUMN).bindparams(*_numbers)
)
_IN_TABLE_BEFORE = Statement(
    text(
        _IN_TABLE.replace("message_words", "message_words_before").replace(
            "WHERE", "WHERE message_words_before.rowid <= :up_to AND", 1
        )
    ).bindparams(*_numbers, bindparam("up_to", type_=BigInteger()))
)
_SINCE = Statement(text(_SINCE_THE_LAST_BUNDLE).bindparams(*_numbers))


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
            raise NothingToLookFor(field="q")
        params = {
            "viewer": viewer,
            "any_session": int(any_session),
            "since": -MAX_NUMBER if question.since is None else to_micros(question.since),
            "until": MAX_NUMBER if question.until is None else to_micros(question.until),
            # No conversation and no account has the number that a far too large one becomes.
            "conversation_id": _clamped(question.conversation_id),
            "author_id": _clamped(question.author_id),
        }
        asked = self._in_table if self._executor.has_word_table else self._in_column
        scored = [
            (score_of(read(to_plain_text(row)), terms), number)
            for number, *row in await asked(terms, params)
        ]
        ranked = sorted(((score, number) for score, number in scored if score), reverse=True)
        best = ranked[: max(question.limit, 0)]
        found = await self._views.messages(number for _, number in best)
        return [
            SearchHit(found[number], *snippet_of(found[number].body.plain_text, terms), score)
            for score, number in best
        ]

    async def renew(self, limit: int) -> bool:
        return await Indexing(self._executor).renew(limit)

    # Neither index knows which word follows which: the score sees to that.

    async def _in_table(self, terms: Sequence[Term], params: dict[str, Any]) -> Sequence[Row]:
        # Between quotes nothing has a meaning of its own, and there is no quote in a word.
        params["words"] = _said(terms, quote='"', begun="*", both=" AND ", either=" OR ")
        indexing = Indexing(self._executor)
        rows = [
            *await self._executor.rows(_SINCE, {**params, "after": await indexing.indexed_up_to()}),
            *await self._executor.rows(_IN_TABLE_OR_COLUMN, params),
        ]
        outdated = await indexing.outdated_up_to()
        if outdated:
            rows += await self._executor.rows(_IN_TABLE_BEFORE, {**params, "up_to": outdated})
        return rows

    async def _in_column(self, terms: Sequence[Term], params: dict[str, Any]) -> Sequence[Row]:
        params["words"] = _said(terms, quote="'", begun=":*", both=" & ", either=" | ")
        return await self._executor.rows(_IN_TABLE_OR_COLUMN, params)


def _said(terms: Sequence[Term], *, quote: str, begun: str, both: str, either: str) -> str:
    """The terms in the language of an index."""

    def one(word: str, *, is_prefix: bool = False) -> str:
        return f"{quote}{word}{quote}{begun if is_prefix else ''}"

    def whole(term: Term) -> str:
        if term.then:
            *first, last = term.word, *term.then
            return both.join([*map(one, first), one(last, is_prefix=term.is_prefix)])
        stems = sorted(term.forms - {term.word})
        return either.join([one(term.word, is_prefix=term.is_prefix), *map(one, stems)])

    return both.join([f"({whole(term)})" for term in terms])


def _clamped(number: int | None) -> int | None:
    return None if number is None else clamped(number)
