"""Passwords: which are good enough, and their argon2id hashes, made away from the event loop."""

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from folkmoot.auth.common_passwords import MIN_CHARS, common_passwords
from folkmoot.auth.errors import TooManyPasswords
from folkmoot.core.accounts.errors import PasswordTooLong, PasswordTooWeak
from folkmoot.core.shared.texts import checked

Result = TypeVar("Result")

MAX_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class HashCost:
    """How much work one hash is; the default is OWASP's advice for argon2id."""

    memory_kib: int = 19_456
    passes: int = 2
    lanes: int = 1


def check_password(password: str, *, field: str, names: Collection[str]) -> None:
    """Return if an account that goes by ``names`` may have the password.

    Raises:
        PasswordTooLong: found before anybody works on it.
        PasswordTooWeak: too short, common, monotonous, or one of the names.
        TextHasNul, TextNotUnicode
    """
    if len(password) > MAX_BYTES or len(checked(password, field=field).encode()) > MAX_BYTES:
        raise PasswordTooLong(field=field, max_bytes=MAX_BYTES)
    folded = _folded(password)
    own = {_folded(part) for name in names for part in (name, name.partition("@")[0])}
    if (
        len(password) < MIN_CHARS
        or len(set(password)) < 3
        or folded in common_passwords()
        or folded in own
    ):
        raise PasswordTooWeak(field=field)


class Passwords:
    """Hashes and checks passwords on ``workers`` threads of its own.

    Beyond ``max_waiting`` that wait for a thread, callers are refused at once: a flood of logins
    costs a bounded amount of memory and never the event loop.
    """

    def __init__(
        self, *, cost: HashCost | None = None, workers: int = 2, max_waiting: int = 256
    ) -> None:
        cost = cost or HashCost()
        self._hasher = PasswordHasher(
            time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes
        )
        self._nobody = _hash_of_nobody(cost, self._hasher)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="passwords")
        self._most = workers + max_waiting
        self._pending = 0

    async def hashed(self, password: str) -> str:
        """A new salted hash, as text that names its own parameters.

        Raises:
            TooManyPasswords
        """
        octets = _octets(password)
        return await self._work(lambda: self._hasher.hash(octets))

    async def matches(self, password: str, hashed: str | None) -> bool:
        """Whether the hash is of this password.

        ``None``, for an account that is not there or has no password, takes as long and is false.

        Raises:
            TooManyPasswords
        """
        if not _is_possible(password):
            return False
        octets = _octets(password)
        found = await self._work(lambda: self._verify(hashed or self._nobody, octets))
        return found and hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """Whether the hash was made with other parameters than are set now."""
        return self._hasher.check_needs_rehash(hashed)

    def close(self) -> None:
        """Let go of the threads; what waits is not done any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, hashed: str, octets: bytes) -> bool:
        try:
            return self._hasher.verify(hashed, octets)
        except (VerificationError, InvalidHashError):
            return False

    async def _work(self, job: Callable[[], Result]) -> Result:
        if self._pending >= self._most:
            raise TooManyPasswords
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, job)
        finally:
            self._pending -= 1


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _is_possible(password: str) -> bool:
    """Whether any account could have the password; settled without work on it."""
    try:
        return len(password) <= MAX_BYTES and len(password.encode()) <= MAX_BYTES
    except UnicodeEncodeError:
        return False


def _octets(password: str) -> bytes:
    # One password typed on two keyboards may arrive composed or decomposed (RFC 8265, 4.2).
    return unicodedata.normalize("NFC", password).encode()


def _hash_of_nobody(cost: HashCost, hasher: PasswordHasher) -> str:
    """A hash that no password has, as costly to check as a real one."""

    def random(size: int) -> str:
        return base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()

    made = (
        f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}"
        f"${random(hasher.salt_len)}${random(hasher.hash_len)}"
    )
    extract_parameters(made)
    return made
