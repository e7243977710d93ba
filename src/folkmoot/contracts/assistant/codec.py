"""Frames into intentions, events into frames: pure, and the same for live and for missed events."""

from typing import assert_never, cast

import msgspec
from msgspec import UNSET, Struct

from folkmoot.contracts.assistant import frames as wire
from folkmoot.contracts.assistant.frames import INBOUND, Intention
from folkmoot.core.accounts.events import AccountChanged, AccountDeactivated, LoginsEnded
from folkmoot.core.conversations.events import (
    AgentAssigned,
    AssistantSwitched,
    ConversationChange,
    ConversationEnded,
    ConversationRenamed,
    ConversationStarted,
    DeliveredMoved,
    Durable,
    MemberJoined,
    MemberLeft,
    ReadMoved,
)
from folkmoot.core.events import Event
from folkmoot.core.logs.events import LogsProgressed
from folkmoot.core.messages.answers import CUT_SHORT
from folkmoot.core.messages.events import (
    AnswerDropped,
    AnswerExtended,
    EphemeralNotice,
    MessageChange,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionAdded,
    ReactionRemoved,
)
from folkmoot.core.messages.model import AuthorKind, Message
from folkmoot.core.presence.events import CameOnline, Entered, Exited, Typing, WentOffline
from folkmoot.core.social.events import (
    BlockLifted,
    BlockSet,
    FriendAccepted,
    FriendDeclined,
    FriendRequested,
    FriendshipEnded,
)
from folkmoot.core.tasks.events import TasksAdded
from folkmoot.files.links import file_url
from folkmoot.kit.frame_reader import FrameReader
from folkmoot.kit.sending import ChangeIntention, DeleteIntention, EditIntention, ReactIntention
from folkmoot.kit.times import in_microseconds
from folkmoot.realtime.streaming_answers import StreamingAnswer
from folkmoot.wire.lane_frames import text_frame

instant = in_microseconds
"""A time as this contract prints it."""

_encode = msgspec.json.Encoder().encode
_frames = FrameReader(INBOUND)


def decode(data: str | bytes) -> Intention:
    """What a client's frame asks for.

    Raises:
        FrameMalformed, FrameUnknown
    """
    return cast("Intention", _frames.read(data))


def change_of(frame: wire.Change) -> ChangeIntention:
    """What is to become of a message."""
    match frame:
        case wire.EditInChat(content=content):
            return EditIntention(content)
        case wire.DeleteInChat():
            return DeleteIntention()
        case wire.ReactInChat(emoji=emoji, remove=remove):
            return ReactIntention(emoji, remove)
        case _:
            assert_never(frame)


def encode(frame: Struct) -> bytes:
    """The WebSocket frame that carries one frame of the contract."""
    return text_frame(_encode(frame))


def shown(event: Event, *, own: bool) -> Struct | None:
    """An event as this contract shows it; ``None`` for what it does not show.

    ``own``: to connections of the account that the event is about.
    """
    match event:
        case MessagePosted(message=message) | EphemeralNotice(message=message):
            return message_frame(message, own=own)
        case MessageEdited() | MessageDeleted() | ReactionAdded() | ReactionRemoved():
            return _message_change(event)
        case Durable():
            return _session_change(event)
        case AnswerExtended() | AnswerDropped() | LogsProgressed():
            return _progress(event)
        case Typing() | Entered() | Exited():
            return None if own else _presence(event)
        case ReadMoved(reader=reader, up_to_seq=seq, newest=newest, at=at):
            return wire.ChatReadFrame(event.conversation_uid, reader.uid, seq, newest, instant(at))
        case LoginsEnded() | AccountDeactivated() | AccountChanged() | TasksAdded():
            return None
        case ConversationStarted() | DeliveredMoved() | CameOnline() | WentOffline():
            return None
        case (
            BlockSet()
            | BlockLifted()
            | FriendRequested()
            | FriendAccepted()
            | FriendDeclined()
            | FriendshipEnded()
        ):
            return None
        case _:
            assert_never(event)


def message_frame(message: Message, *, own: bool) -> wire.ChatMessageFrame:
    """A message; its ``client_id`` is for the author only."""
    is_account = message.author_kind is AuthorKind.ACCOUNT
    return wire.ChatMessageFrame(
        id=message.uid,
        session_id=message.conversation_uid,
        role="user" if is_account else message.author_kind.value,
        sender_id=message.author.uid if message.author else None,
        content=message.body.content,
        seq=message.seq,
        timestamp=instant(message.created_at),
        metadata=_metadata(message, own=own),
    )


def _metadata(message: Message, *, own: bool) -> wire.ChatMessageMetadata:
    labels = {name: text for name, text in message.body.labels.items() if name != CUT_SHORT}
    metadata = wire.ChatMessageMetadata(
        sender_name=message.sender_name,
        message_type=message.body.kind.value,
        reply_to_id=message.body.reply_to.uid if message.body.reply_to else None,
        mentions=list(message.body.mentions),
        is_deleted=message.is_deleted,
        edited_at=None if message.edited_at is None else instant(message.edited_at),
        reactions=[
            wire.ChatReactionOut(reaction.emoji, [person.uid for person in reaction.people])
            for reaction in message.reactions
        ],
        cut_short=message.body.labels.get(CUT_SHORT),
        labels=labels or UNSET,
        client_id=message.client_id if own and message.client_id is not None else UNSET,
    )
    if (hangs := message.body.attachment) is not None:
        url = hangs.url if hangs.id is None else file_url(hangs.id)
        metadata.file_url = url or UNSET
        metadata.file_name = hangs.name
        metadata.file_size = hangs.size
        metadata.file_type = hangs.media_type
    return metadata


def streamed_out(streamed: StreamingAnswer | None) -> wire.ChatStreamingOut | None:
    """An answer as far as it has been written."""
    if streamed is None:
        return None
    return wire.ChatStreamingOut(streamed.message, streamed.question, streamed.text)


def _presence(event: Typing | Entered | Exited) -> Struct:
    session, who, name = event.conversation_uid, event.person.uid, event.person.username
    match event:
        case Typing(is_typing=is_typing):
            return wire.ChatTypingFrame(session, who, is_typing, name)
        case Entered(present=present):
            return wire.ChatPresenceFrame(session, who, name, present)
        case Exited(present=present):
            return wire.ChatAbsenceFrame(session, who, name, present)


def _progress(event: AnswerExtended | AnswerDropped | LogsProgressed) -> Struct:
    session = event.conversation_uid
    match event:
        case AnswerExtended(message=name, question=question, position=position, delta=delta):
            return wire.ChatDeltaFrame(name, session, delta, position, question)
        case AnswerDropped(message=name, question=question):
            return wire.ChatDroppedFrame(name, session, question)
        case LogsProgressed(reading=read):
            counts = (read.files, read.entries, read.unreadable)
            return wire.ChatProgressFrame(session, "reload", *counts, read.is_done)


def _message_change(event: MessageChange) -> Struct:
    session = event.conversation_uid
    match event:
        case MessageEdited(message=message, actor=actor, seq=seq, at=at):
            content = message.body.content
            return wire.ChatEditedFrame(message.uid, session, content, instant(at), actor.uid, seq)
        case MessageDeleted(message=ref, actor=actor, seq=seq):
            return wire.ChatDeletedFrame(ref.uid, session, actor.uid, seq)
        case ReactionAdded() | ReactionRemoved():
            removed = isinstance(event, ReactionRemoved)
            by = event.actor.uid
            name = event.message.uid
            return wire.ChatReactionFrame(name, session, by, event.emoji, removed, event.seq)
        case _:
            assert_never(event)


def _session_change(event: ConversationChange) -> Struct:
    session = event.conversation_uid
    match event:
        case ConversationEnded(actor=actor, seq=seq, at=at):
            return wire.ChatClosedFrame(session, actor.uid, seq, instant(at))
        case AgentAssigned(agent=agent, actor=actor, seq=seq):
            return wire.ChatAssignedFrame(session, actor.uid, agent.uid, agent.username, seq)
        case ConversationRenamed(title=title, actor=actor, seq=seq):
            return wire.ChatUpdatedFrame(session, actor.uid, seq, title=title or "")
        case AssistantSwitched(is_on=is_on, actor=actor, seq=seq):
            return wire.ChatUpdatedFrame(session, actor.uid, seq, assistant=is_on)
        case MemberJoined(member=member, actor=actor, seq=seq):
            return wire.ChatMemberAddedFrame(session, member.uid, member.username, actor.uid, seq)
        case MemberLeft(member=member, actor=actor, seq=seq):
            return wire.ChatMemberRemovedFrame(session, member.uid, member.username, actor.uid, seq)
        case _:
            assert_never(event)
