"""Frames into intentions, events into frames: pure, and the same for live and for missed events."""

from typing import assert_never

from msgspec import Struct

from folkmoot.contracts.conversations import frames as wire
from folkmoot.contracts.conversations.errors import CLOSE_CODES
from folkmoot.core import events
from folkmoot.core.messages.model import Attachment, Message
from folkmoot.files.links import thumbnail_url
from folkmoot.kit.frame_reader import FrameReader
from folkmoot.kit.json_wire_format import ConversationPresence, JsonWireFormat, TimelineChange
from folkmoot.kit.message_parts import own_client_id, url_of
from folkmoot.kit.times import in_seconds_spaced

instant = in_seconds_spaced
"""A time as this contract prints it."""

decode = FrameReader[wire.Intention](wire.INBOUND, untagged="message").read
"""What a client's frame asks for; a frame without a ``type`` is a message."""


def message_out(message: Message, *, own: bool) -> wire.MessageOut:
    """A message as this contract shows it; its ``client_id`` is for the author only."""
    return wire.MessageOut(
        id=message.id,
        content=message.body.content,
        sender_id=message.author_id,
        sender_name=message.sender_name,
        conversation_id=message.conversation_id,
        created_at=instant(message.created_at),
        seq=message.seq,
        uid=message.uid,
        kind=message.body.kind.value,
        reply_to_id=message.body.reply_to.id if message.body.reply_to else None,
        attachment=_attachment(message.body.attachment) if message.body.attachment else None,
        edited_at=instant(message.edited_at) if message.edited_at else None,
        is_deleted=message.is_deleted,
        reactions=[
            wire.ReactionOut(reaction.emoji, [person.id for person in reaction.people])
            for reaction in message.reactions
        ],
        client_id=own_client_id(message, own=own),
    )


def _attachment(hangs: Attachment) -> wire.AttachmentOut:
    return wire.AttachmentOut(
        id=hangs.id,
        url=url_of(hangs) or "",
        name=hangs.name,
        size=hangs.size,
        media_type=hangs.media_type,
        thumbnail_url=thumbnail_url(hangs.id) if hangs.id and hangs.has_thumbnail else None,
    )


def _presence(event: ConversationPresence) -> Struct:
    who, name = event.person.id, event.person.username
    match event:
        case events.Entered():
            return wire.UserJoinedOut(who, name)
        case events.Exited():
            return wire.UserLeftOut(who, name)
        case events.Typing(is_typing=is_typing):
            return wire.TypingOut(who, name, is_typing)


def _read(event: events.ReadMoved) -> Struct:
    return wire.ReadOut(event.reader.id, event.up_to_seq)


def _change(event: TimelineChange) -> Struct:
    by, here, seq = event.actor, event.conversation_id, event.seq
    match event:
        case events.MessageEdited(message=message, at=at):
            content = message.body.content
            return wire.MessageEditedOut(message.id, content, instant(at), by.id, here, seq)
        case events.MessageDeleted(message=ref):
            return wire.MessageDeletedOut(ref.id, by.id, here, seq)
        case events.ReactionAdded(message=ref) | events.ReactionRemoved(message=ref):
            removed = isinstance(event, events.ReactionRemoved)
            return wire.ReactionFrameOut(
                ref.id, event.emoji, by.id, by.username, removed, here, seq
            )
        case events.MemberJoined():
            return _joined(event)
        case events.MemberLeft(member=one):
            return wire.ParticipantRemovedOut(one.id, one.username, by.id, here, seq)
        case events.ConversationRenamed(title=title):
            return wire.ConversationRenamedOut(title, by.id, here, seq)
        # What only sessions know: shown here too, so that no `seq` of the timeline is missing.
        case events.AgentAssigned(agent=agent):
            number, name = (agent.id, agent.username) if agent else (None, "")
            return wire.AgentAssignedOut(number, name, by.id, here, seq)
        case events.AssistantSwitched(is_on=is_on):
            return wire.AssistantSwitchedOut(is_on, by.id, here, seq)
        case events.ConversationEnded(at=at):
            return wire.ConversationClosedOut(by.id, here, seq, instant(at))
        case _:
            assert_never(event)


def _joined(event: events.MemberJoined) -> wire.ParticipantAddedOut:
    return wire.ParticipantAddedOut(
        user_id=event.member.id,
        username=event.member.username,
        by_user_id=event.actor.id,
        conversation_id=event.conversation_id,
        seq=event.seq,
        uid=event.member.uid,
        full_name=event.member.full_name,
        role=event.member.role.value,
        joined_at=instant(event.at),
    )


WIRE_FORMAT = JsonWireFormat(
    contract="conversations",
    message=message_out,
    change=_change,
    presence=_presence,
    read=_read,
    close_codes=CLOSE_CODES,
)
"""Events and endings as this contract shows them."""
