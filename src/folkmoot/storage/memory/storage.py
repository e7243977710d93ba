"""`Storage` in memory."""

from folkmoot.core.events import Event
from folkmoot.core.shared.refusals import ServerPart, Unavailable
from folkmoot.core.work import DatabaseMark, Job, Result
from folkmoot.storage.job_driver import drive
from folkmoot.storage.memory.accounts import MemoryAccounts, MemoryLogins, MemorySocial
from folkmoot.storage.memory.attachments import MemoryAttachments
from folkmoot.storage.memory.conversations import MemoryConversations
from folkmoot.storage.memory.desks import MemoryDesks
from folkmoot.storage.memory.directs import MemoryDirects
from folkmoot.storage.memory.friends import MemoryFriends
from folkmoot.storage.memory.messages import MemoryMessages
from folkmoot.storage.memory.receipts import MemoryReceipts
from folkmoot.storage.memory.search import MemorySearch
from folkmoot.storage.memory.state import State
from folkmoot.storage.memory.tasks import MemoryTasks
from folkmoot.storage.memory.timeline import MemoryTimeline
from folkmoot.storage.memory.views import MemoryViews


class MemoryStorage:
    """Everything is gone when the process ends; until then every promise of `Storage` holds.

    A job runs to its end without suspending, so no other job ever sees half of it.
    """

    def __init__(self) -> None:
        self._state = State()
        self._closed = False

    async def write(self, job: Job[Result]) -> Result:
        self._refuse_if_closed()
        journal = self._state.journal
        journal.open()
        try:
            result = drive(job, MemoryWork(self._state))
        except BaseException:
            journal.close(undoing=True)
            raise
        journal.close(undoing=False)
        return result

    async def read(self, job: Job[Result]) -> Result:
        self._refuse_if_closed()
        return drive(job, MemoryWork(self._state))

    async def check(self) -> None:
        self._refuse_if_closed()

    async def close(self) -> None:
        self._closed = True

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Unavailable("it is closed", part=ServerPart.DATABASE)


class MemoryWork:
    """`UnitOfWork` in memory."""

    def __init__(self, state: State) -> None:
        self.accounts = MemoryAccounts(state)
        self.logins = MemoryLogins(state)
        self.social = MemorySocial(state)
        self.friends = MemoryFriends(state)
        self.conversations = MemoryConversations(state)
        self.receipts = MemoryReceipts(state)
        self.directs = MemoryDirects(state)
        self.desks = MemoryDesks(state)
        self.timeline = MemoryTimeline(state)
        self.messages = MemoryMessages(state)
        self.tasks = MemoryTasks(state)
        self.attachments = MemoryAttachments(state)
        self.search = MemorySearch(state)
        self.views = MemoryViews(state, self.conversations)
        self.events: list[Event] = []
        self._state = state

    def record(self, event: Event) -> None:
        """Have ``event`` announced if, and only after, this unit of work commits."""
        self.events.append(event)

    async def mark(self) -> DatabaseMark:
        """Which database this is, and how far it has got."""
        return DatabaseMark(self._state.uid, max(self._state.messages, default=0))
