"""Single reactions, put together as they are shown."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from folkmoot.core.accounts.model import Person
from folkmoot.core.messages.model import Reaction


@dataclass(frozen=True, slots=True)
class Put:
    """One account put one emoji on a message."""

    emoji: str
    person: Person
    at: datetime


def gathered(puts: Iterable[Put]) -> tuple[Reaction, ...]:
    """The reactions of one message: the emoji that came first first, and so its people."""
    people: dict[str, list[Person]] = {}
    for put in sorted(puts, key=lambda put: (put.at, put.person.id, put.emoji)):
        people.setdefault(put.emoji, []).append(put.person)
    return tuple(Reaction(emoji, tuple(those)) for emoji, those in people.items())
