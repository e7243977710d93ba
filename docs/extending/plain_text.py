"""A sixth contract, whole: `/plain/{conversation_id}` speaks lines of text, both ways.

What is typed is posted; what others post comes as ``name: content``. It has what every contract
has, since that is not its own: rights, rates, blocks, one order, nothing lost and nothing twice.
"""

from collections.abc import Awaitable
from typing import ClassVar

from msgspec import Struct

from folkmoot.auth.authenticator import Caller
from folkmoot.core.conversations.errors import NoSuchConversation
from folkmoot.core.conversations.model import Conversation, Member
from folkmoot.core.events import Event
from folkmoot.core.messages.events import MessagePosted
from folkmoot.core.messages.model import Posted
from folkmoot.core.shared.ids import ConversationId
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.contract import Contract, websocket
from folkmoot.kit.frame_handler import FrameHandler
from folkmoot.kit.rejections import (
    COME_BACK,
    FAULT_SENTENCE,
    NO_RIGHT,
    OUR_FAULT,
    RESTART,
    CloseCodes,
)
from folkmoot.kit.sending import Sender
from folkmoot.kit.socket_endpoint import Rejection, Scope
from folkmoot.kit.socket_spec import TOKEN_QUERY, SocketSpec
from folkmoot.kit.subscription import Subscription
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.limits import Cost
from folkmoot.realtime.outbox import Outbox
from folkmoot.realtime.services import Services
from folkmoot.realtime.wire_format import CloseReason
from folkmoot.wire.lane_frames import text_frame

ADDRESS = "/plain/{conversation_id}"
CLOSE_CODES = CloseCodes()


class Line(Struct):
    """One line of text."""

    content: str


class PlainWireFormat:
    """Events as lines; of all that happens, only messages are shown."""

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


class PlainSockets:
    """How clients of this contract are served."""

    authenticates_first = False

    def __init__(self, services: Services) -> None:
        self._sender = Sender(services)
        self._wire_format = PlainWireFormat()

    def handler(self, scope: Scope, caller: Caller, outbox: Outbox) -> "PlainHandler":
        """The handler of a client that wants to hear of the conversation in the path."""
        number = scope["path_params"]["conversation_id"]
        if not number.isdecimal() or len(number) > 15:
            raise NoSuchConversation
        account, login = caller.account, caller.login
        connection = Connection(
            self._wire_format,
            outbox,
            account.person,
            login.id,
            caller.expires_at,
            home=ConversationId(int(number)),
        )
        return PlainHandler(self._sender, connection)

    def rejection_of(self, refusal: Refusal | Unavailable | None) -> Rejection:
        """The close code for a client that cannot stay."""
        return CLOSE_CODES.rejecting(refusal)


class PlainHandler(FrameHandler[Line, None]):
    """One account at one socket of one conversation."""

    __slots__ = ()
    costs: ClassVar = {Line: Cost.SEND}

    @property
    def _conversation_id(self) -> ConversationId:
        assert self.connection.home is not None
        return self.connection.home

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
            close_codes={
                NO_RIGHT: "No right to be here",
                OUR_FAULT: "A fault of the server",
                RESTART: "Come back",
                COME_BACK: "Come back",
            },
        ),
    ),
    open=websocket(ADDRESS, lambda given: PlainSockets(given.services)),
)
