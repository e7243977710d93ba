"""Claims to have read, or to have been handed, something: which of them count."""

from collections.abc import Mapping, Sequence

from folkmoot.core.conversations.model import ReadMark
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.storage.keys import clamped, numbers

MarkKey = tuple[ConversationId, AccountId]


def highest(marks: Sequence[ReadMark]) -> dict[MarkKey, ReadMark]:
    """The furthest claim of each member."""
    found: dict[MarkKey, ReadMark] = {}
    for mark in marks:
        key = (mark.conversation_id, mark.account_id)
        known = found.get(key)
        if known is None or known.up_to_seq < mark.up_to_seq:
            found[key] = mark
    return found


def storable(marks: Mapping[MarkKey, ReadMark]) -> list[tuple[int, int, int]]:
    """Those of members that there can be, as rows."""
    return [
        (*key, clamped(mark.up_to_seq))
        for key, mark in marks.items()
        if len(numbers(key)) == len(set(key))
    ]
