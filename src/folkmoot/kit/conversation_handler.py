"""How a contract of JSON frames serves one connection in one conversation."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable

from msgspec import Struct

from folkmoot.core.conversations.model import Conversation
from folkmoot.core.messages.model import Posted, UnaddressedDraft
from folkmoot.core.shared.ids import ConversationId, Uid
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.kit.admitted_client import AdmittedClient
from folkmoot.kit.frame_handler import FrameHandler, Intention
from folkmoot.kit.json_wire_format import JsonWireFormat
from folkmoot.kit.subscription import Enter, Subscription


class ConversationFrameHandler(FrameHandler[Intention, str]):
    """One account at one socket of one conversation; ``client_id`` is what answers name."""

    __slots__ = ("_after_seq", "_conversation_uid", "_wire_format")

    def __init__(
        self,
        client: AdmittedClient,
        wire_format: JsonWireFormat,
        conversation_id: ConversationId | None = None,
    ) -> None:
        super().__init__(client, client.connection(wire_format, home=conversation_id))
        self._wire_format = wire_format
        self._after_seq = client.after_seq
        self._conversation_uid = Uid("")

    @property
    def _conversation_id(self) -> ConversationId:
        """The conversation, which is known before a frame is read."""
        home = self.connection.home
        assert home is not None  # noqa: S101 - said when it is made, or as it starts
        return home

    async def _follow(
        self,
        after_seq: int | None,
        enter: Enter,
        greet: Callable[[Conversation], None] | None = None,
    ) -> Conversation:
        """Send what came after the cursor, if there is one, and listen; ``greet`` before that."""
        with Subscription(self._services, self.connection) as subscription:
            snapshot = await subscription.read_one(self._conversation_id, after_seq, enter)
            self._conversation_uid = snapshot.head.uid
            if greet is not None:
                greet(snapshot.head)
            await subscription.catch_up(snapshot)
        return snapshot.head

    def _asked(self, intention: Intention) -> str | None:
        return getattr(intention, "client_id", None)

    def _submit(self, draft: UnaddressedDraft) -> Awaitable[None] | None:
        """Hand a message to the writer; its echo, through the hub, is the acknowledgement."""
        return self._sender.submit(draft.to(self._conversation_id), self, draft.client_id)

    def _show_typing(self, *, is_typing: bool) -> None:
        self._sender.show_typing(
            self.connection.person,
            self._conversation_id,
            self._conversation_uid,
            is_typing=is_typing,
        )

    # -- answering -----------------------------------------------------------------------------

    @abstractmethod
    def _error(
        self,
        refusal: Refusal | Unavailable | None,
        client_id: str | None,
        missed: Iterable[Struct] = (),
    ) -> Struct:
        """The frame that says why a frame was refused; ``None``: a fault of ours."""

    def show_posted(self, posted: Posted, asked: str | None, *, is_echoed: bool) -> None:
        """Send a message to its author alone, where nobody else is sent it."""
        del asked
        if not is_echoed:
            self._send(self._wire_format.message(posted.message, own=True))

    def show_refusal(self, refusal: Refusal | Unavailable, asked: str | None) -> None:
        """Say why a frame was refused."""
        hidden = self._services.hub.hidden_from(self.connection, self._conversation_id)
        self._send(self._error(refusal, asked, self._wire_format.missed(refusal, hidden)))

    def show_fault(self, asked: str | None) -> None:
        """Say that a fault of ours kept a frame from being served."""
        self._send(self._error(None, asked))
