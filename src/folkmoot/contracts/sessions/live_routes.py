"""The REST side of the `sessions` contract: what the socket offers, and who is connected."""

from fastapi import APIRouter, Response

from folkmoot.contracts.sessions import answers
from folkmoot.contracts.sessions.frames import OUTBOUND
from folkmoot.contracts.sessions.spec import SPEC
from folkmoot.core.accounts.model import STAFF
from folkmoot.core.conversations.model import Conversation, Kind
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.rest import CallerOf, ServicesOf, answer, refusals, shape

router = APIRouter(prefix="/api/v1/chat", tags=["sessions"], responses=refusals(401, 429))

_OFFER = answers.SessionSocketOut(
    address=SPEC.address,
    summary=SPEC.summary,
    query=SPEC.query,
    client_messages=list(SPEC.inbound),
    server_messages=[str(shape.__struct_config__.tag) for shape in OUTBOUND],
    close_codes={str(code): meaning for code, meaning in sorted(SPEC.close_codes.items())},
    document="/asyncapi.json",
)


@router.get(
    "/ws",
    summary="Describe the WebSocket",
    responses={200: shape(answers.SessionSocketOut)},
)
async def offer() -> Response:
    """What the WebSocket of a session offers. To use it, connect to its `address`."""
    return answer(_OFFER)


@router.get(
    "/ws-stats",
    summary="Count connections",
    responses={200: shape(answers.SessionStatsOut)},
)
async def stats(services: ServicesOf, caller: CallerOf) -> Response:
    """How many sessions have somebody connected, through whichever contract, and how many.

    `sessions` tells of each: for staff of all, for others of those they are participants of.
    """
    listened = [
        (head, connections)
        for head, connections in services.hub.listener_counts()
        if head.kind is Kind.SESSION
    ]
    me, is_staff = caller.account.id, caller.account.role in STAFF

    async def job(work: UnitOfWork) -> tuple[frozenset[ConversationId], frozenset[AccountId]]:
        own = frozenset() if is_staff else frozenset(await work.views.conversations_of(me))
        return own, await work.social.blockers_of(me)

    own, blockers = await services.storage.read(job)

    def presence(head: Conversation) -> answers.SessionPresenceOut:
        typing = services.hub.typing
        unseen = sum(typing.is_typing(head.id, one) for one in blockers)
        present = services.hub.present_without(blockers, head.id)
        return answers.SessionPresenceOut(present, typing.typists(head.id) - unseen)

    users = sum(services.presence.present(head.id) for head, _ in listened)
    return answer(
        answers.SessionStatsOut(
            total_sessions=len(listened),
            total_connections=sum(connections for _, connections in listened),
            average_users_per_session=round(users / len(listened), 2) if listened else 0.0,
            sessions={
                head.uid: presence(head) for head, _ in listened if is_staff or head.id in own
            },
        )
    )
