"""Where a file kept here is fetched: the one form of its address, for every contract."""

import re
from typing import Final

from folkmoot.core.shared.ids import Uid

PREFIX: Final = "/api/v1/chat/files"

_UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def file_url(upload_id: Uid) -> str:
    """The path under which a file is fetched."""
    return f"{PREFIX}/{upload_id}"


def thumbnail_url(upload_id: Uid) -> str:
    """The path under which the small picture of an image is fetched."""
    return f"{PREFIX}/{upload_id}/thumbnail"


def as_upload_id(text: str) -> Uid | None:
    """The id that a client wrote; ``None`` for what is none."""
    return Uid(text.lower()) if _UID.fullmatch(text.lower()) else None


def upload_id_of(url: str) -> Uid | None:
    """The id of the file behind an address that this server gave; ``None`` for other addresses."""
    start, _, name = url.rpartition("/")
    return as_upload_id(name) if start == PREFIX else None
