"""Who may upload how much, who may see what was uploaded, and what becomes of files nobody uses."""

from dataclasses import dataclass
from datetime import timedelta

from folkmoot.core.accounts.model import STAFF, Account
from folkmoot.core.messages.errors import NoSuchAttachment, QuotaReached
from folkmoot.core.messages.model import Upload
from folkmoot.core.messages.store import MessageWork
from folkmoot.core.shared.ids import AccountId, Clock, Uid

LOOSE_FOR = timedelta(hours=24)
"""How long a file may wait for the message that it is to hang on."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How much one account may have uploaded, all its files together."""

    max_files: int
    max_bytes: int


class Uploads:
    """Files that were uploaded, as far as the rules about them go."""

    def __init__(self, clock: Clock, quota: Quota) -> None:
        self._clock = clock
        self._quota = quota

    async def check_room(self, work: MessageWork, owner: AccountId, size: int) -> None:
        """Return if the account may upload one more file of this size.

        Raises:
            QuotaReached
        """
        await work.accounts.hold(owner)
        count, total = await work.attachments.usage(owner)
        if count >= self._quota.max_files or total + size > self._quota.max_bytes:
            raise QuotaReached(max_files=self._quota.max_files, max_bytes=self._quota.max_bytes)

    async def keep(self, work: MessageWork, upload: Upload) -> None:
        """Remember a file that is whole on disk.

        Raises:
            QuotaReached
        """
        await self.check_room(work, upload.owner_id, upload.size)
        await work.attachments.add(upload)

    async def shown(self, work: MessageWork, viewer: Account, upload_id: Uid) -> Upload:
        """A file, for its uploader and for whoever can open a conversation that it hangs in.

        Raises:
            NoSuchAttachment: it is not there, or not for this account.
        """
        upload = (await work.attachments.get([upload_id])).get(upload_id)
        if upload is None or not await _may_see(work, viewer, upload):
            raise NoSuchAttachment
        return upload

    async def forget_loose(self, work: MessageWork, *, limit: int) -> list[Uid]:
        """Forget files that have hung on no message for too long; their ids."""
        before = self._clock.now() - LOOSE_FOR
        return await work.attachments.forget_loose(before, limit=limit)


async def hangs_where_member(work: MessageWork, account_id: AccountId, upload_id: Uid) -> bool:
    """Whether a file hangs on a message in a conversation that the account is a member of."""
    holders = await work.attachments.holders(upload_id)
    keys = [(conversation_id, account_id) for conversation_id in holders]
    return bool(keys and await work.conversations.memberships(keys))


async def _may_see(work: MessageWork, viewer: Account, upload: Upload) -> bool:
    if upload.owner_id == viewer.id or await hangs_where_member(work, viewer.id, upload.id):
        return True
    if viewer.role not in STAFF:
        return False
    heads = await work.conversations.heads(await work.attachments.holders(upload.id))
    return any(head.desk is not None for head in heads.values())
