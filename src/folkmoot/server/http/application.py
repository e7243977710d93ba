"""The ASGI application: the routes and sockets of every contract over one set of services."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from folkmoot.contracts.catalogue import CONTRACTS
from folkmoot.files.form import OVERHEAD_BYTES
from folkmoot.kit.bodies import CONTENT_SETTING
from folkmoot.kit.contract import DirectServer, LiveSide
from folkmoot.kit.rest import RefusalOut
from folkmoot.server.http import health, refusals
from folkmoot.server.http.asyncapi import asyncapi_of
from folkmoot.server.http.asyncapi_page import page_of
from folkmoot.server.http.bodies import BodyLimit, HeadLimit, SmallForms, StrictJson
from folkmoot.server.http.documents import DocumentPage, openapi_of
from folkmoot.server.http.entrance import EntranceMiddleware, Operations
from folkmoot.server.http.methods import Methods
from folkmoot.server.http.request_ids import HEADER, begin
from folkmoot.server.http.security_headers import SecurityHeaders, without_slash
from folkmoot.server.ops.audit import AccessAudit
from folkmoot.server.settings import Settings
from folkmoot.server.wiring import Components

STATIC = Path(str(files("folkmoot.server"))) / "static"
READER = Path(str(files("fastapi_offline"))) / "static"


Value = TypeVar("Value")


class Application(FastAPI):
    """FastAPI, but for WebSockets, which need nothing of it but the way to their endpoint.

    An idle one would keep a frame of every layer for life: together a quarter of its memory.
    """

    direct: Mapping[str, DirectServer] = MappingProxyType({})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        send = begin(scope, send, self.state.ids)
        if scope["type"] != "websocket":
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        scope["path"] = without_slash(scope["path"])
        await self.direct.get(scope["path"], self.router)(scope, receive, send)


def application(settings: Settings, components: Components) -> FastAPI:
    """The application over open components."""
    app = Application(
        title=settings.title,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_tags=_tags(),
    )
    answers = [shape for contract in CONTRACTS for shape in contract.answers]
    answers = [RefusalOut, health.HealthOut, *answers]
    bounds = {CONTENT_SETTING: settings.max_content_chars}
    app.openapi = lambda: openapi_of(app, answers, bounds)  # type: ignore[method-assign]  # FastAPI's way
    refusals.install(app, _merged(contract.statuses for contract in CONTRACTS))
    app.state.services = components.services
    app.state.logins = components.logins
    app.state.ids = components.services.ids
    app.state.readiness = components.readiness
    _add_documents(app)
    app.include_router(health.router)
    for contract in CONTRACTS:
        for router, prefix in contract.rest:
            app.include_router(router, prefix=prefix)
    for live_side in components.live_sides:
        _add_live_side(app, live_side)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    _add_middleware(app, settings, components)
    return app


def _tags() -> list[dict[str, str]]:
    tags = _merged(contract.tags for contract in CONTRACTS)
    tags |= {"health": "For those who run the server"}
    return [{"name": name, "description": meaning} for name, meaning in tags.items()]


def _merged(parts: Iterable[Mapping[str, Value]]) -> dict[str, Value]:
    return {key: value for part in parts for key, value in part.items()}


def _add_live_side(app: Application, live_side: LiveSide) -> None:
    for path, endpoint in live_side.sockets.items():
        app.router.routes.append(WebSocketRoute(path, endpoint))
    for path, server in live_side.direct.items():
        app.router.routes.append(Route(path, server))
    app.direct = {**app.direct, **live_side.direct}
    for name, value in live_side.state.items():
        setattr(app.state, name, value)


def _add_middleware(app: Application, settings: Settings, components: Components) -> None:
    # The last one added is the outermost.
    app.add_middleware(
        Methods,
        routes=app.router.routes,
        operations=_merged(contract.operations for contract in CONTRACTS),
        direct=app.direct,
    )
    malformed = _merged(contract.malformed for contract in CONTRACTS)
    app.add_middleware(StrictJson, max_bytes=settings.max_body_bytes, statuses=malformed)
    uploads = [path for contract in CONTRACTS for path in contract.uploads]
    app.add_middleware(SmallForms, uploads=uploads)
    bounds = dict.fromkeys(uploads, settings.max_file_bytes + OVERHEAD_BYTES)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes, exceptions=bounds)
    app.add_middleware(
        EntranceMiddleware,
        services=lambda: components.services,
        operations=_operations(components),
        audit=AccessAudit(components.audit, with_files=settings.audit_messages),
        answer_to=partial(refusals.answer_at, app),
    )
    app.add_middleware(HeadLimit)
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_credentials="*" not in settings.allowed_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
            expose_headers=["Retry-After", HEADER],
        )
    app.add_middleware(SecurityHeaders)


def _operations(components: Components) -> Operations:
    kinds = _merged(contract.operations for contract in CONTRACTS)
    direct = [path for live_side in components.live_sides for path in live_side.direct]
    return Operations(kinds, frozenset(direct))


def _add_documents(app: FastAPI) -> None:
    specs = [spec for contract in CONTRACTS for spec in contract.specs]
    asyncapi = cache(lambda: asyncapi_of(app.title, specs))

    async def home() -> RedirectResponse:
        return RedirectResponse("/static/chat.html")

    async def docs() -> FileResponse:
        return FileResponse(STATIC / "docs.html")

    async def reader_js() -> FileResponse:
        return FileResponse(READER / "swagger-ui-bundle.js")

    async def reader_css() -> FileResponse:
        return FileResponse(READER / "swagger-ui.css")

    routes_by_path: dict[str, Callable[[], Any]] = {
        "/": home,
        "/docs": docs,
        "/docs/reader.js": reader_js,
        "/docs/reader.css": reader_css,
        "/openapi.json": _shown(lambda: _as_json(app.openapi()), "application/json"),
        "/asyncapi.json": _shown(lambda: _as_json(asyncapi()), "application/json"),
        "/asyncapi": _shown(lambda: page_of(asyncapi()).encode(), "text/html"),
    }
    for path, endpoint in routes_by_path.items():
        app.add_api_route(path, endpoint, include_in_schema=False)


def _shown(make: Callable[[], bytes], media_type: str) -> Callable[[], Awaitable[Response]]:
    page = DocumentPage(make)

    async def show() -> Response:
        return Response(await page.content(), media_type=media_type)

    return show


def _as_json(document: Mapping[str, Any]) -> bytes:
    return bytes(JSONResponse(document).body)
