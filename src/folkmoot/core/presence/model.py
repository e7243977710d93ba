"""Counting who is here, and for how long somebody types; told the time, doing nothing itself."""

from collections.abc import Hashable, Iterator

from folkmoot.core.presence.events import Typing
from folkmoot.core.shared.ids import AccountId, ConversationId

TYPING_SECONDS = 6.0


class Roster:
    """How many connections each account has at each place."""

    def __init__(self) -> None:
        self._places: dict[Hashable, dict[AccountId, int]] = {}

    def enter(self, place: Hashable, account_id: AccountId) -> bool:
        """Count one more connection; whether it is the account's first there."""
        accounts = self._places.setdefault(place, {})
        accounts[account_id] = accounts.get(account_id, 0) + 1
        return accounts[account_id] == 1

    def exit(self, place: Hashable, account_id: AccountId) -> bool:
        """Count one connection less; whether it was the account's last there."""
        accounts = self._places[place]
        accounts[account_id] -= 1
        if accounts[account_id]:
            return False
        del accounts[account_id]
        if not accounts:
            del self._places[place]
        return True

    def present(self, place: Hashable) -> int:
        """How many accounts are there."""
        return len(self._places.get(place, ()))

    def is_present(self, place: Hashable, account_id: AccountId) -> bool:
        """Whether the account has a connection there."""
        return account_id in self._places.get(place, ())

    def places(self) -> Iterator[tuple[Hashable, int]]:
        """Every place where somebody is, and how many accounts are there."""
        return ((place, len(accounts)) for place, accounts in self._places.items())


class TypingBoard:
    """Who is typing where. It ends by itself `TYPING_SECONDS` after the last sign of it.

    ``now`` is in seconds on a clock that never goes back.
    """

    def __init__(self) -> None:
        self._until: dict[tuple[ConversationId, AccountId], tuple[float, Typing]] = {}

    def note(self, typing: Typing, now: float) -> bool:
        """Take note of a sign; whether it changes what others should be shown."""
        key = (typing.conversation_id, typing.person.id)
        known = self._until.pop(key, None)
        if typing.is_typing:
            # Deleted and set anew, so that the dict stays ordered by deadline.
            self._until[key] = (now + TYPING_SECONDS, typing)
        return typing.is_typing != (known is not None)

    def stop(self, conversation_id: ConversationId, account_id: AccountId) -> Typing | None:
        """The end of somebody's typing, if they were: they posted, or went away."""
        known = self._until.pop((conversation_id, account_id), None)
        return _ended(known[1]) if known else None

    def expired(self, now: float) -> list[Typing]:
        """The ends of all typing whose time is over; each is given once."""
        over = []
        for until, typing in self._until.values():
            if until > now:
                break
            over.append(typing)
        for typing in over:
            del self._until[typing.conversation_id, typing.person.id]
        return [_ended(typing) for typing in over]

    def typists(self, conversation_id: ConversationId) -> int:
        """How many are typing in a conversation."""
        return sum(1 for key in self._until if key[0] == conversation_id)


def _ended(typing: Typing) -> Typing:
    return Typing(typing.conversation_id, typing.conversation_uid, typing.person, is_typing=False)
