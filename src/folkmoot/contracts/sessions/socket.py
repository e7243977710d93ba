"""The live side of the `sessions` contract: one socket for one account in one session."""

from collections.abc import Awaitable, Iterable
from typing import ClassVar, assert_never

from msgspec import Struct

from folkmoot.contracts.sessions import codec, errors
from folkmoot.contracts.sessions import frames as wire
from folkmoot.contracts.sessions.drafts import draft_of
from folkmoot.contracts.sessions.kinds import FRAMES
from folkmoot.contracts.sessions.names import conversation_id_of
from folkmoot.core.conversations.model import Conversation, Member
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.admitted_client import AdmittedClient
from folkmoot.kit.change_frames import change_of
from folkmoot.kit.conversation_handler import ConversationFrameHandler
from folkmoot.kit.ids import message_uid_of
from folkmoot.kit.json_wire_format import JsonWireFormat
from folkmoot.kit.sending import known
from folkmoot.kit.socket_endpoint import Scope


class SessionHandler(ConversationFrameHandler[wire.Intention]):
    """One account at one socket of one session; staff may look on without being a member."""

    __slots__ = ("_account", "_host", "_name")

    kinds: ClassVar = FRAMES

    def __init__(self, wire_format: JsonWireFormat, client: AdmittedClient) -> None:
        super().__init__(client, wire_format)
        self._account = client.caller.account
        self._name = str(client.scope["path_params"]["session_id"])
        self._host = host_of(client.scope)

    async def start(self) -> None:
        """Send what was missed, listen, and tell the client that it has joined."""
        services, connection = self._services, self.connection
        connection.home = await services.storage.read(
            lambda work: conversation_id_of(work, self._name)
        )
        head = await self._follow(self._after_seq, self._enter)
        present = services.hub.present_for(connection, head.id)
        now = services.clock.now()
        self._send(codec.joined_frame(head.uid, connection.person, present, now, head.last_seq))

    async def _enter(self, work: UnitOfWork) -> tuple[Conversation, Member | None]:
        return await self._services.desks.entered(work, self._account, self._conversation_id)

    def _decode(self, data: str | bytes) -> wire.Intention:
        return codec.decode(data)

    def _do(self, intention: wire.Intention) -> Awaitable[object] | None:
        me = self.connection.person
        match intention:
            case wire.SessionText() | wire.SessionFile():
                return self._say(intention)
            case wire.PingSession():
                at = codec.instant(self._services.clock.now())
                self._send(wire.SessionPongFrame(self._conversation_uid, me.uid, at, {}))
            case wire.TypeInSession(content=content):
                self._show_typing(is_typing=content == "true")
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
        draft = draft_of(
            self._services.messages,
            self.connection.person.id,
            say,
            host=self._host,
            origin=self.connection.id,
        )
        return self._submit(draft)

    def _error(
        self,
        refusal: Refusal | Unavailable | None,
        client_id: str | None,
        missed: Iterable[Struct] = (),
    ) -> Struct:
        here = {"conversation": self._conversation_uid, "account": self.connection.person.uid}
        now = self._services.clock.now()
        return errors.error_frame(refusal, client_id, missed, at=now, **here)


def host_of(scope: Scope) -> str:
    """The name (and port) by which a client reached us."""
    for name, value in scope["headers"]:
        if name.lower() == b"host":
            return str(value.decode("latin-1"))
    return ""
