"""The REST side of the `friends` contract: who is friends with whom."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Response

from folkmoot.auth.authenticator import Caller
from folkmoot.contracts.friends import bodies, codec
from folkmoot.contracts.friends import frames as wire
from folkmoot.core.messages.direct_messages import FriendView, friends_of
from folkmoot.core.shared.ids import AccountId, Uid, uid_of
from folkmoot.core.social.contacts import contacts_of
from folkmoot.core.social.errors import NoSuchRequest
from folkmoot.core.social.model import FriendRequest
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.reaching import reached
from folkmoot.kit.rest import CallerOf, ServicesOf, answer, refusals, shape
from folkmoot.realtime.services import Services

router = APIRouter(
    prefix="/api/v1/chat/friends", tags=["friends"], responses=refusals(401, 403, 429)
)


@router.get(
    "",
    summary="List your friends",
    responses={200: shape(wire.FriendsOut, names={"friend_id": "friends/0/account_id"})},
)
async def listed(services: ServicesOf, caller: CallerOf) -> Response:
    """All friends, the oldest first; `last_seq` is where a new client may resume from."""
    found = await services.storage.read(lambda work: friends_of(work, caller.account.id))
    return answer(wire.FriendsOut([_friend_out(services, friend) for friend in found]))


@router.get(
    "/online",
    summary="List online friends",
    responses={200: shape(wire.FriendsOnlineOut)},
)
async def online(services: ServicesOf, caller: CallerOf) -> Response:
    """The friends who are connected right now, through any contract."""
    contacts = await services.storage.read(lambda work: contacts_of(work, caller.account.id))
    here = [one for one in contacts.companions if one in services.presence.online]
    return answer(wire.FriendsOnlineOut([contacts.friends[account_id] for account_id in here]))


@router.post(
    "/requests",
    status_code=201,
    summary="Send a friend request",
    responses={201: shape(wire.FriendRequestOut), **refusals(400, 403, 404, 409, 422)},
)
async def request(body: bodies.FriendBody, services: ServicesOf, caller: CallerOf) -> Response:
    """Ask an account to be friends; it is told at once. Asked by both, the wish is granted.

    Refused with 403 where a block stands between the two, with 409 for those who are friends.
    """

    me = caller.account.id
    (other,) = await reached(services, caller.account, [body.account])
    made = await services.writer.write(lambda work: services.friends.request(work, me, other.id))
    return answer(codec.request_out(made, wire.FriendRequestOut), 201)


@router.get(
    "/requests",
    summary="List open friend requests",
    responses={200: shape(wire.FriendRequestsOut, names={"request_id": "incoming/0/request_id"})},
)
async def requests(services: ServicesOf, caller: CallerOf) -> Response:
    """The requests that wait for an answer, of others and one's own, the oldest first."""
    me = caller.account.id
    found = await services.storage.read(lambda work: work.friends.pending_of(me))
    shown = [
        (one.receiver.id == me, codec.request_out(one, wire.FriendRequestOut)) for one in found
    ]
    incoming = [one for is_incoming, one in shown if is_incoming]
    outgoing = [one for is_incoming, one in shown if not is_incoming]
    return answer(wire.FriendRequestsOut(incoming, outgoing))


@router.post(
    "/requests/{request_id}/accept",
    summary="Accept a friend request",
    responses={200: shape(wire.FriendRequestOut), **refusals(404)},
)
async def accept(
    request_id: bodies.RequestPath, services: ServicesOf, caller: CallerOf
) -> Response:
    """Become friends with who asked; accepting twice is once."""
    return await _answered(services, services.friends.accept, caller, request_id)


@router.post(
    "/requests/{request_id}/decline",
    summary="Decline a friend request",
    responses={200: shape(wire.FriendRequestOut), **refusals(404)},
)
async def decline(
    request_id: bodies.RequestPath, services: ServicesOf, caller: CallerOf
) -> Response:
    """Decline a request; it may be made again."""
    return await _answered(services, services.friends.decline, caller, request_id)


@router.delete(
    "/{account_id}",
    status_code=204,
    summary="Remove a friend",
    responses=refusals(400, 403, 404),
)
async def end(account_id: bodies.FriendPath, services: ServicesOf, caller: CallerOf) -> Response:
    """End a friendship, or take one's own request back."""

    async def job(work: UnitOfWork) -> None:
        other = await services.reach.named(work, caller.account, account_id)
        await services.friends.end(work, caller.account.id, other.id)

    await services.writer.write(job)
    return Response(status_code=204)


async def _answered(
    services: Services,
    act: Callable[[UnitOfWork, AccountId, Uid], Awaitable[FriendRequest]],
    caller: Caller,
    request_id: str,
) -> Response:
    uid = uid_of(request_id)
    if uid is None:
        raise NoSuchRequest
    done = await services.writer.write(lambda work: act(work, caller.account.id, uid))
    return answer(codec.request_out(done, wire.FriendRequestOut))


def _friend_out(services: Services, friend: FriendView) -> wire.FriendOut:
    person = friend.person
    return wire.FriendOut(
        account_id=person.uid,
        username=person.username,
        full_name=person.full_name,
        avatar=person.avatar or None,
        online=friend.is_in_sight and person.id in services.presence.online,
        created_at=codec.instant(friend.since),
        unread_count=friend.unread_count,
        last_seq=friend.last_seq,
    )
