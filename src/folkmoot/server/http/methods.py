"""Which methods a path has, told and served alike for every route: RFC 9110, 9.3.2 and 9.3.7."""

from collections.abc import Collection, Iterable
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from folkmoot.server.http.refusals import unknown_method

EVERY: Final = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
ANYTHING: Final = "*"
"""The target of ``OPTIONS *``: the server as a whole."""


class _Enough(BaseException):
    """Whoever asked by HEAD has been told all; nothing may take this for a fault and answer it."""


class Methods:
    """Answers HEAD wherever GET is, and OPTIONS everywhere; names every method of a path.

    HEAD is served by the route of GET, so that its rights, its status and its headers are the
    same; of the body no more is made than its first piece. Belongs inside the entrance.

    ``operations`` are all that the document has, each as ``METHOD /path``: a path that it spells
    out is no example of one with parameters, and has its own methods alone (OpenAPI 3.1, 4.8.8).
    ``direct`` are paths whose servers know their methods themselves.
    """

    def __init__(
        self,
        app: ASGIApp,
        routes: Iterable[BaseRoute],
        operations: Iterable[str],
        direct: Collection[str],
    ) -> None:
        self._app = app
        self._routes = routes
        self._direct = direct
        self._spelt_out: dict[str, set[str]] = {}
        for operation in operations:
            method, _, path = operation.partition(" ")
            if "{" not in path:
                self._spelt_out.setdefault(path, set()).add(method)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in self._direct:
            await self._app(scope, receive, send)
            return
        method, own = scope["method"], self._spelt_out.get(scope["path"])
        if method == "OPTIONS" and (methods := self._methods_of(scope)):
            await _say(methods, send)
            return
        if own is not None and ("GET" if method == "HEAD" else method) not in own:
            await unknown_method()(scope, receive, self._naming(scope, send))
            return
        if method != "HEAD":
            await self._app(scope, receive, self._naming(scope, send))
            return
        try:
            await self._app(
                {**scope, "method": "GET"}, receive, _head_of(self._naming(scope, send))
            )
        except _Enough:
            return

    def _naming(self, scope: Scope, send: Send) -> Send:
        """The way to send, by which a 405 names all methods of the path, not one route's alone."""
        asked = dict(scope)  # Whatever the routes make of it.

        async def naming(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 405:
                MutableHeaders(scope=message)["Allow"] = ", ".join(self._methods_of(asked))
            await send(message)

        return naming

    def _methods_of(self, scope: Scope) -> list[str]:
        """What may be asked of the path, by name; nothing where there is none."""
        if scope["path"] == ANYTHING:
            return list(EVERY)
        found = self._spelt_out.get(scope["path"]) or {
            method for method in EVERY if self._is_there({**scope, "method": method})
        }
        return sorted(found | {"HEAD"} if "GET" in found else found)

    def _is_there(self, scope: Scope) -> bool:
        # What is mounted are files, and it is told of every request below its path.
        return any(
            route.matches(dict(scope))[0] is Match.FULL
            for route in self._routes
            if scope["method"] == "GET" or not isinstance(route, Mount)
        )


def _head_of(send: Send) -> Send:
    """The way to send, by which only the head of an answer goes out."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            raise _Enough
        await send(message)

    return send_head


async def _say(methods: list[str], send: Send) -> None:
    headers = [(b"allow", ", ".join(methods).encode())]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
