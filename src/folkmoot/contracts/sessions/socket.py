"""The live side of the `sessions` contract: one socket for one account in one session."""

import asyncio
from collections.abc import Awaitable
from functools import partial
from urllib.parse import parse_qs

from msgspec import UNSET, Struct

from folkmoot.auth.authenticator import Caller
from folkmoot.contracts.sessions import codec, errors
from folkmoot.contracts.sessions import frames as wire
from folkmoot.contracts.sessions.drafts import draft_of, joining
from folkmoot.contracts.sessions.names import message_uid, place_of
from folkmoot.core.accounts.model import Account
from folkmoot.core.conversations.model import Conversation, ReadMark
from folkmoot.core.events import Event
from folkmoot.core.messages.errors import NoSuchMessage
from folkmoot.core.messages.model import Draft, Posted
from folkmoot.core.presence.events import Typing
from folkmoot.core.shared.ids import Clock, ConversationId, Uid
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.following import Following
from folkmoot.kit.socket_endpoint import Rejection, Scope
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.outbox import Outbox
from folkmoot.realtime.services import Services
from folkmoot.realtime.wire_format import CloseReason

MAX_UNANSWERED = 100


class SessionsWireFormat:
    """Events and endings as this contract shows them; ``clock`` dates what has no time itself."""

    echoes = True

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def frame(self, event: Event, *, own: bool) -> bytes | None:
        """The WebSocket frame for an event."""
        shown = codec.shown(event, own=own, now=self._clock.now())
        return None if shown is None else codec.encode(shown)

    def close_code(self, close_reason: CloseReason) -> tuple[int, str]:
        """The close code for an ending."""
        return errors.close_code(close_reason)


class SessionSockets:
    """How visitors of ``/api/v1/chat/ws/{session_id}`` are received."""

    authenticates_first = False

    def __init__(self, services: Services) -> None:
        self._services = services
        self._wire_format = SessionsWireFormat(services.clock)

    def guest(self, scope: Scope, caller: Caller, outbox: Outbox) -> "SessionHandler":
        """The visitor, bound for the session in the path."""
        connection = Connection(
            self._wire_format,
            outbox,
            caller.account.person,
            caller.login.id,
            caller.expires_at,
        )
        return SessionHandler(self._services, connection, caller.account, scope)

    def rejection_of(self, refusal: Refusal | Unavailable | None) -> Rejection:
        """The close code for a visitor who cannot stay."""
        return Rejection(*errors.rejection_of(refusal))


class SessionHandler:
    """One account at one socket of one session; staff may look on without being a member."""

    __slots__ = (
        "_account",
        "_after_seq",
        "_host",
        "_is_member",
        "_name",
        "_place",
        "_services",
        "_uid",
        "_unanswered",
        "connection",
    )

    def __init__(
        self, services: Services, connection: Connection, account: Account, scope: Scope
    ) -> None:
        self.connection = connection
        self._services = services
        self._account = account
        self._name = str(scope["path_params"]["session_id"])
        self._host = host_of(scope)
        self._after_seq = _after_seq(scope)
        self._place = ConversationId(0)
        self._uid = Uid("")
        self._is_member = False
        self._unanswered = 0

    async def arrive(self) -> None:
        """Send what was missed, listen, and tell the client that it has joined."""
        services, connection = self._services, self.connection
        self._place = await services.storage.read(lambda work: place_of(work, self._name))
        connection.home = self._place
        entered: list[Conversation] = []
        following = Following(services, connection, self._place, self._enter)
        await following.start(self._after_seq, entered.append)
        head = entered[0]
        self._uid = head.uid
        present = services.presence.present(head.id)
        now = services.clock.now()
        self._send(codec.joined_frame(head.uid, connection.person, present, now, head.last_seq))

    async def _enter(self, work: UnitOfWork) -> Conversation:
        head, member = await self._services.desks.entered(work, self._account, self._place)
        self._is_member = member is not None
        return head

    def hear(self, data: str | bytes) -> Awaitable[None] | None:
        """Take a frame in; posting goes on while the next frame is read."""
        client_id = None
        try:
            intention = codec.decode(data)
            client_id = getattr(intention, "client_id", None)
            return self._do(intention)
        except Refusal as refusal:
            self._refuse(refusal, client_id)
            return None

    def report_fault(self, client_id: str | None = None) -> None:
        """Say that a fault of ours kept a frame from being served."""
        metadata = wire.SessionErrorMetadata("internal_error", client_id or UNSET)
        at = codec.instant(self._services.clock.now())
        person = self.connection.person
        self._send(
            wire.SessionErrorFrame(self._uid, person.uid, errors.FAULT_SENTENCE, at, metadata)
        )

    def _do(self, intention: wire.Intention) -> Awaitable[None] | None:
        me = self.connection.person
        match intention:
            case wire.SessionText() | wire.SessionFile():
                return self._say(intention)
            case wire.PingSession():
                at = codec.instant(self._services.clock.now())
                self._send(wire.SessionPongFrame(self._uid, me.uid, at, {}))
            case wire.TypeInSession(content=content):
                self._services.limits.signal(me.id)
                typing = Typing(self._place, self._uid, me, is_typing=content == "true")
                self._services.publish([typing])
            case wire.ReadInSession(up_to_message_id=name):
                self._services.limits.signal(me.id)
                return self._answering(self._read(message_uid(name)))
            case _:
                self._services.limits.send(me.id)
                return self._answering(self._change(intention, message_uid(intention.message_id)))
        return None

    # -- posting -------------------------------------------------------------------------------

    def _say(self, say: wire.Say) -> Awaitable[None] | None:
        self._services.limits.send(self.connection.person.id)
        draft = draft_of(
            self._services.messages,
            self.connection.person.id,
            self._place,
            say,
            host=self._host,
            origin=self.connection.id,
        )
        aside = self._services.handle_command(draft)
        if aside is not None:
            return self._await_answer(aside, say.client_id)
        if self._is_member:
            return self._post(draft)
        return self._answering(self._join_and_post(draft), say.client_id)

    def _post(self, draft: Draft) -> Awaitable[None] | None:
        """Hand a message to the writer; its echo, through the hub, is the acknowledgement."""
        return self._await_answer(self._services.writer.submit(draft), draft.client_id)

    def _await_answer(
        self, answer: "asyncio.Future[Posted]", client_id: str | None
    ) -> Awaitable[None] | None:
        self._unanswered += 1
        answer.add_done_callback(partial(self._answered, client_id))
        return None if self._unanswered < MAX_UNANSWERED else _settled(answer)

    async def _join_and_post(self, draft: Draft) -> None:
        await self._join()
        waiting = self._post(draft)
        if waiting is not None:
            await waiting

    async def _join(self) -> None:
        """Staff who write are members from then on."""
        if not self._is_member:
            await self._services.writer.write(joining(self._services, self._account, self._place))
            self._is_member = True

    def _answered(self, client_id: str | None, answer: "asyncio.Future[Posted]") -> None:
        self._unanswered -= 1
        if answer.cancelled():
            return
        error = answer.exception()
        if error is None:
            posted = answer.result()
            if posted.is_repeat:
                # Everybody else has had it; whoever asks again has lost the first answer.
                self._send(codec.message_frame(posted.message, own=True))
        elif isinstance(error, Refusal | Unavailable):
            self._refuse(error, client_id)
        else:
            self.report_fault(client_id)

    # -- everything else -----------------------------------------------------------------------

    async def _change(self, change: wire.Change, name: Uid) -> None:
        messages, me, place = self._services.messages, self.connection.person.id, self._place

        async def job(work: UnitOfWork) -> None:
            match change:
                case wire.EditInSession(content=content):
                    await messages.edit(work, me, place, name, content)
                case wire.DeleteInSession():
                    await messages.delete(work, me, place, name)
                case wire.ReactInSession(emoji=emoji, remove=remove):
                    act = messages.unreact if remove else messages.react
                    await act(work, me, place, name, emoji)

        await self._join()
        await self._services.writer.write(job)

    async def _read(self, name: Uid) -> None:
        async def job(work: UnitOfWork) -> int:
            found = (await work.messages.named(self._place, [name])).get(name)
            if found is None:
                raise NoSuchMessage
            return found.seq

        seq = await self._services.storage.read(job)
        self._services.receipts.claim_read(ReadMark(self._place, self.connection.person.id, seq))

    async def _answering(self, doing: Awaitable[None], client_id: str | None = None) -> None:
        """Do it; a refusal is answered with an ``error`` frame."""
        try:
            await doing
        except (Refusal, Unavailable) as refusal:
            self._refuse(refusal, client_id)

    def _refuse(self, refusal: Refusal | Unavailable, client_id: str | None = None) -> None:
        connection = self.connection
        frame = errors.error_frame(
            refusal,
            conversation=self._uid,
            account=connection.person.uid,
            at=self._services.clock.now(),
            client_id=client_id,
            hidden=self._services.hub.hidden_from(connection, self._place),
        )
        self._send(frame)

    def _send(self, frame: Struct) -> None:
        self.connection.push(codec.encode(frame))


async def _settled(answer: "asyncio.Future[Posted]") -> None:
    """Return when a post has its answer, whatever it is."""
    await asyncio.wait([answer])


def host_of(scope: Scope) -> str:
    """The name (and port) by which a client reached us."""
    for name, value in scope["headers"]:
        if name.lower() == b"host":
            return str(value.decode("latin-1"))
    return ""


def _after_seq(scope: Scope) -> int | None:
    """The cursor in the query string; what is no place in a timeline counts as none."""
    given = parse_qs(scope["query_string"].decode("latin-1")).get("after_seq", [""])[-1]
    return int(given) if given.isascii() and given.isdigit() and len(given) <= 15 else None
