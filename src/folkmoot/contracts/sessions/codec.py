"""Frames into intentions, events into frames: pure, and the same for live and for missed events."""

from datetime import datetime
from typing import assert_never, cast

import msgspec
from msgspec import UNSET, Struct

from folkmoot.contracts.sessions import frames as wire
from folkmoot.contracts.sessions.frames import INBOUND, Intention
from folkmoot.contracts.sessions.links import NOTHING, url_of
from folkmoot.core.accounts.events import AccountChanged, AccountDeactivated, LoginsEnded
from folkmoot.core.accounts.model import Person
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
from folkmoot.core.messages.model import Message, Reaction
from folkmoot.core.presence.events import CameOnline, Entered, Exited, Typing, WentOffline
from folkmoot.core.shared.ids import Uid
from folkmoot.core.social.events import (
    BlockLifted,
    BlockSet,
    FriendAccepted,
    FriendDeclined,
    FriendRequested,
    FriendshipEnded,
)
from folkmoot.core.tasks.events import TasksAdded
from folkmoot.kit.frame_reader import FrameReader
from folkmoot.kit.sending import ChangeIntention, DeleteIntention, EditIntention, ReactIntention
from folkmoot.kit.times import in_seconds
from folkmoot.wire.lane_frames import text_frame

instant = in_seconds
"""A time as this contract prints it."""

_encode = msgspec.json.Encoder().encode
_frames = FrameReader(INBOUND, tag_field="message_type")


def decode(data: str | bytes) -> Intention:
    """What a client's frame asks for.

    Raises:
        FrameMalformed, FrameUnknown
    """
    return cast("Intention", _frames.read(data))


def change_of(frame: wire.Change) -> ChangeIntention:
    """What is to become of a message."""
    match frame:
        case wire.EditInSession(content=content):
            return EditIntention(content)
        case wire.DeleteInSession():
            return DeleteIntention()
        case wire.ReactInSession(emoji=emoji, remove=remove):
            return ReactIntention(emoji, remove)
        case _:
            assert_never(frame)


def encode(frame: Struct) -> bytes:
    """The WebSocket frame that carries one frame of the contract."""
    return text_frame(_encode(frame))


def maybe_instant(at: datetime | None) -> str | None:
    """A time as this contract prints it, where there is one."""
    return None if at is None else instant(at)


def reactions_out(reactions: tuple[Reaction, ...]) -> list[wire.SessionReactionOut]:
    """The reactions on a message."""
    return [
        wire.SessionReactionOut(reaction.emoji, [person.uid for person in reaction.people])
        for reaction in reactions
    ]


def shown(event: Event, *, own: bool, now: datetime) -> Struct | None:
    """An event as this contract shows it; ``None`` for what it does not show.

    ``own``: to connections of the account that the event is about, who need no telling that they
    themselves type, and are told by their own socket that they came. ``now`` is the time of what
    has none of its own.
    """
    match event:
        case MessagePosted(message=message) | EphemeralNotice(message=message):
            return message_frame(message, own=own)
        case DeliveredMoved() | ConversationStarted() | AnswerExtended() | AnswerDropped():
            # Asked early: two hundred listeners make two hundred `DeliveredMoved` a message.
            return None
        case Typing() | Entered() | Exited():
            return None if own else _presence(event, now)
        case ReadMoved(reader=reader, at=at):
            read = wire.SessionReadMetadata(event.up_to_seq, event.newest)
            return wire.SessionReadFrame(event.conversation_uid, reader.uid, instant(at), read)
        case MessageEdited() | MessageDeleted() | ReactionAdded() | ReactionRemoved():
            return _message_change(event)
        case Durable():
            return _session_change(event)
        case LoginsEnded() | AccountDeactivated() | AccountChanged() | TasksAdded():
            return None
        case BlockSet() | BlockLifted() | FriendRequested() | FriendAccepted():
            return None
        case FriendDeclined() | FriendshipEnded() | CameOnline() | WentOffline() | LogsProgressed():
            return None
        case _:
            assert_never(event)


def message_frame(message: Message, *, own: bool) -> wire.SessionMessageFrame:
    """A message as the socket shows it; its ``client_id`` is for the author only."""
    hangs = message.body.attachment or NOTHING
    return wire.SessionMessageFrame(
        chat_session_id=message.conversation_uid,
        user_id=message.author.uid if message.author else None,
        content=message.body.content,
        timestamp=instant(message.created_at),
        metadata=wire.SessionMessageMetadata(
            message_id=message.uid,
            seq=message.seq,
            reply_to_id=message.body.reply_to.uid if message.body.reply_to else None,
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
            client_id=message.client_id if own and message.client_id is not None else UNSET,
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


def _presence(event: Typing | Entered | Exited, now: datetime) -> Struct:
    conversation, person = event.conversation_uid, event.person
    match event:
        case Typing(is_typing=is_typing):
            metadata = wire.SessionTypingMetadata(is_typing, person.username)
            return wire.SessionTypingFrame(conversation, person.uid, instant(now), metadata)
        case Entered(present=present):
            return joined_frame(conversation, person, present, now)
        case Exited(present=present):
            presence = wire.SessionPresenceMetadata(present, person.username)
            return wire.SessionLeftFrame(conversation, person.uid, instant(now), presence)


def _message_change(event: MessageChange) -> Struct:
    session = event.conversation_uid
    match event:
        case MessageEdited(message=message, actor=actor, seq=seq, at=at):
            edited = wire.SessionEditedMetadata(message.uid, seq, instant(at))
            return wire.SessionEditedFrame(
                session, actor.uid, message.body.content, instant(at), edited
            )
        case MessageDeleted(message=ref, actor=actor, seq=seq, at=at):
            deleted = wire.SessionDeletedMetadata(ref.uid, seq)
            return wire.SessionDeletedFrame(session, actor.uid, instant(at), deleted)
        case ReactionAdded() | ReactionRemoved():
            removed = isinstance(event, ReactionRemoved)
            put = wire.SessionReactionMetadata(event.message.uid, event.emoji, removed, event.seq)
            return wire.SessionReactionFrame(session, event.actor.uid, instant(event.at), put)
        case _:
            assert_never(event)


def _session_change(event: ConversationChange) -> Struct:
    session = event.conversation_uid
    match event:
        case ConversationEnded(actor=actor, seq=seq, at=at):
            closed = wire.SessionPlaceMetadata(seq)
            return wire.SessionClosedFrame(session, actor.uid, instant(at), closed)
        case AgentAssigned(agent=agent, actor=actor, seq=seq, at=at):
            assigned = wire.SessionAssignedMetadata(agent.uid, agent.username, seq)
            return wire.SessionAssignedFrame(session, actor.uid, instant(at), assigned)
        case ConversationRenamed(title=title, actor=actor, seq=seq, at=at):
            renamed = wire.SessionUpdatedMetadata(seq, title=title or "")
            return wire.SessionUpdatedFrame(session, actor.uid, instant(at), renamed)
        case AssistantSwitched(is_on=is_on, actor=actor, seq=seq, at=at):
            switched = wire.SessionUpdatedMetadata(seq, assistant=is_on)
            return wire.SessionUpdatedFrame(session, actor.uid, instant(at), switched)
        case MemberJoined(member=member, at=at):
            who = _membership(event)
            return wire.SessionMemberAddedFrame(session, member.uid, instant(at), who)
        case MemberLeft(member=member, at=at):
            who = _membership(event)
            return wire.SessionMemberRemovedFrame(session, member.uid, instant(at), who)
        case _:
            assert_never(event)


def _membership(event: MemberJoined | MemberLeft) -> wire.SessionMemberMetadata:
    member = event.member
    return wire.SessionMemberMetadata(
        event.seq, member.username, member.role.value, event.actor.uid
    )
