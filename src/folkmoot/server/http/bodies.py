"""Request bodies before anybody believes them: bounded in size, and JSON to the letter.

Both are ASGI middleware rather than routes of a special class, so no route of any contract, nor
one added later, can be without them.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 64
TOO_LARGE: Final = "content_too_large"
JSON_INVALID: Final = "json_invalid"

_TOO_LARGE_TEXT: Final = "The request body is larger than the server takes."
_JSON_TYPE = re.compile(r"application/(?:json|[a-z0-9!#$&^_.+-]+\+json)\s*(?:;|$)", re.IGNORECASE)
_LONG_NUMBER = re.compile(rb"\d{19}")
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class BodyTooLarge(HTTPException):
    """The body goes on beyond its bound.

    An `HTTPException`, because FastAPI lets only such through while it reads a body.
    """

    def __init__(self) -> None:
        super().__init__(413, _TOO_LARGE_TEXT, {"Connection": "close"})


class BodyLimit:
    """Refuses a body with 413 as soon as more than its bound has come.

    A ``Content-Length`` beyond the bound is refused unread; what comes is counted all the same,
    so a missing or lying length gains nothing. ``exceptions`` gives paths that begin with a
    prefix a bound of their own; the longest prefix counts.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int = MAX_BYTES,
        exceptions: Mapping[str, int] | None = None,
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._exceptions = sorted((exceptions or {}).items(), key=lambda item: -len(item[0]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, its body bounded."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        bound = self._bound(scope["path"])
        if _announces_more(Headers(scope=scope).get("content-length", ""), bound):
            await _refuse_size(send)
            return
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, _counted(receive, bound), noting)
        except BodyTooLarge:
            if started:
                raise
            await _refuse_size(send)

    def _bound(self, path: str) -> int:
        for prefix, max_bytes in self._exceptions:
            if path.startswith(prefix):
                return max_bytes
        return self._max_bytes


class StrictJson:
    """Refuses with 422 a JSON body that some part of the house could not keep or send again.

    That is: NaN and Infinity, bytes that are not UTF-8, half of a surrogate pair, nesting deeper
    than `MAX_DEPTH`, an integer beyond 64 bits, a number beyond a double. Nothing of the body is
    repeated in the answer. Belongs inside `BodyLimit`, which answers for a body beyond
    ``max_bytes``: since this holds a whole body, it has a bound that knows no exceptions.
    ``statuses`` gives paths that begin with a prefix another status than 422.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int = MAX_BYTES,
        statuses: Mapping[str, int] | None = None,
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._statuses = statuses or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, its JSON body checked."""
        is_json = scope["type"] == "http" and _JSON_TYPE.match(
            Headers(scope=scope).get("content-type", "")
        )
        if not is_json:
            await self._app(scope, receive, send)
            return
        body = await _whole(_counted(receive, self._max_bytes))
        if body is None:
            return
        fault = json_fault(body) if body else None
        if fault is None:
            await self._app(scope, _replayed(body, receive), send)
            return
        place = {"type": JSON_INVALID, "loc": ["body"], "msg": fault}
        await _answer(send, self._status(scope["path"]), {"detail": [place], "code": JSON_INVALID})

    def _status(self, path: str) -> int:
        return next((own for start, own in self._statuses.items() if path.startswith(start)), 422)


def json_fault(body: bytes) -> str | None:
    """What is wrong with a JSON text, in a few words; ``None`` if nothing is."""
    try:
        value = _decode(body)
    except UnicodeDecodeError:
        return "The body is not valid UTF-8."
    except RecursionError:
        return "The body is nested too deeply."
    except msgspec.ValidationError:
        return "The body holds a number out of range."
    except msgspec.DecodeError:
        return "The body is not valid JSON."
    # Only what might be deep or large is looked through: nearly no body that is meant well.
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _is_deep(value):
        return "The body is nested too deeply."
    if _LONG_NUMBER.search(body) and _has_long_number(value):
        return "The body holds a number out of range."
    return None


def _announces_more(announced: str, bound: int) -> bool:
    if not announced.isascii() or not announced.isdigit():
        return False
    # By its length first: a number of ten thousand digits is not worth reading.
    digits = announced.lstrip("0")
    return len(digits) > 18 or int(digits or "0") > bound


def _counted(receive: Receive, bound: int) -> Receive:
    left = bound

    async def counting() -> Message:
        nonlocal left
        message = await receive()
        if message["type"] == "http.request":
            left -= len(message.get("body", b""))
            if left < 0:
                raise BodyTooLarge
        return message

    return counting


async def _whole(receive: Receive) -> bytes | None:
    """The whole body; ``None`` if the client left in the middle of it."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def replaying() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replaying


def _levels(value: object) -> list[list[Any]]:
    """The entries of all containers, level by level; a level beyond `MAX_DEPTH` is the last."""
    levels: list[list[Any]] = [[value]]
    while levels[-1] and len(levels) <= MAX_DEPTH + 1:
        below: list[Any] = []
        for entry in levels[-1]:
            if isinstance(entry, dict):
                below.extend(entry.values())
            elif isinstance(entry, list):
                below.extend(entry)
        levels.append(below)
    return levels


def _is_deep(value: object) -> bool:
    return len(_levels(value)) > MAX_DEPTH + 1


def _has_long_number(value: object) -> bool:
    return any(
        type(entry) is int and not -(2**63) <= entry < 2**63
        for level in _levels(value)
        for entry in level
    )


async def _refuse_size(send: Send) -> None:
    content = {"detail": _TOO_LARGE_TEXT, "code": TOO_LARGE}
    await _answer(send, 413, content, (b"connection", b"close"))


async def _answer(send: Send, status: int, content: object, *extra: tuple[bytes, bytes]) -> None:
    body = _encode(content)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *extra,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
