"""Whether what is kept in a store of files is what the rows of a database say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from folkmoot.core.messages.model import KeptFile
from folkmoot.core.shared.ids import Uid
from folkmoot.files.stores import THUMBNAIL, FileStore


@dataclass(frozen=True, slots=True)
class FilesExamined:
    """What was found. Ids are in order; a small picture has its file's id, and an ending."""

    named: int
    """How many files the rows name."""
    missing: Sequence[str]
    """What a row names, and the store lacks."""
    other_sizes: Sequence[str]
    """What is longer or shorter than its row says."""
    unknown: int
    """How much is kept that no row names: it is in nobody's way, and a server removes it."""


def examine_files(
    named: Mapping[Uid, KeptFile], store: FileStore, before: datetime
) -> FilesExamined:
    """Compare the rows with a list of the store, without reading any file. Blocks.

    What came ``before`` then is no upload that is still under way.

    Raises:
        FilesUnavailable: the store cannot be listed.
    """
    expected: dict[str, int | None] = {uid: file.size for uid, file in named.items()}
    expected |= {uid + THUMBNAIL: None for uid, file in named.items() if file.has_thumbnail}
    other_sizes, unknown = [], 0
    for blob in store.listed():
        if blob.key not in expected:
            unknown += blob.since < before
        elif expected.pop(blob.key) not in {None, blob.size}:
            other_sizes.append(blob.key)
    return FilesExamined(len(named), sorted(expected), sorted(other_sizes), unknown)
