"""One account at one socket: what it asks for, and what it is answered."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, assert_never

import msgspec
from msgspec import Struct

from folkmoot.auth.authenticator import Caller
from folkmoot.contracts.support import codec, errors
from folkmoot.contracts.support import frames as wire
from folkmoot.contracts.support.codec import Setting
from folkmoot.contracts.support.cursor import Positions, after_cursor, after_position, positions_in
from folkmoot.contracts.support.desk import Address, SupportDesk
from folkmoot.contracts.support.errors import EventMalformed, NothingBegun, TooManyRooms
from folkmoot.contracts.support.kinds import FRAMES
from folkmoot.contracts.support.outlet import SocketOutlet
from folkmoot.contracts.support.sending import SupportSender
from folkmoot.contracts.support.subscription import Since, SupportSubscription, now_on
from folkmoot.contracts.support.threads import Thread, ThreadRegistry
from folkmoot.contracts.support.wire_format import SupportWireFormat
from folkmoot.core.accounts.errors import NoSuchAccount
from folkmoot.core.accounts.model import STAFF, Person
from folkmoot.core.conversations.events import ConversationStarted, MemberJoined, MemberLeft
from folkmoot.core.conversations.model import DeskFilter
from folkmoot.core.messages.model import Posted
from folkmoot.core.presence.events import DeskTyping, Typing
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.core.shared.pages import Slice
from folkmoot.core.shared.refusals import Invalid, Refusal, Unavailable
from folkmoot.core.social.events import (
    BlockLifted,
    BlockSet,
    FriendAccepted,
    FriendDeclined,
    FriendRequested,
    FriendshipEnded,
)
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.refused import end_flood, note_refused
from folkmoot.kit.rejections import FAULT_SENTENCE, RESTART, missed_in
from folkmoot.realtime.connection import Connection, ObservedEvent
from folkmoot.realtime.intentions import IntentionKind
from folkmoot.realtime.services import Services
from folkmoot.wire.socket import SocketEvent
from folkmoot.wire.socket_application import Socket

MAX_ROOMS = 200
MAX_SERVED = 50
MAX_USERS_SHOWN = 500
_log = logging.getLogger(__name__)

Fields = Mapping[str, Any]


class SupportHandler:
    """A client that was let in, the threads that it listens to, and everything that it does."""

    def __init__(
        self,
        services: Services,
        threads: ThreadRegistry,
        wire_format: SupportWireFormat,
        socket: Socket,
        caller: Caller,
    ) -> None:
        self._services = services
        self._threads = threads
        self._wire_format = wire_format
        self._socket = socket
        self._account = caller.account
        self._outlet = SocketOutlet(socket)
        self.connection = Connection(
            wire_format,
            self._outlet,
            caller.account.person,
            caller.login.id,
            caller.expires_at,
            observer=self,
        )
        self._desk = SupportDesk(services, caller.account)
        self._sender = SupportSender(services, self._desk, self.connection, self)
        self._subscriptions: dict[AccountId, SupportSubscription] = {}
        self._subscribing = asyncio.Lock()
        self._connected_at: datetime = services.clock.now()
        self._patience = services.entrance.patience(caller.account.id)

    # -- beginning and ending ------------------------------------------------------------------

    async def start(
        self, since: Since | None, rooms: Mapping[str, Positions], *, with_receipts: bool
    ) -> None:
        """Send what was missed in the account's own thread, and listen to what concerns it.

        Without ``since``, what was not yet handed to the account is what was missed; so it is in
        the threads that one of staff serves. ``rooms``: how far one of staff had got in which
        customers' threads, by their names.
        """
        self._services.hub.open(self.connection)
        me = self._account.person
        try:
            await self._subscribe(me, since, with_receipts=with_receipts)
            self._asked_for(me)
            if self._desk.is_staff:
                self._threads.enlist(self)
                for customer, positions in await self._left(rooms):
                    await self._subscribe(
                        customer, partial(after_cursor, positions), with_receipts=True
                    )
                    self._asked_for(customer)
                for customer in await self._services.storage.read(self._served):
                    await self._subscribe(customer, since and now_on)
        except (Refusal, Unavailable) as refusal:
            self._close(refusal)

    def close(self) -> None:
        """Forget a client that is gone."""
        self._services.hub.close(self.connection)
        self._threads.dismiss(self)
        for subscription in self._subscriptions.values():
            subscription.forget()
        self._subscriptions.clear()

    async def _left(self, rooms: Mapping[str, Positions]) -> list[tuple[Person, Positions]]:
        """The customers of these names, with how far each was read; unknown names are left out."""

        async def found(work: UnitOfWork) -> list[tuple[Person, Positions]]:
            there = []
            for name, positions in rooms.items():
                with suppress(NoSuchAccount, Invalid):
                    customer = await self._desk.customer(work, name, field="rooms")
                    there.append((customer.person, positions))
            return there

        return await self._services.storage.read(found) if rooms else []

    async def _served(self, work: UnitOfWork) -> list[Person]:
        """The customers in whose open sessions this member of staff is."""
        which = DeskFilter(member=self._account.id, closed=False)
        heads = await work.conversations.heads(await work.desks.listed(which, Slice(MAX_SERVED)))
        customers = await work.accounts.by_ids({head.created_by for head in heads.values()})
        return [
            account.person
            for account in customers.values()
            if account.id not in self._subscriptions
        ]

    async def _subscribe(
        self,
        customer: Person,
        since: Since | None,
        *,
        with_receipts: bool = False,
        unless_heard: ConversationId | None = None,
    ) -> int:
        """Listen to a thread; how many missed events were sent."""
        async with self._subscribing:
            if unless_heard in self.connection.conversations:
                return 0
            subscription = self._subscriptions.get(customer.id)
            if since is None and subscription is not None:
                return 0  # The client has asked for it meanwhile, and said since when.
            if subscription is None:
                subscription = self._subscriptions[customer.id] = SupportSubscription(
                    self._services,
                    self._threads,
                    self._wire_format,
                    self.connection,
                    self._outlet,
                    customer,
                    self._watch,
                )
            try:
                count = await subscription.catch_up(since, with_receipts=with_receipts)
            except BaseException:
                self._subscriptions.pop(customer.id, None)
                raise
            if not self.connection.is_open:
                subscription.forget()
            self._watch()
            return count

    def _watch(self) -> None:
        """Hear of who comes online and goes offline on the other side, as long as there is one."""
        watchers, me = self._services.hub.watchers, self._account.id
        if not self.connection.is_open:
            return
        if self._desk.is_staff:
            watchers.watch(self.connection, frozenset(self._subscriptions) - {me})
        else:
            own = self._subscriptions.get(me)
            watchers.watch_staff(self.connection, is_on=own is not None and bool(own.thread.open))

    @property
    def account_id(self) -> AccountId:
        """Whose handler it is."""
        return self._account.id

    def observe(self, event: ObservedEvent) -> None:
        """Have one of staff hear of the sessions that they are brought into."""
        if not self._threads.is_enlisted(self):
            return
        match event:
            case MemberJoined(conversation_id=conversation_id, seq=seq):
                self._services.background_tasks.begin(self._come_along(conversation_id, seq))
            case ConversationStarted(conversation=head):
                if head.desk is not None:
                    self._services.background_tasks.begin(self._come_along(head.id, 0))
            case MemberLeft() | BlockSet() | BlockLifted():
                pass
            case FriendRequested() | FriendAccepted() | FriendDeclined() | FriendshipEnded():
                pass
            case _:
                assert_never(event)

    def call(self, conversation_id: ConversationId, seq: int) -> None:
        """Have one of staff who is addressed in a session hear of it, from after ``seq`` on."""
        is_open = self.connection.is_open
        if is_open and conversation_id not in self.connection.conversations:
            self._services.background_tasks.begin(self._come_along(conversation_id, seq))

    async def _come_along(self, conversation_id: ConversationId, seq: int) -> None:
        """Listen to the thread of a session that this member of staff was brought into."""

        async def owner(work: UnitOfWork) -> Person | None:
            head = (await work.conversations.heads([conversation_id])).get(conversation_id)
            if head is None or head.desk is None:
                return None
            return (await work.accounts.by_ids([head.created_by]))[head.created_by].person

        customer = await self._services.storage.read(owner)
        if customer is not None and len(self._subscriptions) < MAX_ROOMS:
            await self._subscribe(
                customer, lambda _heads: {conversation_id: seq}, unless_heard=conversation_id
            )

    def _close(self, refusal: Refusal | Unavailable) -> None:
        """It could not begin to listen: better gone, with a reason, than silent."""
        self._services.hub.close(self.connection)
        code = RESTART if isinstance(refusal, Unavailable) else errors.RIGHTS_LOST
        self._outlet.close(code, str(refusal))

    # -- hearing and answering -----------------------------------------------------------------

    async def receive(self, event: SocketEvent) -> None:
        """Do what the client asks for, and answer it."""
        if not self.connection.is_open:
            return  # It has lost its rights, whatever of it was still under way.
        try:
            entrance, me = self._services.entrance, self._account.id
            entrance.enter(me, IntentionKind.FRAME)
            intention = codec.decode(event)
            entrance.enter(me, FRAMES[type(intention)])
            fields = await self._do(intention, event)
        except (Refusal, Unavailable) as refusal:
            note_refused(self._services, refusal, self._account.person)
            self.refuse(event, refusal)
            if self._patience.ends_at(refusal):
                end_flood(self._services, self.connection)
        except Exception:
            _log.exception("an event could not be handled")
            self.refuse(event, None)
        else:
            if fields is not None:
                self._answer(event, fields)

    def refuse(self, event: SocketEvent, refusal: Refusal | Unavailable | None) -> None:
        """Say why an event was refused: by its ack, or by an ``error`` where none was asked for."""
        error = {"code": "internal_error", "message": FAULT_SENTENCE}
        if refusal is not None:
            error = errors.error_data(refusal, missed=self._missed(refusal))
        if event.ack_id is None:
            self._outlet.say("error", error | {"event": event.name[:40]})
        else:
            self._socket.answer(event, {"success": False, "error": error})

    def acknowledge(self, event: SocketEvent, posted: Posted, setting: Setting) -> None:
        """Say that a message is durable. Its cursor counts it, so that it is never sent again."""
        message = codec.message_out(posted.message, setting, own=True)
        if event.ack_id is not None:
            fields = msgspec.to_builtins(message)
            self._answer(event, fields | {"message": fields})
            if self._wire_format.with_offsets and setting.cursor is not None:
                self._outlet.say("cursor", setting.cursor)
        elif posted.is_repeat:
            self._outlet.say("receive_message", message)

    def _answer(self, event: SocketEvent, fields: Fields) -> None:
        self._socket.answer(event, {"success": True, **fields})

    def _missed(self, fault: Refusal | Unavailable) -> list[object]:
        hidden = self.connection.blocked
        shown: list[object] = []
        for event in missed_in(fault, hidden):
            thread = self._threads.of(event.conversation_id)
            setting = None if thread is None else Setting(thread.customer)
            found = codec.shown(event, setting, own=False)
            if found is not None:
                shown.append({"event": found[0], "data": found[1]})
        return shown

    # -- the events ----------------------------------------------------------------------------

    async def _do(self, asked: wire.Intention, event: SocketEvent) -> Fields | None:
        match asked:
            case wire.SendMessage():
                await self._sender.say(asked, event)
                return None
            case wire.EditInSupport() | wire.DeleteInSupport() | wire.ReactInSupport():
                return await self._change(asked)
            case wire.JoinRoom() | wire.ResumeThread():
                return await self._join(asked)
            case wire.LeaveRoom(user_id=name):
                return await self._leave(name)
            case wire.SetSupportTyping():
                return await self._type(asked)
            case wire.MarkRead():
                read = await self._services.writer.write(lambda work: self._desk.read(work, asked))
                return {"up_to_message_id": read.message_id, "up_to_seq": read.seq}
            case _:
                return self._inform(asked)

    async def _change(self, asked: wire.Change) -> Fields:
        message, customer = await self._services.writer.write(
            lambda work: self._desk.change(work, asked)
        )
        fields: dict[str, Any] = {"message_id": message.uid}
        if isinstance(asked, wire.EditInSupport):
            out = codec.message_out(message, Setting(customer.person), own=True)
            fields |= {"message": out}
        return fields

    async def _join(self, asked: wire.JoinRoom | wire.ResumeThread) -> Fields:
        """Listen to a thread; first hear what was missed of it, if the client says since when."""
        since = _since(asked.cursor, asked.after_seq, asked.session_id)
        customer = await self._customer(asked.user_id)
        count = 0
        if since is not None or customer.id not in self._subscriptions:
            if customer.id not in self._subscriptions and len(self._subscriptions) >= MAX_ROOMS:
                raise TooManyRooms(field="user_id", max_rooms=MAX_ROOMS)
            try:
                count = await self._subscribe(
                    customer, since or now_on, with_receipts=since is not None
                )
            except (Refusal, Unavailable) as refusal:
                self._close(refusal)
                raise
        subscription = self._asked_for(customer)
        if subscription is None:
            return {}  # The client has gone meanwhile.
        thread = subscription.thread
        fields: dict[str, Any] = {"count": count}
        fields |= {"last_seq": thread.last_seq, "cursor": thread.cursor}
        if isinstance(asked, wire.JoinRoom):
            present = {follower.account_id for follower in thread.followers}
            present -= self.connection.blocked_by
            fields |= {"room": customer.uid, "members_online": len(present)}
        return fields

    def _asked_for(self, customer: Person) -> SupportSubscription | None:
        """The client's subscription to a thread, which is its own affair from here on."""
        subscription = self._subscriptions.get(customer.id)
        if subscription is not None:
            subscription.note_asked()
        return subscription

    async def _leave(self, name: str) -> Fields:
        customer = await self._customer(name)
        await self.stop_listening_to(customer)
        return {"room": customer.uid}

    async def _customer(self, name: str | None) -> Person:
        """Whose thread is meant; without a name, one's own."""
        if name is None:
            return self._account.person
        found = await self._services.storage.read(
            lambda work: self._desk.customer(work, name, field="user_id")
        )
        return found.person

    async def _type(self, asked: wire.SetSupportTyping) -> Fields:
        address = await self._sender.address(asked.receiver_id)
        customer = address.customer
        thread = self.thread_of(customer.person)
        session: tuple[ConversationId, Uid] | None = None
        if thread is not None and thread.current is not None:
            session = thread.current, thread.open[thread.current]
        elif thread is None:
            head = await self._services.storage.read(
                lambda work: self._desk.open_session(work, customer)
            )
            session = None if head is None else (head.id, head.uid)
        me, is_typing = self.connection.person, asked.is_typing
        if session is not None:
            self._services.publish([Typing(*session, me, is_typing)])
            return {}
        receivers = self._without_session(address)
        if not receivers:
            raise NothingBegun
        self._services.publish(
            [DeskTyping(receiver, customer.person, me, is_typing) for receiver in receivers]
        )
        return {}

    def _without_session(self, address: Address) -> set[AccountId]:
        """Who is on the other side of a thread in which no session is open."""
        if self._desk.is_staff:
            return {address.customer.id}
        if address.staff is not None:
            return {address.staff.id}
        thread = self.thread_of(self._account.person)
        followers = () if thread is None else thread.followers
        return {follower.account_id for follower in followers} - {self._account.id}

    def _inform(self, asked: wire.Intention) -> Fields:
        """Tell what is asked by an event of its own, and by the ack."""
        answer: Struct
        match asked:
            case wire.GetOnlineUsers():
                name, answer = "online_users", self._online_users()
            case wire.GetConnectionInfo():
                name, answer = "connection_info", self._info()
            case _:
                now = codec.instant(self._services.clock.now())
                name, answer = "heartbeat", wire.HeartbeatOut(now)
        self._outlet.say(name, answer)
        return msgspec.structs.asdict(answer)

    def _online_users(self) -> wire.OnlineUsersOut:
        """Who is connected, through whatever contract; customers see staff only."""
        seen = [
            person
            for person in self._services.presence.online.values()
            if (self._desk.is_staff or person.role in STAFF)
            and person.id not in self.connection.blocked_by
        ]
        users = [codec.online_user(person) for person in seen[:MAX_USERS_SHOWN]]
        return wire.OnlineUsersOut(users, len(seen))

    def _info(self) -> wire.ConnectionInfoOut:
        rooms = {self._account.uid: None} | {
            subscription.thread.customer.uid: None for subscription in self._subscriptions.values()
        }
        return wire.ConnectionInfoOut(
            sid=self._socket.sid,
            user_id=self._account.uid,
            rooms=list(rooms),
            connected_at=codec.instant(self._connected_at),
            transport=self._socket.transport.value,
        )

    # -- what the speaker knows ----------------------------------------------------------------

    def thread_of(self, customer: Person) -> Thread | None:
        """The customer's thread, if this client listens to it."""
        subscription = self._subscriptions.get(customer.id)
        return None if subscription is None else subscription.thread

    def call_staff(self, staff: Person, conversation_id: ConversationId, seq: int) -> None:
        """Have the clients of one of staff listen to a session, from after ``seq`` on."""
        for handler in self._threads.enlisted(staff.id):
            handler.call(conversation_id, seq)

    async def listen_to(self, customer: Person) -> bool:
        """Listen to a customer's thread from now on; whether that begins now."""
        if customer.id in self._subscriptions or len(self._subscriptions) >= MAX_ROOMS:
            return False
        await self._subscribe(customer, now_on)
        return True

    async def stop_listening_to(self, customer: Person) -> None:
        """Listen to a customer's thread no more."""
        async with self._subscribing:
            subscription = self._subscriptions.pop(customer.id, None)
            if subscription is not None:
                subscription.leave()
                self._watch()


def _since(cursor: str | None, after_seq: int | None, session: str | None) -> Since | None:
    """From where to show a thread, if the client says so.

    Raises:
        EventMalformed: the cursor is none.
    """
    if cursor is not None:
        positions = positions_in(cursor)
        if positions is None:
            raise EventMalformed(field="cursor", problem="this is no cursor")
        return partial(after_cursor, positions)
    if after_seq is None:
        return None
    return partial(after_position, after_seq, None if session is None else Uid(session.lower()))
