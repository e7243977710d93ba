"""Where a thread of several sessions stands, in one word that clients give back."""

import re
from collections.abc import Iterable, Mapping
from itertools import islice

from folkmoot.core.conversations.model import Conversation
from folkmoot.core.shared.ids import ConversationId, Uid

Positions = Mapping[ConversationId, int]

MOST_SESSIONS = 500
_WORD = re.compile(r"[0-9]{1,15}-[0-9]{1,15}(?:\.[0-9]{1,15}-[0-9]{1,15})*")


def cursor_of(positions: Positions) -> str:
    """The positions in a thread's sessions as one word; a thread without any is ``0-0``.

    Of more sessions than are read back, those that stand last are named.
    """
    named = islice(positions.items(), max(0, len(positions) - MOST_SESSIONS), None)
    return ".".join(f"{number}-{seq}" for number, seq in named) or "0-0"


def positions_in(cursor: object) -> dict[ConversationId, int] | None:
    """The positions that a cursor names; ``None`` for what is no cursor."""
    if not isinstance(cursor, str) or not _WORD.fullmatch(cursor):
        return None
    pairs = [pair.split("-") for pair in cursor.split(".")]
    if len(pairs) > MOST_SESSIONS:
        return None
    return {ConversationId(int(number)): int(seq) for number, seq in pairs}


def after_cursor(positions: Positions, heads: Iterable[Conversation]) -> dict[ConversationId, int]:
    """From where each session is to be shown to whoever had seen as much as ``positions`` say.

    A cursor names all sessions that the thread had then, or, of more than are listened to, those
    last used. One that it does not name has begun or been used since, and is shown whole.
    """
    return {head.id: positions.get(head.id, 0) for head in heads}


def after_position(
    seq: int, session: Uid | None, heads: Iterable[Conversation]
) -> dict[ConversationId, int]:
    """The same for whoever says a position and, unless there is but one, the session it is in.

    Without the session it is taken for one in the oldest that has come so far: more than was
    missed may be shown then, and never less.
    """
    thread = sorted(heads, key=lambda head: head.id)
    named = [head for head in thread if head.uid == session]
    reached = named or [head for head in thread if head.last_seq >= seq] or thread[-1:]
    if not reached:
        return {}
    first = reached[0]
    return {head.id: 0 if head.id > first.id else seq for head in thread if head.id >= first.id}
