"""The ASGI application: every contract's routes and sockets over one house."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from msgspec import Struct
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import WebSocketRoute
from starlette.staticfiles import StaticFiles

from folkmoot.dialects.accounts import codec as accounts_wire
from folkmoot.dialects.accounts.routes import router as accounts_router
from folkmoot.dialects.conversations import frames as conversations_wire
from folkmoot.dialects.conversations import message_routes, routes
from folkmoot.dialects.conversations.socket import ConversationSockets
from folkmoot.dialects.conversations.spec import SPEC as CONVERSATIONS
from folkmoot.realtime.asking import RefusalOut
from folkmoot.realtime.reception import Reception
from folkmoot.server import health, refusals
from folkmoot.server.bodies import BodyLimit, StrictJson
from folkmoot.server.documents import asyncapi_of, openapi_of
from folkmoot.server.manners import Manners
from folkmoot.server.reading_room import page_of
from folkmoot.server.settings import Settings
from folkmoot.server.wiring import Premises

SPECS = (CONVERSATIONS,)
STATIC = Path(str(files("folkmoot.server"))) / "static"
READER = Path(str(files("fastapi_offline"))) / "static"


def application(settings: Settings, premises: Premises) -> FastAPI:
    """The application over an open house."""
    app = FastAPI(
        title=settings.title,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_tags=[
            {"name": "accounts", "description": "Coming in and going out"},
            {"name": "conversations", "description": "Many-party chat, integer ids"},
            {"name": "health", "description": "For those who run the server"},
        ],
    )
    answers: tuple[type[Struct], ...] = (
        RefusalOut,
        health.HealthOut,
        *accounts_wire.ANSWERS,
        *conversations_wire.ANSWERS,
    )
    app.openapi = lambda: openapi_of(app, answers)  # type: ignore[method-assign]  # FastAPI's way
    refusals.install(app)
    app.state.house = premises.house
    app.state.door = premises.door
    _add_documents(app)
    app.include_router(health.router)
    app.include_router(accounts_router)
    app.include_router(routes.router)
    app.include_router(message_routes.router)
    sockets = Reception(premises.house, ConversationSockets(premises.house))
    app.router.routes.append(WebSocketRoute("/conversations/{conversation_id}/ws", sockets))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    _add_middleware(app, settings)
    return app


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    # The last one added is the outermost.
    app.add_middleware(StrictJson)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_credentials="*" not in settings.allowed_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
            expose_headers=["Retry-After"],
        )
    app.add_middleware(Manners)


def _add_documents(app: FastAPI) -> None:
    document = asyncapi_of(app.title, SPECS)
    page = page_of(document)

    async def home() -> RedirectResponse:
        return RedirectResponse("/static/chat.html")

    async def docs() -> FileResponse:
        return FileResponse(STATIC / "docs.html")

    async def reader_js() -> FileResponse:
        return FileResponse(READER / "swagger-ui-bundle.js")

    async def reader_css() -> FileResponse:
        return FileResponse(READER / "swagger-ui.css")

    async def asyncapi() -> JSONResponse:
        return JSONResponse(document)

    async def asyncapi_page() -> HTMLResponse:
        return HTMLResponse(page)

    routes_by_path: dict[str, Callable[[], Any]] = {
        "/": home,
        "/docs": docs,
        "/docs/reader.js": reader_js,
        "/docs/reader.css": reader_css,
        "/asyncapi.json": asyncapi,
        "/asyncapi": asyncapi_page,
    }
    for path, endpoint in routes_by_path.items():
        app.add_api_route(path, endpoint, include_in_schema=False)
