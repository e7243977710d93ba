"""The REST side of the `conversations` contract: groups that somebody is asked into."""

from fastapi import APIRouter, Response

from folkmoot.contracts.conversations import codec
from folkmoot.contracts.conversations import frames as wire
from folkmoot.contracts.conversations.errors import refused
from folkmoot.contracts.conversations.routes import ConversationPath, shown
from folkmoot.core.conversations.service import Invited
from folkmoot.kit.rest import CallerOf, ServicesOf, answer, shape

router = APIRouter(
    prefix="/conversations/invitations", tags=["conversations"], responses=refused(401, 429)
)


@router.get(
    "", summary="List your invitations", responses={200: shape(wire.InvitationOut, many=True)}
)
async def listed(services: ServicesOf, caller: CallerOf) -> Response:
    """The groups into which somebody whom you block wants to gather you, the oldest first."""
    me = caller.account.id
    found = await services.storage.read(lambda work: services.conversations.invitations(work, me))
    return answer([_invitation_out(one) for one in found])


@router.post(
    "/{conversation_id}/accept",
    summary="Accept an invitation",
    responses={200: shape(wire.ConversationOut), **refused(403, 404, 422)},
)
async def accept(
    conversation_id: ConversationPath, services: ServicesOf, caller: CallerOf
) -> Response:
    """Come into the group; you can leave it again like any other."""
    account = caller.account
    await services.writer.write(
        lambda work: services.conversations.accept(work, account, conversation_id)
    )
    return answer(await shown(services, account.id, conversation_id))


@router.post(
    "/{conversation_id}/decline",
    status_code=204,
    summary="Decline an invitation",
    responses=refused(403, 404),
)
async def decline(
    conversation_id: ConversationPath, services: ServicesOf, caller: CallerOf
) -> Response:
    """Stay out of the group; nobody is told."""
    me = caller.account.id
    await services.writer.write(
        lambda work: services.conversations.decline(work, me, conversation_id)
    )
    return Response(status_code=204)


def _invitation_out(invited: Invited) -> wire.InvitationOut:
    return wire.InvitationOut(
        conversation_id=invited.head.id,
        title=invited.head.title,
        member_count=invited.head.member_count,
        inviter_id=invited.inviter.id,
        inviter_name=invited.inviter.username,
        created_at=codec.instant(invited.at),
    )
