"""What keeps the store of the files from working, in the words of the core."""

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import BaseError

from folkmoot.core.shared.refusals import StorageFull, Unavailable

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_MARKS = ("StorageFull", "QuotaExceeded", "XMinioStorageFull")
_log = logging.getLogger(__name__)


class FilesUnavailable(Unavailable):
    """The store where files are kept does not answer, or not as it should."""

    code = "files_unavailable"
    sentence = "The server cannot reach its files right now; try again in a moment."


class FileStoreInvalid(Exception):
    """The setting names no store where files can be kept; the message says why."""


@contextmanager
def faults(doing: str) -> Iterator[None]:
    """Turn what a disk or a bucket raises into `Unavailable`, its cause in the log only.

    Raises:
        StorageFull, FilesUnavailable
    """
    try:
        yield
    # `TimeoutError` is one of the first.
    except (OSError, BaseError) as error:
        _log.warning("%s failed: %s", doing, str(error).partition("\n")[0])
        raise _unavailable(error) from error


def _unavailable(error: BaseException) -> Unavailable:
    is_full = isinstance(error, OSError) and error.errno in _FULL
    if is_full or any(mark in str(error) for mark in _FULL_MARKS):
        return StorageFull()
    return FilesUnavailable()
