"""The account of a reading: what was read, and what was left out and why."""

from dataclasses import dataclass, field
from typing import Final

from folkmoot.core.logs.model import LogReading

MAX_NAMED: Final = 100
"""So many of what was left out are named; of the rest there is a count."""
MAX_NAME_CHARS: Final = 250


@dataclass(slots=True)
class Tally:
    """What was read so far."""

    files: int = 0
    entries: int = 0
    unreadable: int = 0
    outdated: int = 0
    skipped: dict[tuple[str, str], None] = field(default_factory=dict)

    def skip(self, name: str, reason: str) -> None:
        """Note that something was left out."""
        name = name.encode("utf-8", "replace").decode()[-MAX_NAME_CHARS:]
        self.skipped[(name, reason)] = None

    def reading(self, *, is_done: bool) -> LogReading:
        """What is told of it."""
        named = list(self.skipped)[:MAX_NAMED]
        if len(self.skipped) > MAX_NAMED:
            named.append(("and others", f"{len(self.skipped) - MAX_NAMED} more"))
        return LogReading(
            files=self.files,
            entries=self.entries,
            unreadable=self.unreadable,
            outdated=self.outdated,
            skipped=tuple(named),
            is_done=is_done,
        )
