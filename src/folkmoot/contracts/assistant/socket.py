"""The live side of the `assistant` contract: one socket for all sessions of one account."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from msgspec import Struct

from folkmoot.auth.authenticator import Caller
from folkmoot.contracts.assistant import codec, errors
from folkmoot.contracts.assistant import frames as wire
from folkmoot.contracts.assistant.subscription import SessionSnapshot, SessionSubscription, opening
from folkmoot.core.conversations.errors import NotADesk
from folkmoot.core.conversations.events import MemberLeft
from folkmoot.core.conversations.model import ReadMark
from folkmoot.core.events import Event
from folkmoot.core.messages.errors import NoSuchMessage
from folkmoot.core.messages.model import Draft, Posted
from folkmoot.core.presence.events import Typing
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.socket_endpoint import Rejection, Scope
from folkmoot.realtime.connection import Connection, ObservedEvent
from folkmoot.realtime.outbox import Outbox
from folkmoot.realtime.services import Services
from folkmoot.realtime.wire_format import CloseReason

MAX_UNANSWERED = 100
MAX_JOINED = 128
TITLE_CHARS = 80

Cancel = Callable[[ConversationId, AccountId], bool]
"""Ends the answer that is being written to an account in a session; whether there was one."""


class AssistantWireFormat:
    """Events and endings as this contract shows them."""

    echoes = True

    def frame(self, event: Event, *, own: bool) -> bytes | None:
        """The WebSocket frame for an event."""
        shown = codec.shown(event, own=own)
        return None if shown is None else codec.encode(shown)

    def close_code(self, close_reason: CloseReason) -> tuple[int, str]:
        """The close code for an ending."""
        return errors.close_code(close_reason)


class ChatSockets:
    """How visitors of ``/ws/chat`` are received."""

    authenticates_first = False

    def __init__(self, services: Services, cancel: Cancel) -> None:
        self._services = services
        self._cancel = cancel
        self._wire_format = AssistantWireFormat()

    def guest(self, scope: Scope, caller: Caller, outbox: Outbox) -> "AssistantHandler":
        """The visitor, who has joined no session yet."""
        del scope
        return AssistantHandler(self._services, self._wire_format, outbox, caller, self._cancel)

    def rejection_of(self, refusal: Refusal | Unavailable | None) -> Rejection:
        """What a visitor who cannot stay is told."""
        return errors.rejection_of(refusal)


class AssistantHandler:
    """One account at one socket, in as many sessions as it has joined."""

    __slots__ = (
        "_account",
        "_cancel",
        "_member_of",
        "_places",
        "_services",
        "_unanswered",
        "connection",
    )

    def __init__(
        self,
        services: Services,
        wire_format: AssistantWireFormat,
        outbox: Outbox,
        caller: Caller,
        cancel: Cancel,
    ) -> None:
        self._account = caller.account
        self.connection = Connection(
            wire_format,
            outbox,
            caller.account.person,
            caller.login.id,
            caller.expires_at,
            observer=self,
        )
        self._services = services
        self._cancel = cancel
        self._places: dict[Uid, ConversationId] = {}
        """The sessions that were joined, the latest last."""
        self._member_of: set[ConversationId] = set()
        self._unanswered = 0

    async def arrive(self) -> None:
        """Say who the client is taken for."""
        services, connection = self._services, self.connection
        # Asked again, now that the hub would tell us if the login were ended from here on.
        await services.storage.read(
            lambda work: services.accounts.holder(work, connection.login_id)
        )
        me = connection.person
        self._send(
            wire.ChatEstablishedFrame(
                connection_id=services.ids.uid(),
                user_id=me.uid,
                username=me.username,
                role=me.role.value,
                timestamp=codec.instant(services.clock.now()),
            )
        )

    def hear(self, data: str | bytes) -> Awaitable[None] | None:
        """Take a frame in; posting goes on while the next frame is read."""
        session = client_id = None
        try:
            intention = codec.decode(data)
            session = codec.uid_of(getattr(intention, "session_id", None) or "")
            client_id = getattr(intention, "client_id", None)
            return self._do(intention, session)
        except Refusal as refusal:
            self._refuse(refusal, session, client_id)
            return None

    def report_fault(self) -> None:
        """Say that a fault of ours kept a frame from being served."""
        self._send(errors.FAULT)

    def _do(self, intention: wire.Intention, session: Uid | None) -> Awaitable[None] | None:
        match intention:
            case wire.SayInChat():
                return self._say(intention, session)
            case wire.PingChat():
                self._send(wire.ChatPongFrame(codec.instant(self._services.clock.now())))
                return None
            case wire.JoinSession():
                return self._answering(self._join(intention, session), session)
            case wire.LeaveSession():
                self._leave(session)
                return None
            case _:
                place = self._joined(session)
                return self._do_in(intention, place, session)

    def _do_in(
        self, intention: wire.InSession, place: ConversationId, session: Uid | None
    ) -> Awaitable[None] | None:
        me, limits = self.connection.person, self._services.limits
        match intention:
            case wire.TypeInChat(is_typing=is_typing):
                limits.signal(me.id)
                typing = Typing(place, session or Uid(""), me, is_typing=is_typing)
                self._services.publish([typing])
            case wire.CancelAnswer():
                limits.signal(me.id)
                if not self._cancel(place, me.id):
                    raise errors.NothingToCancel
            case wire.ReadInChat(message_id=name):
                limits.signal(me.id)
                return self._answering(self._read(place, codec.message_uid(name)), session)
            case _:
                limits.send(me.id)
                name = codec.message_uid(intention.message_id)
                return self._answering(self._change(intention, place, name), session)
        return None

    # -- sessions ------------------------------------------------------------------------------

    def _joined(self, session: Uid | None) -> ConversationId:
        """The session of this name, if this socket is in it."""
        place = None if session is None else self._places.get(session)
        if place is None or place not in self.connection.conversations:
            raise errors.NotJoined
        return place

    async def _join(self, asked: wire.JoinSession, session: Uid | None) -> ConversationId:
        """Follow a session, or a new one; its place.

        Raises:
            NotADesk, NotAMember, TooManyJoined, Invalid
        """
        services = self._services
        if asked.session_id is None:
            services.limits.send(self.connection.person.id)
            self._refuse_if_full()
            job = opening(services, self._account, asked.title)
            place = (await services.writer.write(job)).id
        else:
            services.limits.signal(self.connection.person.id)
            place = await self._find(session)
        joining = SessionSubscription(services, self.connection, self._account, place)
        arrival = await joining.start(asked.after_seq, partial(self._welcome, asked.stream))
        if asked.stream:
            self._watch(arrival.head.id, arrival.head.uid)
        return place

    async def _find(self, session: Uid | None) -> ConversationId:
        if session is None:
            raise NotADesk
        if session not in self._places:
            self._refuse_if_full()
        found = await self._services.storage.read(lambda work: work.conversations.ids_of([session]))
        if session not in found:
            raise NotADesk
        return found[session]

    def _refuse_if_full(self) -> None:
        if len(self.connection.conversations) >= MAX_JOINED:
            raise errors.TooManyJoined(max_sessions=MAX_JOINED)

    def _welcome(self, stream: bool, arrival: SessionSnapshot) -> None:
        """Tell the client that it has joined, before anything else of the session."""
        head = arrival.head
        self._places.pop(head.uid, None)
        self._places[head.uid] = head.id
        if arrival.is_member:
            self._member_of.add(head.id)
        streamed = self._services.hub.streaming.so_far(head.id)
        self._send(arrival.frame(self.connection.person.id, None if stream else streamed))

    def _watch(self, place: ConversationId, session: Uid, question: Uid | None = None) -> None:
        """Show answers as they are written, or that to one question: what there is of it first."""
        streaming = self._services.hub.streaming
        streaming.watch(self.connection, place, question)
        streamed = streaming.so_far(place)
        if streamed is not None and question in (None, streamed.question):
            delta = (streamed.message, session, streamed.text, 0, streamed.question)
            self._send(wire.ChatDeltaFrame(*delta))

    def _leave(self, session: Uid | None) -> None:
        place = self._joined(session)
        if session is not None:
            del self._places[session]
            self._services.hub.release(self.connection, place)
            self._send(wire.ChatLeftFrame(session, "left"))

    def observe(self, event: ObservedEvent) -> None:
        """Say so when the account is taken out of a session that is joined here."""
        if isinstance(event, MemberLeft) and event.conversation_id in self.connection.conversations:
            self._places.pop(event.conversation_uid, None)
            self._member_of.discard(event.conversation_id)
            self._send(wire.ChatLeftFrame(event.conversation_uid, "removed"))

    # -- posting -------------------------------------------------------------------------------

    def _say(self, say: wire.SayInChat, session: Uid | None) -> Awaitable[None] | None:
        self._services.limits.send(self.connection.person.id)
        draft = self._draft(say)
        if say.session_id is None:
            session = next(reversed(self._places), None)
        place = None if session is None else self._places.get(session)
        if place is None or place not in self.connection.conversations:
            named = say.session_id if session is None else session
            asked = wire.JoinSession(session_id=named, title=_title_of(say.content))
            saying = self._join_and_post(asked, session, draft, say)
            return self._answering(saying, session, say.client_id)
        return self._post_in(place, draft, say)

    def _draft(self, say: wire.SayInChat) -> Draft:
        return self._services.messages.draft(
            self.connection.person.id,
            ConversationId(0),
            say.content,
            client_id=say.client_id,
            reply_to=None if say.reply_to_id is None else codec.message_uid(say.reply_to_id),
            if_last_seq=say.if_last_seq,
            attachment=codec.attachment_id(say.attachment_id),
            mentions=codec.mentioned(say.mentions),
            origin=self.connection.id,
        )

    async def _join_and_post(
        self, asked: wire.JoinSession, session: Uid | None, draft: Draft, say: wire.SayInChat
    ) -> None:
        place = await self._join(asked, session)
        waiting = self._post_in(place, draft, say)
        if waiting is not None:
            await waiting

    def _post_in(
        self, place: ConversationId, draft: Draft, say: wire.SayInChat
    ) -> Awaitable[None] | None:
        """Hand a message to the writer; its echo, through the hub, is the acknowledgement."""
        draft = replace(draft, conversation_id=place)
        answer = self._services.handle_command(draft)
        if answer is None and place not in self._member_of:
            return self._answering(self._enter_and_post(draft, say), None, say.client_id)
        return self._await_answer(answer or self._services.writer.submit(draft), draft, say)

    async def _enter_and_post(self, draft: Draft, say: wire.SayInChat) -> None:
        await self._enter(draft.conversation_id)
        waiting = self._await_answer(self._services.writer.submit(draft), draft, say)
        if waiting is not None:
            await waiting

    async def _enter(self, place: ConversationId) -> None:
        """Staff who write are participants from then on."""
        if place not in self._member_of:
            desks, account = self._services.desks, self._account
            await self._services.writer.write(lambda work: desks.join(work, account, place))
            self._member_of.add(place)

    def _await_answer(
        self, answer: "asyncio.Future[Posted]", draft: Draft, say: wire.SayInChat
    ) -> Awaitable[None] | None:
        self._unanswered += 1
        answer.add_done_callback(partial(self._answered, draft, say))
        return None if self._unanswered < MAX_UNANSWERED else _settled(answer)

    def _answered(
        self, draft: Draft, say: wire.SayInChat, answer: "asyncio.Future[Posted]"
    ) -> None:
        self._unanswered -= 1
        if answer.cancelled():
            return
        error = answer.exception()
        if error is None:
            posted = answer.result()
            if posted.is_repeat:
                # Everybody else has had it; whoever asks again has lost the first answer.
                self._send(codec.message_frame(posted.message, own=True))
            if say.stream and posted.message.author is not None:
                message = posted.message
                self._watch(draft.conversation_id, message.conversation_uid, message.uid)
        elif isinstance(error, Refusal | Unavailable):
            self._refuse(error, codec.uid_of(say.session_id or ""), say.client_id)
        else:
            self.report_fault()

    # -- everything else -----------------------------------------------------------------------

    async def _change(self, change: wire.Change, place: ConversationId, name: Uid) -> None:
        messages, me = self._services.messages, self.connection.person.id

        async def job(work: UnitOfWork) -> None:
            match change:
                case wire.EditInChat(content=content):
                    await messages.edit(work, me, place, name, content)
                case wire.DeleteInChat():
                    await messages.delete(work, me, place, name)
                case wire.ReactInChat(emoji=emoji, remove=remove):
                    act = messages.unreact if remove else messages.react
                    await act(work, me, place, name, emoji)

        await self._enter(place)
        await self._services.writer.write(job)

    async def _read(self, place: ConversationId, name: Uid) -> None:
        async def job(work: UnitOfWork) -> int:
            found = (await work.messages.named(place, [name])).get(name)
            if found is None:
                raise NoSuchMessage
            return found.seq

        seq = await self._services.storage.read(job)
        self._services.receipts.claim_read(ReadMark(place, self.connection.person.id, seq))

    async def _answering(
        self, doing: Awaitable[object], session: Uid | None, client_id: str | None = None
    ) -> None:
        """Do it; a refusal is answered with an ``error`` frame."""
        try:
            await doing
        except (Refusal, Unavailable) as refusal:
            self._refuse(refusal, session, client_id)

    def _refuse(
        self, refusal: Refusal | Unavailable, session: Uid | None, client_id: str | None = None
    ) -> None:
        place = None if session is None else self._places.get(session)
        hidden = () if place is None else self._services.hub.hidden_from(self.connection, place)
        frame = errors.error_frame(refusal, session=session, client_id=client_id, hidden=hidden)
        self._send(frame)

    def _send(self, frame: Struct) -> None:
        self.connection.push(codec.encode(frame))


async def _settled(answer: "asyncio.Future[Posted]") -> None:
    """Return when a post has its answer, whatever it is."""
    await asyncio.wait([answer])


def _title_of(content: str) -> str:
    """What a session is called that begins with these words."""
    first = content.strip().splitlines()[0] if content.strip() else ""
    return first[:TITLE_CHARS].strip()
