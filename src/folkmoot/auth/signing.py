"""The secret that tokens are signed with: made once, kept in the data folder, refused if weak."""

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

MIN_BYTES = 32
MIN_DISTINCT_BYTES = 8
FILE_NAME = "secret"

# Pieces of the secrets that tutorials and templates print, without case, spaces and punctuation.
_PRINTED = (
    "changeme",
    "changethis",
    "changein",
    "pleasechange",
    "replaceme",
    "yoursecret",
    "yoursuper",
    "supersecret",
    "secretkey",
    "mysecret",
    "defaultsecret",
    "insecure",
    "notsecure",
    "notsosecret",
    "256bit",
    "atleast256bits",
    "password",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
)


class WeakSecret(Exception):
    """The signing secret could be guessed; the text says what to do about it."""


def load_secret(data: Path, given: str | None = None) -> bytes:
    """The signing secret: ``given`` if there is one, else that of the data folder.

    Where there is none yet it is made, readable for its owner only; of two starters at the same
    moment both get the same one.

    Raises:
        WeakSecret: it is short, monotonous, or printed in some tutorial.
        OSError: the data folder cannot be read or written.
    """
    if given is not None:
        return _checked(given.encode(errors="surrogateescape"), "FOLKMOOT_SECRET")
    path = data / FILE_NAME
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return _checked(path.read_bytes().strip(), f"The secret in {path}")


def digest(secret: str) -> bytes:
    """The form in which refresh tokens and tickets are stored.

    They have at least 192 random bits, so one round of SHA-256 is enough.
    """
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def _make(path: Path) -> None:
    draft = path.with_name(f".{FILE_NAME}-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_urlsafe(48).encode())
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, leaves alone what another starter put there in the meantime.
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _checked(secret: bytes, name: str) -> bytes:
    fault = _fault_of(secret)
    if fault:
        advice = "set 32 or more random bytes, or leave it unset to have one made"
        raise WeakSecret(f"{name} is too weak ({fault}): {advice}.")
    return secret


def _fault_of(secret: bytes) -> str | None:
    if len(secret) < MIN_BYTES:
        return f"it has {len(secret)} bytes, not {MIN_BYTES}"
    if len(set(secret)) < MIN_DISTINCT_BYTES or _is_repetition(secret):
        return "it repeats itself"
    text = "".join(c for c in secret.decode(errors="replace").lower() if c.isalnum())
    if any(piece in text for piece in _PRINTED):
        return "it is a well-known example"
    return None


def _is_repetition(secret: bytes) -> bool:
    period = (secret + secret).find(secret, 1)
    return period <= len(secret) // 2
