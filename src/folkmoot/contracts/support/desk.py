"""What this contract's events read and change in one unit of work each."""

from dataclasses import dataclass

from folkmoot.contracts.support import frames as wire
from folkmoot.contracts.support.errors import MayNotWrite, ReceiverNeeded
from folkmoot.contracts.support.subscription import sessions_of
from folkmoot.core.accounts.errors import NoSuchAccount
from folkmoot.core.accounts.model import STAFF, Account
from folkmoot.core.conversations.model import Conversation, DeskFilter, Member, ReadMark
from folkmoot.core.messages.errors import NoSuchMessage
from folkmoot.core.messages.model import Message
from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.core.shared.pages import Page, Slice
from folkmoot.core.shared.texts import checked
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.change_frames import change_of
from folkmoot.kit.ids import message_uid_of
from folkmoot.kit.sending import changed
from folkmoot.realtime.services import Services


@dataclass(frozen=True, slots=True)
class Address:
    """Whose thread a message goes into, and the one of staff whom the customer means."""

    customer: Account
    staff: Account | None = None


@dataclass(frozen=True, slots=True)
class ReadUpTo:
    """How far a thread was read: the newest message that is covered, and its place."""

    message_id: Uid | None
    seq: int


class SupportDesk:
    """What one account may do in threads: a customer in their own, staff in everybody's."""

    def __init__(self, services: Services, account: Account) -> None:
        self._services = services
        self._account = account

    @property
    def is_staff(self) -> bool:
        """Whether this account serves customers."""
        return self._account.role in STAFF

    # -- who is meant --------------------------------------------------------------------------

    async def customer(self, work: UnitOfWork, name: str | None, *, field: str) -> Account:
        """The customer whose thread is meant; for a customer that is always their own.

        Raises:
            ReceiverNeeded, NoSuchAccount: to staff.
            MayNotWrite: a customer means another, or nobody at all, which looks the same.
        """
        if name is None:
            if self.is_staff:
                raise ReceiverNeeded(field=field)
            return self._account
        name = checked(name, field=field)
        try:
            found = await self._services.accounts.named(work, name)
        except NoSuchAccount:
            if self.is_staff:
                raise
            raise MayNotWrite from None
        if not self.is_staff and found.id != self._account.id:
            raise MayNotWrite
        return found

    async def address(self, work: UnitOfWork, receiver: str | None) -> Address:
        """Where a message to this receiver goes.

        Raises:
            ReceiverNeeded, NoSuchAccount, MayNotWrite
        """
        if self.is_staff:
            customer = await self.customer(work, receiver, field="receiver_id")
            if customer.role in STAFF:
                raise MayNotWrite
            return Address(customer)
        if receiver is None:
            return Address(self._account)
        receiver = checked(receiver, field="receiver_id")
        try:
            staff = await self._services.accounts.named(work, receiver)
        except NoSuchAccount:
            raise MayNotWrite from None
        if staff.role not in STAFF or not staff.is_active:
            raise MayNotWrite
        return Address(self._account, staff)

    async def open_session(self, work: UnitOfWork, customer: Account) -> Conversation | None:
        """The customer's open session; of several the one that was last used."""
        which = DeskFilter(owner=customer.id, closed=False)
        found = await work.desks.listed(which, Slice(1))
        return (await work.conversations.heads(found))[found[0]] if found else None

    # -- messages that are there ---------------------------------------------------------------

    async def change(
        self,
        work: UnitOfWork,
        asked: wire.Change,
    ) -> tuple[Message, Account]:
        """The message after the change (as it was, where only a reaction changed), and whose
        thread it is in.

        Raises:
            NoSuchMessage, NotTheAuthor, NotTheOwner, ConversationClosed, Blocked, Invalid
        """
        message, customer = await self._found(work, asked.message_id)
        found = message.conversation_id, message.uid
        messages, change = self._services.messages, change_of(asked)
        return await changed(work, messages, self._account.id, found, change), customer

    async def read(self, work: UnitOfWork, asked: wire.MarkRead) -> ReadUpTo:
        """Read a thread as far as it goes, or one session of it up to a message.

        Whoever of staff reads is a member afterwards: what they have read, the desk has read.

        Raises:
            ReceiverNeeded, NoSuchAccount, MayNotWrite, NoSuchMessage
        """
        if asked.message_id is not None:
            message, _ = await self._found(work, asked.message_id)
            mark = ReadMark(message.conversation_id, self._account.id, message.seq)
            await self._mark(work, [mark])
            return ReadUpTo(message.uid, message.seq)
        customer = await self.customer(work, asked.user_id, field="user_id")
        heads = await sessions_of(work, customer.person)
        marks = [ReadMark(head.id, self._account.id, head.last_seq) for head in heads]
        await self._mark(work, await self._unread(work, heads))
        if not marks:
            return ReadUpTo(None, 0)
        newest = await work.receipts.newest(marks[-1:])
        return ReadUpTo(newest.get(marks[-1]), marks[-1].up_to_seq)

    async def _mark(self, work: UnitOfWork, marks: list[ReadMark]) -> None:
        if self.is_staff:
            for mark in marks:
                await self._services.desks.join(work, self._account, mark.conversation_id)
        await self._services.marks.move_read(work, marks)

    async def _unread(self, work: UnitOfWork, heads: list[Conversation]) -> list[ReadMark]:
        """The sessions in which there is something left to read: only those are gone into."""
        members = await work.conversations.members([head.id for head in heads])
        return [
            ReadMark(head.id, self._account.id, head.last_seq)
            for head in heads
            if await self._is_unread(work, head, members[head.id])
        ]

    async def _is_unread(self, work: UnitOfWork, head: Conversation, members: list[Member]) -> bool:
        mine = next((one for one in members if one.person.id == self._account.id), None)
        if mine is not None:
            return mine.read_seq < head.last_seq
        if head.desk is None or head.desk.is_closed:
            return False  # Nobody comes into it any more.
        desk = [one for one in members if one.person.role in STAFF]
        after = max((one.read_seq for one in desk), default=0)
        page = Page(1, after_seq=after)
        hidden = [one.person.id for one in desk]
        return bool(await work.views.page(head.id, page, hidden=hidden))

    async def _found(self, work: UnitOfWork, name: str) -> tuple[Message, Account]:
        """A message in a thread that this account may see, and whose thread that is.

        Raises:
            NoSuchMessage
        """
        uid = message_uid_of(name)
        message = (await work.messages.by_uids([uid])).get(uid)
        if message is None or message.is_deleted:
            raise NoSuchMessage
        conversation_id = message.conversation_id
        head = (await work.conversations.heads([conversation_id]))[conversation_id]
        if head.desk is None or not self._may_see(head.created_by):
            raise NoSuchMessage
        return message, (await work.accounts.by_ids([head.created_by]))[head.created_by]

    def _may_see(self, customer: AccountId) -> bool:
        return self.is_staff or customer == self._account.id
