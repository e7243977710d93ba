"""How one account's messages find their session, are stored, and are acknowledged."""

from dataclasses import replace
from typing import NamedTuple, Protocol

from folkmoot.contracts.support import codec
from folkmoot.contracts.support import frames as wire
from folkmoot.contracts.support.codec import Setting
from folkmoot.contracts.support.desk import Address, SupportDesk
from folkmoot.contracts.support.threads import Thread
from folkmoot.core.accounts.model import AccountName, Person
from folkmoot.core.messages.errors import NoSuchAttachment
from folkmoot.core.messages.model import (
    Draft,
    MessageKind,
    Posted,
    SupportSession,
    UnaddressedDraft,
)
from folkmoot.core.shared.ids import ConversationId
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.kit.ids import reply_uid_of
from folkmoot.kit.sending import Sender, nothing
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.services import Services
from folkmoot.wire.socket import SocketEvent

MAX_ADDRESSES = 100


class Surroundings(Protocol):
    """What whoever speaks knows of the threads around them."""

    def thread_of(self, customer: Person) -> Thread | None:
        """The customer's thread, if the speaker listens to it."""

    def call_staff(self, staff: Person, conversation_id: ConversationId, seq: int) -> None:
        """Have the clients of one of staff listen to a session, from after ``seq`` on."""

    async def listen_to(self, customer: Person) -> bool:
        """Listen to it from now on; whether that begins now."""

    async def stop_listening_to(self, customer: Person) -> None:
        """Listen to it no more."""

    def acknowledge(self, event: SocketEvent, posted: Posted, setting: Setting) -> None:
        """Tell the client that its message is durable."""

    def refuse(self, event: SocketEvent, refusal: Refusal | Unavailable | None) -> None:
        """Tell the client that its message was not taken; ``None``: for a fault of ours."""


class _Asked(NamedTuple):
    """What is kept of a message to answer it with."""

    address: Address
    event: SocketEvent
    expected: ConversationId | None
    began_listening: bool


class SupportSender:
    """One account's way of posting through one connection; answers come in their own time."""

    def __init__(
        self, services: Services, desk: SupportDesk, connection: Connection, around: Surroundings
    ) -> None:
        self._services = services
        self._sender = Sender(services)
        self._desk = desk
        self.connection = connection
        self._around = around
        self._addresses: dict[str | None, Address] = {}
        self.unanswered = 0

    async def say(self, said: wire.SendMessage, event: SocketEvent) -> None:
        """Have a message stored. Messages are stored in the order in which they are said.

        Raises:
            Refusal, Unavailable: it was not, and the client is to be told so.
        """
        draft = self._draft(said, event)
        address = await self.address(said.receiver_id)
        customer = address.customer.person
        # Before the message is there, so that only its ack tells its author of it.
        began = self._desk.is_staff and await self._around.listen_to(customer)
        thread = self._around.thread_of(customer)
        expected = None if thread is None else thread.current
        if thread is not None and expected is not None and address.staff is not None:
            self._around.call_staff(
                address.staff.person, expected, thread.positions.get(expected, 0)
            )
        asked = _Asked(address, event, expected, began)
        await (self._sender.submit(_to(address, draft, expected), self, asked) or nothing())

    async def address(self, receiver: str | None) -> Address:
        """Where messages to this receiver go.

        Raises:
            ReceiverNeeded, NoSuchAccount, MayNotWrite
        """
        known = self._addresses.get(receiver)
        if known is None:
            known = await self._services.storage.read(
                lambda work: self._desk.address(work, receiver)
            )
            if len(self._addresses) >= MAX_ADDRESSES:
                self._addresses.clear()
            self._addresses[receiver] = known
        return known

    def _draft(self, said: wire.SendMessage, event: SocketEvent) -> UnaddressedDraft:
        attachment = None if said.attachment_id is None else AccountName(said.attachment_id).uid
        if said.attachment_id is not None and attachment is None:
            raise NoSuchAttachment
        return self._services.messages.draft(
            self.connection.person.id,
            said.message_text,
            client_id=said.client_id,
            reply_to=reply_uid_of(said.reply_to_id),
            if_last_seq=said.if_last_seq,
            kind=MessageKind.TEXT if attachment is None else MessageKind.FILE,
            attachment=attachment,
            labels=codec.labels_of(said),
            # Whoever asked for an ack has it for an echo; whoever did not, hears themselves.
            origin=None if event.ack_id is None else self.connection.id,
        )

    # -- answering -----------------------------------------------------------------------------

    def show_posted(self, posted: Posted, asked: _Asked, *, is_echoed: bool) -> None:
        """Acknowledge a message; a client that asked for an ack is sent nothing else of it."""
        del is_echoed
        message, (address, event, expected, _) = posted.message, asked
        if address.staff is not None and message.conversation_id != expected:
            staff = address.staff.person
            self._around.call_staff(staff, message.conversation_id, message.seq - 1)
        customer = address.customer.person
        thread = self._around.thread_of(customer)
        setting = Setting(customer, None if thread is None else thread.cursor)
        self._around.acknowledge(event, posted, setting)

    def show_refusal(self, refusal: Refusal | Unavailable, asked: _Asked) -> None:
        """Say why a message was not taken."""
        self._around.refuse(asked.event, refusal)
        if asked.began_listening:
            leaving = self._around.stop_listening_to(asked.address.customer.person)
            self._services.background_tasks.begin(leaving)

    def show_fault(self, asked: _Asked) -> None:
        """Say that a fault of ours kept a message from being taken."""
        self._around.refuse(asked.event, None)


def _to(address: Address, draft: UnaddressedDraft, expected: ConversationId | None) -> Draft:
    destination = SupportSession(address.customer.id, expected)
    if address.staff is None:
        return draft.to(destination)
    labels = {**draft.body.labels, "receiver_id": address.staff.uid}
    body = replace(draft.body, labels=labels)
    return replace(draft, body=body, addressee_id=address.staff.id).to(destination)
