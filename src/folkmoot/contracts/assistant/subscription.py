"""Joining a session on a socket that carries many: what the client is shown first."""

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
from folkmoot.kit.subscription import Snapshot, snapshot_of
from folkmoot.realtime.services import Services
from folkmoot.realtime.streaming_answers import StreamingAnswer

SHOWN = 20
UNTITLED = "New session"


@dataclass(slots=True, kw_only=True)
class SessionSnapshot(Snapshot):
    """A session as it stands when somebody joins it."""

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


async def read_session(
    work: UnitOfWork,
    services: Services,
    account: Account,
    conversation_id: ConversationId,
    after_seq: int | None,
) -> SessionSnapshot:
    """A session for whoever may be there; staff may look in without being participants.

    Its messages are the newest, or of a client that comes back those up to where it was: so none
    comes twice.

    Raises:
        NotADesk, NotAMember
    """
    head, member = await services.desks.entered(work, account, conversation_id)
    hidden = hidden_authors(head, await work.social.blocked_by(account.id))
    before = None if after_seq is None else after_seq + 1
    messages = await work.views.page(head.id, Page(SHOWN, before_seq=before), hidden=hidden)
    snapshot = await snapshot_of(work, head, member, after_seq)
    return SessionSnapshot(
        messages=tuple(messages),
        heads=snapshot.heads,
        cursors=snapshot.cursors,
        missed=snapshot.missed,
        receipts=snapshot.receipts,
        onlooking=snapshot.onlooking,
    )


def opening(services: Services, account: Account, title: str | None) -> Job[Conversation]:
    """A job that opens a session for an account, with the assistant on."""

    async def job(work: UnitOfWork) -> Conversation:
        return await services.desks.open(work, account, title=title or UNTITLED, assistant_on=True)

    return job
