"""What every contract is handed: the rules, what is stored, and who is connected."""

import asyncio
from dataclasses import dataclass, field

from folkmoot.auth.audit import Audit, NoAudit
from folkmoot.auth.authenticator import Authenticator
from folkmoot.bus.port import Bus
from folkmoot.bus.presence import Presence
from folkmoot.bus.subscribers import Publish
from folkmoot.core.accounts.service import Accounts
from folkmoot.core.conversations.desk import Desks
from folkmoot.core.conversations.reach import Reach
from folkmoot.core.conversations.receipts import Watermarks
from folkmoot.core.conversations.service import Conversations
from folkmoot.core.logs.store import LogIndex, PageIndex
from folkmoot.core.messages.model import Draft, Posted
from folkmoot.core.messages.service import Messages
from folkmoot.core.shared.ids import Clock, Ids
from folkmoot.core.social.friends import Friends
from folkmoot.core.social.service import Social
from folkmoot.core.work import Storage
from folkmoot.files.service import Files
from folkmoot.realtime.background_tasks import BackgroundTasks
from folkmoot.realtime.command_handler import CommandHandler
from folkmoot.realtime.entrance import Entrance
from folkmoot.realtime.hub import Hub
from folkmoot.realtime.outbox import SlowReaders, Tick
from folkmoot.realtime.receipts import Receipts
from folkmoot.realtime.writer import Writer


@dataclass(frozen=True, slots=True)
class Services:
    """One running server.

    Reading goes through ``storage``, every change through ``writer``, what people say through
    `submit`, and what passes and is not kept through ``publish``.
    """

    clock: Clock
    ids: Ids
    authenticator: Authenticator
    accounts: Accounts
    social: Social
    reach: Reach
    conversations: Conversations
    messages: Messages
    friends: Friends
    desks: Desks
    marks: Watermarks
    files: Files
    logs: LogIndex
    pages: PageIndex
    storage: Storage
    writer: Writer
    bus: Bus
    publish: Publish
    receipts: Receipts
    hub: Hub
    presence: Presence
    entrance: Entrance
    tick: Tick
    slow_readers: SlowReaders
    audit: Audit = field(default_factory=NoAudit)
    background_tasks: BackgroundTasks = field(default_factory=BackgroundTasks)
    command_handlers: list[CommandHandler] = field(default_factory=list)

    def handle_command(self, draft: Draft) -> "asyncio.Future[Posted] | None":
        """The answer to what was said to the server itself; ``None`` for every other draft."""
        for handler in self.command_handlers:
            answer = handler.handle(draft)
            if answer is not None:
                return answer
        return None

    def submit(self, draft: Draft) -> "asyncio.Future[Posted]":
        """Have a draft stored, or answered where it was said to the server.

        Drafts of one author are stored in the order of their submission. The future fails with the
        draft's refusal, or with `Unavailable`.
        """
        return self.handle_command(draft) or self.writer.submit(draft)
