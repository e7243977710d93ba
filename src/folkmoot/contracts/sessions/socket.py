"""The live side of the `sessions` contract: one socket for one account in one session."""

from collections.abc import Awaitable, Sequence
from typing import ClassVar, assert_never
from urllib.parse import parse_qs

from msgspec import Struct

from folkmoot.auth.authenticator import Caller
from folkmoot.contracts.sessions import codec, errors
from folkmoot.contracts.sessions import frames as wire
from folkmoot.contracts.sessions.drafts import draft_of
from folkmoot.contracts.sessions.names import conversation_id_of
from folkmoot.core.accounts.model import Account
from folkmoot.core.conversations.model import Conversation, Member
from folkmoot.core.messages.model import Posted
from folkmoot.core.shared.ids import ConversationId, Uid
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.change_frames import change_of
from folkmoot.kit.frame_handler import FrameHandler
from folkmoot.kit.ids import message_uid_of
from folkmoot.kit.json_frame import json_frame
from folkmoot.kit.sending import Sender, known
from folkmoot.kit.socket_endpoint import Rejection, Scope
from folkmoot.kit.subscription import Subscription
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.limits import Cost
from folkmoot.realtime.outbox import Outbox
from folkmoot.realtime.services import Services


class SessionSockets:
    """How clients of ``/api/v1/chat/ws/{session_id}`` are served."""

    authenticates_first = False

    def __init__(self, services: Services) -> None:
        self._sender = Sender(services)
        self._wire_format = codec.wire_format(services.clock)

    def handler(self, scope: Scope, caller: Caller, outbox: Outbox) -> "SessionHandler":
        """The handler of a client that wants to hear of the session in the path."""
        connection = Connection(
            self._wire_format,
            outbox,
            caller.account.person,
            caller.login.id,
            caller.expires_at,
        )
        return SessionHandler(self._sender, connection, caller.account, scope)

    def rejection_of(self, refusal: Refusal | Unavailable | None) -> Rejection:
        """The close code for a client that cannot stay."""
        return errors.CLOSE_CODES.rejecting(refusal)


class SessionHandler(FrameHandler[wire.Intention, str]):
    """One account at one socket of one session; staff may look on without being a member."""

    __slots__ = (
        "_account",
        "_after_seq",
        "_conversation_id",
        "_host",
        "_name",
        "_uid",
    )

    costs: ClassVar = {
        wire.SessionText: Cost.SEND,
        wire.SessionFile: Cost.SEND,
        wire.SessionImage: Cost.SEND,
        wire.SessionVoice: Cost.SEND,
        wire.EditInSession: Cost.SEND,
        wire.DeleteInSession: Cost.SEND,
        wire.ReactInSession: Cost.SEND,
        wire.TypeInSession: Cost.SIGNAL,
        wire.ReadInSession: Cost.SIGNAL,
    }

    def __init__(
        self, sender: Sender, connection: Connection, account: Account, scope: Scope
    ) -> None:
        super().__init__(sender, connection)
        self._account = account
        self._name = str(scope["path_params"]["session_id"])
        self._host = host_of(scope)
        self._after_seq = _after_seq(scope)
        self._conversation_id = ConversationId(0)
        self._uid = Uid("")

    async def start(self) -> None:
        """Send what was missed, listen, and tell the client that it has joined."""
        services, connection = self._services, self.connection
        self._conversation_id = await services.storage.read(
            lambda work: conversation_id_of(work, self._name)
        )
        connection.home = self._conversation_id
        with Subscription(services, connection) as subscription:
            snapshot = await subscription.read_one(
                self._conversation_id, self._after_seq, self._enter
            )
            head = snapshot.head
            await subscription.catch_up(snapshot)
        self._uid = head.uid
        present = services.hub.present_for(connection, head.id)
        now = services.clock.now()
        self._send(codec.joined_frame(head.uid, connection.person, present, now, head.last_seq))

    async def _enter(self, work: UnitOfWork) -> tuple[Conversation, Member | None]:
        return await self._services.desks.entered(work, self._account, self._conversation_id)

    def _decode(self, data: str | bytes) -> wire.Intention:
        return codec.decode(data)

    def _asked(self, intention: wire.Intention) -> str | None:
        return getattr(intention, "client_id", None)

    def _do(self, intention: wire.Intention) -> Awaitable[object] | None:
        me = self.connection.person
        match intention:
            case wire.SessionText() | wire.SessionFile():
                return self._say(intention)
            case wire.PingSession():
                at = codec.instant(self._services.clock.now())
                self._send(wire.SessionPongFrame(self._uid, me.uid, at, {}))
            case wire.TypeInSession(content=content):
                self._sender.show_typing(
                    me, self._conversation_id, self._uid, is_typing=content == "true"
                )
            case wire.ReadInSession(up_to_message_id=name):
                uid = message_uid_of(name)
                return self._sender.read_message(me.id, self._conversation_id, uid)
            case wire.EditInSession() | wire.DeleteInSession() | wire.ReactInSession():
                find = known(self._conversation_id, message_uid_of(intention.message_id))
                return self._sender.change(me.id, change_of(intention), find)
            case _:
                assert_never(intention)
        return None

    def _say(self, say: wire.Say) -> Awaitable[None] | None:
        """Hand a message to the writer; its echo, through the hub, is the acknowledgement."""
        draft = draft_of(
            self._services.messages,
            self.connection.person.id,
            say,
            host=self._host,
            origin=self.connection.id,
        )
        return self._sender.submit(draft.to(self._conversation_id), self, draft.client_id)

    # -- answering -----------------------------------------------------------------------------

    def show_posted(self, posted: Posted, asked: str | None, *, is_echoed: bool) -> None:
        """Send a message to its author alone, where nobody else is sent it."""
        del asked
        if not is_echoed:
            self._send(codec.message_frame(posted.message, own=True))

    def show_refusal(self, refusal: Refusal | Unavailable, asked: str | None) -> None:
        """Say why a frame was refused."""
        hidden = self._services.hub.hidden_from(self.connection, self._conversation_id)
        missed = codec.wire_format(self._services.clock).missed(refusal, hidden)
        self._send_error(refusal, asked, missed)

    def show_fault(self, asked: str | None) -> None:
        """Say that a fault of ours kept a frame from being served."""
        self._send_error(None, asked)

    def _send_error(
        self,
        refusal: Refusal | Unavailable | None,
        asked: str | None,
        missed: Sequence[Struct] = (),
    ) -> None:
        here = {"conversation": self._uid, "account": self.connection.person.uid}
        now = self._services.clock.now()
        self._send(errors.error_frame(refusal, asked, missed, at=now, **here))

    def _send(self, frame: Struct) -> None:
        self.connection.push(json_frame(frame))


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
