"""Keeping the words of messages where they are found again, in the transaction that wrote them.

PostgreSQL has them in a column, so there a message brings them along. SQLite has them in a table
beside, which costs as much for one message as for many: so they go into it by the bundle, and the
few messages since the last bundle are looked at one by one.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, func, select, text, update

from folkmoot.core.shared.ids import MessageId
from folkmoot.storage.sql.executor import Executor
from folkmoot.storage.sql.rows import PLAIN_TEXT, to_plain_text
from folkmoot.storage.sql.statements import Statement
from folkmoot.storage.tables import BUNDLE, messages, outdated_words
from folkmoot.storage.words import words_of

vector = func.array_to_tsvector(func.string_to_array(bindparam("words", type_=Text()), " "))
"""The parameter ``words`` as PostgreSQL keeps it: whatever a parser would make of it."""

_INDEX = Statement(
    text("INSERT INTO message_words (rowid, words) VALUES (:id, :words)"),
    on_postgres=update(messages)
    .where(messages.c.id == bindparam("id", type_=BigInteger()))
    .values(words=vector),
)
_INDEX_BEFORE = Statement(
    text("INSERT INTO message_words_before (rowid, words) VALUES (:id, :words)")
)
_FORGET = Statement(
    text("INSERT INTO message_words (message_words, rowid, words) VALUES ('delete', :id, :words)")
)
_between = select(messages.c.id, *PLAIN_TEXT).where(
    messages.c.id > bindparam("after", type_=BigInteger()),
    messages.c.id <= bindparam("upto", type_=BigInteger()),
    messages.c.deleted_at.is_(None),
)
# Whoever edits one of them waits, or is waited for.
_BETWEEN = Statement(_between, on_postgres=_between.with_for_update())
_CONTENT = Statement(
    select(*PLAIN_TEXT).where(
        messages.c.id == bindparam("id", type_=BigInteger()), messages.c.deleted_at.is_(None)
    )
)
_NEWEST = Statement(select(func.coalesce(func.max(messages.c.id), 0)))
_OUTDATED = Statement(select(outdated_words.c.up_to))
_LOWER = Statement(update(outdated_words).values(up_to=bindparam("new_up_to", type_=BigInteger())))
_DONE = Statement(delete(outdated_words))
_DROP = Statement(text("DROP TABLE message_words_before"))


class Indexing:
    """What is to be done about words besides writing the message itself."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def added(self, numbers: Sequence[int]) -> None:
        """Put bundles that were filled by messages of these numbers into the index."""
        if not self._executor.has_word_table:
            return
        bundles = {"after": _bundled(numbers[0] - 1), "upto": _bundled(numbers[-1])}
        if bundles["after"] < bundles["upto"]:
            rows: Sequence[Any] = await self._executor.rows(_BETWEEN, bundles)
            found = [{"id": number, "words": words_of(to_plain_text(row))} for number, *row in rows]
            await self._executor.run_many(_INDEX, found)

    async def replace(self, message_id: MessageId, words: str | None) -> None:
        """Forget the words of a message as it still stands, and keep these, if any, instead."""
        if not self._executor.has_word_table or message_id > await self.indexed_up_to():
            return
        if message_id <= await self.outdated_up_to():
            # Until all that is there is gathered anew, what it was found by may stay there.
            if words is not None:
                await self._executor.run(_INDEX_BEFORE, {"id": message_id, "words": words})
            return
        for row in await self._executor.rows(_CONTENT, {"id": message_id}):
            # The table has no copy of what it was given, and must be told to forget it.
            await self._executor.run(
                _FORGET, {"id": message_id, "words": words_of(to_plain_text(row))}
            )
            self._executor.note_deleted_words()
            if words is not None:
                await self._executor.run(_INDEX, {"id": message_id, "words": words})

    async def renew(self, limit: int) -> bool:
        """Gather the words of so many messages anew, of those whose words an earlier version kept.

        ``True`` while some are left. It goes on where it was, whoever has been stopped meanwhile.
        """
        up_to = await self.outdated_up_to()
        if not up_to:
            return False
        after = max(0, up_to - limit)
        rows: Sequence[Any] = await self._executor.rows(_BETWEEN, {"after": after, "upto": up_to})
        found = [{"id": number, "words": words_of(to_plain_text(row))} for number, *row in rows]
        await self._executor.run_many(_INDEX, found)
        if after:
            await self._executor.run(_LOWER, {"new_up_to": after})
            return True
        await self._executor.run(_DONE, {})
        if self._executor.has_word_table:
            # What was deleted meanwhile is in it still: it is overwritten.
            await self._executor.run(_DROP, {})
        return False

    async def outdated_up_to(self) -> int:
        """The number of the last message whose words an earlier version kept; 0 if of none."""
        rows = await self._executor.rows(_OUTDATED, {})
        return int(rows[0][0]) if rows else 0

    async def indexed_up_to(self) -> int:
        """The number of the last message whose words, if it was not deleted, are in the table."""
        return _bundled((await self._executor.rows(_NEWEST, {}))[0][0])


def _bundled(number: int) -> int:
    """The number that the last full bundle ends with once a message has this number."""
    return number // BUNDLE * BUNDLE
