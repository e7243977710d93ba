"""The REST side of the `support` contract: the desk's list, threads as history, and the status."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from folkmoot.auth.authenticator import Caller
from folkmoot.contracts.support import codec
from folkmoot.contracts.support import frames as wire
from folkmoot.contracts.support.codec import Setting
from folkmoot.contracts.support.frames import INBOUND
from folkmoot.contracts.support.history import Found, HistoryPage, page_of
from folkmoot.contracts.support.socket import PATH, SupportSockets
from folkmoot.core.accounts.errors import RoleNeeded
from folkmoot.core.accounts.model import STAFF, Person
from folkmoot.core.conversations.sight import Sight, sight_of
from folkmoot.core.messages.views import DeskCustomer
from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.core.shared.pages import Slice
from folkmoot.core.shared.texts import checked
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.queries import AfterSeq, BeforeSeq, Offset
from folkmoot.kit.rest import CallerOf, ServicesOf, answer, refusals, shape
from folkmoot.realtime.services import Services

MAX_LIMIT = 200
MAX_NAME_CHARS = 100

EVENTS = ["connect", "disconnect", *INBOUND]
ENDPOINTS = [
    "/api/chat/status",
    "/api/chat/test",
    "/api/chat/history/self",
    "/api/chat/history/user/{user_id}",
    "/api/chat/users",
    "/websocket/health",
]

router = APIRouter(tags=["support"])
health = APIRouter(tags=["support"])

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many at most")]
SessionId = Annotated[
    str | None, Query(description="The `session_id` that stands beside that `seq`")
]
Direction = Annotated[
    Literal["inbound", "outbound", "both"],
    Query(description="Only what the customer wrote, only what was written to them, or both"),
]
UserPath = Annotated[str, Path(description="A customer, by UUID or by username")]


def sockets_of(request: Request) -> SupportSockets:
    """The live side of this contract."""
    sockets: SupportSockets = request.app.state.support
    return sockets


def passage_of(
    limit: Limit = 50,
    offset: Offset = 0,
    before_seq: BeforeSeq = None,
    after_seq: AfterSeq = None,
    session_id: SessionId = None,
) -> HistoryPage:
    """The stretch of a thread that is asked for."""
    session = None if session_id is None else Uid(session_id.lower())
    return HistoryPage(limit, offset, before_seq, after_seq, session)


SocketsOf = Annotated[SupportSockets, Depends(sockets_of)]
PassageOf = Annotated[HistoryPage, Depends(passage_of)]


def staff_of(caller: CallerOf) -> Caller:
    """Who asks, if they serve customers.

    Raises:
        RoleNeeded
    """
    if caller.account.role not in STAFF:
        raise RoleNeeded(role="agent and admin")
    return caller


StaffOf = Annotated[Caller, Depends(staff_of)]


@router.get(
    "/status", summary="Get the status of live chat", responses={200: shape(wire.ChatStatusOut)}
)
async def status(sockets: SocketsOf) -> Response:
    """How many are connected through Socket.IO, and which events there are."""
    return answer(wire.ChatStatusOut("running", len(sockets), PATH, EVENTS))


@router.get("/test", summary="List routes and events", responses={200: shape(wire.ChatTestOut)})
async def test() -> Response:
    """The routes and events of this contract."""
    return answer(wire.ChatTestOut("The chat routes are served.", PATH, ENDPOINTS, EVENTS))


@router.get(
    "/history/self",
    summary="List your support messages",
    responses={200: shape(wire.SupportMessageOut, many=True), **refusals(401, 422, 429)},
)
async def own_history(services: ServicesOf, caller: CallerOf, passage: PassageOf) -> Response:
    """All of one's sessions as one thread: newest page first, oldest to newest inside."""
    person = caller.account.person

    async def job(work: UnitOfWork) -> Found:
        return await page_of(work, person.id, person, passage, direction="both")

    return _messages(await services.storage.read(job), person, person.id)


@router.get(
    "/history/user/{user_id}",
    summary="List a customer's messages",
    responses={200: shape(wire.SupportMessageOut, many=True), **refusals(401, 403, 404, 422, 429)},
)
async def history(
    user_id: UserPath,
    services: ServicesOf,
    caller: StaffOf,
    passage: PassageOf,
    direction: Direction = "both",
) -> Response:
    """All sessions of a customer as one thread, for staff.

    `offset` counts back from the newest; `before_seq` and `after_seq` are places in one session,
    which `session_id` names where the customer has several.
    """
    viewer = caller.account.id

    async def job(work: UnitOfWork) -> tuple[Found, Person]:
        customer = await services.accounts.named(work, user_id)
        person = customer.person
        return await page_of(work, viewer, person, passage, direction=direction), person

    found, customer = await services.storage.read(job)
    return _messages(found, customer, viewer)


@router.get(
    "/users",
    summary="List customers",
    responses={
        200: shape(wire.ChatUserOut, many=True, names={"user_id": "0/user_id"}),
        **refusals(401, 403, 422, 429),
    },
)
async def users(
    services: ServicesOf,
    caller: StaffOf,
    limit: Limit = 50,
    offset: Offset = 0,
    q: Annotated[
        str, Query(max_length=MAX_NAME_CHARS, description="Only whose name has this in it")
    ] = "",
) -> Response:
    """Each customer with a thread, whoever wrote or was written to last first, for staff."""
    name_part = checked(q.strip(), field="q")

    async def job(work: UnitOfWork) -> tuple[list[DeskCustomer], Sight]:
        found = await work.views.callers(name_part, Slice(limit, offset))
        return found, await sight_of(work, caller.account.id)

    customers, sight = await services.storage.read(job)
    return answer([_user_out(services, customer, sight) for customer in customers])


@health.get(
    "/websocket/health",
    summary="Get the health of live chat",
    responses={200: shape(wire.SocketHealthOut)},
)
async def socket_health(services: ServicesOf, sockets: SocketsOf) -> Response:
    """How many are connected, through whatever contract, and for how long the server has run."""
    return answer(wire.SocketHealthOut("healthy", len(services.hub), round(sockets.uptime, 3)))


def _messages(found: Found, customer: Person, viewer: AccountId) -> Response:
    setting = Setting(customer)
    return answer(
        [
            codec.message_out(
                message,
                setting,
                own=message.author_id == viewer,
                is_read=found.is_read(message, customer.id),
            )
            for message in found.messages
        ]
    )


def _user_out(services: Services, caller: DeskCustomer, sight: Sight) -> wire.ChatUserOut:
    person, last = caller.person, caller.last_message
    return wire.ChatUserOut(
        user_id=person.uid,
        user_name=person.username,
        last_message=last.body.plain_text,
        last_message_time=codec.instant(last.created_at),
        unread_count=caller.unread_count,
        last_message_id=last.uid,
        full_name=person.full_name,
        online=sight.is_online(person.id, services.presence.online),
    )
