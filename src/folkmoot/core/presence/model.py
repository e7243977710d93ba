"""Counting who is here, and for how long somebody types; told the time, doing nothing itself."""

from collections.abc import Collection
from dataclasses import replace

from folkmoot.core.presence.events import DeskTyping, FriendTyping, Typing
from folkmoot.core.shared.ids import AccountId, ConversationId

TYPING_SECONDS = 6.0

AnyTyping = Typing | FriendTyping | DeskTyping
Where = ConversationId | tuple[AccountId, ...]
"""A conversation; or, of two who have none yet, the one who is written to."""


class Roster:
    """How many connections each account has in each conversation, or ``None`` for all together."""

    def __init__(self) -> None:
        self._counts: dict[ConversationId | None, dict[AccountId, int]] = {}

    def enter(self, where: ConversationId | None, account_id: AccountId) -> bool:
        """Count one more connection; whether it is the account's first there."""
        counts = self._counts.setdefault(where, {})
        counts[account_id] = counts.get(account_id, 0) + 1
        return counts[account_id] == 1

    def exit(self, where: ConversationId | None, account_id: AccountId) -> bool:
        """Count one connection less; whether it was the account's last there."""
        counts = self._counts[where]
        counts[account_id] -= 1
        if counts[account_id]:
            return False
        del counts[account_id]
        if not counts:
            del self._counts[where]
        return True

    def accounts(self, where: ConversationId | None) -> Collection[AccountId]:
        """Those who have a connection there."""
        return self._counts.get(where, {}).keys()


class TypingBoard:
    """Who is typing where. It ends by itself `TYPING_SECONDS` after the last sign of it.

    ``now`` is in seconds on a clock that never goes back.
    """

    def __init__(self) -> None:
        self._until: dict[tuple[Where, AccountId], tuple[float, AnyTyping]] = {}

    def note(self, typing: AnyTyping, now: float) -> bool:
        """Take note of a sign; whether it changes what others should be shown."""
        key = (typing.where, typing.person.id)
        known = self._until.pop(key, None)
        if typing.is_typing:
            # Deleted and set anew, so that the dict stays ordered by deadline.
            self._until[key] = (now + TYPING_SECONDS, typing)
        return typing.is_typing != (known is not None)

    def stop(self, where: Where, account_id: AccountId) -> AnyTyping | None:
        """The end of somebody's typing, if they were: they posted, or went away."""
        known = self._until.pop((where, account_id), None)
        return replace(known[1], is_typing=False) if known else None

    def expired(self, now: float) -> list[AnyTyping]:
        """The ends of all typing whose time is over; each is given once."""
        over = []
        for until, typing in self._until.values():
            if until > now:
                break
            over.append(typing)
        for typing in over:
            del self._until[typing.where, typing.person.id]
        return [replace(typing, is_typing=False) for typing in over]

    def is_typing(self, conversation_id: ConversationId, account_id: AccountId) -> bool:
        """Whether an account is typing in a conversation."""
        return (conversation_id, account_id) in self._until

    def typists(self, conversation_id: ConversationId) -> int:
        """How many are typing in a conversation."""
        return sum(1 for key in self._until if key[0] == conversation_id)
