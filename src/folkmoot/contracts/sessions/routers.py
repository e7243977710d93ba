"""All REST routes of the `sessions` contract but those of files."""

from folkmoot.contracts.sessions import (
    live_routes,
    message_routes,
    people_routes,
    routes,
    search_routes,
)

ROUTERS = (
    routes.router,
    message_routes.router,
    people_routes.router,
    live_routes.router,
    search_routes.router,
)

MALFORMED = {
    "/api/v1/chat/sessions": 400,
    "/api/v1/chat/block": 400,
    "/api/v1/chat/unblock": 400,
}
"""Where this contract answers a body that is no JSON, and with which status."""
