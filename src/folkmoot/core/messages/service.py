"""Decisions about single messages after they were posted; `posting` decides about drafts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from folkmoot.core.accounts.model import Person
from folkmoot.core.conversations.errors import (
    ConversationClosed,
    NoSuchConversation,
    NotAMember,
    NotTheOwner,
)
from folkmoot.core.conversations.events import MemberJoined
from folkmoot.core.conversations.model import Conversation, Kind, Member, MemberRole, may_moderate
from folkmoot.core.conversations.timeline import TimelinePosition, keep, next_position
from folkmoot.core.messages.errors import (
    NoSuchMessage,
    NotTheAuthor,
    TooManyMentions,
    TooManyReactions,
)
from folkmoot.core.messages.events import (
    MessageChange,
    MessageDeleted,
    MessageEdited,
    ReactionAdded,
    ReactionRemoved,
)
from folkmoot.core.messages.facts import Joinable, joinable, silenced_among
from folkmoot.core.messages.model import (
    MAX_MENTIONS,
    MAX_REACTIONS_EACH,
    Attachment,
    Body,
    Message,
    MessageKind,
    MessageRef,
    UnaddressedDraft,
    checked_attachment,
    checked_client_id,
    checked_emoji,
)
from folkmoot.core.messages.store import MessageWork
from folkmoot.core.shared.ids import AccountId, Clock, ConnectionId, ConversationId, MessageId, Uid
from folkmoot.core.shared.texts import trimmed
from folkmoot.core.social.errors import Blocked


@dataclass(frozen=True, slots=True)
class _Target:
    """A message that somebody would change; ``joining``: staff who become members by it."""

    head: Conversation
    member: Member
    message: Message
    joining: Joinable | None

    @property
    def actor(self) -> Person:
        return self.member.person

    @property
    def named(self) -> MessageRef:
        return MessageRef(self.message.id, self.message.uid)


class Messages:
    """What people say, and what becomes of it. ``max_chars`` bounds a message's content."""

    def __init__(self, clock: Clock, *, max_chars: int) -> None:
        self._clock = clock
        self._max_chars = max_chars

    def draft(
        self,
        author_id: AccountId,
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
    ) -> UnaddressedDraft:
        """A draft with a content that can be stored; `UnaddressedDraft.to` says where.

        Raises:
            Invalid: the content, the ``client_id`` or another part can never be right.
        """
        if len(mentions) > MAX_MENTIONS:
            raise TooManyMentions(field="mentions", max_mentions=MAX_MENTIONS)
        return UnaddressedDraft(
            author_id=author_id,
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
        target = await self._found(work, actor, conversation_id, name)
        message = target.message
        if message.author_id != actor:
            raise NotTheAuthor
        await _refuse_if_silent(work, target)
        if content == message.body.content:
            return message
        now = self._clock.now()
        edited = replace(message, body=replace(message.body, content=content), edited_at=now)
        await work.messages.edit(message.id, edited.body, now)
        await _keep(
            work,
            target,
            now,
            lambda position: MessageEdited(**position, message=edited, actor=target.actor),
        )
        return edited

    async def delete(
        self,
        work: MessageWork,
        actor: AccountId,
        conversation_id: ConversationId,
        name: MessageId | Uid,
    ) -> Message:
        """The message, of which only the ``seq`` is left. Its author may, and who may moderate: of
        two in a direct conversation nobody, and no customer in their own session.

        Raises:
            NoSuchConversation, NotAMember, NoSuchMessage, NotTheAuthor, NotTheOwner
            ConversationClosed, Blocked: to staff who would have to join for it.
        """
        target = await self._found(work, actor, conversation_id, name)
        head, member, message = target.head, target.member, target.message
        if message.author_id != actor and not may_moderate(head, member):
            owns = head.kind is Kind.DIRECT or member.role is MemberRole.OWNER
            raise NotTheAuthor if owns else NotTheOwner
        if target.joining is not None:
            await _refuse_if_silent(work, target)
        now = self._clock.now()
        await work.messages.delete(message.id, now)
        await _keep(
            work,
            target,
            now,
            lambda position: MessageDeleted(
                **position,
                message=target.named,
                author_id=message.author_id,
                actor=target.actor,
            ),
        )
        return message

    async def react(
        self,
        work: MessageWork,
        actor: AccountId,
        conversation_id: ConversationId,
        name: MessageId | Uid,
        emoji: str,
    ) -> Message:
        """The message that the emoji was put on; twice is once.

        Raises:
            NoSuchConversation, NotAMember, NoSuchMessage, Blocked, EmojiInvalid, TooManyReactions
        """
        emoji = checked_emoji(emoji)
        target = await self._found(work, actor, conversation_id, name)
        await _refuse_if_silent(work, target)
        mine = await work.messages.reactions_of(target.message.id, actor)
        if emoji in mine:
            return target.message
        if len(mine) >= MAX_REACTIONS_EACH:
            raise TooManyReactions(max_reactions=MAX_REACTIONS_EACH)
        now = self._clock.now()
        await work.messages.react(target.message.id, actor, emoji, now)
        await _keep_reaction(work, target, now, ReactionAdded, emoji)
        return target.message

    async def unreact(
        self,
        work: MessageWork,
        actor: AccountId,
        conversation_id: ConversationId,
        name: MessageId | Uid,
        emoji: str,
    ) -> Message:
        """The message that the emoji was taken from; what is not there stays so.

        Raises:
            NoSuchConversation, NotAMember, NoSuchMessage, EmojiInvalid
            ConversationClosed, Blocked: to staff who would have to join for it.
        """
        target = await self._found(work, actor, conversation_id, name)
        if target.joining is not None:
            await _refuse_if_silent(work, target)
        # What was taken for an emoji once can be taken back as it is.
        if emoji not in await work.messages.reactions_of(target.message.id, actor):
            emoji = checked_emoji(emoji)
        if await work.messages.unreact(target.message.id, actor, emoji):
            await _keep_reaction(work, target, self._clock.now(), ReactionRemoved, emoji)
        return target.message

    async def _found(
        self,
        work: MessageWork,
        actor: AccountId,
        conversation_id: ConversationId,
        name: MessageId | Uid,
    ) -> _Target:
        """The message, for its conversation's members, and in a session for staff who look on."""
        head = (await work.conversations.heads([conversation_id])).get(conversation_id)
        if head is None:
            raise NoSuchConversation
        key, joining = (conversation_id, actor), None
        member = (await work.conversations.memberships([key])).get(key)
        if member is None:
            joining = (await joinable(work, {key: head})).get(key)
            if joining is None:
                raise NotAMember
            member = Member(head.id, joining.person, MemberRole.MEMBER, self._clock.now())
        message = (await work.messages.named(conversation_id, [name])).get(name)
        if message is None or message.is_deleted:
            raise NoSuchMessage
        return _Target(head, member, message, joining)

    def _content(self, content: str) -> str:
        return trimmed(content, field="content", max_chars=self._max_chars)


async def _refuse_if_silent(work: MessageWork, target: _Target) -> None:
    if target.head.desk is not None and target.head.desk.is_closed:
        raise ConversationClosed
    if target.joining is None:
        silenced = await silenced_among(work, [target.head])
        if target.head.id in silenced:
            raise silenced[target.head.id]
    elif target.joining.is_blocked:
        raise Blocked


async def _keep(
    work: MessageWork,
    target: _Target,
    at: datetime,
    change: Callable[[TimelinePosition], MessageChange],
) -> None:
    """Write a change down, after the joining of whoever becomes a member by it."""
    head, person = target.head, target.actor
    if target.joining is None:
        await keep(work, head, [change(next_position(head, at))])
        return
    joined = MemberJoined(**next_position(head, at), member=person, actor=person)
    await work.conversations.change_members(head.id, joined=[person.id], at=at)
    await keep(work, head, [joined, change(next_position(head, at, 2))])


async def _keep_reaction(
    work: MessageWork,
    target: _Target,
    at: datetime,
    event_type: type[ReactionAdded] | type[ReactionRemoved],
    emoji: str,
) -> None:
    await _keep(
        work,
        target,
        at,
        lambda position: event_type(
            **position, message=target.named, actor=target.actor, emoji=emoji
        ),
    )
