"""What happened to the logs."""

from dataclasses import dataclass

from folkmoot.core.logs.model import LogReading
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsProgressed:
    """The reading that somebody asked for, in a conversation, has come further. It is not kept."""

    conversation_id: ConversationId
    conversation_uid: Uid
    listener: AccountId
    reading: LogReading
