"""The live side of the `conversations` contract: one socket for one account in one conversation."""

from collections.abc import Awaitable
from typing import ClassVar, assert_never
from urllib.parse import parse_qs

from msgspec import Struct

from folkmoot.auth.authenticator import Caller
from folkmoot.contracts.conversations import codec, errors
from folkmoot.contracts.conversations import frames as wire
from folkmoot.core.conversations.errors import NoSuchConversation
from folkmoot.core.conversations.model import Conversation, Member
from folkmoot.core.messages.model import Posted
from folkmoot.core.shared.ids import ConversationId, MessageId, Uid
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.change_frames import change_of
from folkmoot.kit.frame_handler import FrameHandler
from folkmoot.kit.ids import upload_id_of
from folkmoot.kit.json_frame import json_frame
from folkmoot.kit.sending import Find, Sender, known
from folkmoot.kit.socket_endpoint import Rejection, Scope
from folkmoot.kit.subscription import Subscription
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.limits import Cost
from folkmoot.realtime.outbox import Outbox
from folkmoot.realtime.services import Services


class ConversationSockets:
    """How clients of ``/conversations/{id}/ws`` are served."""

    authenticates_first = False

    def __init__(self, services: Services) -> None:
        self._sender = Sender(services)

    def handler(self, scope: Scope, caller: Caller, outbox: Outbox) -> "ConversationHandler":
        """The handler of a client that wants to hear of the conversation in the path."""
        number = scope["path_params"]["conversation_id"]
        if not number.isascii() or not number.isdigit() or len(number) > 15:
            raise NoSuchConversation
        conversation_id = ConversationId(int(number))
        connection = Connection(
            codec.WIRE_FORMAT,
            outbox,
            caller.account.person,
            caller.login.id,
            caller.expires_at,
            home=conversation_id,
        )
        return ConversationHandler(self._sender, connection, conversation_id, _after_seq(scope))

    def rejection_of(self, refusal: Refusal | Unavailable | None) -> Rejection:
        """The close code for a client that cannot stay."""
        return errors.CLOSE_CODES.rejecting(refusal)


class ConversationHandler(FrameHandler[wire.Intention, str]):
    """One account at one socket of one conversation."""

    __slots__ = ("_after_seq", "_conversation_id", "_conversation_uid")

    costs: ClassVar = {
        wire.Say: Cost.SEND,
        wire.Edit: Cost.SEND,
        wire.Delete: Cost.SEND,
        wire.React: Cost.SEND,
        wire.SetTyping: Cost.SIGNAL,
        # A few bytes that may ask for a long past.
        wire.Resume: Cost.SIGNAL,
    }

    def __init__(
        self,
        sender: Sender,
        connection: Connection,
        conversation_id: ConversationId,
        after_seq: int | None,
    ) -> None:
        super().__init__(sender, connection)
        self._conversation_id = conversation_id
        self._conversation_uid = Uid("")
        self._after_seq = after_seq

    async def start(self) -> None:
        """Greet, send what was missed, and listen."""
        await self._follow(self._after_seq, greet=True)

    def _decode(self, data: str | bytes) -> wire.Intention:
        return codec.decode(data)

    def _asked(self, intention: wire.Intention) -> str | None:
        return getattr(intention, "client_id", None)

    def _do(self, intention: wire.Intention) -> Awaitable[object] | None:
        me = self.connection.person
        match intention:
            case wire.Say():
                return self._say(intention)
            case wire.Ping():
                self._send(wire.PongOut())
            case wire.SetTyping(is_typing=is_typing):
                self._sender.show_typing(
                    me, self._conversation_id, self._conversation_uid, is_typing=is_typing
                )
            case wire.Read(up_to_seq=up_to_seq):
                self._sender.claim_read(me.id, self._conversation_id, up_to_seq)
            case wire.Resume(after_seq=after_seq):
                return self._resume(after_seq)
            case wire.Edit() | wire.Delete() | wire.React():
                change = change_of(intention)
                return self._sender.change(me.id, change, self._at(intention.message_id))
            case _:
                assert_never(intention)
        return None

    def _say(self, say: wire.Say) -> Awaitable[None] | None:
        """Hand a message to the writer; its echo, through the hub, is the acknowledgement."""
        draft = self._services.messages.draft(
            self.connection.person.id,
            say.content,
            client_id=say.client_id,
            origin=self.connection.id,
            reply_to=None if say.reply_to_id is None else MessageId(say.reply_to_id),
            if_last_seq=say.if_last_seq,
            attachment=upload_id_of(say.attachment_id),
        )
        return self._sender.submit(draft.to(self._conversation_id), self, say.client_id)

    def _at(self, number: int) -> Find:
        return known(self._conversation_id, MessageId(number))

    # -- listening -----------------------------------------------------------------------------

    async def _resume(self, after_seq: int) -> None:
        try:
            await self._follow(after_seq)
        except (Refusal, Unavailable) as refusal:
            # It listens no longer: better gone, with a reason, than silent.
            code, reason, _ = errors.CLOSE_CODES.rejecting(refusal)
            self.connection.outlet.close(code, reason)

    async def _follow(self, after_seq: int | None, *, greet: bool = False) -> None:
        with Subscription(self._services, self.connection) as subscription:
            snapshot = await subscription.read_one(self._conversation_id, after_seq, self._enter)
            if greet:
                self._greet(snapshot.head)
            await subscription.catch_up(snapshot)

    async def _enter(self, work: UnitOfWork) -> tuple[Conversation, Member]:
        me = self.connection.person.id
        return await self._services.conversations.entered(work, me, self._conversation_id)

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

    # -- answering -----------------------------------------------------------------------------

    def show_posted(self, posted: Posted, asked: str | None, *, is_echoed: bool) -> None:
        """Send a message to its author alone, where nobody else is sent it."""
        del asked
        if not is_echoed:
            self._send(codec.message_out(posted.message, own=True))

    def show_refusal(self, refusal: Refusal | Unavailable, asked: str | None) -> None:
        """Say why a frame was refused."""
        hidden = self._services.hub.hidden_from(self.connection, self._conversation_id)
        missed = codec.WIRE_FORMAT.missed(refusal, hidden)
        self._send(errors.error_frame(refusal, asked, missed))

    def show_fault(self, asked: str | None) -> None:
        """Say that a fault of ours kept a frame from being served."""
        self._send(errors.error_frame(None, asked))

    def _send(self, frame: Struct) -> None:
        self.connection.push(json_frame(frame))


def _after_seq(scope: Scope) -> int | None:
    """The cursor in the query string; what is no place in a timeline counts as none."""
    given = parse_qs(scope["query_string"].decode("latin-1")).get("after_seq", [""])[-1]
    return int(given) if given.isascii() and given.isdigit() and len(given) <= 15 else None
