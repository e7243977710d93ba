"""Having a connection hear of many conversations at once: one read for all, no gap, no double.

Like `Following`, for a contract whose one socket carries all of an account's conversations. What
is missed is the contract's to say and to send; here is what keeps it together with live events.
"""

from collections.abc import Callable, Container, Iterable, Mapping

from folkmoot.core.conversations.events import DeliveredMoved, ReadMoved
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.events import TimelineEvent
from folkmoot.core.shared.ids import ConversationId
from folkmoot.core.work import UnitOfWork
from folkmoot.realtime.channel import Backlog
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.services import Services

PAGE = 200

Show = Callable[[TimelineEvent | ReadMoved | DeliveredMoved], None]


class Gathering:
    """One connection on its way to the present of many conversations.

    `hold` them, read what was missed, `replay` it, and `settle`. ``show`` sends one event.
    """

    def __init__(self, services: Services, connection: Connection, show: Show) -> None:
        self._services = services
        self._connection = connection
        self._show = show
        self._backlogs: dict[ConversationId, Backlog] = {}

    @property
    def held(self) -> tuple[ConversationId, ...]:
        """The conversations whose events are kept until all is settled."""
        return tuple(self._backlogs)

    def hold(self, places: Iterable[ConversationId]) -> None:
        """Keep what happens from here on; what happened before, storage knows."""
        for place in places:
            self._backlogs[place] = self._services.hub.hold(self._connection, place)

    def release(self) -> None:
        """Give up: nothing is kept, and nothing will be heard, of what was held."""
        for place in self._backlogs:
            self._services.hub.release(self._connection, place)
        self._backlogs.clear()

    async def replay(
        self,
        place: ConversationId,
        cursor: int,
        page: list[TimelineEvent],
        show: Callable[[TimelineEvent], None],
    ) -> int:
        """Show what came after a cursor, of which the first page was read; the new cursor."""
        while True:
            for event in page:
                show(event)
                cursor = event.seq
            if len(page) < PAGE or not await self._connection.outlet.room():
                return cursor
            page = await self._page_after(place, cursor)

    async def settle(
        self,
        heads: Mapping[ConversationId, Conversation],
        cursors: dict[ConversationId, int],
        onlooking: Container[ConversationId] = (),
    ) -> None:
        """Show what was kept and is not shown yet, and everything from now on as it happens.

        ``cursors`` says up to where each conversation was shown, or need not be; ``onlooking``, of
        which the account was no member when they were read.
        """
        read_on: set[ConversationId] = set()
        while places := [place for place, log in self._backlogs.items() if log.overflowed]:
            self.hold(places)
            read_on.update(places)
            for place in places:
                page = await self._page_after(place, cursors[place])
                cursors[place] = await self.replay(place, cursors[place], page, self._show)
        hub = self._services.hub
        for place, backlog in self._backlogs.items():
            if place in heads:
                self._drain(place, backlog, cursors)
                hub.admit(
                    self._connection,
                    heads[place],
                    up_to_seq=cursors[place],
                    is_member=place in read_on or place not in onlooking,
                )
            else:
                hub.release(self._connection, place)
        self._backlogs.clear()

    def _drain(
        self, place: ConversationId, backlog: Backlog, cursors: dict[ConversationId, int]
    ) -> None:
        for event in backlog.events:
            if isinstance(event, ReadMoved | DeliveredMoved):
                self._show(event)
            elif event.seq > cursors[place]:
                self._show(event)
                cursors[place] = event.seq

    async def _page_after(self, place: ConversationId, cursor: int) -> list[TimelineEvent]:
        async def job(work: UnitOfWork) -> list[TimelineEvent]:
            return await work.timeline.after(place, cursor, limit=PAGE)

        return await self._services.storage.read(job)
