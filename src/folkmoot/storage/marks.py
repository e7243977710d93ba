"""Claims to have read, or to have been handed, something: which of them count."""

from collections.abc import Mapping, Sequence

from folkmoot.core.conversations.model import ReadMark
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.storage.keys import clamped, is_number

MarkKey = tuple[ConversationId, AccountId]
MarkRow = tuple[int, int, int]


def highest(marks: Sequence[ReadMark]) -> dict[MarkKey, ReadMark]:
    """The furthest claim of each member."""
    found: dict[MarkKey, ReadMark] = {}
    for mark in marks:
        key = (mark.conversation_id, mark.account_id)
        known = found.get(key)
        if known is None or known.up_to_seq < mark.up_to_seq:
            found[key] = mark
    return found


def storable(marks: Mapping[MarkKey, ReadMark]) -> list[MarkRow]:
    """Those of members that there can be, as rows."""
    return [row for mark in marks.values() if (row := row_of(mark)) is not None]


def row_of(mark: ReadMark) -> MarkRow | None:
    """A claim as a row; ``None`` if there can be no such member."""
    if is_number(mark.conversation_id) and is_number(mark.account_id):
        return mark.conversation_id, mark.account_id, clamped(mark.up_to_seq)
    return None
