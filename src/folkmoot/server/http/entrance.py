"""The entrance of HTTP: every request passes it before its body is read, whatever it asks for."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from time import monotonic
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from folkmoot.auth.authenticator import Caller, credentials_of
from folkmoot.core.shared.refusals import Refusal, Unauthenticated, Unavailable
from folkmoot.kit.rest import CALLER
from folkmoot.realtime.entrance import Entrance, Reservation
from folkmoot.realtime.intentions import Allowance, IntentionKind
from folkmoot.realtime.services import Services
from folkmoot.server.http.bodies import BODY_BYTES
from folkmoot.server.ops.audit import AccessAudit

_PARAMETER = re.compile(r"\{[^}]+\}")
_PAGES: Final = ("/static/", "/docs", "/asyncapi", "/openapi.json")
_HEALTH: Final = frozenset({"/healthz", "/livez", "/readyz"})

AnswerTo = Callable[[Scope, Refusal | Unavailable], Response]


class Operations:
    """Finds which kind of intention a request is, by its method and path.

    ``kinds`` are by ``METHOD /path``, as the OpenAPI document has it. ``transports`` are paths
    where requests carry what others ask for.
    """

    def __init__(self, kinds: Mapping[str, IntentionKind], transports: frozenset[str]) -> None:
        self._literal = {name: kind for name, kind in kinds.items() if "{" not in name}
        self._patterns = [
            (re.compile(_PARAMETER.sub("[^/]+", re.sub(r"[.]", r"\.", name))), kind)
            for name, kind in kinds.items()
            if "{" in name
        ]
        self._transports = transports

    def kind_of(self, method: str, path: str) -> IntentionKind:
        """Which kind it is; what nobody knows is `IntentionKind.UNKNOWN`."""
        if path in self._transports:
            return IntentionKind.TRANSPORT
        name = f"{'GET' if method == 'HEAD' else method} {path}"
        found = self._literal.get(name)
        if found is not None:
            return found
        if path in _HEALTH:
            return IntentionKind.HEALTH
        # Which methods a path has is told everybody, as the documents tell it.
        if method == "OPTIONS" or path == "/" or path.startswith(_PAGES):
            return IntentionKind.PAGE
        for pattern, kind in self._patterns:
            if pattern.fullmatch(name):
                return kind
        return IntentionKind.UNKNOWN


class EntranceMiddleware:
    """Lets a request in: counts its address, asks who it is, counts them, and takes their slot.

    Only then is the body read; who asks is left for the routes in the state of the request. What
    became of it, the audit trail is told, if its kind is one to be traced.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        services: Callable[[], Services],
        operations: Operations,
        audit: AccessAudit,
        answer_to: AnswerTo,
    ) -> None:
        self._app = app
        self._services = services
        self._operations = operations
        self._audit = audit
        self._answer_to = answer_to

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        kind = self._operations.kind_of(scope["method"], scope["path"])
        scope.setdefault("state", {})[BODY_BYTES] = kind.rules.max_bytes
        if kind is IntentionKind.HEALTH:
            await self._app(scope, receive, send)
            return
        address = address_of(scope)
        try:
            self._audit.check(kind)
            caller = await self._caller(scope, kind, address)
            slot = self._slot(kind, caller, address)
        except (Refusal, Unavailable) as refusal:
            await self._answer_to(scope, refusal)(scope, receive, send)
            if isinstance(refusal, Refusal):
                self._audit.refused(scope, refusal)
            return
        with slot:
            await self._serve(scope, receive, send, kind, caller)

    async def _caller(self, scope: Scope, kind: IntentionKind, address: str) -> Caller | None:
        """Who asks; ``None`` where that is no matter. They and their address are counted."""
        services = self._services()
        services.entrance.request(address)
        if kind.rules.is_open:
            services.entrance.enter(address, kind)
            return None
        try:
            # A ticket is for a socket, and would be used up here.
            shown = replace(credentials_of(scope), ticket=None)
            caller = await services.authenticator.caller(shown)
        except Unauthenticated:
            services.entrance.enter(address, IntentionKind.UNKNOWN)
            raise
        services.entrance.enter(caller.account.id, kind)
        scope["state"][CALLER] = caller
        return caller

    def _slot(self, kind: IntentionKind, caller: Caller | None, address: str) -> Reservation:
        slot = kind.rules.slot
        if slot is None or caller is None:
            return Entrance.NOTHING
        entrance = self._services().entrance
        return entrance.reserve(slot, account=caller.account.id, address=address)

    async def _serve(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        kind: IntentionKind,
        caller: Caller | None,
    ) -> None:
        status = 0
        began = monotonic()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self._app(scope, receive, watched)
        if kind is IntentionKind.SEARCH and caller is not None:
            spent = monotonic() - began
            self._services().entrance.charge(caller.account.id, Allowance.SEARCH, spent)
        self._audit.answered(scope, kind, caller, status)


def address_of(scope: Scope) -> str:
    """The address of the peer, as the server knows it."""
    client = scope.get("client")
    return client[0] if client else ""
