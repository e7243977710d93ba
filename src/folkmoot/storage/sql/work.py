"""One unit of work over SQL."""

from folkmoot.storage.sql.accounts import SqlAccounts
from folkmoot.storage.sql.conversations import SqlConversations
from folkmoot.storage.sql.executor import Executor
from folkmoot.storage.sql.logins import SqlLogins
from folkmoot.storage.sql.messages import SqlMessages
from folkmoot.storage.sql.social import SqlSocial
from folkmoot.storage.sql.timeline import SqlTimeline
from folkmoot.storage.sql.views import SqlViews


class SqlWork:
    """`UnitOfWork`: all stores through one executor, and so in one transaction."""

    def __init__(self, executor: Executor) -> None:
        self.accounts = SqlAccounts(executor)
        self.logins = SqlLogins(executor)
        self.social = SqlSocial(executor)
        self.conversations = SqlConversations(executor)
        self.timeline = SqlTimeline(executor)
        self.messages = SqlMessages(executor)
        self.views = SqlViews(executor, self.conversations)
        self.events: list[object] = []

    def record(self, event: object) -> None:
        """Have ``event`` announced if, and only after, this unit of work commits."""
        self.events.append(event)
