"""What one line of a log says."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Entry:
    """When, where that is certain, how grave, and in which words."""

    at: datetime | None
    level: str
    text: str
