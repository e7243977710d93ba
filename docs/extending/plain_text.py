"""A sixth contract, whole: `/plain/{conversation_id}` speaks lines of text, both ways.

What is typed is posted; what others post comes as ``name: content``. It has what every contract
has, since that is not its own: rights, rates, blocks, one order, nothing lost and nothing twice.
"""

from collections.abc import Awaitable
from typing import ClassVar

from msgspec import Struct

from folkmoot.core.conversations.errors import NoSuchConversation
from folkmoot.core.conversations.model import Conversation, Member
from folkmoot.core.events import Event
from folkmoot.core.messages.events import MessagePosted
from folkmoot.core.messages.model import Posted
from folkmoot.core.shared.ids import ConversationId
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.admitted_client import AdmittedClient, number_of
from folkmoot.kit.contract import Contract, websocket
from folkmoot.kit.frame_handler import FrameHandler
from folkmoot.kit.rejections import COME_BACK, FAULT_SENTENCE, NO_RIGHT, CloseCodes
from folkmoot.kit.socket_spec import CLOSE_MEANINGS, TOKEN_QUERY, SocketSpec
from folkmoot.kit.subscription import Subscription
from folkmoot.realtime.intentions import IntentionKind
from folkmoot.realtime.wire_format import CloseReason
from folkmoot.wire.lane_frames import text_frame

ADDRESS = "/plain/{conversation_id}"
CLOSE_CODES = CloseCodes()


class Line(Struct):
    """One line of text."""

    content: str


class PlainWireFormat:
    """Events as lines; of all that happens, only messages are shown."""

    contract = "plain"
    echoes = True

    def frame(self, event: Event, *, own: bool) -> bytes | None:
        """The line for a message."""
        del own
        if not isinstance(event, MessagePosted):
            return None
        return text_frame(f"{event.message.sender_name}: {event.message.body.content}".encode())

    def close_code(self, close_reason: CloseReason) -> tuple[int, str]:
        """Whether to come back, and why it ends."""
        return CLOSE_CODES.closing(close_reason)


WIRE_FORMAT = PlainWireFormat()


FRAMES = {Line: IntentionKind.SEND}


class PlainHandler(FrameHandler[Line, None]):
    """One account at one socket of one conversation."""

    __slots__ = ("_conversation_id",)
    kinds: ClassVar = FRAMES

    def __init__(self, client: AdmittedClient) -> None:
        number = number_of(client.scope["path_params"]["conversation_id"])
        if number is None:
            raise NoSuchConversation
        self._conversation_id = ConversationId(number)
        super().__init__(client, client.connection(WIRE_FORMAT, home=self._conversation_id))

    async def start(self) -> None:
        """Listen, from the present on."""
        with Subscription(self._services, self.connection) as subscription:
            snapshot = await subscription.read_one(self._conversation_id, None, self._enter)
            await subscription.catch_up(snapshot)

    async def _enter(self, work: UnitOfWork) -> tuple[Conversation, Member]:
        me = self.connection.person.id
        return await self._services.conversations.entered(work, me, self._conversation_id)

    def _decode(self, data: str | bytes) -> Line:
        return Line(data if isinstance(data, str) else data.decode(errors="replace"))

    def _asked(self, intention: Line) -> None:
        del intention

    def _do(self, intention: Line) -> Awaitable[object] | None:
        draft = self._services.messages.draft(
            self.connection.person.id, intention.content, origin=self.connection.id
        )
        return self._sender.submit(draft.to(self._conversation_id), self, None)

    def show_posted(self, posted: Posted, asked: None, *, is_echoed: bool) -> None:
        """Nothing: the line itself comes back to whoever typed it."""

    def show_refusal(self, refusal: Refusal | Unavailable, asked: None) -> None:
        """Say why a line was not posted."""
        del asked
        self.connection.push(text_frame(f"! {refusal}".encode()))

    def show_fault(self, asked: None) -> None:
        """Say that it was a fault of ours."""
        del asked
        self.connection.push(text_frame(f"! {FAULT_SENTENCE}".encode()))


CONTRACT = Contract(
    name="plain",
    frames=FRAMES,
    specs=(
        SocketSpec(
            name="plain",
            address=ADDRESS,
            summary="Lines of text, both ways.",
            parameters={"conversation_id": "The conversation's number"},
            query=TOKEN_QUERY,
            inbound={"line": Line},
            outbound=(),
            untagged="line",
            close_codes=CLOSE_MEANINGS | {NO_RIGHT: "No right to be here", COME_BACK: "Come back"},
        ),
    ),
    open=websocket(ADDRESS, lambda _: PlainHandler, CLOSE_CODES.rejecting),
)
