"""The REST side of the `sessions` contract: participants and blocks."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Path, Response

from folkmoot.auth.authenticator import Caller
from folkmoot.contracts.sessions import answers, bodies
from folkmoot.contracts.sessions.names import session_entered
from folkmoot.contracts.sessions.shapes import participant_out
from folkmoot.core.accounts.model import Account
from folkmoot.core.conversations.model import Conversation, Member
from folkmoot.core.conversations.sight import Sight, sight_of
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.reaching import leaver_named, reached
from folkmoot.kit.rest import CallerOf, ServicesOf, answer, refusals, shape
from folkmoot.realtime.services import Services

router = APIRouter(prefix="/api/v1/chat", tags=["sessions"], responses=refusals(401, 429))

_PARTICIPANTS = "/sessions/{session_id}/participants"


@router.get(
    _PARTICIPANTS,
    summary="List a session's participants",
    responses={
        200: shape(answers.SessionParticipantOut, many=True),
        **refusals(403, 404),
    },
)
async def participants(
    session_id: bodies.SessionPath, services: ServicesOf, caller: CallerOf
) -> Response:
    """Who is in a session, in the order in which they came."""

    async def job(work: UnitOfWork) -> tuple[Conversation, list[Member], Sight]:
        head, _ = await session_entered(services, work, caller.account, session_id)
        members = (await work.conversations.members([head.id]))[head.id]
        return head, members, await sight_of(work, caller.account.id)

    head, members, sight = await services.storage.read(job)
    return answer([_shown(services, one, head, sight) for one in members])


@router.post(
    _PARTICIPANTS,
    status_code=201,
    summary="Add a participant to a session",
    responses={201: shape(answers.SessionParticipantOut), **refusals(400, 403, 404, 409, 422)},
)
async def add_participant(
    session_id: bodies.SessionPath,
    body: bodies.SessionParticipantBody,
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Add an account to a session: its customer may, and staff. Who is in it stays in it."""

    async def enter(work: UnitOfWork) -> None:
        await session_entered(services, work, caller.account, session_id)

    (added,) = await reached(services, caller.account, [body.user_id], enter)

    async def job(work: UnitOfWork) -> tuple[Conversation, Member, Sight]:
        head, _ = await session_entered(services, work, caller.account, session_id)
        head = await services.desks.add_member(work, caller.account, head.id, added)
        key = (head.id, added.id)
        member = (await work.conversations.memberships([key]))[key]
        return head, member, await sight_of(work, caller.account.id)

    head, member, sight = await services.writer.write(job)
    return answer(_shown(services, member, head, sight), 201)


def _shown(
    services: Services, member: Member, head: Conversation, sight: Sight
) -> answers.SessionParticipantOut:
    is_online = sight.is_online(member.person.id, services.presence.online)
    return participant_out(sight.of(member), head.uid, is_online=is_online)


@router.delete(
    _PARTICIPANTS + "/{user_id}",
    summary="Remove a participant from a session, or leave it",
    responses={200: shape(answers.SessionDoneOut), **refusals(403, 404)},
)
async def remove_participant(
    session_id: bodies.SessionPath,
    user_id: Annotated[str, Path(description="An account, by UUID or by username")],
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Leave a session, or, as its customer or as staff, take somebody else out."""

    async def job(work: UnitOfWork) -> None:
        head, _ = await session_entered(services, work, caller.account, session_id)
        leaver = await leaver_named(services, work, user_id)
        await services.desks.remove_member(work, caller.account, head.id, leaver.id)

    await services.writer.write(job)
    return answer(answers.SessionDoneOut(success=True, message="Participant removed"))


@router.post(
    "/block",
    summary="Block an account",
    responses={200: shape(answers.SessionDoneOut), **refusals(400, 404, 422)},
)
async def block(body: bodies.BlockBody, services: ServicesOf, caller: CallerOf) -> Response:
    """Want nothing of somebody any more; they are not told. Twice is once.

    Where only two speak, neither can write any more; among three or more, whoever blocks is not
    shown what the other writes. Neither can befriend the other, nor add them to a session.
    """
    await _do_to(services, services.social.block, caller, body.user_id)
    return answer(answers.SessionDoneOut(success=True, message="Blocked"))


@router.post(
    "/unblock",
    summary="Unblock an account",
    responses={200: shape(answers.SessionDoneOut), **refusals(400, 404, 422)},
)
async def unblock(body: bodies.BlockBody, services: ServicesOf, caller: CallerOf) -> Response:
    """Hear of somebody again; where there is no block, nothing changes."""
    await _do_to(services, services.social.unblock, caller, body.user_id)
    return answer(answers.SessionDoneOut(success=True, message="Unblocked"))


async def _do_to(
    services: Services,
    act: Callable[[UnitOfWork, AccountId, AccountId], Awaitable[None]],
    caller: Caller,
    name: str,
) -> None:
    async def job(work: UnitOfWork) -> None:
        await act(work, caller.account.id, (await services.accounts.named(work, name)).id)

    await services.writer.write(job)


@router.get(
    "/blocks",
    summary="List blocked accounts",
    responses={200: shape(answers.SessionBlockOut, many=True)},
)
async def blocks(services: ServicesOf, caller: CallerOf) -> Response:
    """Everybody whom the one who asks has blocked, by username."""

    async def job(work: UnitOfWork) -> list[Account]:
        blocked = await work.social.blocked_by(caller.account.id)
        return list((await work.accounts.by_ids(blocked)).values())

    found = sorted(await services.storage.read(job), key=lambda one: one.username)
    return answer([answers.SessionBlockOut(one.uid, one.username, one.full_name) for one in found])
