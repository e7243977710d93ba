"""What every dialect is handed: the rules, what is stored, and who is connected."""

from dataclasses import dataclass, field

from folkmoot.auth.gate import Gate
from folkmoot.core.accounts.service import Accounts
from folkmoot.core.conversations.desk import Desks
from folkmoot.core.conversations.direct import Directs
from folkmoot.core.conversations.receipts import Marks
from folkmoot.core.conversations.service import Conversations
from folkmoot.core.messages.service import Messages
from folkmoot.core.shared.ids import Clock
from folkmoot.core.social.friends import Friends
from folkmoot.core.social.service import Social
from folkmoot.core.work import Storage
from folkmoot.files.service import Files
from folkmoot.realtime.chores import Chores
from folkmoot.realtime.hub import Hub
from folkmoot.realtime.limits import Limits
from folkmoot.realtime.outbox import SlowReaders, Tick
from folkmoot.realtime.receipts import Receipts
from folkmoot.realtime.writer import Writer


@dataclass(frozen=True, slots=True)
class House:
    """One running server. Reading goes through ``storage``, every change through ``writer``."""

    clock: Clock
    gate: Gate
    accounts: Accounts
    social: Social
    conversations: Conversations
    messages: Messages
    friends: Friends
    directs: Directs
    desks: Desks
    marks: Marks
    files: Files
    storage: Storage
    writer: Writer
    receipts: Receipts
    hub: Hub
    limits: Limits
    tick: Tick
    slow_readers: SlowReaders
    chores: Chores = field(default_factory=Chores)
