"""One unit of work, and the port through which all stored state is read and changed."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from folkmoot.core.accounts.store import AccountWork
from folkmoot.core.events import Event
from folkmoot.core.messages.store import MessageWork

Result = TypeVar("Result")


class UnitOfWork(AccountWork, MessageWork, Protocol):
    """All stores, seen by one transaction. What is recorded is announced only if it commits."""

    @property
    def events(self) -> list[Event]:
        """What was recorded so far, in order."""
        ...

    def record(self, event: Event) -> None:
        """Have ``event`` announced if, and only after, this unit of work commits."""
        ...


Job = Callable[[UnitOfWork], Awaitable[Result]]


class Write(Protocol):
    """Runs a job in one transaction; what it recorded is announced once it is durable."""

    def __call__(self, job: Job[Result]) -> Awaitable[Result]: ...


class Storage(Protocol):
    """Where everything durable is kept.

    A job is a coroutine function that awaits nothing but the stores of the unit of work it is
    given: it may run on another thread, and, when two writers collide, more than once.
    """

    async def write(self, job: Job[Result]) -> Result:
        """Run the job in one transaction; when this returns, what it did is on disk.

        When the job raises, nothing of it has happened and the exception comes through.

        Raises:
            Unavailable: nothing happened, or (if the connection broke during the commit) nobody
                knows; the same ``client_id`` makes a retry safe either way.
        """
        ...

    async def read(self, job: Job[Result]) -> Result:
        """Run the job on one consistent state of everything committed so far.

        Raises:
            Unavailable: the database does not answer.
        """
        ...

    async def check(self) -> None:
        """Return if writing would work right now.

        Raises:
            Unavailable: it would not, and why.
        """
        ...

    async def close(self) -> None:
        """Finish what runs, and let go of files and connections."""
        ...
