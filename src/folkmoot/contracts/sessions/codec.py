"""Frames into intentions, events into frames: pure, and the same for live and for missed events."""

from datetime import datetime
from typing import assert_never

from msgspec import UNSET, Struct

from folkmoot.contracts.sessions import frames as wire
from folkmoot.contracts.sessions.errors import CLOSE_CODES
from folkmoot.contracts.sessions.links import NOTHING
from folkmoot.core import events
from folkmoot.core.accounts.model import Person
from folkmoot.core.messages.model import Message, Reaction
from folkmoot.core.shared.ids import Clock, Uid
from folkmoot.kit.frame_reader import FrameReader
from folkmoot.kit.json_wire_format import ConversationPresence, JsonWireFormat, TimelineChange
from folkmoot.kit.message_parts import author_uid, own_client_id, people_of, reply_uid, url_of
from folkmoot.kit.times import in_seconds

instant = in_seconds
"""A time as this contract prints it."""

decode = FrameReader[wire.Intention](wire.INBOUND, tag_field="message_type").read
"""What a client's frame asks for."""


def maybe_instant(at: datetime | None) -> str | None:
    """A time as this contract prints it, where there is one."""
    return None if at is None else instant(at)


def reactions_out(reactions: tuple[Reaction, ...]) -> list[wire.SessionReactionOut]:
    """The reactions on a message."""
    return [wire.SessionReactionOut(one.emoji, people_of(one)) for one in reactions]


def message_frame(message: Message, *, own: bool) -> wire.SessionMessageFrame:
    """A message as the socket shows it; its ``client_id`` is for the author only."""
    hangs = message.body.attachment or NOTHING
    return wire.SessionMessageFrame(
        chat_session_id=message.conversation_uid,
        user_id=author_uid(message),
        content=message.body.content,
        timestamp=instant(message.created_at),
        metadata=wire.SessionMessageMetadata(
            message_id=message.uid,
            seq=message.seq,
            reply_to_id=reply_uid(message),
            mentions=list(message.body.mentions),
            message_type=message.body.kind.value,
            file_url=url_of(hangs),
            file_name=hangs.name or None,
            file_size=hangs.size,
            file_type=hangs.media_type,
            sender_name=message.sender_name,
            edited_at=maybe_instant(message.edited_at),
            is_deleted=message.is_deleted,
            reactions=reactions_out(message.reactions),
            client_id=own_client_id(message, own=own),
        ),
    )


def joined_frame(
    conversation: Uid, person: Person, present: int, at: datetime, last_seq: int | None = None
) -> wire.SessionJoinedFrame:
    """That somebody came; ``last_seq`` is for the one who did."""
    presence = wire.SessionPresenceMetadata(
        present, person.username, UNSET if last_seq is None else last_seq
    )
    return wire.SessionJoinedFrame(conversation, person.uid, instant(at), presence)


def _presence(event: ConversationPresence, now: datetime) -> Struct:
    conversation, person = event.conversation_uid, event.person
    match event:
        case events.Typing(is_typing=is_typing):
            metadata = wire.SessionTypingMetadata(is_typing, person.username)
            return wire.SessionTypingFrame(conversation, person.uid, instant(now), metadata)
        case events.Entered(present=present):
            return joined_frame(conversation, person, present, now)
        case events.Exited(present=present):
            presence = wire.SessionPresenceMetadata(present, person.username)
            return wire.SessionLeftFrame(conversation, person.uid, instant(now), presence)


def _read(event: events.ReadMoved) -> Struct:
    read = wire.SessionReadMetadata(event.up_to_seq, event.newest)
    return wire.SessionReadFrame(event.conversation_uid, event.reader.uid, instant(event.at), read)


def _change(event: TimelineChange) -> Struct:
    session, by, at, seq = event.conversation_uid, event.actor.uid, instant(event.at), event.seq
    match event:
        case events.MessageEdited(message=message):
            edited = wire.SessionEditedMetadata(message.uid, seq, at)
            return wire.SessionEditedFrame(session, by, message.body.content, at, edited)
        case events.MessageDeleted(message=ref):
            deleted = wire.SessionDeletedMetadata(ref.uid, seq)
            return wire.SessionDeletedFrame(session, by, at, deleted)
        case events.ReactionAdded(message=ref) | events.ReactionRemoved(message=ref):
            removed = isinstance(event, events.ReactionRemoved)
            put = wire.SessionReactionMetadata(ref.uid, event.emoji, removed, seq)
            return wire.SessionReactionFrame(session, by, at, put)
        case events.ConversationEnded():
            return wire.SessionClosedFrame(session, by, at, wire.SessionPlaceMetadata(seq))
        case events.AgentAssigned(agent=agent):
            uid, name = (agent.uid, agent.username) if agent else (None, "")
            assigned = wire.SessionAssignedMetadata(uid, name, seq)
            return wire.SessionAssignedFrame(session, by, at, assigned)
        case events.ConversationRenamed(title=title):
            renamed = wire.SessionUpdatedMetadata(seq, title=title or "")
            return wire.SessionUpdatedFrame(session, by, at, renamed)
        case events.AssistantSwitched(is_on=is_on):
            switched = wire.SessionUpdatedMetadata(seq, assistant=is_on)
            return wire.SessionUpdatedFrame(session, by, at, switched)
        case events.MemberJoined(member=member):
            who = wire.SessionMemberMetadata(seq, member.username, member.role.value, by)
            return wire.SessionMemberAddedFrame(session, member.uid, at, who)
        case events.MemberLeft(member=member):
            who = wire.SessionMemberMetadata(seq, member.username, member.role.value, by)
            return wire.SessionMemberRemovedFrame(session, member.uid, at, who)
        case _:
            assert_never(event)


def wire_format(clock: Clock) -> JsonWireFormat:
    """Events and endings as this contract shows them; the clock dates what has no time itself."""
    return JsonWireFormat(
        contract="sessions",
        message=message_frame,
        change=_change,
        presence=lambda event: _presence(event, clock.now()),
        read=_read,
        close_codes=CLOSE_CODES,
    )
