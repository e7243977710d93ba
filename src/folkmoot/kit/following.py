"""Having a connection follow a conversation from a place on: no gap, no double, in order.

First the hub holds live events back, then what is stored after the cursor is read in pages, then
the present receipts, then what was held, without what was read already; from there on it is live.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from folkmoot.core.audience import about, hears, hidden_authors
from folkmoot.core.conversations.events import DeliveredMoved, ReadMoved
from folkmoot.core.conversations.model import Conversation, Member
from folkmoot.core.events import TimelineEvent
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.work import UnitOfWork
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.services import Services

PAGE = 200

Enter = Callable[[UnitOfWork], Awaitable[Conversation]]
"""Gives the conversation to whoever may listen to it, and refuses everybody else."""


@dataclass(slots=True)
class _Snapshot:
    """Where a connection stands when it begins to follow."""

    conversation: Conversation
    blocked: frozenset[AccountId]
    members: list[Member]
    missed: list[TimelineEvent]


class Following:
    """One connection on its way from its cursor to the present of one conversation."""

    def __init__(
        self,
        services: Services,
        connection: Connection,
        conversation_id: ConversationId,
        enter: Enter | None = None,
    ) -> None:
        self._enter = enter or self._as_member
        self._services = services
        self._connection = connection
        self._conversation_id = conversation_id
        self._shown: dict[AccountId, int] = {}
        """The watermarks that the client was shown, which never go back."""

    async def start(
        self, after_seq: int | None, greet: Callable[[Conversation], None] | None = None
    ) -> None:
        """Send what was missed after ``after_seq``, and then everything as it happens.

        Without a cursor nothing is repeated. ``greet`` is called once the right to listen is
        proven, before anything else is sent.

        Raises:
            NoSuchConversation, NotAMember, LoginRevoked, AccountInactive, Unavailable
        """
        hub = self._services.hub
        backlog = hub.hold(self._connection, self._conversation_id)
        try:
            footing = await self._footing(after_seq)
            if greet is not None:
                greet(footing.conversation)
            cursor = await self._catch_up(footing, after_seq)
            while backlog.overflowed:
                backlog = hub.hold(self._connection, self._conversation_id)
                footing = await self._footing(cursor)
                cursor = await self._catch_up(footing, cursor)
            cursor = self._drain(footing, backlog.events, cursor)
            hub.admit(self._connection, footing.conversation, up_to_seq=cursor)
            hub.note_handed(self._connection, footing.conversation)
        except BaseException:
            hub.release(self._connection, self._conversation_id)
            raise

    async def _footing(self, after_seq: int | None) -> _Snapshot:
        connection = self._connection
        before = connection.blocked
        footing = await self._services.storage.read(lambda work: self._stand(work, after_seq))
        # What was blocked or unblocked meanwhile may or may not be in what was read.
        since, lifted = connection.blocked - before, before - connection.blocked
        connection.blocked = (footing.blocked | since) - lifted
        return footing

    async def _stand(self, work: UnitOfWork, after_seq: int | None) -> _Snapshot:
        services, connection = self._services, self._connection
        # Asked again, now that the hub would tell us if the login were ended from here on.
        await services.accounts.holder(work, connection.login_id)
        head = await self._enter(work)
        blocked = await work.social.blocked_by(connection.person.id)
        if after_seq is None:
            return _Snapshot(head, blocked, [], [])
        members = (await work.conversations.members([head.id]))[head.id]
        missed = await work.timeline.after(head.id, after_seq, limit=PAGE)
        return _Snapshot(head, blocked, members, missed)

    async def _as_member(self, work: UnitOfWork) -> Conversation:
        head, _ = await self._services.conversations.entered(
            work, self._connection.person.id, self._conversation_id
        )
        return head

    async def _catch_up(self, footing: _Snapshot, after_seq: int | None) -> int:
        """Send what is stored after the cursor, and the present receipts; the new cursor."""
        cursor = footing.conversation.last_seq
        if after_seq is None:
            return cursor
        cursor = await self._replay(footing, min(after_seq, cursor))
        self._show_receipts(footing)
        return cursor

    async def _replay(self, footing: _Snapshot, cursor: int) -> int:
        page = footing.missed
        while True:
            for event in page:
                self._send(footing, event)
                cursor = event.seq
            if len(page) < PAGE or not await self._connection.outlet.room():
                return cursor
            page = await self._page_after(cursor)

    async def _page_after(self, cursor: int) -> list[TimelineEvent]:
        async def job(work: UnitOfWork) -> list[TimelineEvent]:
            return await work.timeline.after(self._conversation_id, cursor, limit=PAGE)

        return await self._services.storage.read(job)

    def _show_receipts(self, footing: _Snapshot) -> None:
        head = footing.conversation
        for member in footing.members:
            if member.read_seq and member.read_at is not None:
                self._show(
                    footing,
                    ReadMoved(head.id, head.uid, member.person, member.read_seq, member.read_at),
                )

    def _drain(
        self,
        footing: _Snapshot,
        events: Sequence[TimelineEvent | ReadMoved | DeliveredMoved],
        cursor: int,
    ) -> int:
        """Send what was held and not read already; the new cursor."""
        for event in events:
            if isinstance(event, ReadMoved):
                self._show(footing, event)
            elif isinstance(event, DeliveredMoved):
                self._send(footing, event)
            elif event.seq > cursor:
                self._send(footing, event)
                cursor = event.seq
        return cursor

    def _show(self, footing: _Snapshot, event: ReadMoved) -> None:
        """Send a watermark, unless the client knows this one or a higher one."""
        if event.up_to_seq > self._shown.get(event.reader.id, 0):
            self._shown[event.reader.id] = event.up_to_seq
            self._send(footing, event)

    def _send(self, footing: _Snapshot, event: TimelineEvent | ReadMoved | DeliveredMoved) -> None:
        connection = self._connection
        if not hears(event, hidden_authors(footing.conversation, connection.blocked)):
            return
        frame = connection.wire_format.frame(event, own=about(event) == connection.person.id)
        if frame is not None:
            connection.push(frame)
