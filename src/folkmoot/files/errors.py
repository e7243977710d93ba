"""What keeps the store of the files from working, in the words of the core."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import (
    BaseError,
    PermissionDeniedError,
    UnauthenticatedError,
)

from folkmoot.core.shared.health import Health
from folkmoot.core.shared.refusals import ServerPart, StorageFull, Unavailable

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_MARKS = ("StorageFull", "QuotaExceeded", "XMinioStorageFull")


class FilesUnavailable(Unavailable):
    """The store where files are kept does not answer, or not as it should."""

    code = "files_unavailable"
    sentence = "The server cannot reach its files right now; try again in a moment."
    part = ServerPart.FILES


class FileStoreInvalid(Exception):
    """The setting names no store where files can be kept; the message says why."""


@contextmanager
def faults(health: Health, *, is_reading: bool = False) -> Iterator[None]:
    """Turn what a disk or a bucket raises into `Unavailable`, and note it in ``health``.

    Reading one file that is gone says nothing of the others.

    Raises:
        StorageFull, FilesUnavailable
    """
    try:
        yield
    except FileNotFoundError as error:  # obstore's own is one too
        missing = FilesUnavailable("a file is missing")
        note = health.met if is_reading else health.failed
        note(missing)
        raise missing from error
    # `TimeoutError` is one of the first.
    except (OSError, BaseError) as error:
        fault = _unavailable(error)
        health.failed(fault)
        raise fault from error


def _unavailable(error: BaseException) -> Unavailable:
    is_full = isinstance(error, OSError) and error.errno in _FULL
    if is_full or any(mark in str(error) for mark in _FULL_MARKS):
        return StorageFull(part=ServerPart.FILES)
    if isinstance(error, TimeoutError):
        return FilesUnavailable("they do not answer in time")
    if isinstance(error, PermissionDeniedError | UnauthenticatedError | PermissionError):
        return FilesUnavailable("access to them is denied")
    if isinstance(error, OSError) and error.strerror:
        return FilesUnavailable(error.strerror)
    return FilesUnavailable("they cannot be reached")
