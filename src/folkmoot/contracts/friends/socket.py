"""The live side of the `friends` contract: one socket for one account and all its friends."""

import asyncio
from collections.abc import Awaitable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from msgspec import Struct

from folkmoot.auth.authenticator import Caller
from folkmoot.contracts.friends import codec, errors
from folkmoot.contracts.friends import frames as wire
from folkmoot.contracts.friends.addressing import Partner, addressed, frames_missed
from folkmoot.contracts.friends.subscription import FriendsSubscription
from folkmoot.contracts.friends.wire_format import FriendsWireFormat
from folkmoot.core.accounts.model import AccountName
from folkmoot.core.conversations.model import ReadMark
from folkmoot.core.messages.direct_messages import DeliveryStatus, exchange, found, received
from folkmoot.core.messages.errors import NotUpToDate
from folkmoot.core.messages.model import Draft, Message, Posted
from folkmoot.core.presence.events import Typing
from folkmoot.core.shared.ids import ConversationId, Uid
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.socket_endpoint import Rejection, Scope
from folkmoot.realtime.connection import Connection, ObservedEvent
from folkmoot.realtime.outbox import Outbox
from folkmoot.realtime.services import Services

MAX_UNANSWERED = 100
_NOWHERE = ConversationId(0)


class FriendSockets:
    """How visitors of ``/api/v1/chat/ws/chat`` are received."""

    authenticates_first = True

    def __init__(self, services: Services) -> None:
        self._services = services
        self._wire_format = FriendsWireFormat(services.presence)

    def guest(self, scope: Scope, caller: Caller, outbox: Outbox) -> "FriendsHandler":
        """The visitor, bound for all their friends."""
        return FriendsHandler(
            self._services, self._wire_format, outbox, caller, resumes=_resumes(scope)
        )

    def rejection_of(self, refusal: Refusal | Unavailable | None) -> Rejection:
        """The close code for a visitor who cannot stay."""
        return Rejection(*errors.rejection_of(refusal))


class FriendsHandler:
    """One account at one socket."""

    __slots__ = ("_coming", "_services", "_unanswered", "_wire_format", "connection")

    def __init__(
        self,
        services: Services,
        wire_format: FriendsWireFormat,
        outbox: Outbox,
        caller: Caller,
        *,
        resumes: bool,
    ) -> None:
        me, login = caller.account.person, caller.login.id
        self.connection = connection = Connection(
            wire_format, outbox, me, login, caller.expires_at, observer=self
        )
        self._services = services
        self._wire_format = wire_format
        self._coming = FriendsSubscription(services, wire_format, connection, resumes=resumes)
        self._unanswered = 0

    def observe(self, event: ObservedEvent) -> None:
        """Reckon with what happens to the account."""
        self._coming.observe(event)

    async def arrive(self) -> None:
        """Greet, send what waited, and listen; or wait for the client to say how far it got."""
        await self._coming.arrive()

    def hear(self, data: str | bytes) -> Awaitable[None] | None:
        """Take a frame in; posting goes on while the next frame is read."""
        try:
            intention = codec.decode(data)
        except Refusal as refusal:
            self._refuse(refusal)
            return None
        client_id = getattr(intention, "client_id", None)
        try:
            doing = self._do(intention)
        except Refusal as refusal:
            self._refuse(refusal, client_id)
            return None
        return None if doing is None else self._done(doing, client_id)

    def report_fault(self, client_id: str | None = None) -> None:
        """Say that a fault of ours kept a frame from being served."""
        self._send(errors.fault_frame(client_id))

    def _do(self, intention: wire.Intention) -> Coroutine[Any, Any, None] | None:
        match intention:
            case wire.SendDirect():
                return self._say(intention)
            case wire.FriendsPing():
                self._send(wire.FriendsPongOut())
            case wire.SetFriendTyping(receiver_id=receiver, is_typing=is_typing):
                return self._type(receiver, is_typing=is_typing)
            case wire.MarkDirectRead(message_id=name):
                self._services.limits.signal(self.connection.person.id)
                return self._read(name)
            case wire.ResumeDirects(after=after):
                return self._coming.resume(after)
            case _:
                self._services.limits.send(self.connection.person.id)
                return self._change(intention)
        return None

    async def _done(self, doing: Coroutine[Any, Any, None], client_id: str | None) -> None:
        try:
            await doing
        except (Refusal, Unavailable) as refusal:
            self._refuse(refusal, client_id)

    # -- posting -------------------------------------------------------------------------------

    def _say(self, say: wire.SendDirect) -> Coroutine[Any, Any, None] | None:
        """Hand a message to the writer, where the two have written before."""
        me = self.connection.person.id
        self._services.limits.send(me)
        draft = self._services.messages.draft(
            me,
            _NOWHERE,
            say.content,
            client_id=say.client_id,
            origin=self.connection.id,
            if_last_seq=say.if_last_seq,
            reply_to=codec.message_named(say.reply_to_id),
            attachment=codec.upload_named(say.attachment_id),
        )
        partner = self._known(say.receiver_id)
        if partner is None:
            return self._say_first(draft, say.receiver_id)
        return self._submit(draft, partner)

    async def _say_first(self, draft: Draft, receiver: str) -> None:
        """Post where nothing was known of the two: the next frame waits, or it would overtake."""
        partner, _ = await addressed(self._services, self.connection.person.id, receiver)
        waiting = self._submit(draft, partner)
        if waiting is not None:
            await waiting

    def _submit(self, draft: Draft, partner: Partner) -> Coroutine[Any, Any, None] | None:
        answer = self._services.writer.submit(replace(draft, conversation_id=partner.place))
        self._unanswered += 1
        answer.add_done_callback(partial(self._answered, draft.client_id, partner))
        return None if self._unanswered < MAX_UNANSWERED else _settled(answer)

    def _answered(
        self, client_id: str | None, partner: Partner, answer: "asyncio.Future[Posted]"
    ) -> None:
        self._unanswered -= 1
        if answer.cancelled():
            return
        error = answer.exception()
        if isinstance(error, NotUpToDate):
            self._services.background_tasks.begin(self._refuse_late(error, partner, client_id))
        elif isinstance(error, Refusal | Unavailable):
            self._refuse(error, client_id)
        elif error is not None:
            self.report_fault(client_id)
        elif answer.result().is_repeat:
            self._services.background_tasks.begin(
                self._acknowledge_again(answer.result().message, partner)
            )
        else:
            message = answer.result().message
            mark = ReadMark(partner.place, partner.id, message.seq)
            is_there = self._services.receipts.was_handed(mark)
            status = DeliveryStatus.DELIVERED if is_there else DeliveryStatus.SENT
            self._send(codec.sent(message, partner.uid, status))

    async def _acknowledge_again(self, message: Message, partner: Partner) -> None:
        """Tell who has lost the first answer what has become of their message since."""
        handed = self._services.receipts.handed_under_way()

        async def job(work: UnitOfWork) -> DeliveryStatus:
            known = (await exchange(work, message.conversation_id)).knowing(handed)
            return known.receiver_of(message).status(message.seq)

        try:
            status = await self._services.storage.read(job)
        except Unavailable as refusal:
            self._refuse(refusal, message.client_id)
        else:
            self._send(codec.sent(message, partner.uid, status))

    async def _refuse_late(
        self, refusal: NotUpToDate, partner: Partner, client_id: str | None
    ) -> None:
        """Tell who wrote without knowing what the other has written, and what that was."""
        try:
            missed = await frames_missed(self._services, self.connection.person, partner, refusal)
        except Unavailable as unavailable:
            self._refuse(unavailable, client_id)
        else:
            self._send(errors.error_frame(refusal, client_id=client_id, missed=missed))

    # -- everything else -----------------------------------------------------------------------

    async def _change(self, intention: wire.Intention) -> None:
        messages, me = self._services.messages, self.connection.person.id

        async def place_of(work: UnitOfWork, name: str) -> tuple[ConversationId, Uid]:
            message = await found(work, me, name)
            return message.conversation_id, message.uid

        async def job(work: UnitOfWork) -> None:
            match intention:
                case wire.EditDirect(message_id=name, content=content):
                    await messages.edit(work, me, *await place_of(work, name), content)
                case wire.DeleteDirect(message_id=name):
                    await messages.delete(work, me, *await place_of(work, name))
                case wire.ReactToDirect(message_id=name, emoji=emoji, remove=remove):
                    change = messages.unreact if remove else messages.react
                    await change(work, me, *await place_of(work, name), emoji)

        await self._services.writer.write(job)

    async def _read(self, name: str) -> None:
        me = self.connection.person.id
        message = await self._services.storage.read(lambda work: received(work, me, name))
        self._services.receipts.claim_read(ReadMark(message.conversation_id, me, message.seq))

    def _type(self, receiver: str, *, is_typing: bool) -> Coroutine[Any, Any, None] | None:
        self._services.limits.signal(self.connection.person.id)
        partner = self._known(receiver)
        if partner is None:
            return self._type_first(receiver, is_typing=is_typing)
        self._show_typing(partner, is_typing=is_typing)
        return None

    async def _type_first(self, receiver: str, *, is_typing: bool) -> None:
        partner, _ = await addressed(self._services, self.connection.person.id, receiver)
        self._show_typing(partner, is_typing=is_typing)

    def _show_typing(self, partner: Partner, *, is_typing: bool) -> None:
        typing = Typing(partner.place, partner.place_uid, self.connection.person, is_typing)
        self._services.publish([typing])

    def _known(self, receiver: str) -> Partner | None:
        """Whom a name means, if the two have written before; usernames are looked up each time."""
        uid = AccountName(receiver).uid
        return None if uid is None else self._coming.partners.get(uid)

    def _refuse(self, refusal: Refusal | Unavailable, client_id: str | None = None) -> None:
        self._send(errors.error_frame(refusal, client_id=client_id))

    def _send(self, frame: Struct) -> None:
        self.connection.push(codec.encode(frame))


async def _settled(answer: "asyncio.Future[Posted]") -> None:
    """Return when a post has its answer, whatever it is."""
    await asyncio.wait([answer])


def _resumes(scope: Scope) -> bool:
    given = parse_qs(scope["query_string"].decode("latin-1")).get("resume", [])
    return given[-1:] == ["1"]
