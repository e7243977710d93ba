"""Uploaded files, and which messages they hang on, in SQL."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Text, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from folkmoot.core.messages.model import Upload
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.storage.keys import clamped, is_storable, texts
from folkmoot.storage.sql.executor import Executor, Row
from folkmoot.storage.sql.statements import Sent, Statement
from folkmoot.storage.tables import attachments, messages, uploads
from folkmoot.storage.times import to_micros, to_time

_uids = Sent("uids", uid=str)
_upload_uid = bindparam("upload_uid", type_=Text())

_ADD = Statement(insert(uploads).values({each.name: bindparam(each.name) for each in uploads.c}))
_by_uids = select(*uploads.c).join_from(_uids, uploads, uploads.c.uid == _uids.c.uid)
_GET = Statement(_by_uids, _uids)
# Whoever is about to hang it on a message keeps it from being forgotten.
_GET_LOCKED = Statement(
    _by_uids.order_by(uploads.c.uid).with_for_update(of=uploads, read=True, key_share=True), _uids
)
_ATTACH = Statement(
    insert(attachments)
    .values(upload_uid=_upload_uid, message_id=bindparam("message_id", type_=BigInteger()))
    .on_conflict_do_nothing()
)
_HOLDERS = Statement(
    select(messages.c.conversation_id)
    .join_from(attachments, messages, messages.c.id == attachments.c.message_id)
    .where(attachments.c.upload_uid == _upload_uid, messages.c.deleted_at.is_(None))
    .group_by(messages.c.conversation_id)
    .order_by(messages.c.conversation_id)
)
_USAGE = Statement(
    select(func.count(), func.coalesce(func.sum(uploads.c.size), 0)).where(
        uploads.c.owner_id == bindparam("owner_id", type_=BigInteger())
    )
)
_is_loose = (
    ~select(attachments.c.message_id).where(attachments.c.upload_uid == uploads.c.uid).exists()
)
# Locked first, and only then judged: what is being hung on a message is left for another time.
_LOOSE = Statement(
    select(uploads.c.uid)
    .where(uploads.c.created_at < bindparam("before", type_=BigInteger()), _is_loose)
    .order_by(uploads.c.created_at, uploads.c.uid)
    .limit(bindparam("limit", type_=BigInteger()))
    .with_for_update(of=uploads, skip_locked=True)
)
_FORGET = Statement(
    delete(uploads)
    .where(uploads.c.uid.in_(select(_uids.c.uid)), _is_loose)
    .returning(uploads.c.uid),
    _uids,
)


class SqlAttachments:
    """`AttachmentStore` in SQL."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def add(self, upload: Upload) -> None:
        row = {
            "uid": upload.id,
            "owner_id": upload.owner_id,
            "name": upload.name,
            "size": upload.size,
            "media_type": upload.media_type,
            "digest": upload.digest,
            "created_at": to_micros(upload.created_at),
            "has_thumbnail": int(upload.has_thumbnail),
        }
        await self._executor.run(_ADD, row)

    async def get(self, ids: Collection[Uid]) -> dict[Uid, Upload]:
        statement = _GET_LOCKED if self._executor.is_writing else _GET
        rows = await self._executor.rows(statement, {"uids": texts(ids)})
        return {row[0]: _upload(row) for row in rows}

    async def attach(self, ids: Collection[Uid], message_ids: Sequence[MessageId]) -> None:
        rows = [
            {"upload_uid": upload_uid, "message_id": message_id}
            for upload_uid, message_id in zip(ids, message_ids, strict=True)
        ]
        await self._executor.run_many(_ATTACH, rows)

    async def holders(self, attachment_id: Uid) -> list[ConversationId]:
        if not is_storable(attachment_id):
            return []
        rows = await self._executor.rows(_HOLDERS, {"upload_uid": attachment_id})
        return [row[0] for row in rows]

    async def usage(self, owner: AccountId) -> tuple[int, int]:
        ((count, size),) = await self._executor.rows(_USAGE, {"owner_id": owner})
        return count, int(size)

    async def forget_loose(self, before: datetime, *, limit: int) -> list[Uid]:
        params = {"before": to_micros(before), "limit": clamped(max(limit, 0))}
        loose = [row[0] for row in await self._executor.rows(_LOOSE, params)]
        rows = await self._executor.rows(_FORGET, {"uids": loose})
        return [row[0] for row in rows]


def _upload(row: Row) -> Upload:
    uid, owner_id, name, size, media_type, digest, created_at, has_thumbnail = row
    return Upload(
        id=uid,
        owner_id=owner_id,
        name=name,
        size=size,
        media_type=media_type,
        digest=digest,
        created_at=to_time(created_at),
        has_thumbnail=bool(has_thumbnail),
    )
