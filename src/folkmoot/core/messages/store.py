"""The port to stored messages, and to what lists show of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from folkmoot.core.conversations.events import ConversationChange, ConversationEvent
from folkmoot.core.conversations.store import ChangeStore, ConversationWork
from folkmoot.core.messages.events import MessageChange, MessageEvent, TimelineEvent
from folkmoot.core.messages.model import Message, MessageBody, NewMessage, Upload
from folkmoot.core.messages.views import DeskCustomer, Overview, SearchHit, SearchQuery, Totals
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.core.shared.pages import Page, Slice
from folkmoot.core.tasks.store import TaskWork


class MessageStore(Protocol):
    """Messages and reactions within one unit of work."""

    async def add(self, messages: Sequence[NewMessage]) -> list[Message]:
        """The messages as stored, in the same order, their numbers rising."""
        ...

    async def by_client_ids(
        self, keys: Collection[tuple[AccountId, str]]
    ) -> dict[tuple[AccountId, str], Message]:
        """What each sender has ever posted under these ``client_id``s, in any conversation."""
        ...

    async def named(
        self, conversation_id: ConversationId, names: Collection[MessageId | Uid]
    ) -> dict[MessageId | Uid, Message]:
        """Messages of one conversation by number or UUID, deleted ones too, without reactions."""
        ...

    async def by_uids(self, uids: Collection[Uid]) -> dict[Uid, Message]:
        """Messages of any conversation by UUID, deleted ones too, without reactions."""
        ...

    async def edit(self, message_id: MessageId, body: MessageBody, at: datetime) -> None:
        """Replace the content by that of the body."""
        ...

    async def delete(self, message_id: MessageId, at: datetime) -> None:
        """Forget the content and the reactions; keep the ``seq``."""
        ...

    async def react(
        self, message_id: MessageId, account_id: AccountId, emoji: str, at: datetime
    ) -> bool:
        """Put a reaction on a message; whether it is new."""
        ...

    async def unreact(self, message_id: MessageId, account_id: AccountId, emoji: str) -> bool:
        """Take a reaction back; whether it was there."""
        ...

    async def reactions_of(self, message_id: MessageId, account_id: AccountId) -> frozenset[str]:
        """The emojis that one account put on one message."""
        ...


class AttachmentStore(Protocol):
    """Files that were uploaded, within one unit of work; their bytes are kept elsewhere."""

    async def add(self, upload: Upload) -> None:
        """Remember a file that is whole on disk."""
        ...

    async def get(self, ids: Collection[Uid]) -> dict[Uid, Upload]:
        """Those that exist."""
        ...

    async def attach(self, ids: Collection[Uid], message_ids: Sequence[MessageId]) -> None:
        """Say to which message each file belongs from now on, in the same order."""
        ...

    async def holders(self, attachment_id: Uid) -> list[ConversationId]:
        """The conversations with a message, not deleted, that the file hangs on."""
        ...

    async def usage(self, owner: AccountId) -> tuple[int, int]:
        """How many files an account has uploaded, and how many bytes they have together."""
        ...

    async def forget_loose(self, before: datetime, *, limit: int) -> list[Uid]:
        """Forget files that were uploaded before then and hang on no message; their ids."""
        ...


class MessageViews(Protocol):
    """What lists show, within one unit of work. ``hidden`` authors' messages are left out."""

    async def page(
        self,
        conversation_id: ConversationId,
        page: Page,
        *,
        hidden: Collection[AccountId] = (),
    ) -> list[Message]:
        """A page of messages with their reactions, oldest first; deleted ones stay."""
        ...

    async def overviews(
        self, viewer: AccountId, stretch: Slice, *, only: ConversationId | None = None
    ) -> list[Overview]:
        """The conversations that the viewer is a member of, newest activity first, or ``only``
        one of them. Authors whom the viewer blocks count as hidden where there are three or more
        members."""
        ...

    async def undelivered(
        self, account_id: AccountId, *, among: Collection[ConversationId], limit: int
    ) -> list[Message]:
        """Messages of others in these direct conversations that the account has not been handed
        yet, in order for each conversation; deleted ones are left out."""
        ...

    async def count(self, conversation_id: ConversationId) -> int:
        """How many messages a conversation has, deleted ones among them."""
        ...

    async def totals(self) -> Totals:
        """How much there is of everything."""
        ...

    async def unread_among(
        self, viewer: AccountId, ids: Collection[ConversationId]
    ) -> dict[ConversationId, int]:
        """How many messages the viewer has not read, as in overviews, in those of these
        conversations that the viewer is a member of."""
        ...

    async def unread_directs(self, viewer: AccountId) -> dict[ConversationId, int]:
        """How many messages, not deleted, the viewer has not read in each direct conversation;
        where there are none it is left out."""
        ...

    async def callers(self, name_part: str, stretch: Slice) -> list[DeskCustomer]:
        """Everybody in whose sessions there is a message and who has these characters in one of
        their names (letters of ASCII in any case), the newest message first."""
        ...

    async def conversations_of(self, account_id: AccountId) -> list[ConversationId]:
        """Every conversation that the account is a present member of."""
        ...


class Search(Protocol):
    """Finding messages by their words, within one unit of work."""

    async def find(
        self, viewer: AccountId, question: SearchQuery, *, any_session: bool = False
    ) -> list[SearchHit]:
        """The best hits among what the viewer may read, the best first: messages of conversations
        that the viewer is a member of (and, with ``any_session``, of every session), not deleted,
        and not by authors hidden from the viewer.

        Raises:
            NothingToLookFor: no message can be found by the question, whatever messages there are.
        """
        ...

    async def renew(self, limit: int) -> bool:
        """Bring what older messages are found by up to date, of so many; whether some are left.

        Until then they are found as the version found them that stored them.
        """
        ...


class TimelineStore(ChangeStore[ConversationChange | MessageChange], Protocol):
    """The durable changes of conversations within one unit of work, messages included."""

    async def keep(self, events: Sequence[ConversationChange | MessageChange]) -> None:
        """Write down changes other than posted messages, which are kept as messages."""
        ...

    async def after(
        self, conversation_id: ConversationId, seq: int, *, limit: int
    ) -> list[TimelineEvent]:
        """The changes after a ``seq``, in order, posted messages among them, at most ``limit``.

        A message comes as it is now: of a deleted one nothing but its ``seq`` is left.
        """
        ...


class MessageWork(ConversationWork, TaskWork, Protocol):
    """What deciding about messages needs of a unit of work."""

    @property
    def attachments(self) -> AttachmentStore:
        """Files that were uploaded."""
        ...

    @property
    def search(self) -> Search:
        """Finding messages by their words."""
        ...

    @property
    def messages(self) -> MessageStore:
        """The messages."""
        ...

    @property
    def views(self) -> MessageViews:
        """What lists show."""
        ...

    @property
    def timeline(self) -> TimelineStore:
        """Where durable changes are written down."""
        ...

    def record(self, event: ConversationEvent | MessageEvent) -> None:
        """Have ``event`` announced if, and only after, this unit of work commits."""
        ...
