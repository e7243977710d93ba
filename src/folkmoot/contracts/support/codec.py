"""Clients' events into intentions, and our events into packets: pure, live and missed alike."""

from dataclasses import dataclass
from typing import Any, assert_never, cast

import msgspec
from msgspec import UNSET, Struct

from folkmoot.contracts.support import frames as wire
from folkmoot.contracts.support.errors import EventMalformed, EventUnknown
from folkmoot.core import events
from folkmoot.core.accounts.model import Person
from folkmoot.core.events import Event, MessageChange
from folkmoot.core.messages.model import Message
from folkmoot.core.shared.texts import checked, trimmed
from folkmoot.kit.message_parts import author_uid, own_client_id, people_of, reply_uid, url_of
from folkmoot.kit.times import in_microseconds
from folkmoot.wire.engine_packet import Encoded
from folkmoot.wire.json_numbers import whole
from folkmoot.wire.socket import SocketEvent
from folkmoot.wire.socket_packet import encode_event

instant = in_microseconds
"""A time as this contract prints it."""

MAX_LABEL_CHARS = 200

_NAMES = {shape: name for name, shape in wire.OUTBOUND.items() if shape is not wire.OnlineUserOut}
_VOLATILE = frozenset({wire.SupportTypingOut, wire.OnlineUserOut})


@dataclass(frozen=True, slots=True)
class Setting:
    """What an event happens in: whose thread, and where the thread stands with it."""

    customer: Person
    cursor: str | None = None


def decode(event: SocketEvent) -> wire.Intention:
    """What a client's event asks for; without data it is taken for an empty object.

    Raises:
        EventUnknown, EventMalformed
    """
    shape = wire.INBOUND.get(event.name)
    if shape is None:
        known = ", ".join(wire.INBOUND)
        raise EventUnknown(field="event", given=event.name[:40], known=known)
    data = event.args[0] if event.args else None
    try:
        return cast("wire.Intention", msgspec.convert({} if data is None else whole(data), shape))
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


def shown(event: Event, setting: Setting | None, *, own: bool) -> tuple[str, Struct] | None:
    """An event's name and data as this contract shows it.

    ``own``: to connections of the account that the event is about.
    """
    match event:
        case events.CameOnline(person=person):
            return "user_online", online_user(person)
        case events.WentOffline(person=person):
            return "user_offline", online_user(person)
        case (
            events.MessagePosted()
            | events.MessageEdited()
            | events.MessageDeleted()
            | events.ReactionAdded()
            | events.ReactionRemoved()
            | events.EphemeralNotice()
            | events.Typing()
            | events.DeskTyping()
            | events.ReadMoved()
        ):
            data = None if setting is None else _happening(event, setting, own=own)
            return None if data is None else (_NAMES[type(data)], data)
        case events.Entered() | events.Exited() | events.DeliveredMoved() | events.FriendTyping():
            return None
        case events.MemberJoined() | events.MemberLeft() | events.ConversationRenamed():
            return None
        case events.AgentAssigned() | events.AssistantSwitched() | events.ConversationEnded():
            return None
        case events.AnswerExtended() | events.AnswerDropped() | events.LogsProgressed():
            return None
        case (
            events.ConversationStarted()
            | events.TasksAdded()
            | events.LoginsEnded()
            | events.AccountDeactivated()
            | events.AccountChanged()
            | events.BlockSet()
            | events.BlockLifted()
            | events.FriendRequested()
            | events.FriendAccepted()
            | events.FriendDeclined()
            | events.FriendshipEnded()
        ):
            return None
        case _:
            assert_never(event)


def online_user(person: Person) -> wire.OnlineUserOut:
    """Somebody who is connected."""
    return wire.OnlineUserOut(person.uid, person.username, person.role.value)


_InThread = (
    events.MessagePosted
    | MessageChange
    | events.EphemeralNotice
    | events.Typing
    | events.DeskTyping
    | events.ReadMoved
)


def _happening(event: _InThread, setting: Setting, *, own: bool) -> Struct | None:
    customer = setting.customer.uid
    match event:
        case events.MessagePosted(message=message) | events.EphemeralNotice(message=message):
            return message_out(message, setting, own=own)
        case (
            events.Typing(person=one, is_typing=is_typing)
            | events.DeskTyping(person=one, is_typing=is_typing)
        ):
            typing = wire.SupportTypingOut(one.uid, is_typing, customer, one.username)
            return None if own else typing
        case events.ReadMoved(reader=reader, up_to_seq=up_to_seq, newest=newest):
            if own or newest is None:
                return None  # Without a newest one it covers nothing that anybody else wrote.
            session = event.conversation_uid
            return wire.MessagesReadOut(reader.uid, newest, up_to_seq, customer, session)
        case events.MessageEdited() | events.MessageDeleted():
            return _change(event, setting)
        case events.ReactionAdded() | events.ReactionRemoved():
            return _change(event, setting)
        case _:
            assert_never(event)


def _change(event: MessageChange, setting: Setting) -> Struct:
    position: dict[str, Any] = {
        "user_id": setting.customer.uid,
        "session_id": event.conversation_uid,
        "seq": event.seq,
        "cursor": setting.cursor or UNSET,
    }
    by = event.actor.uid
    match event:
        case events.MessageEdited(message=message, at=at):
            content = message.body.content
            return wire.SupportEditedOut(message.uid, content, instant(at), by, **position)
        case events.MessageDeleted(message=ref):
            return wire.SupportDeletedOut(ref.uid, by, **position)
        case events.ReactionAdded(message=ref) | events.ReactionRemoved(message=ref):
            is_removed = isinstance(event, events.ReactionRemoved)
            return wire.SupportReactionEventOut(ref.uid, event.emoji, by, is_removed, **position)
        case _:
            assert_never(event)


def message_out(
    message: Message, setting: Setting, *, own: bool, is_read: bool = False
) -> wire.SupportMessageOut:
    """A message as this contract shows it; its ``client_id`` is for the author only."""
    out = wire.SupportMessageOut(
        id=message.uid,
        sender_id=author_uid(message),
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
        reply_to_id=reply_uid(message),
        edited_at=instant(message.edited_at) if message.edited_at else None,
        is_deleted=message.is_deleted,
        reactions=[wire.SupportReactionOut(one.emoji, people_of(one)) for one in message.reactions],
        cursor=setting.cursor or UNSET,
        client_id=own_client_id(message, own=own),
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
    out.file_url = url_of(hangs) or UNSET
    out.file_name = hangs.name
    out.file_size = UNSET if hangs.size is None else hangs.size
    out.file_type = hangs.media_type or UNSET
