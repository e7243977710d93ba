"""How one account's messages find their session, are stored, and are acknowledged."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

from folkmoot.contracts.support import codec
from folkmoot.contracts.support import frames as wire
from folkmoot.contracts.support.codec import Setting
from folkmoot.contracts.support.desk import Address, SupportDesk
from folkmoot.contracts.support.threads import Thread
from folkmoot.core.accounts.model import AccountName, Person
from folkmoot.core.conversations.errors import ConversationClosed, NotAMember
from folkmoot.core.messages.errors import ClientIdReused, NoSuchAttachment
from folkmoot.core.messages.model import Draft, MessageKind, Posted
from folkmoot.core.shared.ids import ConversationId
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.kit.ids import reply_uid_of
from folkmoot.kit.sending import Sender, nothing
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.services import Services
from folkmoot.wire.socket import SocketEvent

MAX_ROUTES = 100
_MOVED_ON = (ConversationClosed, NotAMember, ClientIdReused)


class Surroundings(Protocol):
    """What whoever speaks knows of the threads around them."""

    def thread_of(self, customer: Person) -> Thread | None:
        """The customer's thread, if the speaker listens to it."""

    def call_staff(self, staff: Person, conversation_id: ConversationId, seq: int) -> None:
        """Have the clients of one of staff listen to a session, from after ``seq`` on."""

    async def listen_to(self, customer: Person) -> None:
        """Listen to it from now on."""

    def acknowledge(self, event: SocketEvent, posted: Posted, setting: Setting) -> None:
        """Tell the client that its message is durable."""

    def refuse(self, event: SocketEvent, refusal: Refusal | Unavailable | None) -> None:
        """Tell the client that its message was not taken; ``None``: for a fault of ours."""


@dataclass(slots=True)
class Route:
    """Where messages to one receiver go. ``known``: sessions that all concerned are in."""

    address: Address
    known: set[ConversationId] = field(default_factory=set)

    @property
    def staff(self) -> Person | None:
        """The one of staff who is addressed by name."""
        return self.address.staff.person if self.address.staff else None


class _Asked(NamedTuple):
    """What is kept of a message to answer it with, or to put it into another session."""

    draft: Draft
    route: Route
    event: SocketEvent


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
        self._routes: dict[str | None, Route] = {}
        self.unanswered = 0

    async def say(self, said: wire.SendMessage, event: SocketEvent) -> None:
        """Have a message stored. Messages are stored in the order in which they are said.

        Raises:
            Refusal, Unavailable: it was not, and the client is to be told so.
        """
        self._services.limits.send(self.connection.person.id)
        draft = self._draft(said, event)
        route = await self.route(said.receiver_id)
        place = self._known_place(route)
        if place is None:
            place = await self._find_place(route, said.client_id)
        if route.staff is not None:
            self._call(route.staff, place)
        draft = self._sealed(draft, route, place)
        await (self._sender.submit(draft, self, _Asked(draft, route, event)) or nothing())

    async def route(self, receiver: str | None) -> Route:
        """Where messages to this receiver go.

        Raises:
            ReceiverNeeded, NoSuchAccount, MayNotWrite
        """
        known = self._routes.get(receiver)
        if known is None:
            address = await self._services.storage.read(
                lambda work: self._desk.address(work, receiver)
            )
            if len(self._routes) >= MAX_ROUTES:
                self._routes.clear()
            known = self._routes[receiver] = Route(address)
        return known

    def _draft(self, said: wire.SendMessage, event: SocketEvent) -> Draft:
        attachment = None if said.attachment_id is None else AccountName(said.attachment_id).uid
        if said.attachment_id is not None and attachment is None:
            raise NoSuchAttachment
        return self._services.messages.draft(
            self.connection.person.id,
            ConversationId(0),
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

    def _sealed(self, draft: Draft, route: Route, place: ConversationId) -> Draft:
        body = draft.body
        if route.staff is not None:
            body = replace(body, labels={**body.labels, "receiver_id": route.staff.uid})
        return replace(draft, conversation_id=place, body=body)

    def _call(self, staff: Person, place: ConversationId) -> None:
        """Have an addressed one's clients listen to the session, whatever rooms they have left."""
        thread = self._around.thread_of(self.connection.person)
        self._around.call_staff(staff, place, 0 if thread is None else thread.places.get(place, 0))

    # -- finding the session -------------------------------------------------------------------

    def _known_place(self, route: Route) -> ConversationId | None:
        thread = self._around.thread_of(route.address.customer.person)
        place = None if thread is None else thread.current
        if self._desk.is_staff or route.staff is not None:
            return place if place in route.known else None
        return place

    async def _find_place(self, route: Route, client_id: str | None) -> ConversationId:
        place = await self._services.writer.write(
            lambda work: self._desk.place(work, route.address, client_id)
        )
        route.known.add(place)
        if self._desk.is_staff:
            # Before the message is there, so that only its ack tells the writer of it.
            await self._around.listen_to(route.address.customer.person)
        return place

    # -- answering -----------------------------------------------------------------------------

    def show_posted(self, posted: Posted, asked: _Asked, *, is_echoed: bool) -> None:
        """Acknowledge a message; a client that asked for an ack is sent nothing else of it."""
        del is_echoed
        self._acknowledge(asked.event, posted, asked.route)

    def show_refusal(self, refusal: Refusal | Unavailable, asked: _Asked) -> None:
        """Say why a message was not taken, unless it only has to go into another session."""
        if isinstance(refusal, _MOVED_ON):
            self._services.background_tasks.begin(self._say_again(asked, refusal))
        else:
            self._around.refuse(asked.event, refusal)

    def show_fault(self, asked: _Asked) -> None:
        """Say that a fault of ours kept a message from being taken."""
        self._around.refuse(asked.event, None)

    async def _say_again(self, asked: _Asked, error: Refusal) -> None:
        """The session was closed, or the message stands in an earlier one: look where it goes."""
        draft, route, event = asked
        try:
            route.known.discard(draft.conversation_id)
            place = await self._find_place(route, draft.client_id)
            if place == draft.conversation_id:
                raise error
            posted = await self._services.submit(replace(draft, conversation_id=place))
        except (Refusal, Unavailable) as refusal:
            self._around.refuse(event, refusal)
        else:
            self._acknowledge(event, posted, route)

    def _acknowledge(self, event: SocketEvent, posted: Posted, route: Route) -> None:
        customer = route.address.customer.person
        thread = self._around.thread_of(customer)
        setting = Setting(customer, None if thread is None else thread.cursor)
        self._around.acknowledge(event, posted, setting)
