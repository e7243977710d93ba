"""Having a connection hear of conversations from its cursors on: no gap, no double, in order.

First the hub holds live events back, then one snapshot is read, what is stored after each cursor is
shown in pages, then the present receipts, then what was held, without what was shown already; from
there on it is live. A contract says which conversations, and how an event is shown.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

from folkmoot.core.accounts.model import STAFF
from folkmoot.core.audience import about, hears, hidden_authors
from folkmoot.core.conversations.events import DeliveredMoved, Durable, ReadMoved
from folkmoot.core.conversations.model import Conversation, Member
from folkmoot.core.events import TimelineEvent
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.work import UnitOfWork
from folkmoot.realtime.channel import Backlog
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.services import Services

PAGE = 200

Receipt = ReadMoved | DeliveredMoved
Show = Callable[[TimelineEvent | Receipt], None]
Enter = Callable[[UnitOfWork], Awaitable[tuple[Conversation, Member | None]]]
"""Gives a conversation to whoever may listen to it, and refuses everybody else."""
ReadReceipts = Callable[[UnitOfWork, Sequence[Conversation]], Awaitable[list[Receipt]]]


@dataclass(slots=True, kw_only=True)
class Snapshot:
    """What is stored of conversations at the moment when a connection begins to listen to them.

    ``cursors`` says up to where each was shown before; one that is not named is shown from now
    on. ``missed`` has the first page after them. Of ``onlooking`` the account is no member.
    """

    heads: Mapping[ConversationId, Conversation]
    cursors: Mapping[ConversationId, int] = field(default_factory=dict)
    missed: Mapping[ConversationId, list[TimelineEvent]] = field(default_factory=dict)
    receipts: Sequence[Receipt] = ()
    onlooking: frozenset[ConversationId] = frozenset()

    @property
    def head(self) -> Conversation:
        """The conversation, where it is one."""
        (head,) = self.heads.values()
        return head


_Accounts = frozenset[AccountId]
_NOBODY: _Accounts = frozenset()
_Snapshot = TypeVar("_Snapshot", bound=Snapshot)


class Subscription:
    """One connection on its way to the present of any number of conversations.

    `hold` them, `read` a snapshot, and `catch_up`; or, where a contract shows what was missed in
    its own way, `replay` and `settle`. What is not settled when the ``with`` ends is let go.
    """

    def __init__(
        self,
        services: Services,
        connection: Connection,
        *,
        show: Show | None = None,
        read_receipts: ReadReceipts | None = None,
    ) -> None:
        self._services = services
        self._connection = connection
        self._show_event = show or self._show_as_live
        self._read_receipts = read_receipts or present_reads
        self._backlogs: dict[ConversationId, Backlog] = {}
        self._receipts_shown: dict[tuple[type[Receipt], ConversationId, AccountId], int] = {}
        """The watermarks that the client was shown, which never go back."""
        self._onlooking: set[ConversationId] = set()
        self.heads: dict[ConversationId, Conversation] = {}
        self.cursors: dict[ConversationId, int] = {}
        """Up to where each conversation was shown, or need not be."""

    def __enter__(self) -> Self:
        """The subscription, which lets go of what it holds when it is left."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Hear nothing of what was held and not settled."""
        for conversation_id in self._backlogs:
            self._services.hub.release(self._connection, conversation_id)
        self._backlogs.clear()

    # -- holding and reading -------------------------------------------------------------------

    @property
    def held(self) -> tuple[ConversationId, ...]:
        """The conversations whose events are kept until all is settled."""
        return tuple(self._backlogs)

    def hold(self, conversation_ids: Iterable[ConversationId]) -> None:
        """Keep what happens from here on; what happened before, storage knows."""
        for conversation_id in conversation_ids:
            backlog = self._services.hub.hold(self._connection, conversation_id)
            self._backlogs[conversation_id] = backlog

    def begin(self, head: Conversation) -> None:
        """Hold a conversation that begins this moment: all of it is still to come."""
        self.hold([head.id])
        self.heads[head.id] = head
        self.cursors[head.id] = 0

    def _note_reading(self, heads: Iterable[Conversation]) -> None:
        """Have the audit trail know which customers' sessions one of staff listens to."""
        me = self._connection.person
        if me.role not in STAFF:
            return
        for head in heads:
            if head.desk is not None and head.created_by != me.id:
                self._services.audit.note(
                    "read by staff",
                    account=me.username,
                    session=head.uid,
                    customer=head.created_by,
                    inside=True,
                )

    async def read(self, job: Callable[[UnitOfWork], Awaitable[_Snapshot]]) -> _Snapshot:
        """The snapshot that the job reads, of conversations that are held already.

        Raises:
            LoginRevoked, AccountInactive, Unavailable, and whatever the job refuses
        """
        services, connection = self._services, self._connection

        async def read(work: UnitOfWork) -> tuple[_Snapshot, _Accounts, _Accounts]:
            # Asked again, now that the hub would tell us if the login were ended from here on.
            await services.accounts.holder(work, connection.login_id)
            me, social = connection.person.id, work.social
            blocked, blockers = await social.blocked_by(me), await social.blockers_of(me)
            # An empty set of each connection's own would be a part of what an idle one costs.
            return await job(work), blocked or _NOBODY, blockers or _NOBODY

        before, before_by = connection.blocked, connection.blocked_by
        snapshot, blocked, blockers = await services.storage.read(read)
        connection.blocked = _merged(blocked, before, connection.blocked)
        connection.blocked_by = _merged(blockers, before_by, connection.blocked_by)
        self.heads |= snapshot.heads
        self._note_reading(snapshot.heads.values())
        self._onlooking = (self._onlooking - snapshot.heads.keys()) | snapshot.onlooking
        for head in snapshot.heads.values():
            self.cursors[head.id] = min(snapshot.cursors.get(head.id, head.last_seq), head.last_seq)
        return snapshot

    async def read_one(
        self, conversation_id: ConversationId, after_seq: int | None, enter: Enter
    ) -> Snapshot:
        """One conversation that is held from here on; without a cursor nothing is repeated.

        Raises:
            LoginRevoked, AccountInactive, Unavailable, and whatever ``enter`` refuses
        """
        self.hold([conversation_id])

        async def job(work: UnitOfWork) -> Snapshot:
            head, member = await enter(work)
            return await snapshot_of(work, head, member, after_seq)

        return await self.read(job)

    # -- showing what was missed ---------------------------------------------------------------

    async def catch_up(self, snapshot: Snapshot) -> None:
        """Show what was missed and the present receipts, and then everything as it happens.

        Raises:
            Unavailable
        """
        await self._show_missed(snapshot)
        await self.settle()
        for head in snapshot.heads.values():
            if head.id not in self._onlooking:
                self._services.hub.note_handed(self._connection, head)

    async def replay(
        self,
        conversation_id: ConversationId,
        page: list[TimelineEvent],
        show: Callable[[TimelineEvent], None] | None = None,
    ) -> None:
        """Show what came after a cursor, of which the first page was read.

        A slow reader is waited for after each page; nothing is read for one that has gone.
        """
        show = show or self._show_event
        while True:
            for event in page:
                show(event)
                self.cursors[conversation_id] = event.seq
            if len(page) < PAGE or not await self._connection.outlet.room():
                return
            page = await self.page_after(conversation_id, self.cursors[conversation_id])

    async def page_after(self, conversation_id: ConversationId, seq: int) -> list[TimelineEvent]:
        """The next page of what is stored."""
        return await self._services.storage.read(
            lambda work: work.timeline.after(conversation_id, seq, limit=PAGE)
        )

    def show_receipts(self, receipts: Iterable[Receipt]) -> None:
        """Show watermarks, but for those of which the client knows this one or a higher one."""
        for event in receipts:
            owner = event.reader if isinstance(event, ReadMoved) else event.receiver
            key = (type(event), event.conversation_id, owner.id)
            if event.up_to_seq > self._receipts_shown.get(key, 0):
                self._receipts_shown[key] = event.up_to_seq
                self._show_event(event)

    async def settle(self) -> None:
        """Show what was held and not shown yet, and everything from now on as it happens.

        Raises:
            LoginRevoked, AccountInactive, Unavailable
        """
        while behind := [key for key, log in self._backlogs.items() if self._is_behind(key, log)]:
            await self._read_on(behind)
        hub, connection = self._services.hub, self._connection
        for conversation_id, backlog in self._backlogs.items():
            head = self.heads.get(conversation_id)
            if head is None:
                hub.release(connection, conversation_id)
                continue
            self._drain(conversation_id, backlog)
            is_member = conversation_id not in self._onlooking
            up_to_seq = self.cursors[conversation_id]
            hub.admit(connection, head, up_to_seq=up_to_seq, is_member=is_member)
        self._backlogs.clear()

    def _is_behind(self, conversation_id: ConversationId, backlog: Backlog) -> bool:
        """Whether something was neither read nor held: too much, or not announced in order."""
        if backlog.overflowed:
            return True
        if conversation_id not in self.heads or not self._connection.is_open:
            return False
        shown = self.cursors[conversation_id]
        for event in backlog.events:
            if isinstance(event, Durable) and event.seq > shown:
                if event.seq > shown + 1:
                    return True
                shown = event.seq
        return shown < self._services.bus.timelines.position(conversation_id)

    async def _read_on(self, conversation_ids: list[ConversationId]) -> None:
        """Read from storage what was not held; who was taken out meanwhile stays out."""
        self.hold(conversation_ids)
        me, members = self._connection.person.id, set(conversation_ids) - self._onlooking

        async def job(work: UnitOfWork) -> Snapshot:
            keys = [(key, me) for key in conversation_ids]
            mine = {key for key, _ in await work.conversations.memberships(keys)}
            found = await work.conversations.heads(conversation_ids)
            heads = {key: head for key, head in found.items() if key in mine or key not in members}
            cursors = {key: self.cursors[key] for key in heads}
            return Snapshot(
                heads=heads,
                cursors=cursors,
                missed={
                    key: await work.timeline.after(key, seq, limit=PAGE)
                    for key, seq in cursors.items()
                },
                receipts=await self._read_receipts(work, list(heads.values())),
                onlooking=frozenset(heads.keys() - mine),
            )

        snapshot = await self.read(job)
        for gone in set(conversation_ids) - snapshot.heads.keys():
            self.heads.pop(gone, None)
        await self._show_missed(snapshot)

    async def _show_missed(self, snapshot: Snapshot) -> None:
        for conversation_id, page in snapshot.missed.items():
            await self.replay(conversation_id, page)
        self.show_receipts(snapshot.receipts)

    def _drain(self, conversation_id: ConversationId, backlog: Backlog) -> None:
        """Show what was held and not shown already."""
        for event in backlog.events:
            if isinstance(event, ReadMoved | DeliveredMoved):
                self.show_receipts([event])
            elif event.seq > self.cursors[conversation_id]:
                self._show_event(event)
                self.cursors[conversation_id] = event.seq

    def _show_as_live(self, event: TimelineEvent | Receipt) -> None:
        """Send an event as it would have been sent when it happened."""
        connection, head = self._connection, self.heads[event.conversation_id]
        hidden = hidden_authors(head, connection.blocked)
        if not hears(event, hidden, connection.blocked_by):
            return
        frame = connection.wire_format.frame(event, own=about(event) == connection.person.id)
        if frame is not None:
            connection.push(frame)


def _merged(read: _Accounts, before: _Accounts, now: _Accounts) -> _Accounts:
    """What was read, with what changed meanwhile, which may or may not be in it."""
    return read if now == before else (read | (now - before)) - (before - now)


async def snapshot_of(
    work: UnitOfWork, head: Conversation, member: Member | None, after_seq: int | None
) -> Snapshot:
    """One conversation as it stands; with a cursor, what was missed and the present receipts."""
    onlooking = frozenset({head.id}) if member is None else frozenset()
    if after_seq is None:
        return Snapshot(heads={head.id: head}, onlooking=onlooking)
    return Snapshot(
        heads={head.id: head},
        cursors={head.id: after_seq},
        missed={head.id: await work.timeline.after(head.id, after_seq, limit=PAGE)},
        receipts=await present_reads(work, [head]),
        onlooking=onlooking,
    )


async def present_reads(work: UnitOfWork, heads: Sequence[Conversation]) -> list[Receipt]:
    """How far each member has read these conversations."""
    members = await work.conversations.members([head.id for head in heads])
    return [
        ReadMoved(head.id, head.uid, member.person, member.read_seq, member.read_at)
        for head in heads
        for member in members[head.id]
        if member.read_seq and member.read_at is not None
    ]
