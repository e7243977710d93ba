"""One unit of work over SQL."""

from sqlalchemy import func, select

from folkmoot.core.events import Event
from folkmoot.core.work import DatabaseMark
from folkmoot.storage.sql.accounts import SqlAccounts
from folkmoot.storage.sql.attachments import SqlAttachments
from folkmoot.storage.sql.conversations import SqlConversations
from folkmoot.storage.sql.desks import SqlDesks
from folkmoot.storage.sql.directs import SqlDirects
from folkmoot.storage.sql.executor import Executor
from folkmoot.storage.sql.friends import SqlFriends
from folkmoot.storage.sql.logins import SqlLogins
from folkmoot.storage.sql.messages import SqlMessages
from folkmoot.storage.sql.receipts import SqlReceipts
from folkmoot.storage.sql.search import SqlSearch
from folkmoot.storage.sql.social import SqlSocial
from folkmoot.storage.sql.statements import Statement
from folkmoot.storage.sql.tasks import SqlTasks
from folkmoot.storage.sql.timeline import SqlTimeline
from folkmoot.storage.sql.views import SqlViews
from folkmoot.storage.tables import installation, messages

_MARK = Statement(
    select(installation.c.uid, select(func.coalesce(func.max(messages.c.id), 0)).scalar_subquery())
)


class SqlWork:
    """`UnitOfWork`: all stores through one executor, and so in one transaction."""

    def __init__(self, executor: Executor) -> None:
        self.accounts = SqlAccounts(executor)
        self.logins = SqlLogins(executor)
        self.social = SqlSocial(executor)
        self.friends = SqlFriends(executor)
        self.conversations = SqlConversations(executor)
        self.receipts = SqlReceipts(executor)
        self.directs = SqlDirects(executor)
        self.desks = SqlDesks(executor)
        self.timeline = SqlTimeline(executor)
        self.messages = SqlMessages(executor)
        self.tasks = SqlTasks(executor)
        self.attachments = SqlAttachments(executor)
        self.views = SqlViews(executor, self.conversations)
        self.search = SqlSearch(executor, self.views)
        self.events: list[Event] = []
        self._executor = executor

    def record(self, event: Event) -> None:
        """Have ``event`` announced if, and only after, this unit of work commits."""
        self.events.append(event)

    async def mark(self) -> DatabaseMark:
        """Which database this is, and how far it has got."""
        ((uid, newest),) = await self._executor.rows(_MARK, {})
        return DatabaseMark(uid, newest)
