"""Which kind of intention each operation and frame of this contract is."""

from collections.abc import Mapping
from typing import Final

from folkmoot.realtime.intentions import IntentionKind

OPERATIONS: Final[Mapping[str, IntentionKind]] = {
    "POST /auth/register": IntentionKind.ENTER,
    "POST /auth/token": IntentionKind.ENTER,
    "POST /api/v1/auth/login": IntentionKind.ENTER,
    "POST /auth/refresh": IntentionKind.ENTER,
    "POST /auth/logout": IntentionKind.LEAVE,
    "POST /auth/logout-all": IntentionKind.LEAVE,
    "GET /auth/me": IntentionKind.LOOK,
    "PATCH /auth/me": IntentionKind.PROFILE,
    "POST /auth/email": IntentionKind.ENTER,
    "POST /auth/password": IntentionKind.PROFILE,
    "POST /auth/ws-ticket": IntentionKind.TICKET,
}
