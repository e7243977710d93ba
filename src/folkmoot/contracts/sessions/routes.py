"""The REST side of the `sessions` contract: opening, finding, changing and closing sessions."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from folkmoot.contracts.sessions import answers, bodies
from folkmoot.contracts.sessions.codec import instant
from folkmoot.contracts.sessions.names import conversation_id_of, session_entered
from folkmoot.contracts.sessions.shapes import sessions_out
from folkmoot.core.accounts.errors import RoleNeeded
from folkmoot.core.accounts.model import STAFF, Account
from folkmoot.core.conversations.model import Conversation, DeskFilter, checked_title
from folkmoot.core.shared.pages import Slice
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.queries import Limit, Offset
from folkmoot.kit.rest import CallerOf, ServicesOf, answer, refusals, shape
from folkmoot.realtime.services import Services

MAX_NAMED = 100

router = APIRouter(
    prefix="/api/v1/chat/sessions", tags=["sessions"], responses=refusals(401, 422, 429)
)


@router.post(
    "",
    status_code=201,
    summary="Open a session",
    responses={
        201: shape(answers.SessionOut, names={"session_id": "id"}),
        **refusals(400, 403, 404, 409),
    },
)
async def open_session(
    body: bodies.NewSessionBody, services: ServicesOf, caller: CallerOf
) -> Response:
    """Open a session with the desk; whoever asks is its customer.

    `assigned_agent_id` must be staff: refused with 422 otherwise, with 404 where there is no such
    account, with 403 where a block stands between the two.
    """

    async def job(work: UnitOfWork) -> answers.SessionOut:
        head = await services.desks.open(
            work,
            caller.account,
            title=body.title,
            agent=await _agent(services, work, caller.account, body.assigned_agent_id),
            assistant_on=body.assistant,
        )
        return (await sessions_out(work, caller.account.id, [head]))[0]

    return answer(await services.writer.write(job), 201)


async def _agent(
    services: Services, work: UnitOfWork, actor: Account, name: str | None
) -> Account | None:
    return None if name is None else await services.reach.named(work, actor, name)


@router.get(
    "",
    summary="List sessions",
    responses={
        200: shape(answers.SessionOut, many=True, names={"session_id": "0/id"}),
        **refusals(403),
    },
)
async def listed(
    services: ServicesOf,
    caller: CallerOf,
    scope: bodies.Scope = "mine",
    status: bodies.Status = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Response:
    """Sessions, newest activity first: one's own, or for staff also those of nobody, or all."""
    if scope != "mine" and caller.account.role not in STAFF:
        raise RoleNeeded(role="staff")
    which = DeskFilter(
        member=caller.account.id if scope == "mine" else None,
        unassigned=scope == "unassigned",
        closed=None if status is None else status == "closed",
    )

    async def job(work: UnitOfWork) -> list[answers.SessionOut]:
        found = await work.desks.listed(which, Slice(limit, offset))
        heads = await work.conversations.heads(found)
        return await sessions_out(
            work, caller.account.id, [heads[conversation_id] for conversation_id in found]
        )

    return answer([] if status == "waiting" else await services.storage.read(job))


@router.post(
    "/cleanup",
    summary="Close idle sessions",
    responses={200: shape(answers.SessionCleanupOut), **refusals(400, 403)},
)
async def clean_up(
    services: ServicesOf,
    caller: CallerOf,
    body: bodies.CleanupBody | None = None,
    max_age_days: Annotated[
        Annotated[int, bodies.DAYS] | None, Query(description="Instead of the body's")
    ] = None,
    dry_run: Annotated[bool | None, Query(description="Instead of the body's")] = None,
) -> Response:
    """Close the sessions that were idle for so many days, or only say which; for admins.

    At most a thousand at once, the longest idle first; `session_ids` names the first hundred.
    """
    asked = body or bodies.CleanupBody()
    days = asked.max_age_days if max_age_days is None else max_age_days
    is_dry = asked.dry_run if dry_run is None else dry_run

    async def job(work: UnitOfWork) -> answers.SessionCleanupOut:
        idle, cutoff = await services.desks.clean_up(
            work, caller.account, max_age_days=days or 0, dry_run=is_dry
        )
        named = [head.uid for head in idle[:MAX_NAMED]]
        return answers.SessionCleanupOut(len(idle), list(named), instant(cutoff), is_dry)

    return answer(await services.writer.write(job))


@router.get(
    "/{session_id}",
    summary="Get a session",
    responses={200: shape(answers.SessionOut), **refusals(403, 404)},
)
async def show(session_id: bodies.SessionPath, services: ServicesOf, caller: CallerOf) -> Response:
    """One session, for its participants and for staff."""

    async def job(work: UnitOfWork) -> answers.SessionOut:
        head, _ = await session_entered(services, work, caller.account, session_id)
        return (await sessions_out(work, caller.account.id, [head]))[0]

    return answer(await services.storage.read(job))


@router.put(
    "/{session_id}",
    summary="Update a session",
    responses={200: shape(answers.SessionOut), **refusals(400, 403, 404, 409)},
)
async def change(
    session_id: bodies.SessionPath,
    body: bodies.SessionChangeBody,
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Rename a session, put somebody of staff in charge, or switch its assistant.

    Participants may, and staff; putting in charge is for staff and for the session's customer.
    """
    checked_title(body.title)

    async def job(work: UnitOfWork) -> answers.SessionOut:
        head, _ = await session_entered(services, work, caller.account, session_id)
        agent = await _agent(services, work, caller.account, body.assigned_agent_id)
        # First what may still be refused: the others cannot be, once this was not.
        if agent is not None:
            head = await services.desks.assign(work, caller.account, head.id, agent)
        if body.title is not None:
            head = await services.desks.rename(work, caller.account, head.id, body.title)
        if body.assistant is not None:
            head = await services.desks.switch_assistant(
                work, caller.account, head.id, is_on=body.assistant
            )
        return (await sessions_out(work, caller.account.id, [head]))[0]

    return answer(await services.writer.write(job))


@router.delete(
    "/{session_id}",
    summary="Close a session by deleting it",
    responses={200: shape(answers.SessionDoneOut), **refusals(403, 404)},
)
async def end(session_id: bodies.SessionPath, services: ServicesOf, caller: CallerOf) -> Response:
    """The same as closing it: nothing is erased."""
    return await close(session_id, services, caller)


@router.post(
    "/{session_id}/close",
    summary="Close a session",
    responses={200: shape(answers.SessionDoneOut), **refusals(403, 404)},
)
async def close(session_id: bodies.SessionPath, services: ServicesOf, caller: CallerOf) -> Response:
    """Close a session: it can be read and not written. Closing twice is no error."""

    async def job(work: UnitOfWork) -> Conversation:
        conversation_id = await conversation_id_of(work, session_id)
        return await services.desks.close(work, caller.account, conversation_id)

    await services.writer.write(job)
    return answer(answers.SessionDoneOut(success=True, message="Session closed"))
