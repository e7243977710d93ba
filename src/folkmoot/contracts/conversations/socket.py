"""The live side of the `conversations` contract: one socket for one account in one conversation."""

from collections.abc import Awaitable, Iterable
from typing import ClassVar, assert_never

from msgspec import Struct

from folkmoot.contracts.conversations import codec, errors
from folkmoot.contracts.conversations import frames as wire
from folkmoot.contracts.conversations.kinds import FRAMES
from folkmoot.core.conversations.errors import NoSuchConversation
from folkmoot.core.conversations.model import Conversation, Member
from folkmoot.core.shared.ids import ConversationId, MessageId
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.admitted_client import AdmittedClient, number_of
from folkmoot.kit.change_frames import change_of
from folkmoot.kit.conversation_handler import ConversationFrameHandler
from folkmoot.kit.ids import upload_id_of
from folkmoot.kit.sending import known


class ConversationHandler(ConversationFrameHandler[wire.Intention]):
    """One member of a conversation at one socket."""

    __slots__ = ()

    kinds: ClassVar = FRAMES

    def __init__(self, client: AdmittedClient) -> None:
        conversation_id = number_of(client.scope["path_params"]["conversation_id"])
        if conversation_id is None:
            raise NoSuchConversation
        super().__init__(client, codec.WIRE_FORMAT, ConversationId(conversation_id))

    async def start(self) -> None:
        """Greet, send what was missed, and listen."""
        await self._follow(self._after_seq, self._enter, self._greet)

    def _decode(self, data: str | bytes) -> wire.Intention:
        return codec.decode(data)

    def _do(self, intention: wire.Intention) -> Awaitable[object] | None:
        me = self.connection.person.id
        match intention:
            case wire.Say():
                return self._say(intention)
            case wire.Ping():
                self._send(wire.PongOut())
            case wire.SetTyping(is_typing=is_typing):
                self._show_typing(is_typing=is_typing)
            case wire.Read(up_to_seq=up_to_seq):
                self._sender.claim_read(me, self._conversation_id, up_to_seq)
            case wire.Resume(after_seq=after_seq):
                return self._resume(after_seq)
            case wire.Edit() | wire.Delete() | wire.React():
                find = known(self._conversation_id, MessageId(intention.message_id))
                return self._sender.change(me, change_of(intention), find)
            case _:
                assert_never(intention)
        return None

    def _say(self, say: wire.Say) -> Awaitable[None] | None:
        draft = self._services.messages.draft(
            self.connection.person.id,
            say.content,
            client_id=say.client_id,
            origin=self.connection.id,
            reply_to=None if say.reply_to_id is None else MessageId(say.reply_to_id),
            if_last_seq=say.if_last_seq,
            attachment=upload_id_of(say.attachment_id),
        )
        return self._submit(draft)

    # -- listening -----------------------------------------------------------------------------

    async def _resume(self, after_seq: int) -> None:
        try:
            await self._follow(after_seq, self._enter)
        except (Refusal, Unavailable) as refusal:
            # It listens no longer: better gone, with a reason, than silent.
            code, reason, _ = errors.CLOSE_CODES.rejecting(refusal)
            self.connection.outlet.close(code, reason)

    async def _enter(self, work: UnitOfWork) -> tuple[Conversation, Member]:
        me = self.connection.person.id
        return await self._services.conversations.entered(work, me, self._conversation_id)

    def _greet(self, conversation: Conversation) -> None:
        self._send(
            wire.ConnectionOut(
                status="connected",
                conversation_id=conversation.id,
                user_id=self.connection.person.id,
                last_seq=conversation.last_seq,
            )
        )

    def _error(
        self,
        refusal: Refusal | Unavailable | None,
        client_id: str | None,
        missed: Iterable[Struct] = (),
    ) -> Struct:
        return errors.error_frame(refusal, client_id, missed)
