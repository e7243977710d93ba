"""Joining a session on a socket that carries many: what the client is shown first."""

from collections.abc import Callable
from dataclasses import dataclass

from folkmoot.contracts.assistant import codec
from folkmoot.contracts.assistant.frames import ChatJoinedFrame
from folkmoot.core.accounts.model import Account
from folkmoot.core.audience import hidden_authors
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.messages.model import Message
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.shared.pages import Page
from folkmoot.core.work import Job, UnitOfWork
from folkmoot.kit.following import Following
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.services import Services
from folkmoot.realtime.streaming_answers import StreamingAnswer

SHOWN = 20
UNTITLED = "New session"


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """A session as it stands when somebody joins it."""

    head: Conversation
    is_member: bool
    messages: tuple[Message, ...]

    def frame(self, viewer: AccountId, streamed: StreamingAnswer | None) -> ChatJoinedFrame:
        """The frame that says so."""
        desk = self.head.desk
        is_closed = desk is not None and desk.is_closed
        return ChatJoinedFrame(
            session_id=self.head.uid,
            title=self.head.title or "",
            last_seq=self.head.last_seq,
            messages=[
                codec.message_frame(message, own=message.author_id == viewer)
                for message in self.messages
            ],
            conversation_id=self.head.id,
            status="closed" if is_closed else "active",
            assistant=desk is not None and desk.assistant_on,
            answering=codec.streamed_out(streamed),
        )


class SessionSubscription:
    """One connection on its way into a session; staff may look in without being participants."""

    def __init__(
        self, services: Services, connection: Connection, account: Account, place: ConversationId
    ) -> None:
        self._services = services
        self._account = account
        self._place = place
        self._after_seq: int | None = None
        self._following = Following(services, connection, place, self._enter)
        self._arrivals: list[SessionSnapshot] = []

    async def start(
        self, after_seq: int | None, greet: Callable[[SessionSnapshot], None]
    ) -> SessionSnapshot:
        """Show what was missed after ``after_seq``, and then everything as it happens.

        ``greet`` is called first, once the right to be there is proven. Its messages are the
        newest, or of a client that comes back those up to where it was: so none comes twice.

        Raises:
            NotADesk, NotAMember, LoginRevoked, AccountInactive, Unavailable
        """
        self._after_seq = after_seq
        await self._following.start(after_seq, lambda _head: greet(self._arrivals[-1]))
        return self._arrivals[-1]

    async def _enter(self, work: UnitOfWork) -> Conversation:
        head, member = await self._services.desks.entered(work, self._account, self._place)
        hidden = hidden_authors(head, await work.social.blocked_by(self._account.id))
        before = None if self._after_seq is None else self._after_seq + 1
        messages = await work.views.page(head.id, Page(SHOWN, before_seq=before), hidden=hidden)
        self._arrivals = [SessionSnapshot(head, member is not None, tuple(messages))]
        return head


def opening(services: Services, account: Account, title: str | None) -> Job[Conversation]:
    """A job that opens a session for an account, with the assistant on."""

    async def job(work: UnitOfWork) -> Conversation:
        return await services.desks.open(work, account, title=title or UNTITLED, assistant_on=True)

    return job
