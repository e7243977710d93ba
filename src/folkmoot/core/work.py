"""One unit of work, and the port through which all stored state is read and changed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from folkmoot.core.accounts.store import AccountWork
from folkmoot.core.events import Event
from folkmoot.core.messages.store import MessageWork
from folkmoot.core.shared.refusals import ServerPart, Unavailable

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class DatabaseMark:
    """Which database this is, and how far it has got: 0 where no message was ever stored."""

    uid: str
    newest_message: int


class UnitOfWork(AccountWork, MessageWork, Protocol):
    """All stores, seen by one transaction. What is recorded is announced only if it commits."""

    @property
    def events(self) -> list[Event]:
        """What was recorded so far, in order."""
        ...

    def record(self, event: Event) -> None:
        """Have ``event`` announced if, and only after, this unit of work commits."""
        ...

    async def mark(self) -> DatabaseMark:
        """Which database this is, and how far it has got."""
        ...


Job = Callable[[UnitOfWork], Awaitable[Result]]


class Write(Protocol):
    """Runs a job in one transaction; what it recorded is announced once it is durable."""

    def __call__(self, job: Job[Result]) -> Awaitable[Result]: ...


async def _nobody_will_know() -> Any:
    raise Unavailable


class OutcomeUnknown(Unavailable):
    """The unit of work may have happened, or may yet: its answer did not come.

    ``outcome`` returns what its job returned once that is known to be durable, and raises what
    kept it from happening once that is known. It takes as long as nobody can say.
    """

    sentence = (
        "It is not known yet whether this was stored; "
        "try again in a moment, with the same client_id if it is a message."
    )

    def __init__(
        self,
        reason: str = "",
        outcome: Callable[[], Awaitable[Any]] = _nobody_will_know,
        *,
        part: ServerPart = ServerPart.DATABASE,
    ) -> None:
        super().__init__(reason, part=part)
        self.outcome = outcome


class Storage(Protocol):
    """Where everything durable is kept.

    A job is a coroutine function that awaits nothing but the stores of the unit of work it is
    given: it may run on another thread, and, when two writers collide, more than once.
    """

    async def write(self, job: Job[Result]) -> Result:
        """Run the job in one transaction; when this returns, what it did is on disk.

        When the job raises, nothing of it has happened and the exception comes through.

        Raises:
            OutcomeUnknown: nobody knows yet whether it happened; what it recorded must be
                announced if it did, and nothing that is written later before it.
            Unavailable: nothing happened.
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
