"""Who is told when others come online and go."""

from collections.abc import Iterable

from folkmoot.bus.port import TopicSubscription
from folkmoot.bus.presence import Presence
from folkmoot.bus.topics import STAFF_ONLINE, online_topic
from folkmoot.core.accounts.model import STAFF, Person
from folkmoot.core.presence.events import CameOnline, DeskTyping, FriendTyping, WentOffline
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.social.contacts import Contacts
from folkmoot.core.social.events import SocialEvent
from folkmoot.realtime.connection import Connection


class Watchers:
    """The connections that are told of somebody's presence, by whom they watch."""

    def __init__(self, presence: Presence, subscription: TopicSubscription) -> None:
        self._presence = presence
        self._subscription = subscription
        self._of_account: dict[AccountId, dict[Connection, None]] = {}
        self._of_staff: dict[Connection, None] = {}

    def watch(self, connection: Connection, accounts: frozenset[AccountId]) -> None:
        """Tell a connection when these accounts come online and go, and no others any more."""
        for account_id in connection.watched - accounts:
            watchers = self._of_account[account_id]
            del watchers[connection]
            if not watchers:
                del self._of_account[account_id]
                self._subscription.remove(online_topic(account_id))
        for account_id in accounts - connection.watched:
            if account_id not in self._of_account:
                self._of_account[account_id] = {}
                self._subscription.add(online_topic(account_id))
            self._of_account[account_id][connection] = None
        connection.watched = accounts

    def watch_staff(self, connection: Connection, *, is_on: bool) -> None:
        """Tell a connection when members of staff come online and go, or no longer."""
        if is_on and connection.is_open:
            self._of_staff[connection] = None
            self._subscription.add(STAFF_ONLINE)
            return
        self._of_staff.pop(connection, None)
        if not self._of_staff:
            self._subscription.remove(STAFF_ONLINE)

    def forget(self, connection: Connection) -> None:
        """Tell a connection of nobody any more."""
        self.watch(connection, frozenset())
        self.watch_staff(connection, is_on=False)

    def follow_contacts(self, connection: Connection, contacts: Contacts) -> None:
        """Let a connection that listens as a friend hear of these contacts, and of nobody else."""
        connection.contacts = contacts
        self.watch(connection, contacts.companions)

    def update_contacts(self, connection: Connection, event: SocialEvent) -> None:
        """Have one that listens as a friend hear of those, and only those, who still are."""
        if connection.contacts is not None:
            before = connection.watched
            self.follow_contacts(connection, connection.contacts.after(event))
            self._show_difference(connection, before)

    def _show_difference(self, connection: Connection, before: frozenset[AccountId]) -> None:
        """Show who came into sight and who went out of it, by others than themselves."""
        for account_id in before ^ connection.watched:
            person = self._presence.online.get(account_id)
            if person is not None:
                came = account_id in connection.watched
                event = CameOnline(person) if came else WentOffline(person)
                frame = connection.wire_format.frame(event, own=False)
                if frame is not None:
                    connection.push(frame)

    def tell(self, event: CameOnline | WentOffline) -> None:
        """Tell those who watch, but not the account itself."""
        watchers = dict(self._of_account.get(event.person.id, ()))
        if event.person.role in STAFF:
            watchers |= self._of_staff
        for connection in watchers:
            if event.person.id not in connection.blocked_by | {connection.person.id}:
                self._offer(connection, event)

    def tell_friend(self, event: FriendTyping) -> None:
        """Tell the friend who is written to, where the writer is in their sight."""
        for connection in self._of_account.get(event.person.id, ()):
            if connection.person.id == event.receiver_id:
                self._offer(connection, event)

    def tell_at_desk(self, event: DeskTyping, connections: Iterable[Connection]) -> None:
        """Tell the connections of who is written to, unless one of the two blocks the other."""
        for connection in connections:
            if event.person.id not in connection.blocked_by | connection.blocked:
                self._offer(connection, event)

    def show_absence(self, connection: Connection, person: Person, *, is_absent: bool) -> None:
        """Show a watched one as gone, or as online again."""
        is_staff = person.role in STAFF and connection in self._of_staff
        if person.id in connection.watched or is_staff:
            self._offer(connection, WentOffline(person) if is_absent else CameOnline(person))

    @staticmethod
    def _offer(
        connection: Connection, event: CameOnline | WentOffline | FriendTyping | DeskTyping
    ) -> None:
        frame = connection.wire_format.frame(event, own=False)
        if frame is not None:
            connection.outlet.offer(frame)
