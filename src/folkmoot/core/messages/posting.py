"""Deciding about many drafts at once: one question to storage for each kind of fact.

A batch is what arrived while the last one was being stored. A refused draft spoils no other,
takes no place in the timeline, and gets its refusal in place of a message.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from folkmoot.core.conversations.errors import NoSuchConversation, NotAMember
from folkmoot.core.conversations.model import Conversation, Head, Member, ReadMark
from folkmoot.core.messages.errors import ClientIdReused, NoSuchMessage, NotUpToDate
from folkmoot.core.messages.events import MessagePosted
from folkmoot.core.messages.model import (
    AuthorKind,
    Draft,
    Message,
    MessageKind,
    MessageRef,
    NewMessage,
    Posted,
)
from folkmoot.core.messages.store import MessageWork
from folkmoot.core.shared.ids import AccountId, Clock, ConversationId, Ids, MessageId, Uid
from folkmoot.core.shared.refusals import Refusal
from folkmoot.core.social.errors import Blocked

MAX_MISSED = 100


@dataclass(slots=True)
class _Facts:
    """All that the drafts of one batch are judged by, kept true as they are accepted."""

    heads: dict[ConversationId, Conversation]
    memberships: dict[tuple[ConversationId, AccountId], Member]
    silenced: frozenset[tuple[ConversationId, AccountId]]
    posted: dict[tuple[AccountId, str], Message]
    replies: dict[tuple[ConversationId, MessageId | Uid], MessageRef]
    accepted: list[NewMessage] = field(default_factory=list)
    accepted_ids: dict[tuple[AccountId, str], int] = field(default_factory=dict)


class Posting:
    """Turns drafts into messages at the next places of their conversations."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    async def post(self, work: MessageWork, drafts: Sequence[Draft]) -> list[Posted | Refusal]:
        """One answer for each draft, in their order.

        The same ``client_id`` from the same author answers with the first message and records
        nothing, so that a client may retry after losing its acknowledgement, however late.

        The refusals: NoSuchConversation, NotAMember, Blocked, ClientIdReused, NotUpToDate,
        NoSuchMessage (what is replied to).
        """
        facts = await _gather(work, drafts)
        verdicts = [self._judge(facts, draft) for draft in drafts]
        stored = await work.messages.add(facts.accepted) if facts.accepted else []
        if stored:
            await self._advance(work, stored)
        for message in stored:
            work.record(_announcement(message))
        answers = [
            Posted(stored[verdict.place], verdict.is_repeat)
            if isinstance(verdict, _Accepted)
            else verdict
            for verdict in verdicts
        ]
        return [
            await _with_missed(work, answer, draft)
            for answer, draft in zip(answers, drafts, strict=True)
        ]

    def _judge(self, facts: _Facts, draft: Draft) -> "_Accepted | Posted | Refusal":
        try:
            head = _entered(facts, draft)
            if (repeat := _repeat(facts, draft)) is not None:
                return repeat
            if (head.id, draft.author_id) in facts.silenced:
                raise Blocked
            if draft.if_last_seq is not None and draft.if_last_seq < head.last_seq:
                raise NotUpToDate(if_last_seq=draft.if_last_seq, last_seq=head.last_seq)
            return self._accept(facts, draft, head, _replied_to(facts, draft))
        except Refusal as refusal:
            return refusal

    def _accept(
        self, facts: _Facts, draft: Draft, head: Conversation, reply_to: MessageRef | None
    ) -> "_Accepted":
        message = NewMessage(
            uid=self._ids.uid(),
            conversation_id=head.id,
            conversation_uid=head.uid,
            seq=head.last_seq + 1,
            author=facts.memberships[head.id, draft.author_id].person,
            author_kind=AuthorKind.ACCOUNT,
            kind=MessageKind.TEXT,
            content=draft.content,
            created_at=self._clock.now(),
            client_id=draft.client_id,
            reply_to=reply_to,
        )
        place = len(facts.accepted)
        facts.accepted.append(message)
        facts.heads[head.id] = replace(head, last_seq=message.seq)
        if draft.client_id is not None:
            facts.accepted_ids[draft.author_id, draft.client_id] = place
        return _Accepted(place)

    async def _advance(self, work: MessageWork, stored: Sequence[Message]) -> None:
        """Move the timelines on; who posts has read up to there."""
        newest = {message.conversation_id: message for message in stored}
        await work.conversations.advance(
            [Head(key, message.seq, message.created_at) for key, message in newest.items()]
        )
        marks = {
            (message.conversation_id, message.author.id): message.seq
            for message in stored
            if message.author is not None
        }
        await work.conversations.move_read(
            [ReadMark(conversation, reader, seq) for (conversation, reader), seq in marks.items()],
            stored[-1].created_at,
        )


@dataclass(frozen=True, slots=True)
class _Accepted:
    """Which of the accepted messages answers a draft."""

    place: int
    is_repeat: bool = False


async def _gather(work: MessageWork, drafts: Sequence[Draft]) -> _Facts:
    heads = await work.conversations.heads({draft.conversation_id for draft in drafts})
    memberships = await work.conversations.memberships(
        {(draft.conversation_id, draft.author_id) for draft in drafts}
    )
    keys = {(d.author_id, d.client_id) for d in drafts if d.client_id is not None}
    return _Facts(
        heads=heads,
        memberships=memberships,
        silenced=await _silenced(work, heads.values()),
        posted=await work.messages.by_client_ids(keys) if keys else {},
        replies=await _replies(work, drafts),
    )


async def _silenced(
    work: MessageWork, heads: Iterable[Conversation]
) -> frozenset[tuple[ConversationId, AccountId]]:
    """Who may not write where, because a block stands between a conversation's only two."""
    two_party = [head.id for head in heads if head.is_two_party]
    if not two_party:
        return frozenset()
    pairs = {
        conversation_id: frozenset(member.person.id for member in members)
        for conversation_id, members in (await work.conversations.members(two_party)).items()
    }
    blocks = {
        frozenset(block)
        for block in await work.social.blocks_among(frozenset().union(*pairs.values()))
    }
    return frozenset(
        (conversation_id, account_id)
        for conversation_id, pair in pairs.items()
        if pair in blocks
        for account_id in pair
    )


async def _replies(
    work: MessageWork, drafts: Sequence[Draft]
) -> dict[tuple[ConversationId, MessageId | Uid], MessageRef]:
    wanted: dict[ConversationId, set[MessageId | Uid]] = {}
    for draft in drafts:
        if draft.reply_to is not None:
            wanted.setdefault(draft.conversation_id, set()).add(draft.reply_to)
    found = {}
    for conversation_id, names in wanted.items():
        for name, message in (await work.messages.named(conversation_id, names)).items():
            found[conversation_id, name] = MessageRef(message.id, message.uid)
    return found


def _entered(facts: _Facts, draft: Draft) -> Conversation:
    head = facts.heads.get(draft.conversation_id)
    if head is None:
        raise NoSuchConversation
    if (head.id, draft.author_id) not in facts.memberships:
        raise NotAMember
    return head


def _repeat(facts: _Facts, draft: Draft) -> _Accepted | Posted | None:
    """What an earlier draft with the same ``client_id`` has become.

    Raises:
        ClientIdReused: it said something else.
    """
    if draft.client_id is None:
        return None
    key = (draft.author_id, draft.client_id)
    if (place := facts.accepted_ids.get(key)) is not None:
        if not _same(facts.accepted[place], draft):
            raise ClientIdReused
        return _Accepted(place, is_repeat=True)
    if (message := facts.posted.get(key)) is not None:
        if not _same(message, draft):
            raise ClientIdReused
        return Posted(message, is_repeat=True)
    return None


def _same(message: Message | NewMessage, draft: Draft) -> bool:
    """Whether a draft says what a message said first; what was edited since is not held against it.

    A client may retry long after its message was edited or deleted by another device.
    """
    names: Collection[MessageId | Uid | None] = (
        (message.reply_to.id, message.reply_to.uid) if message.reply_to else (None,)
    )
    return (
        message.conversation_id == draft.conversation_id
        and (_has_changed(message) or message.content == draft.content)
        and draft.reply_to in names
    )


def _has_changed(message: Message | NewMessage) -> bool:
    return isinstance(message, Message) and bool(message.edited_at or message.deleted_at)


def _replied_to(facts: _Facts, draft: Draft) -> MessageRef | None:
    if draft.reply_to is None:
        return None
    found = facts.replies.get((draft.conversation_id, draft.reply_to))
    if found is None:
        raise NoSuchMessage
    return found


async def _with_missed(
    work: MessageWork, answer: Posted | Refusal, draft: Draft
) -> Posted | Refusal:
    """A refusal for being behind brings along the first of what was missed."""
    if isinstance(answer, NotUpToDate) and draft.if_last_seq is not None:
        answer.facts["missed"] = await work.timeline.after(
            draft.conversation_id, draft.if_last_seq, limit=MAX_MISSED
        )
    return answer


def _announcement(message: Message) -> MessagePosted:
    return MessagePosted(
        conversation_id=message.conversation_id,
        conversation_uid=message.conversation_uid,
        seq=message.seq,
        at=message.created_at,
        message=message,
    )
