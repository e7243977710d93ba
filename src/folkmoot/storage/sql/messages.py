"""Messages and reactions in SQL."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, null, select, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert

from folkmoot.core.messages.model import Message, MessageBody, NewMessage
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.storage.keys import is_storable, texts
from folkmoot.storage.keys import numbers as storable_numbers
from folkmoot.storage.sql.executor import Executor
from folkmoot.storage.sql.indexing import Indexing, vector
from folkmoot.storage.sql.rows import MESSAGE, body_columns, to_message, with_names
from folkmoot.storage.sql.statements import Sent, Statement
from folkmoot.storage.tables import attachments, messages, reactions
from folkmoot.storage.times import to_micros
from folkmoot.storage.words import words_of

_ids = Sent("ids", id=int)
_uids = Sent("uids", uid=str)
_keys = Sent("keys", author_id=int, client_id=str)
_conversation_id = bindparam("conversation_id", type_=BigInteger())
_message_id = bindparam("message_id", type_=BigInteger())
_stored = [
    column.name
    for column in messages.c
    if column.name not in {"id", "edited_at", "deleted_at", "words"}
]

# Inline: what is given back is for the executor to say.
_add = plain_insert(messages).inline().values({name: bindparam(name) for name in _stored})
_ADD = Statement(_add, on_postgres=_add.values(words=vector))
_BY_CLIENT_IDS = Statement(
    select(*MESSAGE).select_from(
        with_names(
            _keys.join(
                messages,
                (messages.c.author_id == _keys.c.author_id)
                & (messages.c.client_id == _keys.c.client_id),
            )
        )
    ),
    _keys,
)
_BY_IDS = Statement(
    select(*MESSAGE)
    .select_from(with_names(_ids.join(messages, messages.c.id == _ids.c.id)))
    .where(messages.c.conversation_id == _conversation_id),
    _ids,
)
_BY_UIDS = Statement(
    select(*MESSAGE)
    .select_from(with_names(_uids.join(messages, messages.c.uid == _uids.c.uid)))
    .where(messages.c.conversation_id == _conversation_id),
    _uids,
)
_ANYWHERE = Statement(
    select(*MESSAGE).select_from(with_names(_uids.join(messages, messages.c.uid == _uids.c.uid))),
    _uids,
)
_edit = (
    update(messages)
    .where(messages.c.id == _message_id)
    .values(content=bindparam("new_content"), edited_at=bindparam("at"))
)
_EDIT = Statement(_edit, on_postgres=_edit.values(words=vector))
_delete = (
    update(messages)
    .where(messages.c.id == _message_id)
    .values(
        content="", attachment=null(), mentions=null(), labels=null(), deleted_at=bindparam("at")
    )
)
_DELETE = Statement(_delete, on_postgres=_delete.values(words=null()))
_FORGET_ATTACHMENT = Statement(delete(attachments).where(attachments.c.message_id == _message_id))
_FORGET_REACTIONS = Statement(delete(reactions).where(reactions.c.message_id == _message_id))
_REACT = Statement(
    insert(reactions)
    .values({column.name: bindparam(column.name) for column in reactions.c})
    .on_conflict_do_nothing()
    .returning(reactions.c.message_id)
)
_UNREACT = Statement(
    delete(reactions)
    .where(
        reactions.c.message_id == _message_id,
        reactions.c.account_id == bindparam("account_id"),
        reactions.c.emoji == bindparam("emoji"),
    )
    .returning(reactions.c.message_id)
)
_REACTIONS_OF = Statement(
    select(reactions.c.emoji).where(
        reactions.c.message_id == _message_id, reactions.c.account_id == bindparam("account_id")
    )
)


class SqlMessages:
    """`MessageStore` in SQL."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._indexing = Indexing(executor)

    async def add(self, messages: Sequence[NewMessage]) -> list[Message]:
        if not messages:
            return []
        rows = [_row(message) for message in messages]
        if not self._executor.has_word_table:
            for row, message in zip(rows, messages, strict=True):
                row["words"] = words_of(message.body.plain_text)
        numbers = await self._executor.insert(_ADD, rows)
        await self._indexing.added(numbers)
        return [
            message.stored_as(MessageId(number))
            for message, number in zip(messages, numbers, strict=True)
        ]

    async def by_client_ids(
        self, keys: Collection[tuple[AccountId, str]]
    ) -> dict[tuple[AccountId, str], Message]:
        wanted = [key for key in set(keys) if is_storable(key[1])]
        found = {}
        for row in await self._executor.rows(_BY_CLIENT_IDS, {"keys": wanted}):
            message = to_message(row)
            if message.author_id is not None and message.client_id is not None:
                found[message.author_id, message.client_id] = message
        return found

    async def named(
        self, conversation_id: ConversationId, names: Collection[MessageId | Uid]
    ) -> dict[MessageId | Uid, Message]:
        ids = storable_numbers(name for name in names if isinstance(name, int))
        uids = texts(name for name in names if isinstance(name, str))
        where = {"conversation_id": conversation_id}
        found: dict[MessageId | Uid, Message] = {}
        if ids:
            rows = await self._executor.rows(_BY_IDS, {"ids": ids, **where})
            found |= {row[0]: to_message(row) for row in rows}
        if uids:
            rows = await self._executor.rows(_BY_UIDS, {"uids": uids, **where})
            found |= {row[1]: to_message(row) for row in rows}
        return found

    async def by_uids(self, uids: Collection[Uid]) -> dict[Uid, Message]:
        rows = await self._executor.rows(_ANYWHERE, {"uids": texts(uids)})
        return {row[1]: to_message(row) for row in rows}

    async def edit(self, message_id: MessageId, body: MessageBody, at: datetime) -> None:
        words = words_of(body.plain_text)
        params = {
            "message_id": message_id,
            "new_content": body_columns(body)["content"],
            "words": words,
            "at": to_micros(at),
        }
        await self._indexing.replace(message_id, words)
        await self._executor.run(_EDIT, params)

    async def delete(self, message_id: MessageId, at: datetime) -> None:
        params = {"message_id": message_id, "at": to_micros(at)}
        await self._indexing.replace(message_id, None)
        await self._executor.run(_DELETE, params)
        await self._executor.run(_FORGET_ATTACHMENT, params)
        await self._executor.run(_FORGET_REACTIONS, params)

    async def react(
        self, message_id: MessageId, account_id: AccountId, emoji: str, at: datetime
    ) -> bool:
        params = _reaction(message_id, account_id, emoji)
        return bool(await self._executor.rows(_REACT, {**params, "created_at": to_micros(at)}))

    async def unreact(self, message_id: MessageId, account_id: AccountId, emoji: str) -> bool:
        params = _reaction(message_id, account_id, emoji)
        return bool(await self._executor.rows(_UNREACT, params))

    async def reactions_of(self, message_id: MessageId, account_id: AccountId) -> frozenset[str]:
        params = {"message_id": message_id, "account_id": account_id}
        rows = await self._executor.rows(_REACTIONS_OF, params)
        return frozenset(row[0] for row in rows)


def _row(message: NewMessage) -> dict[str, Any]:
    return {
        "uid": message.uid,
        "conversation_id": message.conversation_id,
        "seq": message.seq,
        "author_id": message.author.id if message.author else None,
        "author_kind": message.author_kind.value,
        "client_id": message.client_id,
        "created_at": to_micros(message.created_at),
        **body_columns(message.body),
    }


def _reaction(message_id: MessageId, account_id: AccountId, emoji: str) -> dict[str, Any]:
    return {"message_id": message_id, "account_id": account_id, "emoji": emoji}
