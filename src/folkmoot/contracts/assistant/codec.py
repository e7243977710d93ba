"""Frames into intentions, events into frames: pure, and the same for live and for missed events."""

from typing import assert_never

from msgspec import UNSET, Struct

from folkmoot.contracts.assistant import frames as wire
from folkmoot.contracts.assistant.errors import CLOSE_CODES
from folkmoot.core import events
from folkmoot.core.messages.answers import CUT_SHORT
from folkmoot.core.messages.model import AuthorKind, Message
from folkmoot.kit.frame_reader import FrameReader
from folkmoot.kit.json_wire_format import (
    AnswerProgress,
    ConversationPresence,
    JsonWireFormat,
    TimelineChange,
)
from folkmoot.kit.message_parts import author_uid, own_client_id, people_of, reply_uid, url_of
from folkmoot.kit.sending import ChangeIntention, DeleteIntention, EditIntention, ReactIntention
from folkmoot.kit.times import in_microseconds
from folkmoot.realtime.streaming_answers import StreamingAnswer

instant = in_microseconds
"""A time as this contract prints it."""

decode = FrameReader[wire.Intention](wire.INBOUND).read
"""What a client's frame asks for."""


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


def message_frame(message: Message, *, own: bool) -> wire.ChatMessageFrame:
    """A message; its ``client_id`` is for the author only."""
    is_account = message.author_kind is AuthorKind.ACCOUNT
    return wire.ChatMessageFrame(
        id=message.uid,
        session_id=message.conversation_uid,
        role="user" if is_account else message.author_kind.value,
        sender_id=author_uid(message),
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
        reply_to_id=reply_uid(message),
        mentions=list(message.body.mentions),
        is_deleted=message.is_deleted,
        edited_at=None if message.edited_at is None else instant(message.edited_at),
        reactions=[wire.ChatReactionOut(one.emoji, people_of(one)) for one in message.reactions],
        cut_short=message.body.labels.get(CUT_SHORT),
        labels=labels or UNSET,
        client_id=own_client_id(message, own=own),
    )
    if (hangs := message.body.attachment) is not None:
        metadata.file_url = url_of(hangs) or UNSET
        metadata.file_name = hangs.name
        metadata.file_size = hangs.size
        metadata.file_type = hangs.media_type
    return metadata


def streamed_out(streamed: StreamingAnswer | None) -> wire.ChatStreamingOut | None:
    """An answer as far as it has been written."""
    if streamed is None:
        return None
    return wire.ChatStreamingOut(streamed.message, streamed.question, streamed.text)


def _presence(event: ConversationPresence) -> Struct:
    session, who, name = event.conversation_uid, event.person.uid, event.person.username
    match event:
        case events.Typing(is_typing=is_typing):
            return wire.ChatTypingFrame(session, who, is_typing, name)
        case events.Entered(present=present):
            return wire.ChatPresenceFrame(session, who, name, present)
        case events.Exited(present=present):
            return wire.ChatAbsenceFrame(session, who, name, present)


def _read(event: events.ReadMoved) -> Struct:
    session, reader, at = event.conversation_uid, event.reader.uid, instant(event.at)
    return wire.ChatReadFrame(session, reader, event.up_to_seq, event.newest, at)


def _progress(event: AnswerProgress) -> Struct:
    session = event.conversation_uid
    match event:
        case events.AnswerExtended(message=name, question=question, position=position):
            return wire.ChatDeltaFrame(name, session, event.delta, position, question)
        case events.AnswerDropped(message=name, question=question):
            return wire.ChatDroppedFrame(name, session, question)
        case events.LogsProgressed(reading=read):
            counts = (read.files, read.entries, read.unreadable)
            return wire.ChatProgressFrame(session, "reload", *counts, read.is_done)


def _change(event: TimelineChange) -> Struct:
    session, by, seq = event.conversation_uid, event.actor.uid, event.seq
    match event:
        case events.MessageEdited(message=message, at=at):
            content = message.body.content
            return wire.ChatEditedFrame(message.uid, session, content, instant(at), by, seq)
        case events.MessageDeleted(message=ref):
            return wire.ChatDeletedFrame(ref.uid, session, by, seq)
        case events.ReactionAdded(message=ref) | events.ReactionRemoved(message=ref):
            removed = isinstance(event, events.ReactionRemoved)
            return wire.ChatReactionFrame(ref.uid, session, by, event.emoji, removed, seq)
        case events.ConversationEnded(at=at):
            return wire.ChatClosedFrame(session, by, seq, instant(at))
        case events.AgentAssigned(agent=agent):
            uid, name = (agent.uid, agent.username) if agent else (None, "")
            return wire.ChatAssignedFrame(session, by, uid, name, seq)
        case events.ConversationRenamed(title=title):
            return wire.ChatUpdatedFrame(session, by, seq, title=title or "")
        case events.AssistantSwitched(is_on=is_on):
            return wire.ChatUpdatedFrame(session, by, seq, assistant=is_on)
        case events.MemberJoined(member=member):
            return wire.ChatMemberAddedFrame(session, member.uid, member.username, by, seq)
        case events.MemberLeft(member=member):
            return wire.ChatMemberRemovedFrame(session, member.uid, member.username, by, seq)
        case _:
            assert_never(event)


WIRE_FORMAT = JsonWireFormat(
    contract="assistant",
    message=message_frame,
    change=_change,
    presence=_presence,
    read=_read,
    progress=_progress,
    close_codes=CLOSE_CODES,
)
"""Events and endings as this contract shows them."""
