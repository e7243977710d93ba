"""How patient storage in PostgreSQL is; apart from it, because its driver is only loaded for it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """``timeout_seconds`` bounds each statement, and the wait for a free connection.

    ``lock_seconds`` is how long to wait for a lock, and ``answer_seconds`` how long whoever reads
    is kept waiting, whatever of PostgreSQL does not answer.
    """

    connections: int = 10
    max_waiting: int = 1000
    timeout_seconds: float = 4.0
    lock_seconds: float = 1.0
    answer_seconds: float = 2.5
