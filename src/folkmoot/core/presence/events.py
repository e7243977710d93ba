"""Who came, who went and who is typing; none of it is kept."""

from dataclasses import dataclass

from folkmoot.core.accounts.model import Person
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid


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

    @property
    def where(self) -> ConversationId:
        """Where it is shown."""
        return self.conversation_id


@dataclass(frozen=True, slots=True)
class FriendTyping:
    """The same, to a friend with whom no word was exchanged yet: there is no conversation."""

    receiver_id: AccountId
    person: Person
    is_typing: bool

    @property
    def where(self) -> tuple[AccountId]:
        """To whom it is shown."""
        return (self.receiver_id,)


@dataclass(frozen=True, slots=True)
class DeskTyping:
    """The same, between a customer without an open session and one of staff."""

    receiver_id: AccountId
    customer: Person
    person: Person
    is_typing: bool

    @property
    def where(self) -> tuple[AccountId, AccountId]:
        """To whom it is shown, and in whose thread."""
        return self.receiver_id, self.customer.id


PresenceEvent = Entered | Exited | CameOnline | WentOffline | Typing | FriendTyping | DeskTyping
