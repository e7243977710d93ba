"""From the greeting to the present: what a client of this contract is sent before it is live."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial, reduce

from msgspec import Struct

from folkmoot.contracts.friends import codec, errors
from folkmoot.contracts.friends import frames as wire
from folkmoot.contracts.friends.addressing import Partner
from folkmoot.contracts.friends.snapshot import (
    FriendsSnapshot,
    arrival,
    present_receipts,
    surroundings,
)
from folkmoot.contracts.friends.wire_format import FriendsWireFormat
from folkmoot.core.audience import about, affected
from folkmoot.core.conversations.events import (
    ConversationStarted,
    DeliveredMoved,
    MemberJoined,
    MemberLeft,
    ReadMoved,
)
from folkmoot.core.conversations.model import Kind, ReadMark
from folkmoot.core.events import TimelineEvent
from folkmoot.core.messages.direct_messages import DeliveryStatus, DirectReceipts
from folkmoot.core.messages.model import Message
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.core.social.contacts import Contacts
from folkmoot.core.social.events import BlockLifted, FriendAccepted, SocialEvent
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.json_frame import json_frame
from folkmoot.kit.subscription import PAGE, Subscription
from folkmoot.realtime.connection import Connection, ObservedEvent
from folkmoot.realtime.services import Services

RESUME_WITHIN_S = 5.0
"""How long a client that wants to resume is waited for; then it is as if it had named nobody."""

_Handed = Mapping[tuple[ConversationId, AccountId], int]


class FriendsSubscription:
    """One connection on its way to all conversations of its account; afterwards, whom it knows.

    ``partners`` are those with whom the account has exchanged a word, by UUID, friends or not.
    """

    __slots__ = (
        "_connection",
        "_contacts",
        "_conversation_ids",
        "_is_live",
        "_online",
        "_pairs",
        "_resumes",
        "_services",
        "_since",
        "_subscription",
        "_turn",
        "_wire_format",
        "partners",
    )

    def __init__(
        self,
        services: Services,
        wire_format: FriendsWireFormat,
        connection: Connection,
        *,
        resumes: bool,
    ) -> None:
        self.partners: dict[Uid, Partner] = {}
        self._services = services
        self._wire_format = wire_format
        self._connection = connection
        self._resumes = resumes
        self._is_live = False
        self._turn = asyncio.Lock()
        self._contacts = Contacts(connection.person.id, {})
        self._online: dict[AccountId, Uid] = {}
        self._pairs: dict[ConversationId, codec.Pair] = {}
        self._conversation_ids: list[ConversationId] = []
        self._since: list[SocialEvent] = []
        self._subscription: Subscription | None = None

    async def start(self) -> None:
        """Greet; then send what waited and listen, or wait for `resume`.

        Raises:
            LoginRevoked, AccountInactive, Unavailable
        """
        me = self._connection.person
        self._send(wire.FriendsConnectedOut(me.uid, "You are connected."))
        contacts, conversation_ids = await self._services.storage.read(self._look)
        self._contacts = contacts
        self._conversation_ids += conversation_ids
        self._online = self._in_sight()
        self._send(wire.OnlineFriendsOut(list(self._online.values())))
        if self._resumes:
            self._connection.hold_back()
            asyncio.get_running_loop().call_later(RESUME_WITHIN_S, self._stop_waiting)
        else:
            await self._catch_up_all({}, is_resumed=False)

    async def resume(self, after: Mapping[str, int]) -> None:
        """Send all that happened in the conversations with these friends after each ``seq``."""
        try:
            async with self._turn:
                self._connection.hold_back()
                await self._catch_up_all(after, is_resumed=True)
        except (Refusal, Unavailable) as refusal:
            self._give_up(refusal)

    def _give_up(self, refusal: Refusal | Unavailable) -> None:
        """End a connection that listens no longer: better gone, with a reason, than silent."""
        self._services.hub.close(self._connection)
        code, reason, _ = errors.CLOSE_CODES.rejecting(refusal)
        self._connection.outlet.close(code, reason)

    def _stop_waiting(self) -> None:
        self._services.background_tasks.begin(self._resume_unasked())

    async def _resume_unasked(self) -> None:
        if self._connection.is_open and not self._is_live and not self._turn.locked():
            await self.resume({})

    async def _look(self, work: UnitOfWork) -> tuple[Contacts, list[ConversationId]]:
        await self._services.accounts.holder(work, self._connection.login_id)
        return await surroundings(work, self._connection.person.id)

    # -- what happens meanwhile ----------------------------------------------------------------

    def observe(self, event: ObservedEvent) -> None:
        """Reckon with what concerns the account: a friend's first word, or a change of friends."""
        if isinstance(event, ConversationStarted):
            if event.conversation.kind is Kind.DIRECT:
                self._begin(event)
        elif isinstance(event, MemberJoined | MemberLeft):
            pass  # Nobody is added to a direct conversation, or leaves it.
        elif not self._is_live:
            self._since.append(event)
        elif isinstance(event, FriendAccepted | BlockLifted) and not self._turn.locked():
            self._welcome_back(event)

    def _begin(self, event: ConversationStarted) -> None:
        head = event.conversation
        other = next(key for key in event.members if key != self._connection.person.id)
        friends = self._contacts_now().friends
        if other in friends:
            self._know({head.id: Partner(other, friends[other], head.id, head.uid)})
        if self._subscription is not None:
            self._subscription.begin(head)
        elif self._is_live:
            self._services.hub.join(self._connection, head)
        else:
            self._conversation_ids.append(head.id)

    def _welcome_back(self, event: FriendAccepted | BlockLifted) -> None:
        """Send what waited from somebody of whom nothing was heard for a while."""
        contacts = self._contacts_now().after(event)
        for other in affected(event):
            partner = self.partners.get(contacts.friends.get(other, Uid("")))
            if partner is not None:
                subscription = self._subscription_to([partner.conversation_id])
                self._services.background_tasks.begin(self._fetch_waiting(subscription))

    async def _fetch_waiting(self, subscription: Subscription) -> None:
        try:
            async with self._turn:
                await self._catch_up(subscription, {}, is_resumed=False)
        except (Refusal, Unavailable) as refusal:
            self._give_up(refusal)

    def _contacts_now(self) -> Contacts:
        """The contacts as they are, by what was read last and what was heard since."""
        return self._connection.contacts or reduce(Contacts.after, self._since, self._contacts)

    def _in_sight(self) -> dict[AccountId, Uid]:
        contacts = self._contacts_now()
        online = self._services.presence.online
        return {one: contacts.friends[one] for one in contacts.companions if one in online}

    def _know(self, partners: Mapping[ConversationId, Partner]) -> None:
        me = self._connection.person
        for conversation_id, partner in partners.items():
            self.partners[partner.uid] = partner
            if conversation_id not in self._pairs:
                pair = codec.Pair({me.id: me.uid, partner.id: partner.uid})
                self._pairs[conversation_id] = self._wire_format.pairs.setdefault(
                    conversation_id, pair
                )

    # -- catching up ---------------------------------------------------------------------------

    def _subscription_to(self, conversation_ids: Iterable[ConversationId]) -> Subscription:
        """A subscription that holds these conversations from this moment on."""
        subscription = Subscription(
            self._services,
            self._connection,
            show=self._show,
            read_receipts=partial(present_receipts, me=self._connection.person.id),
        )
        subscription.hold(conversation_ids)
        return subscription

    async def _catch_up_all(self, after: Mapping[str, int], *, is_resumed: bool) -> None:
        known = self._connection.conversations if self._is_live else self._conversation_ids
        await self._catch_up(self._subscription_to(known), after, is_resumed=is_resumed)

    async def _catch_up(
        self, subscription: Subscription, after: Mapping[str, int], *, is_resumed: bool
    ) -> None:
        self._subscription = subscription
        self._contacts = self._contacts_now()
        self._since.clear()
        try:
            with subscription:
                await self._show_all(subscription, after, is_resumed=is_resumed)
        finally:
            self._subscription = None

    async def _show_all(
        self, subscription: Subscription, after: Mapping[str, int], *, is_resumed: bool
    ) -> None:
        handed = self._services.receipts.handed_under_way()
        me = self._connection.person.id
        found = await subscription.read(lambda work: arrival(work, me, subscription.held, after))
        self._know(found.partners)
        touched = set(found.missed)
        count = await self._show_missed(subscription, found, handed)
        if not (self._is_live and is_resumed):
            waiting = await self._show_waiting(found, handed)
            touched |= waiting.keys()
            count += sum(waiting.values())
        if is_resumed:
            self._send_now(wire.ResumedOut(count))
        self._connection.let_through()
        self._surround(found)
        subscription.show_receipts(found.receipts)
        await subscription.settle()
        self._is_live = True
        self._note_handed(subscription, touched)

    async def _show_missed(
        self, subscription: Subscription, found: FriendsSnapshot, handed: _Handed
    ) -> int:
        """Send everything that came after what the client named; how many frames."""
        shown: list[TimelineEvent] = []
        for conversation_id, page in found.missed.items():
            pair = self._pairs[conversation_id]
            known = found.exchanges[conversation_id].knowing(handed)

            def show(
                event: TimelineEvent, pair: codec.Pair = pair, known: DirectReceipts = known
            ) -> None:
                frame = codec.past(event, pair, known, self._connection.person.id)
                if frame is not None:
                    self._send_now(frame)
                    shown.append(event)

            await subscription.replay(conversation_id, page, show)
        return len(shown)

    async def _show_waiting(
        self, found: FriendsSnapshot, handed: _Handed
    ) -> Counter[ConversationId]:
        """Send what was not handed to the account yet; how many messages of which conversation."""
        me = self._connection.person.id
        shown: Counter[ConversationId] = Counter()
        page, others = found.waiting, found.others()
        while True:
            for message in page:
                conversation_id = message.conversation_id
                # What came after the heads were read is held too.
                up_to_seq = found.heads[conversation_id].last_seq
                if handed.get((conversation_id, me), 0) < message.seq <= up_to_seq:
                    self._send_waiting(message)
                    shown[conversation_id] += 1
            if len(page) < PAGE or not await self._connection.outlet.room():
                return shown
            page = await self._next_waiting(page, others)

    def _send_waiting(self, message: Message) -> None:
        pair = self._pairs[message.conversation_id]
        self._send_now(codec.new_message(message, pair, DeliveryStatus.DELIVERED, own=False))

    async def _next_waiting(
        self, page: list[Message], others: list[ConversationId]
    ) -> list[Message]:
        """The next page, once it is kept that this one was handed over."""
        services, me = self._services, self._connection.person.id
        marks = [ReadMark(message.conversation_id, me, message.seq) for message in page]
        await services.writer.write(lambda work: services.marks.move_delivered(work, marks))
        return await services.storage.read(
            lambda work: work.views.undelivered(me, among=others, limit=PAGE)
        )

    def _surround(self, found: FriendsSnapshot) -> None:
        """Hear of friends from here on, and tell who came and went since the greeting."""
        if self._is_live:
            return
        self._contacts = found.contacts
        self._services.hub.watchers.follow_contacts(self._connection, self._contacts_now())
        self._since.clear()
        before, now = self._online, self._in_sight()
        for account_id in now.keys() - before.keys():
            self._send(wire.FriendOnlineOut(now[account_id]))
        for account_id in before.keys() - now.keys():
            self._send(wire.FriendOfflineOut(before[account_id]))

    def _note_handed(self, subscription: Subscription, touched: set[ConversationId]) -> None:
        for conversation_id, head in subscription.heads.items():
            up_to_seq = subscription.cursors[conversation_id]
            if conversation_id in touched or up_to_seq > head.last_seq:
                handed = replace(head, last_seq=max(head.last_seq, up_to_seq))
                self._services.hub.note_handed(self._connection, handed)
        self._conversation_ids.clear()
        self._online.clear()

    def _show(self, event: TimelineEvent | ReadMoved | DeliveredMoved) -> None:
        """Send an event, if the client may hear of whom it is about."""
        subject = about(event)
        own = subject == self._connection.person.id
        if own or subject in self._connection.watched:
            frame = self._wire_format.frame(event, own=own)
            if frame is not None:
                self._connection.push(frame)

    # -- sending -------------------------------------------------------------------------------

    def _send(self, frame: Struct) -> None:
        self._connection.push(json_frame(frame))

    def _send_now(self, frame: Struct) -> None:
        self._connection.outlet.push(json_frame(frame))
