"""The REST side of the `conversations` contract: messages, reactions and receipts."""

from collections.abc import Collection
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import AfterValidator

from folkmoot.contracts.conversations import bodies, codec, errors
from folkmoot.contracts.conversations import frames as wire
from folkmoot.contracts.conversations.routes import ConversationPath
from folkmoot.core.audience import hidden_authors
from folkmoot.core.conversations.model import ReadMark
from folkmoot.core.messages.errors import NotUpToDate
from folkmoot.core.messages.model import MAX_EMOJI_CHARS, Message
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId
from folkmoot.core.shared.pages import Slice
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.bodies import text_schema
from folkmoot.kit.ids import message_id_of, upload_id_of
from folkmoot.kit.queries import IdempotencyKey, PageOf
from folkmoot.kit.rest import (
    CallerOf,
    ServicesOf,
    answer,
    shape,
)
from folkmoot.kit.sending import (
    DeleteIntention,
    EditIntention,
    ReactIntention,
    Sender,
    known,
)
from folkmoot.realtime.services import Services

router = APIRouter(
    prefix="/conversations/{conversation_id}",
    tags=["conversations"],
    responses=errors.refused(401, 403, 404, 422, 429),
)

MessagePath = Annotated[
    MessageId, Path(description="The message's number"), AfterValidator(message_id_of)
]
EmojiPath = Annotated[
    str,
    text_schema(least=1, most=MAX_EMOJI_CHARS),
    Path(description="One emoji, percent-encoded; shown fully qualified, however it is spelt"),
]


@router.get(
    "/messages",
    summary="List messages",
    responses={
        200: shape(
            wire.MessageOut,
            many=True,
            names={"conversation_id": "0/conversation_id", "message_id": "0/id"},
        )
    },
)
async def history(
    conversation_id: ConversationPath, services: ServicesOf, caller: CallerOf, page: PageOf
) -> Response:
    """A page of messages, newest page first, oldest to newest inside.

    `offset` counts back from the newest; `before_seq` and `after_seq` cost the same at any depth.
    """
    me = caller.account.id

    async def job(work: UnitOfWork) -> list[Message]:
        hidden = await _hidden(services, work, me, conversation_id)
        return await work.views.page(conversation_id, page, hidden=hidden)

    found = await services.storage.read(job)
    return answer([codec.message_out(m, own=m.author_id == me) for m in found])


async def _hidden(
    services: Services, work: UnitOfWork, viewer: AccountId, conversation_id: ConversationId
) -> Collection[AccountId]:
    """The authors whose messages a member is not shown.

    Raises:
        NoSuchConversation, NotAMember
    """
    head, _ = await services.conversations.entered(work, viewer, conversation_id)
    return hidden_authors(head, await work.social.blocked_by(viewer))


@router.post(
    "/messages",
    status_code=201,
    summary="Send a message",
    responses={
        201: shape(
            wire.MessageOut,
            description="It is durable now",
            names={"conversation_id": "conversation_id", "message_id": "id"},
        ),
        **errors.refused(409, also=wire.NotUpToDateOut),
    },
)
async def post(
    conversation_id: ConversationPath,
    body: bodies.MessageBody,
    services: ServicesOf,
    caller: CallerOf,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Post a message; every connected member receives it at once.

    The same `client_id` again answers with the first message and posts nothing; with another
    content it is refused with 409 `client_id_reused`. With `if_last_seq`, a conversation that has
    moved on answers 409 `not_up_to_date`, with `last_seq` and the first of what was `missed`.
    """
    me = caller.account.id
    draft = services.messages.draft(
        me,
        body.content,
        client_id=body.client_id if body.client_id is not None else idempotency_key,
        reply_to=None if body.reply_to_id is None else MessageId(body.reply_to_id),
        if_last_seq=body.if_last_seq,
        attachment=upload_id_of(body.attachment_id),
    )
    try:
        posted = await services.submit(draft.to(conversation_id))
    except NotUpToDate as refusal:
        hidden = await services.storage.read(
            lambda work: _hidden(services, work, me, conversation_id)
        )
        missed = codec.WIRE_FORMAT.missed(refusal, hidden)
        return answer(errors.not_up_to_date(refusal, missed), 409)
    return answer(codec.message_out(posted.message, own=True), 201)


@router.patch(
    "/messages/{message_id}",
    summary="Edit a message",
    responses={200: shape(wire.MessageOut), **errors.refused(409)},
)
async def edit(
    conversation_id: ConversationPath,
    message_id: MessagePath,
    body: bodies.ContentBody,
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Give a message of one's own another content."""
    find = known(conversation_id, message_id)
    change = EditIntention(body.content)
    edited = await Sender(services).change(caller.account.id, change, find)
    return answer(codec.message_out(edited, own=True))


@router.delete(
    "/messages/{message_id}",
    status_code=204,
    summary="Delete a message",
    responses=errors.refused(409),
)
async def delete(
    conversation_id: ConversationPath,
    message_id: MessagePath,
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Leave only a message's place: its author may, an admin, and in a group its owner."""
    find = known(conversation_id, message_id)
    await Sender(services).change(caller.account.id, DeleteIntention(), find)
    return Response(status_code=204)


@router.put(
    "/messages/{message_id}/reactions/{emoji}",
    status_code=204,
    summary="React to a message",
    responses=errors.refused(409),
)
async def react(
    conversation_id: ConversationPath,
    message_id: MessagePath,
    emoji: EmojiPath,
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Put an emoji on a message; twice is once."""
    find = known(conversation_id, message_id)
    await Sender(services).change(caller.account.id, ReactIntention(emoji), find)
    return Response(status_code=204)


@router.delete(
    "/messages/{message_id}/reactions/{emoji}",
    status_code=204,
    summary="Remove a reaction",
    responses=errors.refused(409),
)
async def unreact(
    conversation_id: ConversationPath,
    message_id: MessagePath,
    emoji: EmojiPath,
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Take one's own emoji back; what is not there stays so."""
    find = known(conversation_id, message_id)
    await Sender(services).change(caller.account.id, ReactIntention(emoji, remove=True), find)
    return Response(status_code=204)


@router.post("/read", summary="Mark as read", responses={200: shape(wire.ReadStateOut)})
async def read(
    conversation_id: ConversationPath,
    body: bodies.ReadBody,
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Say that everything up to `up_to_seq` was read; the watermark never goes back."""
    me = caller.account.id
    await services.storage.read(
        lambda work: services.conversations.entered(work, me, conversation_id)
    )
    await services.receipts.store_read([ReadMark(conversation_id, me, body.up_to_seq)])
    return answer(await services.storage.read(lambda work: _read_state(work, me, conversation_id)))


async def _read_state(
    work: UnitOfWork, reader: AccountId, conversation_id: ConversationId
) -> wire.ReadStateOut:
    overview = (await work.views.overviews(reader, Slice(1), only=conversation_id))[0]
    mine = next(member for member in overview.members if member.person.id == reader)
    return wire.ReadStateOut(conversation_id, mine.read_seq, overview.unread_count)
