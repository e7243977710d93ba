"""Decisions about single messages after they were posted; `posting` decides about drafts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from folkmoot.core.accounts.model import Person
from folkmoot.core.conversations.errors import ConversationClosed, NotTheOwner
from folkmoot.core.conversations.model import Conversation, Kind, Member, MemberRole, may_moderate
from folkmoot.core.conversations.service import Conversations
from folkmoot.core.conversations.timeline import keep, next_position
from folkmoot.core.messages.errors import (
    NoSuchMessage,
    NotTheAuthor,
    TooManyMentions,
    TooManyReactions,
)
from folkmoot.core.messages.events import (
    MessageDeleted,
    MessageEdited,
    ReactionAdded,
    ReactionRemoved,
)
from folkmoot.core.messages.facts import silenced_among
from folkmoot.core.messages.model import (
    MAX_MENTIONS,
    MAX_REACTIONS_EACH,
    Attachment,
    Body,
    Destination,
    Draft,
    Message,
    MessageKind,
    MessageRef,
    checked_attachment,
    checked_client_id,
    checked_emoji,
)
from folkmoot.core.messages.store import MessageWork
from folkmoot.core.shared.ids import AccountId, Clock, ConnectionId, ConversationId, MessageId, Uid
from folkmoot.core.shared.texts import trimmed


class Messages:
    """What people say, and what becomes of it. ``max_chars`` bounds a message's content."""

    def __init__(self, clock: Clock, conversations: Conversations, *, max_chars: int) -> None:
        self._clock = clock
        self._conversations = conversations
        self._max_chars = max_chars

    def draft(
        self,
        author_id: AccountId,
        destination: Destination,
        content: str,
        *,
        client_id: str | None = None,
        reply_to: MessageId | Uid | None = None,
        if_last_seq: int | None = None,
        kind: MessageKind = MessageKind.TEXT,
        attachment: Uid | Attachment | None = None,
        mentions: Sequence[Uid] = (),
        labels: Mapping[str, str] | None = None,
        addressee_id: AccountId | None = None,
        origin: ConnectionId | None = None,
    ) -> Draft:
        """A draft with a content that can be stored.

        Raises:
            Invalid: the content, the ``client_id`` or another part can never be right.
        """
        if len(mentions) > MAX_MENTIONS:
            raise TooManyMentions(field="mentions", max_mentions=MAX_MENTIONS)
        return Draft(
            author_id=author_id,
            destination=destination,
            body=Body(
                content=self._content(content),
                kind=kind,
                reply_to=reply_to,
                attachment=checked_attachment(attachment),
                mentions=tuple(dict.fromkeys(mentions)),
                labels=labels or {},
            ),
            client_id=checked_client_id(client_id),
            if_last_seq=if_last_seq,
            addressee_id=addressee_id,
            origin=origin,
        )

    async def edit(
        self,
        work: MessageWork,
        actor: AccountId,
        conversation_id: ConversationId,
        name: MessageId | Uid,
        content: str,
    ) -> Message:
        """The message with its new content; the same content again changes nothing.

        Raises:
            NoSuchConversation, NotAMember, NoSuchMessage, NotTheAuthor, Blocked, Invalid
        """
        content = self._content(content)
        head, member, message = await self._found(work, actor, conversation_id, name)
        if message.author_id != actor:
            raise NotTheAuthor
        await self._refuse_if_silent(work, head)
        if content == message.body.content:
            return message
        now = self._clock.now()
        edited = replace(message, body=replace(message.body, content=content), edited_at=now)
        await work.messages.edit(message.id, edited.body, now)
        event = MessageEdited(
            **next_position(head, now),
            message=edited,
            actor=member.person,
        )
        await keep(work, head, [event])
        return edited

    async def delete(
        self,
        work: MessageWork,
        actor: AccountId,
        conversation_id: ConversationId,
        name: MessageId | Uid,
    ) -> None:
        """Leave only the message's ``seq``. Its author may, and who may moderate here: of two in
        a direct conversation nobody, and no customer in their own session.

        Raises:
            NoSuchConversation, NotAMember, NoSuchMessage, NotTheAuthor, NotTheOwner
        """
        head, member, message = await self._found(work, actor, conversation_id, name)
        if message.author_id != actor and not may_moderate(head, member):
            owns = head.kind is Kind.DIRECT or member.role is MemberRole.OWNER
            raise NotTheAuthor if owns else NotTheOwner
        now = self._clock.now()
        await work.messages.delete(message.id, now)
        event = MessageDeleted(
            **next_position(head, now),
            message=MessageRef(message.id, message.uid),
            author_id=message.author_id,
            actor=member.person,
        )
        await keep(work, head, [event])

    async def react(
        self,
        work: MessageWork,
        actor: AccountId,
        conversation_id: ConversationId,
        name: MessageId | Uid,
        emoji: str,
    ) -> None:
        """Put an emoji on a message; twice is once.

        Raises:
            NoSuchConversation, NotAMember, NoSuchMessage, Blocked, EmojiInvalid, TooManyReactions
        """
        emoji = checked_emoji(emoji)
        head, member, message = await self._found(work, actor, conversation_id, name)
        await self._refuse_if_silent(work, head)
        mine = await work.messages.reactions_of(message.id, actor)
        if emoji in mine:
            return
        if len(mine) >= MAX_REACTIONS_EACH:
            raise TooManyReactions(max_reactions=MAX_REACTIONS_EACH)
        await work.messages.react(message.id, actor, emoji, self._clock.now())
        await self._keep_reaction(work, head, ReactionAdded, message, member.person, emoji)

    async def unreact(
        self,
        work: MessageWork,
        actor: AccountId,
        conversation_id: ConversationId,
        name: MessageId | Uid,
        emoji: str,
    ) -> None:
        """Take an emoji back; what is not there stays so.

        Raises:
            NoSuchConversation, NotAMember, NoSuchMessage, EmojiInvalid
        """
        emoji = checked_emoji(emoji)
        head, member, message = await self._found(work, actor, conversation_id, name)
        if await work.messages.unreact(message.id, actor, emoji):
            await self._keep_reaction(work, head, ReactionRemoved, message, member.person, emoji)

    async def _found(
        self,
        work: MessageWork,
        actor: AccountId,
        conversation_id: ConversationId,
        name: MessageId | Uid,
    ) -> tuple[Conversation, Member, Message]:
        head, member = await self._conversations.entered(work, actor, conversation_id)
        message = (await work.messages.named(conversation_id, [name])).get(name)
        if message is None or message.is_deleted:
            raise NoSuchMessage
        return head, member, message

    async def _refuse_if_silent(self, work: MessageWork, head: Conversation) -> None:
        if head.desk is not None and head.desk.is_closed:
            raise ConversationClosed
        silenced = await silenced_among(work, [head])
        if head.id in silenced:
            raise silenced[head.id]

    async def _keep_reaction(
        self,
        work: MessageWork,
        head: Conversation,
        event_type: type[ReactionAdded] | type[ReactionRemoved],
        message: Message,
        actor: Person,
        emoji: str,
    ) -> None:
        event = event_type(
            **next_position(head, self._clock.now()),
            message=MessageRef(message.id, message.uid),
            actor=actor,
            emoji=emoji,
        )
        await keep(work, head, [event])

    def _content(self, content: str) -> str:
        return trimmed(content, field="content", max_chars=self._max_chars)
