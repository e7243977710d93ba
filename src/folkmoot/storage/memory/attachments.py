"""Uploaded files, and which messages they hang on, in memory."""

from collections.abc import Collection, Sequence
from datetime import datetime

from folkmoot.core.messages.model import Upload
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.storage.errors import ConstraintBroken
from folkmoot.storage.memory.state import State


class MemoryAttachments:
    """`AttachmentStore` in memory."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, upload: Upload) -> None:
        if upload.id in self._state.uploads or upload.owner_id not in self._state.accounts:
            raise ConstraintBroken("the upload is there already, or its owner is not")
        self._state.uploads[upload.id] = upload

    async def get(self, ids: Collection[Uid]) -> dict[Uid, Upload]:
        known = self._state.uploads
        return {uid: known[uid] for uid in ids if uid in known}

    async def attach(self, ids: Collection[Uid], message_ids: Sequence[MessageId]) -> None:
        for key in zip(ids, message_ids, strict=True):
            if key[0] not in self._state.uploads or key[1] not in self._state.messages:
                raise ConstraintBroken("an attachment is an upload that hangs on a message")
            self._state.attachments[key] = None

    async def holders(self, attachment_id: Uid) -> list[ConversationId]:
        messages = self._state.messages
        held_by = [
            messages[number] for uid, number in self._state.attachments if uid == attachment_id
        ]
        return sorted({row.conversation_id for row in held_by if row.deleted_at is None})

    async def usage(self, owner: AccountId) -> tuple[int, int]:
        sizes = [each.size for each in self._state.uploads.values() if each.owner_id == owner]
        return len(sizes), sum(sizes)

    async def forget_loose(self, before: datetime, *, limit: int) -> list[Uid]:
        hanging = {uid for uid, _ in self._state.attachments}
        loose = sorted(
            (upload.created_at, uid)
            for uid, upload in self._state.uploads.items()
            if upload.created_at < before and uid not in hanging
        )
        gone = [uid for _, uid in loose[: max(limit, 0)]]
        for uid in gone:
            del self._state.uploads[uid]
        return gone
