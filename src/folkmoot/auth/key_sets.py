"""The public keys of an outside issuer: fetched, remembered, and fetched again.

What asks for them over HTTP is imported only by a server that has somebody to ask.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.util import urlsafe_b64decode

from folkmoot.auth.errors import IssuerUnreachable
from folkmoot.auth.issuer_settings import BadIssuer, discovery_url, is_trusted_address

if TYPE_CHECKING:
    import httpx2

RSA_BITS: Final = range(2048, 8193)
_RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_OF_CURVE: Final[Mapping[str, Sequence[str]]] = {
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "P-521": ("ES512",),
    "Ed25519": ("EdDSA", "Ed25519"),
}
"""What a curve's keys sign with; one algorithm has two names, of RFC 8037 and RFC 9864."""
_KEY_TYPES: Final[Mapping[str, type[RSAKey | ECKey | OKPKey]]] = {
    "RSA": RSAKey,
    "EC": ECKey,
    "OKP": OKPKey,
}
Report = Callable[[IssuerUnreachable | None], None]


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """When keys are fetched (seconds), and how much of an answer is read.

    ``at_most_every`` holds after keys came, ``again_after`` where none did.
    """

    fresh_for: float = 3600.0
    usable_for: float = 86_400.0
    at_most_every: float = 60.0
    again_after: float = 5.0
    timeout: float = 5.0
    max_bytes: int = 262_144


class UnfitAnswer(Exception):
    """What an issuer answers is no key set of its own; the text says why."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key, and the algorithms that it is made for; those of ``usual`` unless others are set."""

    key: Key
    possible: frozenset[str]
    usual: frozenset[str]


class KeySource:
    """The public keys behind a URL, remembered.

    They are fetched again when they are old or when a token names a key that is not among them,
    but at most every so often, by one caller for all: nobody can make this server ask an issuer
    over and over by showing it nonsense. While the issuer does not answer, known keys stay good for
    ``usable_for``. No redirect is followed.

    Without a ``url`` the issuer's own description names it (OpenID Connect Discovery), read before
    each fetching. ``report`` is told of each, with its fault if it had one.
    """

    def __init__(
        self,
        url: str | None,
        client: "httpx2.AsyncClient",
        limits: FetchLimits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        issuer: str = "",
        report: Report = lambda _: None,
    ) -> None:
        if url is not None and not is_trusted_address(url):
            raise BadIssuer(f"The keys of {issuer or 'an issuer'} must be at an https:// address.")
        self._url = url
        self._issuer = issuer
        self._client = client
        self._limits = limits or FetchLimits()
        self._monotonic = monotonic
        self._report = report
        self._keys: Sequence[PublicKey] = ()
        self._fetched_at: float | None = None
        self._asked_at: float | None = None
        self._reason = ""
        self._fetching = asyncio.Lock()

    async def find(self, kid: str | None) -> Key | None:
        """The key of that name, or the only key if there is no name; ``None``: there is none.

        Raises:
            IssuerUnreachable
        """
        found = await self.candidates(kid)
        return found[0].key if found else None

    async def candidates(self, kid: str | None) -> Sequence[PublicKey]:
        """The keys of that name, or the only key if there is no name.

        Raises:
            IssuerUnreachable
        """
        found = self._known(kid)
        if found and (self._age() <= self._limits.fresh_for or self._fetching.locked()):
            return found
        await self.refresh()
        if self._age() > self._limits.usable_for:
            raise self.fault() or IssuerUnreachable
        return self._known(kid)

    async def refresh(self) -> IssuerUnreachable | None:
        """Fetch the keys, if they may be asked for again; what is known to be wrong with that."""
        async with self._fetching:
            if self._may_ask():
                await self._fetch()
            return self.fault()

    def _known(self, kid: str | None) -> Sequence[PublicKey]:
        if kid is None:
            return self._keys if len(self._keys) == 1 else ()
        return [one for one in self._keys if one.key.kid == kid]

    def _age(self) -> float:
        return float("inf") if self._fetched_at is None else self._monotonic() - self._fetched_at

    def _may_ask(self) -> bool:
        limits = self._limits
        pause = limits.at_most_every if not self._reason else limits.again_after
        return self._asked_at is None or self._monotonic() - self._asked_at >= pause

    async def _fetch(self) -> None:
        self._asked_at = self._monotonic()
        try:
            async with asyncio.timeout(self._limits.timeout):
                url = self._url or await self._discovered()
                self._keys = keys_in(await self._download(url))
        except Exception as error:  # a stranger's bytes bring about whatever they can
            self._reason = _reason_of(error)
        else:
            self._fetched_at, self._reason = self._monotonic(), ""
        self._report(self.fault())

    def fault(self) -> IssuerUnreachable | None:
        """Why the keys could not be had when they were last asked for."""
        if not self._reason:
            return None
        fault = IssuerUnreachable(self._reason)
        fault.__cause__ = UnfitAnswer(f"{self._issuer or self._url}: {self._reason}")
        return fault

    async def _discovered(self) -> str:
        """Where the issuer says that its keys are.

        Raises:
            UnfitAnswer: the description is of another issuer, or names no such address.
        """
        described = _object_in(await self._download(discovery_url(self._issuer)), "description")
        if described.get("issuer") != self._issuer:
            raise UnfitAnswer("its description is of another issuer, or of another spelling")
        url = described.get("jwks_uri")
        if not isinstance(url, str) or not is_trusted_address(url, beside=self._issuer):
            raise UnfitAnswer("its description names no https address of keys (jwks_uri)")
        return url

    async def _download(self, url: str) -> bytes:
        body = bytearray()
        headers = {"accept": "application/json"}
        stream = self._client.stream("GET", url, headers=headers, follow_redirects=False)
        async with stream as answer:
            if answer.status_code != HTTPStatus.OK:
                what = "a redirect, which is not followed" if answer.is_redirect else "status"
                raise UnfitAnswer(f"it answers with {what} ({answer.status_code})")
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > self._limits.max_bytes:
                    raise UnfitAnswer(f"it answers with more than {self._limits.max_bytes} bytes")
        return bytes(body)


def keys_in(body: bytes) -> Sequence[PublicKey]:
    """The usable public keys of a key set; what is odd is left out.

    Raises:
        UnfitAnswer: there are none.
    """
    entries = _object_in(body, "key set").get("keys")
    if not isinstance(entries, list):
        raise UnfitAnswer("what it sends is no key set")
    keys = [key for key in map(_key_in, entries) if key is not None]
    if not keys:
        raise UnfitAnswer("no key of its key set can be used")
    return keys


def fitting(keys: Iterable[PublicKey], alg: str, allowed: frozenset[str] | None) -> Key | None:
    """The one key that may have signed with an algorithm; ``None``: none, or nobody can tell.

    ``allowed``: the algorithms that are set; ``None``: those that a key is usually for.
    """
    fit = [
        one.key for one in keys if alg in (one.usual if allowed is None else one.possible & allowed)
    ]
    return fit[0] if len(fit) == 1 else None


def _object_in(body: bytes, what: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (ValueError, RecursionError):
        raise UnfitAnswer(f"what it sends is no {what} in JSON") from None


def _reason_of(error: Exception) -> str:
    import httpx2

    if isinstance(error, UnfitAnswer):
        return str(error)
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        return "it does not answer in time"
    if isinstance(error, httpx2.TransportError):
        return "it cannot be reached"
    return f"what it sends cannot be read ({type(error).__name__})"


def _key_in(entry: object) -> PublicKey | None:
    # Symmetric keys have no place in a public document: whoever reads it could sign.
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    kind = _KEY_TYPES.get(str(entry.get("kty")))
    possible = frozenset(_RSA if kind is RSAKey else _OF_CURVE.get(str(entry.get("crv")), ()))
    if kind is None or not possible:
        return None
    usual = frozenset({"RS256"}) if kind is RSAKey else possible
    if (alg := entry.get("alg")) is not None:
        usual = possible = possible if alg in {"EdDSA", "Ed25519"} & possible else possible & {alg}
    try:
        # Looked at before it is taken in: a small key proves nothing, a huge one takes for ever.
        if kind is RSAKey and _bits_of(entry["n"]) not in RSA_BITS:
            return None
        # Without its algorithm, which has two names: that is judged here.
        key = kind.import_key({name: entry[name] for name in entry if name != "alg"})
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return PublicKey(key, possible, usual) if possible else None


def _bits_of(number: str) -> int:
    return int.from_bytes(urlsafe_b64decode(number.encode())).bit_length()
