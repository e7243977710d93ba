"""Frames into intentions, events into frames: pure, and the same for live and for missed events."""

from typing import assert_never, cast

import msgspec
from msgspec import UNSET, Struct

from folkmoot.contracts.conversations import frames as wire
from folkmoot.contracts.conversations.frames import INBOUND, Intention
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
from folkmoot.core.messages.model import Attachment, Message
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
from folkmoot.files.links import file_url, thumbnail_url
from folkmoot.kit.frame_reader import FrameReader
from folkmoot.kit.sending import ChangeIntention, DeleteIntention, EditIntention, ReactIntention
from folkmoot.kit.times import in_seconds_spaced
from folkmoot.wire.lane_frames import text_frame

instant = in_seconds_spaced
"""A time as this contract prints it."""

_encode = msgspec.json.Encoder().encode
_frames = FrameReader(INBOUND, untagged="message")


def decode(data: str | bytes) -> Intention:
    """What a client's frame asks for; a frame without a ``type`` is a message.

    Raises:
        FrameMalformed, FrameUnknown
    """
    return cast("Intention", _frames.read(data))


def change_of(frame: wire.Change) -> ChangeIntention:
    """What is to become of a message."""
    match frame:
        case wire.Edit(content=content):
            return EditIntention(content)
        case wire.Delete():
            return DeleteIntention()
        case wire.React(emoji=emoji, remove=remove):
            return ReactIntention(emoji, remove)
        case _:
            assert_never(frame)


def encode(frame: Struct) -> bytes:
    """The WebSocket frame that carries one frame of the contract."""
    return text_frame(_encode(frame))


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
        client_id=message.client_id if own and message.client_id is not None else UNSET,
    )


def shown(event: Event, *, own: bool) -> Struct | None:
    """An event as this contract shows it; ``None`` for what it does not show.

    ``own``: to connections of the account that the event is about, who need no telling that they
    themselves came, went or type.
    """
    match event:
        case MessagePosted(message=message) | EphemeralNotice(message=message):
            return message_out(message, own=own)
        case Durable():
            return _change(event)
        case Entered() | Exited() | Typing():
            return None if own else _presence(event)
        case ReadMoved(reader=reader, up_to_seq=up_to_seq):
            return wire.ReadOut(reader.id, up_to_seq)
        case ConversationStarted() | DeliveredMoved() | AnswerExtended() | AnswerDropped():
            return None
        case LoginsEnded() | AccountDeactivated() | AccountChanged() | TasksAdded():
            return None
        case BlockSet() | BlockLifted() | FriendRequested() | FriendAccepted():
            return None
        case FriendDeclined() | FriendshipEnded() | CameOnline() | WentOffline() | LogsProgressed():
            return None
        case _:
            assert_never(event)


def _attachment(hangs: Attachment) -> wire.AttachmentOut:
    return wire.AttachmentOut(
        id=hangs.id,
        url=file_url(hangs.id) if hangs.id is not None else hangs.url or "",
        name=hangs.name,
        size=hangs.size,
        media_type=hangs.media_type,
        thumbnail_url=thumbnail_url(hangs.id) if hangs.id and hangs.has_thumbnail else None,
    )


def _presence(event: Entered | Exited | Typing) -> Struct:
    who, name = event.person.id, event.person.username
    match event:
        case Entered():
            return wire.UserJoinedOut(who, name)
        case Exited():
            return wire.UserLeftOut(who, name)
        case Typing(is_typing=is_typing):
            return wire.TypingOut(who, name, is_typing)


def _change(event: MessageChange | ConversationChange) -> Struct:
    conversation_id = event.conversation_id
    match event:
        case MessageEdited(message=message, actor=actor, seq=seq, at=at):
            return wire.MessageEditedOut(
                message.id, message.body.content, instant(at), actor.id, conversation_id, seq
            )
        case MessageDeleted(message=ref, actor=actor, seq=seq):
            return wire.MessageDeletedOut(ref.id, actor.id, conversation_id, seq)
        case ReactionAdded() | ReactionRemoved():
            return _reaction(event)
        case MemberJoined():
            return _joined(event)
        case MemberLeft(member=member, actor=actor, seq=seq):
            return wire.ParticipantRemovedOut(
                member.id, member.username, actor.id, conversation_id, seq
            )
        case ConversationRenamed(title=title, actor=actor, seq=seq):
            return wire.ConversationRenamedOut(title, actor.id, conversation_id, seq)
        case AgentAssigned() | AssistantSwitched() | ConversationEnded():
            return _desk_change(event)
        case _:
            assert_never(event)


def _desk_change(event: AgentAssigned | AssistantSwitched | ConversationEnded) -> Struct:
    """What only sessions know: shown here too, so that no place in the timeline is missing."""
    conversation_id = event.conversation_id
    match event:
        case AgentAssigned(agent=agent, actor=actor, seq=seq):
            return wire.AgentAssignedOut(agent.id, agent.username, actor.id, conversation_id, seq)
        case AssistantSwitched(is_on=is_on, actor=actor, seq=seq):
            return wire.AssistantSwitchedOut(is_on, actor.id, conversation_id, seq)
        case ConversationEnded(actor=actor, seq=seq):
            return wire.ConversationClosedOut(actor.id, conversation_id, seq)


def _joined(event: MemberJoined) -> wire.ParticipantAddedOut:
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


def _reaction(event: ReactionAdded | ReactionRemoved) -> wire.ReactionFrameOut:
    return wire.ReactionFrameOut(
        message_id=event.message.id,
        emoji=event.emoji,
        user_id=event.actor.id,
        username=event.actor.username,
        removed=isinstance(event, ReactionRemoved),
        conversation_id=event.conversation_id,
        seq=event.seq,
    )
