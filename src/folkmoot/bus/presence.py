"""Who is online and who is where, over all processes: what those who show it may rely on."""

from collections.abc import Mapping
from typing import Protocol

from folkmoot.core.accounts.model import Person
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid


class Presence(Protocol):
    """Counts connections, and publishes what others may be shown of it.

    `CameOnline` and `WentOffline` are published for an account's first and last connection of all
    processes, `Entered` and `Exited` likewise for each conversation. Who is shown them is decided
    where they are delivered: those only who may see the account. What this process says is true
    here at once; of others it knows what they said last, and holds it true for a lease that they
    renew: the connections of a process that died end by themselves. Someone who is back within
    the grace period was never gone.
    """

    def connect(self, person: Person) -> None:
        """Count one more connection of an account in this process."""
        ...

    def disconnect(self, person: Person) -> None:
        """Count one connection less."""
        ...

    def enter(self, conversation_id: ConversationId, uid: Uid, person: Person) -> None:
        """Count one more connection of an account that listens to a conversation."""
        ...

    def leave(self, conversation_id: ConversationId, person: Person) -> None:
        """Count one connection less there."""
        ...

    def update(self, person: Person) -> None:
        """Know somebody who is online by a new name, picture or role."""
        ...

    @property
    def online(self) -> Mapping[AccountId, Person]:
        """Everybody who is online, those who came first first; it changes as they come and go."""
        ...

    def present(self, conversation_id: ConversationId) -> int:
        """How many accounts listen to a conversation."""
        ...

    def is_present(self, conversation_id: ConversationId, account_id: AccountId) -> bool:
        """Whether the account listens to the conversation."""
        ...

    def renew(self) -> None:
        """Renew this process's lease, and end what has run out; once a second or so."""
        ...
