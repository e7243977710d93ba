"""What a client says over HTTP when it opens, polls or upgrades a connection."""

from collections.abc import Mapping, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode

from folkmoot.wire.refusals import RequestRefused

_MOST_PARAMETERS = 64
# They say nothing about who asks, and would be kept as long as the connection lives.
_PASSING = frozenset(
    (
        *(b"accept", b"accept-encoding", b"accept-language", b"cache-control", b"connection"),
        *(b"pragma", b"sec-websocket-extensions", b"sec-websocket-key", b"sec-websocket-version"),
        *(b"upgrade", b"user-agent"),
    )
)


class Handshake:
    """The query, headers and cookies of one request, and the address that it came from."""

    __slots__ = ("_headers", "_query", "address", "is_secure", "method")

    def __init__(
        self,
        query: Sequence[tuple[str, str]] = (),
        headers: Sequence[tuple[bytes, bytes]] = (),
        address: str | None = None,
        *,
        method: str | None = None,
        is_secure: bool = False,
    ) -> None:
        self._query = query
        self._headers = headers
        self.address = address
        self.method = method
        """The HTTP method; None for a WebSocket."""
        self.is_secure = is_secure

    def parameter(self, name: str) -> str | None:
        """The query parameter of that name; None where it is missing or given more than once."""
        values = [value for key, value in self._query if key == name]
        return values[0] if len(values) == 1 else None

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case."""
        wanted = name.lower().encode()
        for key, value in self._headers:
            if key.lower() == wanted:
                return value.decode("latin-1")
        return None

    @property
    def scope(self) -> dict[str, Any]:
        """As much of the ASGI scope as tells who is asking."""
        scheme = "http" if self.method else "ws"
        return {
            "type": "http" if self.method else "websocket",
            "method": self.method,
            "scheme": scheme + "s" if self.is_secure else scheme,
            "headers": self._headers,
            "query_string": urlencode(self._query).encode(),
        }

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name; none where the header cannot be read."""
        try:
            jar = SimpleCookie(self.header("cookie") or "")
        except CookieError:
            return {}
        return {name: morsel.value for name, morsel in jar.items()}


def read_handshake(scope: Mapping[str, Any]) -> Handshake:
    """The handshake in an ASGI scope.

    Raises:
        RequestRefused: the query cannot be read.
    """
    try:
        query = parse_qsl(
            scope["query_string"].decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:
        raise RequestRefused from None
    client = scope.get("client")
    return Handshake(
        query,
        [pair for pair in scope["headers"] if pair[0].lower() not in _PASSING],
        client[0] if client else None,
        method=scope["method"] if scope.get("type") == "http" else None,
        is_secure=scope.get("scheme") in {"https", "wss"},
    )
