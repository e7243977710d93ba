"""The REST side of the `friends` contract: what friends write to each other."""

from fastapi import APIRouter, Response

from folkmoot.contracts.friends import bodies, codec, errors
from folkmoot.contracts.friends import frames as wire
from folkmoot.contracts.friends.addressing import direct_named, frames_missed, receiver_named
from folkmoot.core.conversations.model import ReadMark
from folkmoot.core.messages.direct_messages import (
    DeliveryStatus,
    DirectReceipts,
    exchange,
    opened,
    received,
)
from folkmoot.core.messages.errors import NotUpToDate
from folkmoot.core.messages.model import DirectWith, Message
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.shared.pages import Page
from folkmoot.core.social.contacts import contacts_of
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.ids import reply_uid_of, upload_id_of
from folkmoot.kit.queries import AfterSeq, BeforeSeq, IdempotencyKey, Limit
from folkmoot.kit.rest import (
    CallerOf,
    ServicesOf,
    answer,
    refusals,
    shape,
)
from folkmoot.kit.sending import DeleteIntention, Sender
from folkmoot.realtime.services import Services

router = APIRouter(
    prefix="/api/v1/chat/messages", tags=["friends"], responses=refusals(401, 403, 429)
)


@router.post(
    "",
    status_code=201,
    summary="Send a message to a friend",
    responses={
        201: shape(
            wire.DirectMessageOut,
            description="It is durable now",
            names={"message_id": "message_id", "friend_id": "receiver_id"},
        ),
        **refusals(400, 404, 422),
        **refusals(409, also=wire.DirectNotUpToDateOut),
    },
)
async def send(
    body: bodies.DirectBody,
    services: ServicesOf,
    caller: CallerOf,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Send a message to a friend, who receives it at once on every connected device.

    Refused with 403 for whoever is not a friend or where a block stands between the two, with 404
    for an unknown account, with 400 to oneself. The same `client_id` again answers with the first
    message; with another content it is refused with 409 `client_id_reused`.
    """
    me = caller.account.id
    draft = services.messages.draft(
        me,
        body.content,
        client_id=body.client_id if body.client_id is not None else idempotency_key,
        if_last_seq=body.if_last_seq,
        reply_to=reply_uid_of(body.reply_to_id),
        attachment=upload_id_of(body.attachment_id),
    )
    receiver = await receiver_named(services, caller.account, body.receiver_id)
    try:
        posted = await services.writer.post(draft.to(DirectWith(receiver.id)))
    except NotUpToDate as refusal:
        missed = await frames_missed(services, caller.account.person, receiver, refusal)
        return answer(errors.not_up_to_date(refusal, missed), 409)
    if posted.is_repeat:
        return answer(await _shown(services, me, posted.message), 201)
    is_there = services.receipts.was_handed(
        ReadMark(posted.message.conversation_id, receiver.id, posted.message.seq)
    )
    status = DeliveryStatus.DELIVERED if is_there else DeliveryStatus.SENT
    sent = codec.message_out(posted.message, receiver.uid, status, own=True, receiver=receiver)
    return answer(sent, 201)


@router.get(
    "/history/{friend_id}",
    summary="List messages with a friend",
    responses={200: shape(wire.DirectHistoryOut), **refusals(400, 404, 422)},
)
async def history(
    friend_id: bodies.FriendPath,
    services: ServicesOf,
    caller: CallerOf,
    skip: bodies.Skip = 0,
    limit: Limit = 50,
    before_seq: BeforeSeq = None,
    after_seq: AfterSeq = None,
) -> Response:
    """A page of messages, newest page first, oldest to newest inside; reading it delivers them.

    A deleted message stays in place, with `is_deleted` and without content. `skip` counts back
    from the newest; `before_seq` and `after_seq` cost the same at any depth.
    """
    me = caller.account.id
    page = Page(limit, skip, before_seq, after_seq)
    handed = services.receipts.handed_under_way()

    async def job(work: UnitOfWork) -> tuple[list[Message], int, DirectReceipts] | None:
        friend = await services.reach.named(work, caller.account, friend_id)
        head = await opened(work, me, friend.id)
        if head is None:
            return None
        messages = await work.views.page(head.id, page)
        since = messages[0].seq if messages else head.last_seq
        count = await work.views.count(head.id)
        return messages, count, await exchange(work, me, head.id, since_seq=since)

    found = await services.storage.read(job)
    if found is None:
        return answer(wire.DirectHistoryOut([], 0, skip, limit))
    messages, total, known = found
    if messages:
        services.receipts.claim_handed(ReadMark(known.conversation_id, me, messages[-1].seq))
        handed = {**handed, **services.receipts.handed_under_way()}
    now = known.knowing(handed)
    shown = [codec.exchanged(message, now, me) for message in messages]
    return answer(wire.DirectHistoryOut(shown, total, skip, limit))


@router.get(
    "/unread-count",
    summary="Count unread messages",
    responses={200: shape(wire.DirectUnreadOut)},
)
async def unread(services: ServicesOf, caller: CallerOf) -> Response:
    """How many messages of friends wait to be read, in all and by friend."""
    me = caller.account.id

    async def job(work: UnitOfWork) -> dict[str, int]:
        friends = (await contacts_of(work, me)).friends
        partners = await work.directs.partners_of(me)
        counts = await work.views.unread_directs(me)
        return {
            friends[partners[conversation_id]]: count
            for conversation_id, count in counts.items()
            if partners[conversation_id] in friends
        }

    by_friend = await services.storage.read(job)
    return answer(wire.DirectUnreadOut(sum(by_friend.values()), by_friend))


@router.put(
    "/{message_id}/read",
    summary="Mark a message as read",
    responses={200: shape(wire.DirectMessageOut), **refusals(404)},
)
async def read(message_id: bodies.MessagePath, services: ServicesOf, caller: CallerOf) -> Response:
    """Say that a message, and with it all earlier ones of that friend, was read.

    Only its receiver can. `read_at` is set the first time and never changes.
    """
    me = caller.account.id
    message = await services.storage.read(lambda work: received(work, me, message_id))
    await services.receipts.store_read([ReadMark(message.conversation_id, me, message.seq)])
    return answer(await _shown(services, me, message))


@router.delete(
    "/{message_id}",
    summary="Delete a message",
    responses={200: shape(wire.DirectMessageOut), **refusals(404)},
)
async def delete(
    message_id: bodies.MessagePath, services: ServicesOf, caller: CallerOf
) -> Response:
    """Leave only a message's place; only its sender can. The friend is told at once."""
    me = caller.account.id
    find = direct_named(me, message_id)
    deleted = await Sender(services).change(me, DeleteIntention(), find)
    return answer(await _shown(services, me, deleted))


async def _shown(services: Services, viewer: AccountId, message: Message) -> wire.DirectMessageOut:
    """A message as it is now, with what has become of it."""
    handed = services.receipts.handed_under_way()
    conversation_id = message.conversation_id

    async def job(work: UnitOfWork) -> tuple[Message, DirectReceipts]:
        (now,) = await work.views.page(conversation_id, Page(1, before_seq=message.seq + 1))
        return now, await exchange(work, viewer, conversation_id, since_seq=message.seq)

    now, known = await services.storage.read(job)
    return codec.exchanged(now, known.knowing(handed), viewer)
