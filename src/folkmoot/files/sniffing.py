"""What a file is, by its first bytes; what its sender says it is counts for nothing."""

import codecs
import re
from typing import Final

from folkmoot.core.messages.model import PICTURES
from folkmoot.files.containers import container_type

HEAD_BYTES: Final = 4096
"""How much of a file is looked at."""

UNKNOWN: Final = "application/octet-stream"

_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_PICTURES = (
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/gif", re.compile(rb"GIF8[79]a")),
    ("image/webp", re.compile(rb"RIFF.{4}WEBP", re.DOTALL)),
)
_REGISTERED: Final = {
    "application/x-gzip": "application/gzip",
    "audio/wave": "audio/wav",
    "audio/x-aiff": "audio/aiff",
    "audio/x-midi": "audio/midi",
    "image/x-ms-bmp": "image/bmp",
    "video/avi": "video/x-msvideo",
    "video/dvd": "video/mpeg",
}
"""The names in use of what the library calls otherwise."""
_ARCHIVE: Final = b"PK\x03\x04"
# Archives that are documents: OpenDocument and EPUB say so in their first entry, Microsoft's by
# the names of their folders.
_STATED = re.compile(rb"PK\x03\x04.{26}mimetype(application/[a-z0-9.+-]{1,80}[a-z0-9])", re.DOTALL)
_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_FOLDERS = {
    b"word/": f"{_OFFICE}wordprocessingml.document",
    b"xl/": f"{_OFFICE}spreadsheetml.sheet",
    b"ppt/": f"{_OFFICE}presentationml.presentation",
}
_NOT_IN_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
# What a browser would run or follow if it were shown as what it is.
_ACTIVE = re.compile(r"text/(?!plain$).*|.*[/+]xml|.*(?:html|svg|script|shockwave|java).*")
_MARKUP = re.compile(rb"\s*(?:<!doctype\s+html|<(?:html|head|body|script|iframe)\b)", re.IGNORECASE)
_SVG = re.compile(rb"<svg\b", re.IGNORECASE)


def media_type_of(head: bytes) -> str:
    """The media type of a file that begins like this."""
    for media_type, signature in _PICTURES:
        if signature.match(head):
            return media_type
    if _is_text(head):
        return _text_type(head)
    if head.startswith(_ARCHIVE):
        return _archive_type(head)
    if contained := container_type(head):
        return contained
    found = _guessed(head)
    # A picture without its whole signature is none, and text is what was text above.
    return UNKNOWN if found in PICTURES or found.startswith("text/") else found


def served_type(media_type: str) -> str:
    """The media type under which a file is handed out: nothing that a browser would run."""
    return UNKNOWN if _ACTIVE.fullmatch(media_type) else media_type


def _text_type(head: bytes) -> str:
    text = head.removeprefix(codecs.BOM_UTF8)
    if _MARKUP.match(text):
        return "text/html"
    if _SVG.search(text):
        return "image/svg+xml"
    if text.lstrip().startswith(b"<?xml"):
        return "text/xml"
    found = _guessed(head)
    return found if found == "application/pdf" else "text/plain"


def _archive_type(head: bytes) -> str:
    if stated := _STATED.match(head):
        return stated[1].decode()
    if b"[Content_Types].xml" in head:
        return next((found for name, found in _FOLDERS.items() if name in head), "application/zip")
    return "application/zip"


def _guessed(head: bytes) -> str:
    import puremagic  # Its table of all kinds is read for the first file that needs it.

    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    names = (match.mime_type.lower() for match in matches)
    types = (_REGISTERED.get(name, name) for name in names)
    return next((one for one in types if _MEDIA_TYPE.fullmatch(one)), UNKNOWN)


def _is_text(head: bytes) -> bool:
    """Whether this is UTF-8 without control characters; the last character may be cut off."""
    if _NOT_IN_TEXT.search(head):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True
