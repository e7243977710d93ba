"""What a request brings before anybody believes it: bounded in size, and JSON to the letter.

All are ASGI middleware rather than routes of a special class, so no route of any contract, nor
one added later, can be without them.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from folkmoot.auth.credentials import MAX_QUERY_FIELDS
from folkmoot.wire.json_bounds import Excess, excess_in
from folkmoot.wire.json_numbers import plain_numbers

BODY_BYTES: Final = "max_body_bytes"
MAX_BYTES: Final = 1024 * 1024
MAX_FORM_BYTES: Final = 16 * 1024
MAX_FORM_FIELDS: Final = 50
MAX_COOKIES: Final = 200
MAX_TYPE_BYTES: Final = 512
TOO_LARGE: Final = "content_too_large"
JSON_INVALID: Final = "json_invalid"
FORM_INVALID: Final = "form_invalid"
TOO_MANY_PARTS: Final = "too_many_parts"

_TOO_LARGE_TEXT: Final = "The request body is larger than the server takes."
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
    prefix a bound of their own; the longest prefix counts. The entrance may have left another in
    the state of the request, for what is open to anybody.
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
        bound = self._bound(scope)
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

    def _bound(self, scope: Scope) -> int:
        path: str = scope["path"]
        own: int | None = scope.get("state", {}).get(BODY_BYTES)
        if own is not None:
            return min(own, self._max_bytes)
        for prefix, max_bytes in self._exceptions:
            if path.startswith(prefix):
                return max_bytes
        return self._max_bytes


_PARTS: Final = {
    "type": TOO_MANY_PARTS,
    "loc": ["header"],
    "msg": "The query, the cookies or the content type have too many parts.",
}


class HeadLimit:
    """Refuses with 422 a head in which something comes in more pieces than anybody needs.

    The bytes of a head are bounded beneath us; this is for what takes longer to be read than to be
    sent: a query, cookies, and a content type, whose readers look at it over and over.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, its query and cookies bounded."""
        if scope["type"] == "http" and _is_in_pieces(scope):
            await _answer(send, 422, {"detail": [_PARTS], "code": TOO_MANY_PARTS})
            return
        await self._app(scope, receive, send)


def _is_in_pieces(scope: Scope) -> bool:
    cookies = 0
    for name, value in scope["headers"]:
        if name == b"cookie":
            cookies += value.count(b";") + 1
        elif name == b"content-type" and len(value) > MAX_TYPE_BYTES:
            return True
    return cookies > MAX_COOKIES or scope["query_string"].count(b"&") >= MAX_QUERY_FIELDS


class SmallForms:
    """Refuses with 413 or 422 a form larger than any that is filled in here; files are no forms.

    A field costs its sender one byte and the event loop a microsecond or more. ``uploads`` are the
    beginnings of paths where files are taken, whose reader has bounds of its own.
    """

    def __init__(self, app: ASGIApp, uploads: Sequence[str] = ()) -> None:
        self._app = app
        self._uploads = tuple(uploads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, its form bounded."""
        is_form = (
            scope["type"] == "http"
            and _is_form(Headers(scope=scope).get("content-type", ""))
            and not (self._uploads and scope["path"].startswith(self._uploads))
        )
        if not is_form:
            await self._app(scope, receive, send)
            return
        body = await _whole(_counted(receive, MAX_FORM_BYTES))
        if body is None:
            return
        # Fields of a URL-encoded form, or lines of a multipart one.
        if body.count(b"&") < MAX_FORM_FIELDS and body.count(b"\n") < 5 * MAX_FORM_FIELDS:
            await self._app(scope, _replayed(body, receive), send)
            return
        fault = "The form has more fields than any here."
        problem = {"type": FORM_INVALID, "loc": ["body"], "msg": fault}
        await _answer(send, 422, {"detail": [problem], "code": FORM_INVALID})


def _is_form(content_type: str) -> bool:
    """Whether a body of this type is read as a form: by the same reader that Starlette asks."""
    kind, _ = parse_options_header(content_type)
    return kind in {b"application/x-www-form-urlencoded", b"multipart/form-data"}


class StrictJson:
    """Refuses with 422 a JSON body that some part of the server could not keep or send again.

    That is: NaN and Infinity, bytes that are not UTF-8, half of a surrogate pair; and, before
    anything is made of it, what is nested deeper or has more values than `excess_in` allows.
    Nothing of the body is repeated in the answer. Whoever reads it finds whole numbers written as
    such, however they came, and none that is too large to be read.
    Belongs inside `BodyLimit`, which answers for a body beyond ``max_bytes``: since this holds a
    whole body, it has a bound that knows no exceptions.
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
        is_json = scope["type"] == "http" and is_json_type(
            Headers(scope=scope).get("content-type", "")
        )
        if not is_json:
            await self._app(scope, receive, send)
            return
        body = await _whole(_counted(receive, self._max_bytes))
        if body is None:
            return
        try:
            plain = plain_json(body) if body else body
        except JsonFault as found:
            fault = str(found)
        else:
            await self._app(scope, _replayed(plain, receive), send)
            return
        problem = {"type": JSON_INVALID, "loc": ["body"], "msg": fault}
        await _answer(
            send, self._status(scope["path"]), {"detail": [problem], "code": JSON_INVALID}
        )

    def _status(self, path: str) -> int:
        return next((own for start, own in self._statuses.items() if path.startswith(start)), 422)


def is_json_type(content_type: str) -> bool:
    """Whether a body of this type is read as JSON by whoever reads it after us.

    Not whether it is a type that RFC 6838 allows: FastAPI goes by the ends of its words alone.
    """
    kind, _, subtype = content_type.partition(";")[0].strip().lower().partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


_TOO_MUCH: Final = {
    Excess.DEPTH: "The body is nested too deeply.",
    Excess.ESCAPES: "The body holds too many escapes.",
    Excess.VALUES: "The body holds too many values.",
}


class JsonFault(Exception):
    """What is wrong with a JSON text, in a few words."""


def plain_json(body: bytes) -> bytes:
    """The same JSON text, its numbers as `plain_numbers` writes them.

    Raises:
        JsonFault
    """
    excess = excess_in(body)
    if excess is not None:
        raise JsonFault(_TOO_MUCH[excess])
    plain = plain_numbers(body)
    try:
        _decode(plain)
    except UnicodeDecodeError:
        raise JsonFault("The body is not valid UTF-8.") from None
    except msgspec.DecodeError:
        raise JsonFault("The body is not valid JSON.") from None
    return plain


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
