"""What a request shows of who is asking: gathered from an HTTP or WebSocket scope, not judged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

COOKIE: Final = "folkmoot_login"
SECURE_COOKIE: Final = "__Host-folkmoot_login"
SUBPROTOCOL: Final = "bearer"
MAX_QUERY_FIELDS: Final = 100

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request shows. ``cookie`` proves less than the rest: browsers add it unasked.

    ``subprotocol`` is what the answer to a WebSocket handshake has to select, if anything.
    ``needs_origin`` tells requests that do something (or open a socket) from those that look.
    """

    token: str | None = field(default=None, repr=False)
    ticket: str | None = field(default=None, repr=False)
    cookie: str | None = field(default=None, repr=False)
    subprotocol: str | None = None
    origin: str | None = None
    own_origin: str | None = None
    is_socket: bool = False
    needs_origin: bool = False


def credentials_of(scope: Mapping[str, Any]) -> Credentials:
    """What the request shows, from an ASGI scope of type ``http`` or ``websocket``.

    An ``Authorization: Bearer`` header counts first, then the subprotocol pair
    ``bearer, <token>``, then ``?token=``.
    """
    headers = _headers_of(scope)
    is_socket = scope["type"] == "websocket"
    secure = scope.get("scheme") in {"https", "wss"}
    query = _query_of(scope)
    offered = _offered_token(scope.get("subprotocols") or ())
    origin = headers.get("origin")
    return Credentials(
        token=_bearer_of(headers) or offered or query.get("token") or None,
        ticket=query.get("ticket") or None,
        cookie=_cookie_of(headers, SECURE_COOKIE if secure else COOKIE),
        subprotocol=SUBPROTOCOL if offered else None,
        origin=None if origin is None else normal_origin(origin),
        own_origin=normal_origin(f"{'https' if secure else 'http'}://{headers.get('host', '')}"),
        is_socket=is_socket,
        needs_origin=is_socket or scope.get("method") not in _SAFE_METHODS,
    )


def normal_origin(origin: str) -> str:
    """An origin in the one spelling that compares; ``null`` for what is none."""
    try:
        parts = urlsplit(origin.strip())
        port = parts.port
    except ValueError:
        return "null"
    if not parts.scheme or not parts.hostname or parts.username is not None:
        return "null"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    is_default = port is None or port == _DEFAULT_PORTS.get(parts.scheme)
    return f"{parts.scheme}://{host}" if is_default else f"{parts.scheme}://{host}:{port}"


def _headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """The headers by name; of repeated ones the first, cookies together."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "cookie" and name in headers:
            headers[name] += f"; {value}"
        else:
            headers.setdefault(name, value)
    return headers


def _bearer_of(headers: Mapping[str, str]) -> str | None:
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _offered_token(subprotocols: Iterable[str]) -> str | None:
    for name, token in pairwise(subprotocols):
        if name.lower() == SUBPROTOCOL:
            return token
    return None


def _query_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """The query's fields; of repeated ones the first. Nothing of a query that is a flood."""
    text = scope.get("query_string", b"").decode("latin-1")
    try:
        fields = parse_qsl(text, max_num_fields=MAX_QUERY_FIELDS)
    except ValueError:
        return {}
    return dict(reversed(fields))


def _cookie_of(headers: Mapping[str, str], wanted: str) -> str | None:
    for pair in headers.get("cookie", "").split(";"):
        name, _, value = pair.partition("=")
        if name.strip() == wanted:
            return value.strip().strip('"') or None
    return None
