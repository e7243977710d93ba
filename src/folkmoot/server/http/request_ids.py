"""Every request and every socket gets an id, which is answered and in all log lines about it."""

import re
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from folkmoot.core.shared.ids import Ids
from folkmoot.realtime.request_id import request_id

HEADER: Final = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")


def begin(scope: Scope, send: Send, ids: Ids) -> Send:
    """Have what follows in this task logged with an id; the way to send, which names it.

    A socket's way is left as it is: its endpoint names the id as it accepts.
    """
    state = scope.setdefault("state", {})
    number: str = state.setdefault("request_id", None) or ids.uid()
    state["request_id"] = number
    request_id.set(number)
    if scope["type"] != "http":
        return send

    async def send_with_id(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).setdefault(HEADER, number)
        await send(message)

    return send_with_id


class TrustedProxies(ProxyHeadersMiddleware):
    """Believes the proxies that are configured: who the client is, and what id a request has."""

    def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        """Serve a request; without a frame of its own, which a socket would keep for life."""
        client = scope.get("client")
        if client and client[0] in self.trusted_hosts:
            given = Headers(scope=scope).get(HEADER, "")
            if _SANE.fullmatch(given):
                scope.setdefault("state", {})["request_id"] = given
        return super().__call__(scope, receive, send)
