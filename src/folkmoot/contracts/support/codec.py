"""Clients' events into intentions, and our events into packets: pure, live and missed alike."""

from dataclasses import dataclass
from typing import Any, assert_never, cast

import msgspec
from msgspec import UNSET, Struct

from folkmoot.contracts.support import frames as wire
from folkmoot.contracts.support.errors import EventMalformed, EventUnknown
from folkmoot.contracts.support.frames import INBOUND, OUTBOUND, Intention
from folkmoot.core.accounts.events import AccountChanged, AccountDeactivated, LoginsEnded
from folkmoot.core.accounts.model import Person
from folkmoot.core.conversations.events import (
    AgentAssigned,
    AssistantSwitched,
    ConversationEnded,
    ConversationRenamed,
    ConversationStarted,
    DeliveredMoved,
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
from folkmoot.core.messages.model import Message
from folkmoot.core.presence.events import CameOnline, Entered, Exited, Typing, WentOffline
from folkmoot.core.shared.texts import checked, trimmed
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
from folkmoot.kit.sending import ChangeIntention, DeleteIntention, EditIntention, ReactIntention
from folkmoot.kit.times import in_microseconds
from folkmoot.wire.engine_packet import Encoded
from folkmoot.wire.socket import SocketEvent
from folkmoot.wire.socket_packet import encode_event

instant = in_microseconds
"""A time as this contract prints it."""

MAX_LABEL_CHARS = 200

_NAMES = {shape: name for name, shape in OUTBOUND.items() if shape is not wire.OnlineUserOut}
_VOLATILE = frozenset({wire.SupportTypingOut, wire.OnlineUserOut})


@dataclass(frozen=True, slots=True)
class Setting:
    """What an event happens in: whose thread, and where the thread stands with it."""

    customer: Person
    cursor: str | None = None


def decode(event: SocketEvent) -> Intention:
    """What a client's event asks for; without data it is taken for an empty object.

    Raises:
        EventUnknown, EventMalformed
    """
    shape = INBOUND.get(event.name)
    if shape is None:
        known = ", ".join(INBOUND)
        raise EventUnknown(field="event", given=event.name[:40], known=known)
    data = event.args[0] if event.args else None
    try:
        return cast("Intention", msgspec.convert({} if data is None else data, shape))
    except msgspec.ValidationError as error:
        raise EventMalformed(field="event", problem=str(error)) from None


def labels_of(said: wire.SendMessage) -> dict[str, str]:
    """This contract's own words about a message, kept with it.

    Raises:
        Invalid: one of them is too long, or no text that can be kept.
    """
    labels = {}
    for name, value in (
        ("appointment_id", said.appointment_id),
        ("service_id", said.service_id),
    ):
        if value:
            labels[name] = trimmed(
                checked(value, field=name), field=name, max_chars=MAX_LABEL_CHARS
            )
    return labels


def packet(
    event: Event, setting: Setting | None, *, own: bool, with_offset: bool
) -> Encoded | None:
    """The Socket.IO event for an event of the server; ``None`` for what this contract hides.

    ``with_offset``: what is durable ends with the cursor as a text of its own, for clients that
    remember such a text and come back with it.
    """
    found = shown(event, setting, own=own)
    if found is None:
        return None
    name, data = found
    cursor = getattr(data, "cursor", UNSET)
    offset = [cursor] if with_offset and cursor is not UNSET else []
    return encode_event(name, data, *offset, volatile=type(data) in _VOLATILE)


def change_of(frame: wire.Change) -> ChangeIntention:
    """What is to become of a message."""
    match frame:
        case wire.EditInSupport(message_text=content):
            return EditIntention(content)
        case wire.DeleteInSupport():
            return DeleteIntention()
        case wire.ReactInSupport(emoji=emoji, remove=remove):
            return ReactIntention(emoji, remove)
        case _:
            assert_never(frame)


def shown(event: Event, setting: Setting | None, *, own: bool) -> tuple[str, Struct] | None:
    """An event's name and data as this contract shows it.

    ``own``: to connections of the account that the event is about.
    """
    match event:
        case CameOnline(person=person):
            return "user_online", online_user(person)
        case WentOffline(person=person):
            return "user_offline", online_user(person)
        case (
            MessagePosted()
            | MessageEdited()
            | MessageDeleted()
            | ReactionAdded()
            | ReactionRemoved()
            | EphemeralNotice()
            | Typing()
            | ReadMoved()
        ):
            data = None if setting is None else _happening(event, setting, own=own)
            return None if data is None else (_NAMES[type(data)], data)
        case MemberJoined() | MemberLeft() | ConversationRenamed() | ConversationEnded():
            return None
        case AgentAssigned() | AssistantSwitched() | ConversationStarted() | DeliveredMoved():
            return None
        case Entered() | Exited() | AnswerExtended() | AnswerDropped() | LogsProgressed():
            return None
        case LoginsEnded() | AccountDeactivated() | AccountChanged() | TasksAdded():
            return None
        case BlockSet() | BlockLifted() | FriendRequested() | FriendAccepted():
            return None
        case FriendDeclined() | FriendshipEnded():
            return None
        case _:
            assert_never(event)


def online_user(person: Person) -> wire.OnlineUserOut:
    """Somebody who is connected."""
    return wire.OnlineUserOut(person.uid, person.username, person.role.value)


_InThread = MessagePosted | MessageChange | EphemeralNotice | Typing | ReadMoved


def _happening(event: _InThread, setting: Setting, *, own: bool) -> Struct | None:
    match event:
        case MessagePosted(message=message) | EphemeralNotice(message=message):
            return message_out(message, setting, own=own)
        case Typing(person=person, is_typing=is_typing):
            customer = setting.customer.uid
            typing = wire.SupportTypingOut(person.uid, is_typing, customer, person.username)
            return None if own else typing
        case ReadMoved(reader=reader, up_to_seq=up_to_seq, newest=newest):
            if own or newest is None:
                return None  # Without a newest one it covers nothing that anybody else wrote.
            return wire.MessagesReadOut(
                reader.uid, newest, up_to_seq, setting.customer.uid, event.conversation_uid
            )
        case MessageEdited() | MessageDeleted() | ReactionAdded() | ReactionRemoved():
            return _change(event, setting)
        case _:
            assert_never(event)


def _change(
    event: MessageEdited | MessageDeleted | ReactionAdded | ReactionRemoved, setting: Setting
) -> Struct:
    position: dict[str, Any] = {
        "user_id": setting.customer.uid,
        "session_id": event.conversation_uid,
        "seq": event.seq,
        "cursor": setting.cursor or UNSET,
    }
    match event:
        case MessageEdited(message=message, actor=actor, at=at):
            return wire.SupportEditedOut(
                message.uid, message.body.content, instant(at), actor.uid, **position
            )
        case MessageDeleted(message=ref, actor=actor):
            return wire.SupportDeletedOut(ref.uid, actor.uid, **position)
        case ReactionAdded() | ReactionRemoved():
            is_removed = isinstance(event, ReactionRemoved)
            return wire.SupportReactionEventOut(
                event.message.uid, event.emoji, event.actor.uid, is_removed, **position
            )


def message_out(
    message: Message, setting: Setting, *, own: bool, is_read: bool = False
) -> wire.SupportMessageOut:
    """A message as this contract shows it; its ``client_id`` is for the author only."""
    out = wire.SupportMessageOut(
        id=message.uid,
        sender_id=message.author.uid if message.author else None,
        receiver_id=_receiver(message, setting.customer),
        message_text=message.body.content,
        timestamp=instant(message.created_at),
        appointment_id=message.body.labels.get("appointment_id"),
        service_id=message.body.labels.get("service_id"),
        seq=message.seq,
        read=is_read,
        user_id=setting.customer.uid,
        session_id=message.conversation_uid,
        sender_name=message.sender_name,
        kind=message.body.kind.value,
        reply_to_id=message.body.reply_to.uid if message.body.reply_to else None,
        edited_at=instant(message.edited_at) if message.edited_at else None,
        is_deleted=message.is_deleted,
        reactions=[
            wire.SupportReactionOut(reaction.emoji, [person.uid for person in reaction.people])
            for reaction in message.reactions
        ],
        cursor=setting.cursor or UNSET,
        client_id=message.client_id if own and message.client_id is not None else UNSET,
    )
    _show_file(message, out)
    return out


def _receiver(message: Message, customer: Person) -> str | None:
    """Whom a message is for: the customer, or the one of staff that it names, or the desk."""
    if message.author_id == customer.id:
        return message.body.labels.get("receiver_id")
    return customer.uid


def _show_file(message: Message, out: wire.SupportMessageOut) -> None:
    hangs = message.body.attachment
    if hangs is None:
        return
    out.file_url = (hangs.url or UNSET) if hangs.id is None else file_url(hangs.id)
    out.file_name = hangs.name
    out.file_size = UNSET if hangs.size is None else hangs.size
    out.file_type = hangs.media_type or UNSET
