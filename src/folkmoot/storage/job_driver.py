"""Running a job where nothing ever suspends: on the thread that owns the database."""

from collections.abc import Generator
from typing import Any

from folkmoot.core.work import Job, Result, UnitOfWork
from folkmoot.storage.errors import ForeignAwait


def drive(job: Job[Result], work: UnitOfWork) -> Result:
    """What the job returns, run to its end in one go.

    Raises:
        ForeignAwait: it awaited something that was not ready, so not one of these stores.
    """
    steps: Generator[Any, Any, Result] = job(work).__await__()
    try:
        next(steps)
    except StopIteration as end:
        result: Result = end.value
        return result
    steps.close()
    raise ForeignAwait
