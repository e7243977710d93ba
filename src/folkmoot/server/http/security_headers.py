"""What every HTTP exchange has in common: one path for two spellings, and headers that protect."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_POLICIES = {
    # The reader of the OpenAPI document styles its own elements.
    "/docs": _CONTENT_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'"),
    # The page shows pictures and plays sounds that it has fetched in the name of who looks.
    "/static/chat.html": f"{_CONTENT_POLICY.replace('data:', 'data: blob:')}; media-src blob:",
}

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)


class SecurityHeaders:
    """Takes the trailing slash off every path, and adds the protective headers to every answer."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["path"] = without_slash(scope["path"])
        extra = _headers_for(scope["path"])

        async def polite(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(header for header in extra if header[0] not in given),
                ]
            await send(message)

        await self._app(scope, receive, polite)


def without_slash(path: str) -> str:
    """The path without slashes at its end."""
    return path.rstrip("/") or "/"


def _headers_for(path: str) -> tuple[tuple[bytes, bytes], ...]:
    policy = _POLICIES.get(path, _CONTENT_POLICY)
    keep = b"no-cache" if path.startswith(("/static", "/docs")) else b"no-store"
    return (*_ALWAYS, (b"content-security-policy", policy.encode()), (b"cache-control", keep))
