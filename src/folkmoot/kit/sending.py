"""What a client does to messages, the same in every contract: post, change, read, type.

A contract decodes a frame or a request into what stands here, and says how an answer, a refusal
and a fault look. What may be done is the core's; how much of it, is counted on the way in.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from folkmoot.core.accounts.model import Person
from folkmoot.core.conversations.model import ReadMark
from folkmoot.core.messages.errors import NoSuchMessage
from folkmoot.core.messages.model import Draft, Message, Posted
from folkmoot.core.messages.service import Messages
from folkmoot.core.presence.events import Typing
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.refused import note_refused
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.services import Services

MAX_UNANSWERED = 100
"""How many posts of one connection may wait for their answer before its frames wait too."""

Asked = TypeVar("Asked")
_Asked = TypeVar("_Asked", contravariant=True)

Found = tuple[ConversationId, MessageId | Uid]
Find = Callable[[UnitOfWork], Awaitable[Found]]
"""Where a message is, and a name that it has there; refuses where it is not to be seen."""


def known(conversation_id: ConversationId, name: MessageId | Uid) -> Find:
    """How to find a message whose conversation the client has named."""

    async def find(_work: UnitOfWork) -> Found:
        return conversation_id, name

    return find


@dataclass(frozen=True, slots=True)
class EditIntention:
    """To give a message another content."""

    content: str


@dataclass(frozen=True, slots=True)
class DeleteIntention:
    """To leave only a message's place."""


@dataclass(frozen=True, slots=True)
class ReactIntention:
    """To put an emoji on a message, or to take it back."""

    emoji: str
    remove: bool = False


ChangeIntention = EditIntention | DeleteIntention | ReactIntention


class Poster(Protocol[_Asked]):
    """Whoever posts through one connection, and shows its client what became of it.

    What was ``asked`` is the contract's own; it comes back with each answer.
    """

    connection: Connection
    unanswered: int

    def show_posted(self, posted: Posted, asked: _Asked, *, is_echoed: bool) -> None:
        """Tell the client that its message is durable, unless its echo has told it already."""
        ...

    def show_refusal(self, refusal: Refusal | Unavailable, asked: _Asked) -> None:
        """Tell the client why not."""
        ...

    def show_fault(self, asked: _Asked) -> None:
        """Tell the client that it was a fault of ours."""
        ...


class Sender:
    """Does what clients of one contract want with messages; one for all their connections."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def submit(self, draft: Draft, poster: Poster[Asked], asked: Asked) -> Awaitable[None] | None:
        """Have a message stored, in the order in which one account submits; see `answer`."""
        return self.answer(self.services.submit(draft), poster, asked)

    def answer(
        self, answer: "asyncio.Future[Posted]", poster: Poster[Asked], asked: Asked
    ) -> Awaitable[None] | None:
        """Have the poster show what becomes of a message, in its own time.

        What everybody is sent, its author among them, is its own acknowledgement. A repeat was sent
        to everybody long ago: only whoever repeats it is answered. What is returned is awaited
        before the next frame is read, for too much is unanswered.
        """
        poster.unanswered += 1
        answer.add_done_callback(partial(_show, self.services, poster, asked))
        return None if poster.unanswered < MAX_UNANSWERED else _settled(answer)

    async def change(self, actor: AccountId, change: ChangeIntention, find: Find) -> Message:
        """Edit or delete a message, or react to it; see `changed`.

        Raises:
            NoSuchMessage, NotAMember, NotTheAuthor, NotTheOwner, Blocked, Invalid, Unavailable, …
        """

        async def job(work: UnitOfWork) -> Message:
            found = await find(work)
            return await changed(work, self.services.messages, actor, found, change)

        return await self.services.writer.write(job)

    def claim_read(self, reader: AccountId, conversation_id: ConversationId, seq: int) -> None:
        """Take on that everything up to ``seq`` was read; the watermark never goes back."""
        self.services.receipts.claim_read(ReadMark(conversation_id, reader, seq))

    async def read_message(
        self, reader: AccountId, conversation_id: ConversationId, name: Uid
    ) -> None:
        """Take on that everything up to a message was read.

        Raises:
            NoSuchMessage, Unavailable
        """
        seq = await self.services.storage.read(lambda work: seq_of(work, conversation_id, name))
        self.claim_read(reader, conversation_id, seq)

    def show_typing(
        self, person: Person, conversation_id: ConversationId, uid: Uid, *, is_typing: bool
    ) -> None:
        """Show the others in a conversation that somebody began or stopped writing."""
        self.services.publish([Typing(conversation_id, uid, person, is_typing)])


async def changed(
    work: UnitOfWork, messages: Messages, actor: AccountId, found: Found, change: ChangeIntention
) -> Message:
    """The message, after an edit as it is now, otherwise as it was before."""
    match change:
        case EditIntention(content=content):
            return await messages.edit(work, actor, *found, content)
        case DeleteIntention():
            return await messages.delete(work, actor, *found)
        case ReactIntention(emoji=emoji, remove=remove):
            act = messages.unreact if remove else messages.react
            return await act(work, actor, *found, emoji)


async def seq_of(work: UnitOfWork, conversation_id: ConversationId, name: Uid) -> int:
    """The ``seq`` of a message.

    Raises:
        NoSuchMessage
    """
    message = (await work.messages.named(conversation_id, [name])).get(name)
    if message is None:
        raise NoSuchMessage
    return message.seq


def _show(
    services: Services, poster: Poster[Asked], asked: Asked, answer: "asyncio.Future[Posted]"
) -> None:
    poster.unanswered -= 1
    if answer.cancelled():
        return
    error = answer.exception()
    if error is None:
        posted = answer.result()
        is_echoed = poster.connection.wire_format.echoes and not posted.is_repeat
        poster.show_posted(posted, asked, is_echoed=is_echoed)
    elif isinstance(error, Refusal | Unavailable):
        note_refused(services, error, poster.connection.person)
        poster.show_refusal(error, asked)
    else:
        poster.show_fault(asked)


async def nothing() -> None:
    """Where there is nothing to wait for."""


async def _settled(answer: "asyncio.Future[Posted]") -> None:
    """Return when a post has its answer, whatever it is."""
    await asyncio.wait([answer])
