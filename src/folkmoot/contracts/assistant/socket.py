"""The live side of the `assistant` contract: one socket for all sessions of one account."""

from collections.abc import Awaitable, Callable, Collection
from typing import ClassVar, NamedTuple, assert_never

from folkmoot.contracts.assistant import codec, errors
from folkmoot.contracts.assistant import frames as wire
from folkmoot.contracts.assistant.kinds import FRAMES
from folkmoot.contracts.assistant.subscription import SessionSnapshot, opening, read_session
from folkmoot.core.conversations.errors import NotADesk
from folkmoot.core.conversations.events import MemberLeft
from folkmoot.core.messages.model import Posted, UnaddressedDraft
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid, uid_of
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.core.shared.texts import shows_nothing
from folkmoot.kit.admitted_client import AdmittedClient
from folkmoot.kit.frame_handler import FrameHandler
from folkmoot.kit.ids import mentions_of, message_uid_of, reply_uid_of, upload_id_of
from folkmoot.kit.sending import known, nothing
from folkmoot.kit.subscription import Subscription
from folkmoot.realtime.connection import ObservedEvent
from folkmoot.realtime.intentions import IntentionKind, Slot

MAX_JOINED = 128
TITLE_CHARS = 80

Cancel = Callable[[ConversationId, AccountId], bool]
"""Ends the answer that is being written to an account in a session; whether there was one."""


class ChatRequest(NamedTuple):
    """What is kept of a frame to answer it with."""

    session: Uid | None
    client_id: str | None
    streams: bool = False
    """Whether the answer to a message is shown as it is written."""


class AssistantHandler(FrameHandler[wire.Intention, ChatRequest]):
    """One account at one socket, in as many sessions as it has joined."""

    __slots__ = ("_account", "_cancel", "_joined_sessions")

    kinds: ClassVar = FRAMES

    def __init__(self, cancel: Cancel, client: AdmittedClient) -> None:
        super().__init__(client, client.connection(codec.WIRE_FORMAT, observer=self))
        self._account = client.caller.account
        self._cancel = cancel
        self._joined_sessions: dict[Uid, ConversationId] = {}
        """The sessions that were joined, the latest last."""

    async def start(self) -> None:
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

    def _decode(self, data: str | bytes) -> wire.Intention:
        return codec.decode(data)

    def _asked(self, intention: wire.Intention) -> ChatRequest:
        return ChatRequest(
            session=uid_of(getattr(intention, "session_id", None) or ""),
            client_id=getattr(intention, "client_id", None),
            streams=isinstance(intention, wire.SayInChat) and intention.stream,
        )

    def _do(self, intention: wire.Intention) -> Awaitable[object] | None:
        asked = self._asked(intention)
        match intention:
            case wire.SayInChat():
                return self._say(intention, asked)
            case wire.PingChat():
                self._send(wire.ChatPongFrame(codec.instant(self._services.clock.now())))
                return None
            case wire.JoinSession():
                return self._join(intention, asked.session)
            case wire.LeaveSession():
                self._leave(asked.session)
                return None
            case _:
                conversation_id = self._joined(asked.session)
                return self._do_in(intention, conversation_id, asked.session or Uid(""))

    def _do_in(
        self, intention: wire.InSession, conversation_id: ConversationId, session: Uid
    ) -> Awaitable[object] | None:
        me = self.connection.person
        match intention:
            case wire.TypeInChat(is_typing=is_typing):
                self._sender.show_typing(me, conversation_id, session, is_typing=is_typing)
            case wire.CancelAnswer():
                if not self._cancel(conversation_id, me.id):
                    raise errors.NothingToCancel
            case wire.ReadInChat(message_id=name):
                uid = message_uid_of(name)
                return self._sender.read_message(me.id, conversation_id, uid)
            case wire.EditInChat() | wire.DeleteInChat() | wire.ReactInChat():
                find = known(conversation_id, message_uid_of(intention.message_id))
                return self._sender.change(me.id, codec.change_of(intention), find)
            case _:
                assert_never(intention)
        return None

    # -- sessions ------------------------------------------------------------------------------

    def _joined(self, session: Uid | None) -> ConversationId:
        """The session of this name, if this socket is in it."""
        conversation_id = None if session is None else self._joined_sessions.get(session)
        if conversation_id is None or conversation_id not in self.connection.conversations:
            raise errors.NotJoined
        return conversation_id

    async def _join(self, asked: wire.JoinSession, session: Uid | None) -> ConversationId:
        """Follow a session, or a new one; its id.

        Raises:
            NotADesk, NotAMember, TooManyJoined, Invalid
        """
        services = self._services
        if asked.session_id is None:
            me = self.connection.person.id
            services.entrance.enter(me, IntentionKind.OPEN)
            self._refuse_if_full()
            job = opening(services, self._account, asked.title)
            with services.entrance.reserve(Slot.OPENING, account=me):
                conversation_id = (await services.writer.write(job)).id
        else:
            conversation_id = await self._find(session)
        with Subscription(services, self.connection) as subscription:
            subscription.hold([conversation_id])
            snapshot = await subscription.read(
                lambda work: read_session(
                    work, services, self._account, conversation_id, asked.after_seq
                )
            )
            self._welcome(snapshot, streams=asked.stream)
            await subscription.catch_up(snapshot)
        if asked.stream:
            self._watch(conversation_id, snapshot.head.uid)
        return conversation_id

    async def _find(self, session: Uid | None) -> ConversationId:
        if session is None:
            raise NotADesk
        if session not in self._joined_sessions:
            self._refuse_if_full()
        found = await self._services.storage.read(lambda work: work.conversations.ids_of([session]))
        if session not in found:
            raise NotADesk
        return found[session]

    def _refuse_if_full(self) -> None:
        if len(self.connection.conversations) >= MAX_JOINED:
            raise errors.TooManyJoined(max_sessions=MAX_JOINED)

    def _welcome(self, snapshot: SessionSnapshot, *, streams: bool) -> None:
        """Tell the client that it has joined, before anything else of the session."""
        head = snapshot.head
        self._joined_sessions.pop(head.uid, None)
        self._joined_sessions[head.uid] = head.id
        streamed = self._services.hub.streaming.so_far(head.id)
        self._send(snapshot.frame(self.connection.person.id, None if streams else streamed))

    def _watch(
        self, conversation_id: ConversationId, session: Uid, question: Uid | None = None
    ) -> None:
        """Show answers as they are written, or that to one question: what there is of it first."""
        streaming = self._services.hub.streaming
        streaming.watch(self.connection, conversation_id, question)
        streamed = streaming.so_far(conversation_id)
        if streamed is not None and question in (None, streamed.question):
            delta = (streamed.message, session, streamed.text, 0, streamed.question)
            self._send(wire.ChatDeltaFrame(*delta))

    def _leave(self, session: Uid | None) -> None:
        conversation_id = self._joined(session)
        if session is not None:
            del self._joined_sessions[session]
            self._services.hub.release(self.connection, conversation_id)
            self._send(wire.ChatLeftFrame(session, "left"))

    def observe(self, event: ObservedEvent) -> None:
        """Say so when the account is taken out of a session that is joined here."""
        if isinstance(event, MemberLeft) and event.conversation_id in self.connection.conversations:
            self._joined_sessions.pop(event.conversation_uid, None)
            self._send(wire.ChatLeftFrame(event.conversation_uid, "removed"))

    # -- posting -------------------------------------------------------------------------------

    def _say(self, say: wire.SayInChat, asked: ChatRequest) -> Awaitable[None] | None:
        draft = self._draft(say)
        session = asked.session
        if say.session_id is None:
            session = next(reversed(self._joined_sessions), None)
        conversation_id = None if session is None else self._joined_sessions.get(session)
        if conversation_id is None or conversation_id not in self.connection.conversations:
            named = say.session_id if session is None else session
            join = wire.JoinSession(session_id=named, title=_title_of(say.content))
            joining = self._join_and_post(join, session, draft, asked)
            return self._attempt(joining, asked._replace(session=session))
        return self._post_in(conversation_id, draft, asked)

    def _draft(self, say: wire.SayInChat) -> UnaddressedDraft:
        return self._services.messages.draft(
            self.connection.person.id,
            say.content,
            client_id=say.client_id,
            reply_to=reply_uid_of(say.reply_to_id),
            if_last_seq=say.if_last_seq,
            attachment=upload_id_of(say.attachment_id),
            mentions=mentions_of(say.mentions),
            origin=self.connection.id,
        )

    async def _join_and_post(
        self,
        join: wire.JoinSession,
        session: Uid | None,
        draft: UnaddressedDraft,
        asked: ChatRequest,
    ) -> None:
        conversation_id = await self._join(join, session)
        await (self._post_in(conversation_id, draft, asked) or nothing())

    def _post_in(
        self, conversation_id: ConversationId, draft: UnaddressedDraft, asked: ChatRequest
    ) -> Awaitable[None] | None:
        """Hand a message to the writer; its echo, through the hub, is the acknowledgement."""
        return self._sender.submit(draft.to(conversation_id), self, asked)

    # -- answering -----------------------------------------------------------------------------

    def show_posted(self, posted: Posted, asked: ChatRequest | None, *, is_echoed: bool) -> None:
        """Send a message to its author alone where nobody else is sent it; show its answer."""
        message = posted.message
        if not is_echoed:
            self._send(codec.message_frame(message, own=True))
        if asked is not None and asked.streams and message.author is not None:
            self._watch(message.conversation_id, message.conversation_uid, message.uid)

    def show_refusal(self, refusal: Refusal | Unavailable, asked: ChatRequest | None) -> None:
        """Say why a frame was refused."""
        session, client_id = (None, None) if asked is None else (asked.session, asked.client_id)
        conversation_id = None if session is None else self._joined_sessions.get(session)
        hidden: Collection[AccountId] = ()
        if conversation_id is not None:
            hidden = self._services.hub.hidden_from(self.connection, conversation_id)
        missed = codec.WIRE_FORMAT.missed(refusal, hidden)
        self._send(errors.error_frame(refusal, client_id, missed, session=session))

    def show_fault(self, asked: ChatRequest | None) -> None:
        """Say that a fault of ours kept a frame from being served."""
        del asked
        self._send(errors.FAULT)


def _title_of(content: str) -> str:
    """What a session is called that begins with these words."""
    lines = (line.strip() for line in content.splitlines() if not shows_nothing(line))
    return next(lines, "")[:TITLE_CHARS].strip()
