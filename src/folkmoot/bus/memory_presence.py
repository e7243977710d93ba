"""Presence for a server whose processes are one, or, in tests, several in one event loop."""

from collections import ChainMap
from collections.abc import Callable, Mapping

from folkmoot.bus.subscribers import Publish
from folkmoot.core.accounts.model import Person
from folkmoot.core.presence.events import CameOnline, Entered, Exited, WentOffline
from folkmoot.core.presence.model import Roster
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid

LEASE_SECONDS = 15.0


class _Process:
    """What one process says, and until when that is taken for true."""

    def __init__(self, lease_ends: float) -> None:
        self.lease_ends = lease_ends
        self.roster = Roster()
        self.people: dict[AccountId, Person] = {}
        self.uids: dict[ConversationId, Uid] = {}
        """The names of the conversations that somebody listens to."""


class PresenceBoard:
    """What the processes of one server know together."""

    def __init__(self) -> None:
        self.leaving: dict[AccountId, Person] = {}
        """Who has no connection any more, which is no news before `news_at`."""
        self.news_at: dict[AccountId, float] = {}
        self.processes: list[_Process] = []

    @property
    def online(self) -> Mapping[AccountId, Person]:
        """Everybody who is online, in any process."""
        if len(self.processes) == 1 and not self.leaving:
            return self.processes[0].people
        return ChainMap(self.leaving, *(process.people for process in self.processes))

    def accounts(self, where: ConversationId | None) -> set[AccountId]:
        """Those who have a connection there, in any process."""
        return {key for process in self.processes for key in process.roster.accounts(where)}

    def has(self, where: ConversationId | None, account_id: AccountId) -> bool:
        """Whether the account has a connection there, in any process."""
        return any(account_id in process.roster.accounts(where) for process in self.processes)


class MemoryPresence:
    """One process's part in it; alone where it is given no board.

    ``now`` is in seconds on a clock that never goes back.
    """

    def __init__(
        self,
        publish: Publish,
        now: Callable[[], float],
        board: PresenceBoard | None = None,
        *,
        grace_seconds: float = 0.0,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._publish = publish
        self._now = now
        self._board = board or PresenceBoard()
        self._grace_seconds = grace_seconds
        self._lease_seconds = lease_seconds
        self._mine = _Process(now() + lease_seconds)
        self._board.processes.append(self._mine)

    @property
    def online(self) -> Mapping[AccountId, Person]:
        """Everybody who is online."""
        return self._board.online

    def connect(self, person: Person) -> None:
        """Count one more connection; the first of all is published."""
        self._mine.roster.enter(None, person.id)
        is_news = person.id not in self._board.online
        self._board.leaving.pop(person.id, None)
        self._mine.people[person.id] = person
        if is_news:
            self._publish([CameOnline(person)])

    def disconnect(self, person: Person) -> None:
        """Count one connection less; the last of all is published, after the grace period."""
        if self._mine.roster.exit(None, person.id):
            self._let_go(self._mine.people.pop(person.id))
            self._end_leaving()

    def enter(self, conversation_id: ConversationId, uid: Uid, person: Person) -> None:
        """Count one more connection there; the first of all is published."""
        is_news = not self._board.has(conversation_id, person.id)
        self._mine.uids[conversation_id] = uid
        self._mine.roster.enter(conversation_id, person.id)
        if is_news:
            present = self.present(conversation_id)
            self._publish([Entered(conversation_id, uid, person, present)])

    def leave(self, conversation_id: ConversationId, person: Person) -> None:
        """Count one connection less there; the last of all is published."""
        is_last = self._mine.roster.exit(conversation_id, person.id)
        uid = self._mine.uids[conversation_id]
        if not self._mine.roster.accounts(conversation_id):
            del self._mine.uids[conversation_id]
        if is_last:
            self._exit(conversation_id, uid, person)

    def update(self, person: Person) -> None:
        """Know somebody who is online by a new name, picture or role."""
        if person.id in self._mine.people:
            self._mine.people[person.id] = person

    def present(self, conversation_id: ConversationId) -> int:
        """How many accounts listen to a conversation."""
        if len(self._board.processes) == 1:
            return len(self._board.processes[0].roster.accounts(conversation_id))
        return len(self._board.accounts(conversation_id))

    def is_present(self, conversation_id: ConversationId, account_id: AccountId) -> bool:
        """Whether the account listens to the conversation."""
        return self._board.has(conversation_id, account_id)

    def renew(self) -> None:
        """Renew this process's lease, and end what has run out."""
        now, board = self._now(), self._board
        self._mine.lease_ends = now + self._lease_seconds
        if self._mine not in board.processes:
            self._come_back()
        for process in [one for one in board.processes if one.lease_ends <= now]:
            board.processes.remove(process)
            self._end(process)
        self._end_leaving()

    def _come_back(self) -> None:
        """Say again what was taken back when this process was taken for dead."""
        mine, board = self._mine, self._board
        mine_again = [person for key, person in mine.people.items() if key not in board.online]
        present = {uid_of: board.accounts(uid_of) for uid_of in mine.uids}
        board.processes.append(mine)
        for person in mine_again:
            board.leaving.pop(person.id, None)
            self._publish([CameOnline(person)])
        for conversation_id, before in present.items():
            for account_id in set(mine.roster.accounts(conversation_id)) - before:
                uid, count = mine.uids[conversation_id], self.present(conversation_id)
                self._publish([Entered(conversation_id, uid, mine.people[account_id], count)])

    def _end(self, process: _Process) -> None:
        """Take back what a process said that is gone."""
        for conversation_id, uid in process.uids.items():
            for account_id in process.roster.accounts(conversation_id):
                self._exit(conversation_id, uid, process.people[account_id])
        for person in process.people.values():
            self._let_go(person)

    def _exit(self, conversation_id: ConversationId, uid: Uid, person: Person) -> None:
        if not self._board.has(conversation_id, person.id):
            present = self.present(conversation_id)
            self._publish([Exited(conversation_id, uid, person, present)])

    def _let_go(self, person: Person) -> None:
        if not self._board.has(None, person.id):
            self._board.leaving[person.id] = person
            self._board.news_at[person.id] = self._now() + self._grace_seconds

    def _end_leaving(self) -> None:
        now, board = self._now(), self._board
        for person in [one for key, one in board.leaving.items() if board.news_at[key] <= now]:
            del board.leaving[person.id]
            self._publish([WentOffline(person)])
