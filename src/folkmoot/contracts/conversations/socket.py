"""The live side of the `conversations` contract: one socket for one account in one conversation."""

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from msgspec import UNSET, Struct

from folkmoot.auth.authenticator import Caller
from folkmoot.contracts.conversations import codec, errors
from folkmoot.contracts.conversations import frames as wire
from folkmoot.core.conversations.errors import NoSuchConversation
from folkmoot.core.conversations.model import Conversation, ReadMark
from folkmoot.core.events import Event
from folkmoot.core.messages.model import Posted
from folkmoot.core.presence.events import Typing
from folkmoot.core.shared.ids import ConversationId, MessageId
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.following import Following
from folkmoot.kit.socket_endpoint import Rejection, Scope
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.outbox import Outbox
from folkmoot.realtime.services import Services
from folkmoot.realtime.wire_format import CloseReason

MAX_UNANSWERED = 100


class ConversationsWireFormat:
    """Events and endings as this contract shows them."""

    echoes = True

    def frame(self, event: Event, *, own: bool) -> bytes | None:
        """The WebSocket frame for an event."""
        shown = codec.shown(event, own=own)
        return None if shown is None else codec.encode(shown)

    def close_code(self, close_reason: CloseReason) -> tuple[int, str]:
        """The close code for an ending."""
        return errors.close_code(close_reason)


class ConversationSockets:
    """How visitors of ``/conversations/{id}/ws`` are received."""

    authenticates_first = False

    def __init__(self, services: Services) -> None:
        self._services = services
        self._wire_format = ConversationsWireFormat()

    def guest(self, scope: Scope, caller: Caller, outbox: Outbox) -> "ConversationHandler":
        """The visitor, bound for the conversation in the path."""
        number = scope["path_params"]["conversation_id"]
        if not number.isascii() or not number.isdigit() or len(number) > 15:
            raise NoSuchConversation
        conversation_id = ConversationId(int(number))
        connection = Connection(
            self._wire_format,
            outbox,
            caller.account.person,
            caller.login.id,
            caller.expires_at,
            home=conversation_id,
        )
        return ConversationHandler(self._services, connection, conversation_id, _after_seq(scope))

    def rejection_of(self, refusal: Refusal | Unavailable | None) -> Rejection:
        """The close code for a visitor who cannot stay."""
        return Rejection(*errors.rejection_of(refusal))


class ConversationHandler:
    """One account at one socket of one conversation."""

    __slots__ = (
        "_after_seq",
        "_conversation_id",
        "_conversation_uid",
        "_services",
        "_unanswered",
        "connection",
    )

    def __init__(
        self,
        services: Services,
        connection: Connection,
        conversation_id: ConversationId,
        after_seq: int | None,
    ) -> None:
        self.connection = connection
        self._services = services
        self._conversation_id = conversation_id
        self._conversation_uid: Any = None
        self._after_seq = after_seq
        self._unanswered = 0

    async def arrive(self) -> None:
        """Greet, send what was missed, and listen."""
        await self._follow(self._after_seq, greet=True)

    def hear(self, data: str | bytes) -> Awaitable[None] | None:
        """Take a frame in; posting goes on while the next frame is read."""
        try:
            intention = codec.decode(data)
        except Refusal as refusal:
            self._refuse(refusal)
            return None
        try:
            return self._do(intention)
        except Refusal as refusal:
            self._refuse(refusal, getattr(intention, "client_id", None))
            return None

    def report_fault(self, client_id: str | None = None) -> None:
        """Say that a fault of ours kept a frame from being served."""
        self._send(
            wire.ErrorOut(
                message=errors.FAULT_SENTENCE,
                code="internal_error",
                client_id=client_id or UNSET,
            )
        )

    def _do(self, intention: wire.Intention) -> Awaitable[None] | None:
        match intention:
            case wire.Say():
                return self._say(intention)
            case wire.Ping():
                self._send(wire.PongOut())
            case wire.SetTyping(is_typing=is_typing):
                self._type(is_typing=is_typing)
            case wire.Read(up_to_seq=up_to_seq):
                self._services.receipts.claim_read(
                    ReadMark(self._conversation_id, self.connection.person.id, up_to_seq)
                )
            case wire.Resume(after_seq=after_seq):
                # A few bytes that may ask for a long past.
                self._services.limits.signal(self.connection.person.id)
                return self._resume(after_seq)
            case _:
                self._services.limits.send(self.connection.person.id)
                return self._change(intention)
        return None

    # -- posting -------------------------------------------------------------------------------

    def _say(self, say: wire.Say) -> Awaitable[None] | None:
        """Hand a message to the writer; its echo, through the hub, is the acknowledgement."""
        self._services.limits.send(self.connection.person.id)
        draft = self._services.messages.draft(
            self.connection.person.id,
            self._conversation_id,
            say.content,
            client_id=say.client_id,
            origin=self.connection.id,
            reply_to=None if say.reply_to_id is None else MessageId(say.reply_to_id),
            if_last_seq=say.if_last_seq,
            attachment=codec.upload_id_of(say.attachment_id),
        )
        answer = self._services.submit(draft)
        self._unanswered += 1
        answer.add_done_callback(partial(self._answered, say.client_id))
        return None if self._unanswered < MAX_UNANSWERED else _settled(answer)

    def _answered(self, client_id: str | None, answer: "asyncio.Future[Posted]") -> None:
        self._unanswered -= 1
        if answer.cancelled():
            return
        error = answer.exception()
        if error is None:
            posted = answer.result()
            if posted.is_repeat:
                # Everybody else has had it; whoever asks again has lost the first answer.
                self._send(codec.message_out(posted.message, own=True))
        elif isinstance(error, Refusal | Unavailable):
            self._refuse(error, client_id)
        else:
            self.report_fault(client_id)

    # -- everything else -----------------------------------------------------------------------

    async def _change(self, intention: wire.Intention) -> None:
        messages, me, place = (
            self._services.messages,
            self.connection.person.id,
            self._conversation_id,
        )

        async def job(work: UnitOfWork) -> None:
            match intention:
                case wire.Edit(message_id=number, content=content):
                    await messages.edit(work, me, place, MessageId(number), content)
                case wire.Delete(message_id=number):
                    await messages.delete(work, me, place, MessageId(number))
                case wire.React(message_id=number, emoji=emoji, remove=remove):
                    change = messages.unreact if remove else messages.react
                    await change(work, me, place, MessageId(number), emoji)

        try:
            await self._services.writer.write(job)
        except (Refusal, Unavailable) as refusal:
            self._refuse(refusal, getattr(intention, "client_id", None))

    def _type(self, *, is_typing: bool) -> None:
        self._services.limits.signal(self.connection.person.id)
        typing = Typing(
            self._conversation_id, self._conversation_uid, self.connection.person, is_typing
        )
        self._services.publish([typing])

    async def _resume(self, after_seq: int) -> None:
        try:
            await self._follow(after_seq)
        except (Refusal, Unavailable) as refusal:
            # It listens no longer: better gone, with a reason, than silent.
            self.connection.outlet.close(*errors.rejection_of(refusal))

    async def _follow(self, after_seq: int | None, *, greet: bool = False) -> None:
        following = Following(self._services, self.connection, self._conversation_id)
        await following.start(after_seq, self._greet if greet else None)

    def _greet(self, conversation: Conversation) -> None:
        self._conversation_uid = conversation.uid
        self._send(
            wire.ConnectionOut(
                status="connected",
                conversation_id=conversation.id,
                user_id=self.connection.person.id,
                last_seq=conversation.last_seq,
            )
        )

    def _refuse(self, refusal: Refusal | Unavailable, client_id: str | None = None) -> None:
        hidden = self._services.hub.hidden_from(self.connection, self._conversation_id)
        self._send(errors.error_frame(refusal, client_id=client_id, hidden=hidden))

    def _send(self, frame: Struct) -> None:
        self.connection.push(codec.encode(frame))


async def _settled(answer: "asyncio.Future[Posted]") -> None:
    """Return when a post has its answer, whatever it is."""
    await asyncio.wait([answer])


def _after_seq(scope: Scope) -> int | None:
    """The cursor in the query string; what is no place in a timeline counts as none."""
    given = parse_qs(scope["query_string"].decode("latin-1")).get("after_seq", [""])[-1]
    return int(given) if given.isascii() and given.isdigit() and len(given) <= 15 else None
