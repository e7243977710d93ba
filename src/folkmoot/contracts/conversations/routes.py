"""The REST side of the `conversations` contract: conversations and who is in them."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import AfterValidator

from folkmoot.contracts.conversations import bodies, codec
from folkmoot.contracts.conversations import frames as wire
from folkmoot.contracts.conversations.errors import refused
from folkmoot.core.conversations.errors import NoSuchConversation
from folkmoot.core.conversations.sight import Sight, sight_of
from folkmoot.core.messages.views import Overview
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.shared.pages import Slice
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.ids import MAX_NUMBER
from folkmoot.kit.queries import Limit, Offset
from folkmoot.kit.reaching import leaver_named, reached
from folkmoot.kit.rest import CallerOf, ServicesOf, answer, shape
from folkmoot.realtime.services import Services

router = APIRouter(prefix="/conversations", tags=["conversations"], responses=refused(401, 429))


def conversation_id_of(number: int) -> ConversationId:
    """The id behind a number in a path; one that no database can hold names nothing."""
    if not 0 < number <= MAX_NUMBER:
        raise NoSuchConversation
    return ConversationId(number)


ConversationPath = Annotated[
    ConversationId,
    Path(description="The conversation's number"),
    AfterValidator(conversation_id_of),
]


@router.post(
    "",
    status_code=201,
    summary="Start a conversation",
    responses={
        201: shape(wire.ConversationOut, names={"conversation_id": "id"}),
        **refused(403, 404, 422),
    },
)
async def start(
    body: bodies.NewConversationBody, services: ServicesOf, caller: CallerOf
) -> Response:
    """Start a conversation of 2 to 500 members; whoever asks is one of them, and its owner.

    Refused with 404 for an unknown participant, with 403 where a block stands between the two of
    a two-party conversation. In a larger one whoever blocks its creator is not put into it: they
    are asked (`GET /conversations/invitations`), and may decline.
    """
    others = await reached(services, caller.account, body.participant_ids)

    async def job(work: UnitOfWork) -> ConversationId:
        started = await services.conversations.start(
            work, caller.account.id, [account.id for account in others], title=body.title
        )
        return started.id

    conversation_id = await services.writer.write(job)
    return answer(await shown(services, caller.account.id, conversation_id), 201)


@router.get(
    "",
    summary="List your conversations",
    responses={
        200: shape(wire.ConversationOut, many=True, names={"conversation_id": "0/id"}),
        **refused(422),
    },
)
async def listed(
    services: ServicesOf, caller: CallerOf, limit: Limit = 50, offset: Offset = 0
) -> Response:
    """The conversations that the asker is a member of, of any kind, newest activity first."""
    me = caller.account.id

    async def job(work: UnitOfWork) -> tuple[list[Overview], Sight]:
        return await work.views.overviews(me, Slice(limit, offset)), await sight_of(work, me)

    found, sight = await services.storage.read(job)
    return answer([_conversation_out(services, overview, me, sight) for overview in found])


@router.get(
    "/{conversation_id}",
    summary="Get a conversation",
    responses={200: shape(wire.ConversationOut), **refused(403, 404)},
)
async def show(
    conversation_id: ConversationPath, services: ServicesOf, caller: CallerOf
) -> Response:
    """One conversation, for its members."""
    return answer(await shown(services, caller.account.id, conversation_id))


@router.patch(
    "/{conversation_id}",
    summary="Rename a conversation",
    responses={200: shape(wire.ConversationOut), **refused(403, 404, 409, 422)},
)
async def rename(
    conversation_id: ConversationPath,
    body: bodies.TitleBody,
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Give a group another title; every member may."""
    me = caller.account.id
    await services.writer.write(
        lambda work: services.conversations.rename(work, me, conversation_id, body.title)
    )
    return answer(await shown(services, me, conversation_id))


@router.post(
    "/{conversation_id}/participants",
    summary="Add participants",
    responses={200: shape(wire.ConversationOut), **refused(403, 404, 409, 422)},
)
async def add_participants(
    conversation_id: ConversationPath,
    body: bodies.ParticipantsBody,
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Add accounts to a group; every member may. Who is in it already stays in it."""
    me, conversations = caller.account.id, services.conversations
    added = await reached(
        services,
        caller.account,
        body.participant_ids,
        lambda work: conversations.entered(work, me, conversation_id),
    )
    await services.writer.write(
        lambda work: conversations.add_members(work, me, conversation_id, added)
    )
    return answer(await shown(services, me, conversation_id))


@router.delete(
    "/{conversation_id}/participants/{account_id}",
    status_code=204,
    summary="Remove a participant, or leave",
    responses=refused(403, 404, 409),
)
async def remove_participant(
    conversation_id: ConversationPath,
    account_id: Annotated[str, Path(description="An account, by number or by username")],
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Leave a group or a session; or take somebody out, as a group's owner or an admin in it."""
    me, name = caller.account.id, _number_or_name(account_id)

    async def job(work: UnitOfWork) -> None:
        await services.conversations.entered(work, me, conversation_id)
        leaver = await leaver_named(services, work, name)
        await services.conversations.remove_member(work, me, conversation_id, leaver.id)

    await services.writer.write(job)
    return Response(status_code=204)


def _number_or_name(text: str) -> int | str:
    is_number = text.isascii() and text.isdigit() and len(text) <= 15
    return int(text) if is_number else text


async def shown(
    services: Services, viewer: AccountId, conversation_id: ConversationId
) -> wire.ConversationOut:
    """A conversation as one of its members is shown it."""

    async def job(work: UnitOfWork) -> tuple[Overview, Sight]:
        await services.conversations.entered(work, viewer, conversation_id)
        (found,) = await work.views.overviews(viewer, Slice(1), only=conversation_id)
        return found, await sight_of(work, viewer)

    overview, sight = await services.storage.read(job)
    return _conversation_out(services, overview, viewer, sight)


def _conversation_out(
    services: Services, overview: Overview, viewer: AccountId, sight: Sight
) -> wire.ConversationOut:
    head, last = overview.conversation, overview.last_message
    online = services.presence.online
    closed_at = head.desk.closed_at if head.desk else None
    return wire.ConversationOut(
        id=head.id,
        uid=head.uid,
        title=head.title,
        kind=head.kind.value,
        created_at=codec.instant(head.created_at),
        participants=[
            wire.ParticipantOut(
                id=member.person.id,
                uid=member.person.uid,
                username=member.person.username,
                full_name=member.person.full_name,
                role=member.person.role.value,
                online=sight.is_online(member.person.id, online),
                member_role=member.role.value,
                joined_at=codec.instant(member.joined_at),
                read_seq=member.read_seq,
            )
            for member in sight.of_all(overview.members)
        ],
        last_message=codec.message_out(last, own=last.author_id == viewer) if last else None,
        last_seq=head.last_seq,
        unread_count=overview.unread_count,
        closed_at=codec.instant(closed_at) if closed_at else None,
    )
