"""Who came, who went and who is typing; none of it is kept."""

from dataclasses import dataclass

from folkmoot.core.accounts.model import Person
from folkmoot.core.shared.ids import ConversationId, Uid


@dataclass(frozen=True, slots=True)
class Entered:
    """An account's first connection in a conversation opened; ``present`` counts it too."""

    conversation_id: ConversationId
    conversation_uid: Uid
    person: Person
    present: int


@dataclass(frozen=True, slots=True)
class Exited:
    """An account's last connection in a conversation closed; ``present`` are those left."""

    conversation_id: ConversationId
    conversation_uid: Uid
    person: Person
    present: int


@dataclass(frozen=True, slots=True)
class CameOnline:
    """An account's first connection of all opened."""

    person: Person


@dataclass(frozen=True, slots=True)
class WentOffline:
    """An account's last connection of all closed."""

    person: Person


@dataclass(frozen=True, slots=True)
class Typing:
    """An account began or stopped writing."""

    conversation_id: ConversationId
    conversation_uid: Uid
    person: Person
    is_typing: bool


PresenceEvent = Entered | Exited | CameOnline | WentOffline | Typing
