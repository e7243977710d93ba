"""Deciding about many drafts at once.

A batch is what arrived while the last one was being stored. A refused draft spoils no other,
takes no ``seq`` in the timeline, and gets its refusal instead of a message.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from folkmoot.core.conversations.errors import ConversationClosed, NoSuchConversation, NotAMember
from folkmoot.core.conversations.events import Durable, ReadMoved
from folkmoot.core.conversations.model import Conversation, Head, Kind, ReadMark
from folkmoot.core.messages.destinations import Destinations
from folkmoot.core.messages.errors import (
    ClientIdReused,
    MentionUnknown,
    NoSuchAttachment,
    NoSuchMessage,
    NotUpToDate,
)
from folkmoot.core.messages.events import MessagePosted
from folkmoot.core.messages.facts import Facts, gather
from folkmoot.core.messages.joining import begin, let_in, refuse_addressee, store_joins
from folkmoot.core.messages.model import (
    Attachment,
    AuthorKind,
    Body,
    Draft,
    DraftBody,
    Message,
    MessageBody,
    MessageKind,
    MessageRef,
    NewMessage,
    Posted,
)
from folkmoot.core.messages.questions import heed, owe, take_over
from folkmoot.core.messages.store import MessageWork
from folkmoot.core.shared.ids import AccountId, Clock, ConnectionId, ConversationId, Ids, MessageId
from folkmoot.core.shared.refusals import Refusal
from folkmoot.core.social.errors import Blocked

MAX_MISSED = 100


@dataclass(frozen=True, slots=True)
class _Accepted:
    """Which of the accepted messages answers a draft."""

    index: int
    is_repeat: bool = False


class Posting:
    """Turns drafts into messages under the next ``seq`` of their conversations."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._destinations = Destinations(clock, ids)

    async def post(self, work: MessageWork, drafts: Sequence[Draft]) -> list[Posted | Refusal]:
        """One answer for each draft, in their order.

        The same ``client_id`` from the same author answers with the first message and records
        nothing, so that a client may retry after losing its acknowledgement, however late.

        The refusals: NoSuchConversation, NotAMember, ConversationClosed, Blocked, NotFriends,
        ClientIdReused, NotUpToDate, NoSuchMessage (what is replied to), NoSuchAttachment,
        MentionUnknown; for a destination: SelfRequest, NoSuchAccount, AgentNotStaff,
        TooManyMembers.
        """
        facts, settled = await gather(work, drafts, self._destinations)
        verdicts = [
            draft if isinstance(draft, Refusal) else self._judge(facts, draft) for draft in settled
        ]
        stored = await self._store(work, facts) if facts.accepted else []
        answers = [
            Posted(stored[verdict.index], verdict.is_repeat)
            if isinstance(verdict, _Accepted)
            else verdict
            for verdict in verdicts
        ]
        for answer, draft in zip(answers, settled, strict=True):
            if isinstance(answer, NotUpToDate) and isinstance(draft, Draft):
                await _tell_what_was_missed(work, answer, draft)
        return answers

    async def settle(self, work: MessageWork, draft: Draft) -> Draft:
        """The draft with its conversation's id for a destination; one is begun if need be.

        Raises:
            SelfRequest, Blocked, NotFriends, NoSuchAccount
        """
        facts, (settled,) = await gather(work, [draft], self._destinations)
        if isinstance(settled, Refusal):
            raise settled
        given = await begin(work, facts, {settled.conversation_id})
        here = settled.conversation_id
        return replace(settled, destination=given.get(here, here))

    def _judge(self, facts: Facts, draft: Draft) -> _Accepted | Posted | Refusal:
        try:
            head = _entered(facts, draft)
            if (repeat := _repeat(facts, draft)) is not None:
                return repeat
            _refuse_if_silent(facts, draft, head)
            if draft.if_last_seq is not None and draft.if_last_seq < head.last_seq:
                raise NotUpToDate(if_last_seq=draft.if_last_seq, last_seq=head.last_seq)
            _refuse_unknown_mentions(facts, draft)
            refuse_addressee(facts, draft, head)
            return self._accept(facts, draft, head)
        except Refusal as refusal:
            return refusal

    def _accept(self, facts: Facts, draft: Draft, head: Conversation) -> _Accepted:
        body, now = _body(facts, draft), self._clock.now()
        head = let_in(facts, head, draft, now)
        message = NewMessage(
            uid=self._ids.uid(),
            conversation_id=head.id,
            conversation_uid=head.uid,
            seq=head.last_seq + 1,
            author=facts.memberships[head.id, draft.author_id].person,
            author_kind=AuthorKind.ACCOUNT,
            body=body,
            created_at=now,
            client_id=draft.client_id,
        )
        index = len(facts.accepted)
        facts.accepted.append(message)
        facts.origins.append(draft.origin)
        facts.heads[head.id] = head.moved_to(message.seq)
        if head.desk is not None and head.desk.assistant_on and message.author is not None:
            heed(facts, head.desk, message, message.author)
        if draft.client_id is not None:
            facts.accepted_ids[draft.author_id, draft.client_id] = index
        return _Accepted(index)

    async def _store(self, work: MessageWork, facts: Facts) -> list[Message]:
        """Store what was accepted, move the timelines on, and have it announced."""
        if facts.beginnings:
            await begin(work, facts, {message.conversation_id for message in facts.accepted})
        stored = await work.messages.add(facts.accepted)
        uploads = [
            (file.id, message.id)
            for message in stored
            if (file := message.body.attachment) is not None and file.id is not None
        ]
        if uploads:
            await work.attachments.attach(
                [upload for upload, _ in uploads], [number for _, number in uploads]
            )
        if facts.switches:
            await take_over(work, facts)
        if facts.joins:
            await store_joins(work, facts)
        await advance(work, stored, facts.switches.values())
        readings = await _readings(work, facts, stored)
        if facts.questions:
            await owe(work, facts, stored)
        for index, (message, origin) in enumerate(zip(stored, facts.origins, strict=True)):
            for joined in facts.joins.get(index, ()):
                work.record(joined)
            if message.id in readings:
                work.record(readings[message.id])
            work.record(announcement(message, origin))
            if index in facts.switches:
                work.record(facts.switches[index])
        return stored


async def advance(
    work: MessageWork, stored: Sequence[Message], after: Iterable[Durable] = ()
) -> None:
    """Move the timelines on, past the messages and what came ``after`` some of them.

    Who posts has read up to there.
    """
    counts = Counter(message.conversation_id for message in stored)
    heads = {
        message.conversation_id: Head(
            message.conversation_id,
            message.seq,
            message.created_at,
            counts[message.conversation_id],
        )
        for message in stored
    }
    for event in after:
        head = heads[event.conversation_id]
        heads[head.conversation_id] = replace(head, last_seq=max(head.last_seq, event.seq))
    await work.conversations.advance(list(heads.values()))
    marks = {
        (message.conversation_id, message.author.id): message.seq
        for message in stored
        if message.author is not None
    }
    if marks:
        await work.conversations.move_read(
            [ReadMark(conversation, reader, seq) for (conversation, reader), seq in marks.items()],
            stored[-1].created_at,
        )


async def _readings(
    work: MessageWork, facts: Facts, stored: Sequence[Message]
) -> dict[MessageId, ReadMoved]:
    """Who by writing to a friend has read what the friend wrote, by the message that shows it.

    Only in direct conversations, where each message says whether it was read.
    """
    first: dict[tuple[ConversationId, AccountId], Message] = {}
    for message in stored:
        is_direct = facts.heads[message.conversation_id].kind is Kind.DIRECT
        if is_direct and message.author is not None:
            first.setdefault((message.conversation_id, message.author.id), message)
    moves = {
        message.id: (
            ReadMark(*key, facts.memberships[key].read_seq),
            ReadMark(*key, message.seq - 1),
        )
        for key, message in first.items()
        if message.seq - 1 > facts.memberships[key].read_seq
    }
    if not moves:
        return {}
    newest = await work.receipts.newest([mark for move in moves.values() for mark in move])
    return {
        message.id: ReadMoved(
            message.conversation_id,
            message.conversation_uid,
            facts.memberships[key].person,
            moves[message.id][1].up_to_seq,
            message.created_at,
            newest[moves[message.id][1]],
        )
        for key, message in first.items()
        if message.id in moves
        and newest.get(moves[message.id][1]) != newest.get(moves[message.id][0])
    }


def _entered(facts: Facts, draft: Draft) -> Conversation:
    head = facts.heads.get(draft.conversation_id)
    if head is None:
        raise NoSuchConversation
    key = (head.id, draft.author_id)
    if key not in facts.memberships and key not in facts.joinable:
        raise NotAMember
    return head


def _refuse_if_silent(facts: Facts, draft: Draft, head: Conversation) -> None:
    if head.desk is not None and head.desk.is_closed:
        raise ConversationClosed
    key = (head.id, draft.author_id)
    if key in facts.memberships:
        if head.id in facts.silenced:
            raise facts.silenced[head.id]
    elif facts.joinable[key].is_blocked:
        raise Blocked


def _refuse_unknown_mentions(facts: Facts, draft: Draft) -> None:
    """Only members can be mentioned, and whoever becomes one by this very message."""
    mentioned = set(draft.body.mentions)
    if not mentioned:
        return
    joining = facts.joinable.get((draft.conversation_id, draft.author_id))
    if joining is not None:
        mentioned.discard(joining.person.uid)
    if not mentioned <= facts.members.get(draft.conversation_id, frozenset()):
        raise MentionUnknown(field="mentions")


def _repeat(facts: Facts, draft: Draft) -> _Accepted | Posted | None:
    """What an earlier draft with the same ``client_id`` has become.

    Raises:
        ClientIdReused: it said something else.
    """
    if draft.client_id is None:
        return None
    key = (draft.author_id, draft.client_id)
    if (index := facts.accepted_ids.get(key)) is not None:
        if not _same(facts.accepted[index], draft):
            raise ClientIdReused
        return _Accepted(index, is_repeat=True)
    if (message := facts.posted.get(key)) is not None:
        if not _same(message, draft):
            raise ClientIdReused
        return Posted(message, is_repeat=True)
    return None


def _same(message: Message | NewMessage, draft: Draft) -> bool:
    """Whether a draft says what a message said first, whatever was changed since.

    A client may retry long after its message was edited or deleted by another device.
    """
    if message.conversation_id != draft.conversation_id:
        return False
    if isinstance(message, Message) and message.is_deleted:
        return True
    first, again = message.body, draft.body
    replied = (first.reply_to.id, first.reply_to.uid) if first.reply_to else (None,)
    file: object = first.attachment
    if isinstance(again.attachment, str) and first.attachment is not None:
        file = first.attachment.id
    was_edited = isinstance(message, Message) and message.edited_at is not None
    return (
        (was_edited or first.content == again.content)
        and first.kind == _kind(again, first.attachment)
        and again.reply_to in replied
        and again.attachment == file
    )


def _body(facts: Facts, draft: Draft) -> MessageBody:
    """What the draft says, with what it refers to looked up."""
    said = draft.body
    attachment = _attached(facts, draft)
    return Body(
        content=said.content,
        kind=_kind(said, attachment),
        reply_to=_replied_to(facts, draft),
        attachment=attachment,
        mentions=said.mentions,
        labels=said.labels,
    )


def _replied_to(facts: Facts, draft: Draft) -> MessageRef | None:
    if draft.body.reply_to is None:
        return None
    found = facts.replies.get((draft.conversation_id, draft.body.reply_to))
    if found is None:
        raise NoSuchMessage
    return found


def _attached(facts: Facts, draft: Draft) -> Attachment | None:
    named = draft.body.attachment
    if not isinstance(named, str):
        return named
    upload = facts.uploads.get((draft.author_id, named))
    if upload is None:
        raise NoSuchAttachment
    return upload.attachment


def _kind(said: DraftBody, attachment: Attachment | None) -> MessageKind:
    """What a message is made of; whether a file kept here is an image, the file itself says."""
    if attachment is None or attachment.id is None or said.kind is MessageKind.VOICE:
        return said.kind
    return MessageKind.IMAGE if attachment.is_picture else MessageKind.FILE


async def _tell_what_was_missed(work: MessageWork, refusal: NotUpToDate, draft: Draft) -> None:
    refusal.facts["missed"] = await work.timeline.after(
        draft.conversation_id, draft.if_last_seq or 0, limit=MAX_MISSED
    )


def announcement(message: Message, origin: ConnectionId | None = None) -> MessagePosted:
    """The event that a message was posted."""
    return MessagePosted(
        conversation_id=message.conversation_id,
        conversation_uid=message.conversation_uid,
        seq=message.seq,
        at=message.created_at,
        message=message,
        origin=origin,
    )
