"""The REST side of the `sessions` contract: messages, receipts, an assistant's context."""

from collections.abc import Collection, Sequence

from fastapi import APIRouter, Request, Response

from folkmoot.contracts.sessions import answers, bodies, errors
from folkmoot.contracts.sessions.codec import instant, wire_format
from folkmoot.contracts.sessions.drafts import draft_of
from folkmoot.contracts.sessions.names import session_entered
from folkmoot.contracts.sessions.shapes import message_out
from folkmoot.contracts.sessions.socket import host_of
from folkmoot.core.audience import hidden_authors
from folkmoot.core.conversations.model import Member, ReadMark
from folkmoot.core.conversations.sight import members_shown
from folkmoot.core.logs.model import FOR_EVERYBODY, LogQuery, withheld_sources_of
from folkmoot.core.messages.context import MAX_CONTEXT_TOKENS, context_of
from folkmoot.core.messages.errors import NotUpToDate
from folkmoot.core.messages.model import Message
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.shared.pages import Page
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.ids import message_uid_of
from folkmoot.kit.queries import IdempotencyKey, PageOf
from folkmoot.kit.rest import (
    CallerOf,
    ServicesOf,
    answer,
    refusals,
    shape,
)
from folkmoot.kit.sending import seq_of
from folkmoot.realtime.services import Services

router = APIRouter(
    prefix="/api/v1/chat/sessions/{session_id}",
    tags=["sessions"],
    responses=refusals(401, 403, 404, 422, 429),
)


@router.get(
    "/messages",
    summary="List a session's messages",
    responses={200: shape(answers.SessionMessageOut, many=True)},
)
async def history(
    session_id: bodies.SessionPath, services: ServicesOf, caller: CallerOf, page: PageOf
) -> Response:
    """A page of messages, newest page first, oldest to newest inside.

    `offset` counts back from the newest; `before_seq` and `after_seq` cost the same at any depth.
    """
    me = caller.account.id

    async def job(work: UnitOfWork) -> tuple[list[Message], Sequence[Member]]:
        conversation_id, hidden = await _entered(services, work, caller, session_id)
        members = await members_shown(work, me, conversation_id)
        return await work.views.page(conversation_id, page, hidden=hidden), members

    found, members = await services.storage.read(job)
    return answer([message_out(m, members, own=m.author_id == me) for m in found])


async def _entered(
    services: Services, work: UnitOfWork, caller: CallerOf, session_id: str
) -> tuple[ConversationId, Collection[AccountId]]:
    """The session, and the authors whose messages whoever asks is not shown there.

    Raises:
        NotADesk, NotAMember
    """
    head, _ = await session_entered(services, work, caller.account, session_id)
    return head.id, hidden_authors(head, await work.social.blocked_by(caller.account.id))


@router.post(
    "/messages",
    status_code=201,
    summary="Send a message to a session",
    responses={
        201: shape(
            answers.SessionMessageOut,
            description="It is durable now",
            names={"session_id": "chat_session_id"},
        ),
        **refusals(400),
        **refusals(409, also=answers.SessionNotUpToDateOut),
    },
)
async def post(
    session_id: bodies.SessionPath,
    body: bodies.SessionMessageBody,
    request: Request,
    services: ServicesOf,
    caller: CallerOf,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Post a message; every connected participant receives it at once. Staff join by writing.

    The same `client_id` again answers with the first message and posts nothing; with another
    content it is refused with 409 `client_id_reused`. A closed session answers 409
    `conversation_closed`. With `if_last_seq`, a session that has moved on answers 409
    `not_up_to_date`, with `last_seq` and the first of what was `missed`.
    """
    me = caller.account.id
    say = body.said(idempotency_key)
    head, _ = await services.storage.read(
        lambda work: session_entered(services, work, caller.account, session_id)
    )
    draft = draft_of(services.messages, me, say, host=host_of(request.scope))
    try:
        posted = await services.submit(draft.to(head.id))
    except NotUpToDate as refusal:
        _, hidden = await services.storage.read(
            lambda work: _entered(services, work, caller, session_id)
        )
        missed = wire_format(services.clock).missed(refusal, hidden)
        return answer(errors.not_up_to_date(refusal, missed), 409)
    members = await services.storage.read(lambda work: members_shown(work, me, head.id))
    return answer(message_out(posted.message, members, own=True), 201)


@router.post(
    "/mark-read",
    summary="Mark a session's messages as read",
    responses={200: shape(answers.SessionReadOut), **refusals(400)},
)
async def mark_read(
    session_id: bodies.SessionPath,
    body: bodies.UpToMessageBody,
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Say that everything up to a message was read; that never goes back.

    Staff who only look in leave no trace of it.
    """

    async def job(work: UnitOfWork) -> ReadMark:
        conversation_id, _ = await _entered(services, work, caller, session_id)
        seq = await seq_of(work, conversation_id, message_uid_of(body.up_to_message_id))
        return ReadMark(conversation_id, caller.account.id, seq)

    await services.receipts.store_read([await services.storage.read(job)])
    now = instant(services.clock.now())
    return answer(answers.SessionReadOut(success=True, message="Marked as read", timestamp=now))


@router.get(
    "/context",
    summary="Get the assistant's context",
    responses={200: shape(answers.SessionContextOut)},
)
async def context(
    session_id: bodies.SessionPath,
    services: ServicesOf,
    caller: CallerOf,
    max_messages: bodies.MaxMessages = 20,
) -> Response:
    """The newest messages, oldest first, as many as fit into a budget of tokens.

    The estimate counts four bytes a token. `pages` and `log_lines` would ground an answer to the
    last message that somebody wrote, each with its source: of those that the caller may read.
    """

    async def job(work: UnitOfWork) -> list[Message]:
        conversation_id, hidden = await _entered(services, work, caller, session_id)
        return await work.views.page(conversation_id, Page(max_messages), hidden=hidden)

    messages = await services.storage.read(job)
    given = context_of(messages)
    asked = [
        message.body.plain_text
        for message in messages
        if message.author is not None and message.body.plain_text
    ]
    await services.pages.refresh()
    pages = await services.pages.find(asked[-1]) if asked else []
    await services.logs.refresh()
    audiences = FOR_EVERYBODY | withheld_sources_of(caller.account.role)
    logs = await services.logs.find(LogQuery(asked[-1], audiences)) if asked else []
    return answer(
        answers.SessionContextOut(
            session_id=session_id.lower(),
            messages=[answers.SessionTurnOut(turn.role, turn.content) for turn in given.turns],
            estimated_tokens=given.estimated_tokens,
            max_tokens=MAX_CONTEXT_TOKENS,
            pages=[answers.SessionPageOut(one.source, one.link, one.text) for one in pages],
            log_lines=[
                f"{each.source} {'' if each.at is None else f'{instant(each.at)} '}{each.text}"
                for each in logs
            ],
        )
    )
