"""Names of files, made harmless: what a client called its file never decides where anything goes.

A file is stored under its id; its name is only shown, and offered to whoever saves it.
"""

import re
import unicodedata
from typing import Final
from urllib.parse import quote

from folkmoot.core.shared.texts import shows_nothing

MAX_CHARS: Final = 120
MAX_ENDING_CHARS: Final = 16
NAMELESS: Final = "file"

# Devices of Windows, which it finds in any folder and with any ending.
_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?:\..*)?", re.IGNORECASE)
# Control characters, half surrogates, private ones, line ends, and what changes the direction.
_UNSHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_JOINERS: Final = "\u200c\u200d"
_RESERVED = str.maketrans(dict.fromkeys('<>:"|?*%', "_"))
# RFC 8187 attr-char, which needs no percent-encoding in filename*.
_ATTR_CHARS: Final = "!#$&+-.^_`|~"


def harmless(name: str) -> str:
    """The name without folders, control characters, text that runs backwards, or hidden
    dots; of what shows nothing, `NAMELESS`."""
    text = name.encode(errors="replace").decode()
    text = unicodedata.normalize("NFC", text).replace("\\", "/")
    text = "".join(c for c in text if c in _JOINERS or unicodedata.category(c) not in _UNSHOWN)
    text = text.rpartition("/")[2].translate(_RESERVED)
    text = " ".join(text.split()).strip(". ")
    if _DEVICE.fullmatch(text):
        text = f"_{text}"
    return NAMELESS if shows_nothing(text) else _shortened(text)


def disposition(name: str, *, inline: bool) -> str:
    """The ``Content-Disposition`` (RFC 6266) that offers a file under this name."""
    manner = "inline" if inline else "attachment"
    plain = "".join(c if c.isascii() and c.isprintable() else "_" for c in name)
    plain = re.sub(r'[\\"%]', "_", plain)
    exact = quote(name, safe=_ATTR_CHARS)
    return f"{manner}; filename=\"{plain}\"; filename*=UTF-8''{exact}"


def _shortened(text: str) -> str:
    if len(text) <= MAX_CHARS:
        return text
    stem, dot, close_reason = text.rpartition(".")
    if not dot or len(close_reason) > MAX_ENDING_CHARS:
        return text[:MAX_CHARS].rstrip(". ")
    return f"{stem[: MAX_CHARS - len(close_reason) - 1].rstrip('. ')}.{close_reason}"
