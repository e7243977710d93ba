"""The REST side of the `assistant` contract; its sessions are those of the `sessions` contract."""

from fastapi import APIRouter, Response
from msgspec import UNSET

from folkmoot.contracts.assistant.frames import ChatConnectionsOut, ChatPlaceOut
from folkmoot.core.accounts.model import STAFF
from folkmoot.core.conversations.model import Kind
from folkmoot.kit.rest import CallerOf, ServicesOf, answer, refusals, shape

router = APIRouter(prefix="/ws", tags=["assistant"], responses=refusals(401, 429))


@router.get(
    "/connections/info",
    summary="Count connections",
    responses={200: shape(ChatConnectionsOut)},
)
async def info(services: ServicesOf, caller: CallerOf) -> Response:
    """How many connections there are, through whichever contract, and of how many accounts.

    `active_sessions` counts the sessions with somebody there; staff are told of each.
    """
    sessions: dict[str, ChatPlaceOut] = {
        head.uid: ChatPlaceOut(connections, services.presence.present(head.id))
        for head, connections in services.hub.listener_counts()
        if head.kind is Kind.SESSION
    }
    return answer(
        ChatConnectionsOut(
            active_connections=len(services.hub),
            unique_users=len(services.presence.online),
            active_sessions=len(sessions),
            sessions=sessions if caller.account.role in STAFF else UNSET,
        )
    )
