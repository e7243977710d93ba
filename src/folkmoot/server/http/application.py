"""The ASGI application: every contract's routes and sockets over one house."""

from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from msgspec import Struct
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from folkmoot.contracts.accounts import codec as accounts_wire
from folkmoot.contracts.accounts.routes import router as accounts_router
from folkmoot.contracts.assistant import frames as assistant_wire
from folkmoot.contracts.assistant import routes as assistant_routes
from folkmoot.contracts.assistant.socket import ChatSockets
from folkmoot.contracts.assistant.spec import SPEC as ASSISTANT
from folkmoot.contracts.conversations import frames as conversations_wire
from folkmoot.contracts.conversations import message_routes, routes
from folkmoot.contracts.conversations.socket import ConversationSockets
from folkmoot.contracts.conversations.spec import SPEC as CONVERSATIONS
from folkmoot.contracts.friends import frames as friends_wire
from folkmoot.contracts.friends import friend_routes
from folkmoot.contracts.friends import message_routes as friends_message_routes
from folkmoot.contracts.friends.errors import OVERRIDES as FRIENDS_STATUSES
from folkmoot.contracts.friends.socket import FriendSockets
from folkmoot.contracts.friends.spec import SPEC as FRIENDS
from folkmoot.contracts.sessions import answers as sessions_wire
from folkmoot.contracts.sessions import file_routes
from folkmoot.contracts.sessions.routers import MALFORMED
from folkmoot.contracts.sessions.routers import ROUTERS as SESSIONS_ROUTERS
from folkmoot.contracts.sessions.socket import SessionSockets
from folkmoot.contracts.sessions.spec import SPEC as SESSIONS
from folkmoot.contracts.support import frames as support_wire
from folkmoot.contracts.support import routes as support_routes
from folkmoot.contracts.support.socket import PATH as SOCKET_IO
from folkmoot.contracts.support.socket import SupportSockets, socket_server
from folkmoot.contracts.support.spec import SPEC as SUPPORT
from folkmoot.files.form import OVERHEAD_BYTES
from folkmoot.files.links import PREFIX as FILES
from folkmoot.kit.rest import RefusalOut
from folkmoot.kit.socket_endpoint import SocketEndpoint
from folkmoot.server.http import health, refusals
from folkmoot.server.http.asyncapi_page import page_of
from folkmoot.server.http.bodies import BodyLimit, StrictJson
from folkmoot.server.http.documents import asyncapi_of, openapi_of
from folkmoot.server.http.security_headers import SecurityHeaders
from folkmoot.server.ops.audit import AuditMiddleware
from folkmoot.server.settings import Settings
from folkmoot.server.wiring import Components
from folkmoot.wire.engine_limits import EngineLimits

SPECS = (CONVERSATIONS, FRIENDS, SESSIONS, ASSISTANT, SUPPORT)
CONNECT_SECONDS = 10.0
"""What a Socket.IO client has to say who it is."""
STATIC = Path(str(files("folkmoot.server"))) / "static"
READER = Path(str(files("fastapi_offline"))) / "static"


Direct = Callable[[Any, Any, Any], Awaitable[None]]
"""A server of WebSockets that takes them as uvicorn gives them."""


class Application(FastAPI):
    """FastAPI, but for WebSockets that need nothing of it.

    An idle one would keep a frame of every layer for life: together a quarter of its memory.
    """

    direct: Mapping[str, Direct] = MappingProxyType({})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        is_socket = scope["type"] == "websocket"
        server = self.direct.get(scope["path"].rstrip("/")) if is_socket else None
        if server is None:
            await super().__call__(scope, receive, send)
        else:
            await server(scope, receive, send)


def application(settings: Settings, components: Components) -> FastAPI:
    """The application over an open house."""
    app = Application(
        title=settings.title,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_tags=[
            {"name": "accounts", "description": "Coming in and going out"},
            {"name": "conversations", "description": "Many-party chat, integer ids"},
            {"name": "friends", "description": "Person to person, friends only"},
            {"name": "sessions", "description": "Session chat with agents, and files for all"},
            {
                "name": "assistant",
                "description": "All sessions on one socket, and an AI that answers",
            },
            {"name": "support", "description": "Customers and a desk of staff, Socket.IO"},
            {"name": "search", "description": "Finding messages, of every contract"},
            {"name": "health", "description": "For those who run the server"},
        ],
    )
    answers: tuple[type[Struct], ...] = (
        RefusalOut,
        health.HealthOut,
        *accounts_wire.ANSWERS,
        *conversations_wire.ANSWERS,
        *friends_wire.ANSWERS,
        *sessions_wire.ANSWERS,
        *file_routes.ANSWERS,
        *assistant_wire.ANSWERS,
        *support_wire.ANSWERS,
    )
    app.openapi = lambda: openapi_of(app, answers)  # type: ignore[method-assign]  # FastAPI's way
    refusals.install(app, {FILES: file_routes.STATUSES, **FRIENDS_STATUSES})
    app.state.services = components.services
    app.state.logins = components.door
    _add_documents(app)
    app.include_router(health.router)
    app.include_router(accounts_router)
    app.include_router(routes.router)
    app.include_router(message_routes.router)
    app.include_router(friends_message_routes.router)
    app.include_router(friend_routes.router)
    for router in (*SESSIONS_ROUTERS, file_routes.router, assistant_routes.router):
        app.include_router(router)
    sockets = SocketEndpoint(components.services, ConversationSockets(components.services))
    app.router.routes.append(WebSocketRoute("/conversations/{conversation_id}/ws", sockets))
    # Before the sessions' own, whose address takes any name.
    friend_sockets = SocketEndpoint(components.services, FriendSockets(components.services))
    app.router.routes.append(WebSocketRoute("/api/v1/chat/ws/chat", friend_sockets))
    session_sockets = SocketEndpoint(components.services, SessionSockets(components.services))
    app.router.routes.append(WebSocketRoute("/api/v1/chat/ws/{session_id}", session_sockets))
    chat_sockets = SocketEndpoint(
        components.services, ChatSockets(components.services, components.assistant.cancel)
    )
    app.router.routes.append(WebSocketRoute("/ws/chat", chat_sockets))
    _add_support(app, settings, components)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(
        AuditMiddleware, services=lambda: components.services, trail=components.audit
    )
    _add_middleware(app, settings)
    return app


def _add_support(app: Application, settings: Settings, components: Components) -> None:
    """The contract that is spoken over Socket.IO; its server runs for as long as it is entered."""
    sockets = app.state.support = SupportSockets(components.services, components.threads)
    limits = EngineLimits(
        connect_timeout=CONNECT_SECONDS,
        max_payload=settings.max_frame_bytes,
        max_outbox=settings.max_outbox_bytes,
    )
    server = app.state.socket_server = socket_server(sockets, limits)
    app.router.routes.append(Route(SOCKET_IO, server))
    app.direct = {SOCKET_IO: server}
    app.include_router(support_routes.health)
    for prefix in ("/chat", "/api/chat"):
        app.include_router(support_routes.router, prefix=prefix)


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    # The last one added is the outermost.
    app.add_middleware(StrictJson, max_bytes=settings.max_body_bytes, statuses=MALFORMED)
    app.add_middleware(
        BodyLimit,
        max_bytes=settings.max_body_bytes,
        exceptions={FILES: settings.max_file_bytes + OVERHEAD_BYTES},
    )
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_credentials="*" not in settings.allowed_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
            expose_headers=["Retry-After"],
        )
    app.add_middleware(SecurityHeaders)


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
