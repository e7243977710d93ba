"""The live side of the `friends` contract: one socket for one account and all its friends."""

from collections.abc import Awaitable
from typing import ClassVar, NamedTuple, assert_never

from folkmoot.contracts.friends import codec, errors
from folkmoot.contracts.friends import frames as wire
from folkmoot.contracts.friends.addressing import (
    Partner,
    Receiver,
    direct_named,
    frames_missed,
    receiver_named,
)
from folkmoot.contracts.friends.kinds import FRAMES
from folkmoot.contracts.friends.subscription import FriendsSubscription
from folkmoot.contracts.friends.wire_format import FriendsWireFormat
from folkmoot.core.accounts.model import AccountName
from folkmoot.core.conversations.model import ReadMark
from folkmoot.core.messages.direct_messages import DeliveryStatus, begun, exchange, received
from folkmoot.core.messages.errors import NotUpToDate
from folkmoot.core.messages.model import (
    Destination,
    DirectWith,
    Message,
    Posted,
    UnaddressedDraft,
)
from folkmoot.core.presence.events import FriendTyping
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.admitted_client import AdmittedClient
from folkmoot.kit.change_frames import change_of
from folkmoot.kit.frame_handler import FrameHandler
from folkmoot.kit.ids import reply_uid_of, upload_id_of
from folkmoot.kit.sending import nothing
from folkmoot.realtime.connection import ObservedEvent


class SentRequest(NamedTuple):
    """What is kept of a frame to answer it with: its id, and whom a message went to."""

    client_id: str | None
    receiver: Receiver | None = None


class FriendsHandler(FrameHandler[wire.Intention, SentRequest]):
    """One account at one socket."""

    __slots__ = ("_account", "_subscription")

    kinds: ClassVar = FRAMES

    def __init__(self, wire_format: FriendsWireFormat, client: AdmittedClient) -> None:
        super().__init__(client, client.connection(wire_format, observer=self))
        self._account = client.caller.account
        resumes = client.query("resume") == "1"
        self._subscription = FriendsSubscription(
            self._services, wire_format, self.connection, resumes=resumes
        )

    def observe(self, event: ObservedEvent) -> None:
        """Reckon with what happens to the account."""
        self._subscription.observe(event)

    async def start(self) -> None:
        """Greet, send what waited, and listen; or wait for the client to say how far it got."""
        await self._subscription.start()

    def _decode(self, data: str | bytes) -> wire.Intention:
        return codec.decode(data)

    def _asked(self, intention: wire.Intention) -> SentRequest:
        return SentRequest(getattr(intention, "client_id", None))

    def _do(self, intention: wire.Intention) -> Awaitable[object] | None:
        me = self.connection.person.id
        match intention:
            case wire.SendDirect():
                return self._say(intention)
            case wire.FriendsPing():
                self._send(wire.FriendsPongOut())
            case wire.SetFriendTyping(receiver_id=receiver, is_typing=is_typing):
                return self._type(receiver, is_typing=is_typing)
            case wire.MarkDirectRead(message_id=name):
                return self._read(name)
            case wire.ResumeDirects(after=after):
                return self._subscription.resume(after)
            case wire.EditDirect() | wire.DeleteDirect() | wire.ReactToDirect():
                change = change_of(intention)
                return self._sender.change(me, change, direct_named(me, intention.message_id))
            case _:
                assert_never(intention)
        return None

    # -- posting -------------------------------------------------------------------------------

    def _say(self, say: wire.SendDirect) -> Awaitable[None] | None:
        """Hand a message to the writer, where the two have written before."""
        draft = self._services.messages.draft(
            self.connection.person.id,
            say.content,
            client_id=say.client_id,
            origin=self.connection.id,
            if_last_seq=say.if_last_seq,
            reply_to=reply_uid_of(say.reply_to_id),
            attachment=upload_id_of(say.attachment_id),
        )
        partner = self._known(say.receiver_id)
        if partner is None:
            return self._say_first(draft, say.receiver_id)
        return self._submit(draft, partner.conversation_id, partner)

    async def _say_first(self, draft: UnaddressedDraft, name: str) -> None:
        """Post where nothing was known of the two: the next frame waits, or it would overtake."""
        receiver = await receiver_named(self._services, self._account, name)
        await (self._submit(draft, DirectWith(receiver.id), receiver) or nothing())

    def _submit(
        self, draft: UnaddressedDraft, destination: Destination, receiver: Receiver
    ) -> Awaitable[None] | None:
        answer = self._services.writer.submit(draft.to(destination))
        return self._sender.answer(answer, self, SentRequest(draft.client_id, receiver))

    # -- everything else -----------------------------------------------------------------------

    async def _read(self, name: str) -> None:
        me = self.connection.person.id
        message = await self._services.storage.read(lambda work: received(work, me, name))
        self._sender.claim_read(me, message.conversation_id, message.seq)

    def _type(self, receiver: str, *, is_typing: bool) -> Awaitable[None] | None:
        partner = self._known(receiver)
        if partner is None:
            return self._type_first(receiver, is_typing=is_typing)
        here = partner.conversation_id, partner.conversation_uid
        self._sender.show_typing(self.connection.person, *here, is_typing=is_typing)
        return None

    async def _type_first(self, name: str, *, is_typing: bool) -> None:
        """Show it to a friend of whom nothing was known; a conversation begins with a word only."""
        me, services = self.connection.person, self._services
        friend = await receiver_named(services, self._account, name)
        head = await services.storage.read(lambda work: begun(work, me.id, friend.id))
        if head is None:
            services.publish([FriendTyping(friend.id, me, is_typing)])
        else:
            self._sender.show_typing(me, head.id, head.uid, is_typing=is_typing)

    def _known(self, receiver: str) -> Partner | None:
        """Whom a name means, if the two have written before; usernames are looked up each time."""
        uid = AccountName(receiver).uid
        return None if uid is None else self._subscription.partners.get(uid)

    # -- answering -----------------------------------------------------------------------------

    def show_posted(self, posted: Posted, asked: SentRequest | None, *, is_echoed: bool) -> None:
        """Acknowledge a message; its author is sent nothing else of it on this connection."""
        del is_echoed
        if asked is None or asked.receiver is None:
            return
        message, receiver = posted.message, asked.receiver
        if posted.is_repeat:
            again = self._acknowledge_again(message, receiver)
            self._services.background_tasks.begin(again)
            return
        mark = ReadMark(message.conversation_id, receiver.id, message.seq)
        is_there = self._services.receipts.was_handed(mark)
        status = DeliveryStatus.DELIVERED if is_there else DeliveryStatus.SENT
        self._send(codec.sent(message, receiver.uid, status))

    def show_refusal(self, refusal: Refusal | Unavailable, asked: SentRequest | None) -> None:
        """Say why a frame was refused, and what its author had not seen if that is why."""
        client_id = None if asked is None else asked.client_id
        receiver = None if asked is None else asked.receiver
        if isinstance(refusal, NotUpToDate) and receiver is not None:
            late = self._refuse_late(refusal, receiver, client_id)
            self._services.background_tasks.begin(late)
        else:
            self._send(errors.error_frame(refusal, client_id))

    def show_fault(self, asked: SentRequest | None) -> None:
        """Say that a fault of ours kept a frame from being served."""
        self._send(errors.error_frame(None, asked.client_id if asked else None))

    async def _acknowledge_again(self, message: Message, receiver: Receiver) -> None:
        """Tell who has lost the first answer what has become of their message since."""
        handed, me = self._services.receipts.handed_under_way(), self.connection.person.id

        async def job(work: UnitOfWork) -> DeliveryStatus:
            known = (await exchange(work, me, message.conversation_id)).knowing(handed)
            return known.receiver_of(message).status(message.seq)

        try:
            status = await self._services.storage.read(job)
        except Unavailable as refusal:
            self._send(errors.error_frame(refusal, message.client_id))
        else:
            self._send(codec.sent(message, receiver.uid, status))

    async def _refuse_late(
        self, refusal: NotUpToDate, receiver: Receiver, client_id: str | None
    ) -> None:
        """Tell who wrote without knowing what the other has written, and what that was."""
        try:
            missed = await frames_missed(self._services, self.connection.person, receiver, refusal)
        except Unavailable as unavailable:
            self._send(errors.error_frame(unavailable, client_id))
        else:
            self._send(errors.error_frame(refusal, client_id, missed))
