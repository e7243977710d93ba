"""Frames into intentions, events into frames: pure, and the same for live and for missed events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, assert_never

from msgspec import UNSET, Struct

from folkmoot.contracts.friends import frames as wire
from folkmoot.core import events
from folkmoot.core.accounts.model import Person
from folkmoot.core.audience import about
from folkmoot.core.events import FriendEvent, MessageChange, TimelineEvent
from folkmoot.core.messages.direct_messages import DeliveryStatus, DirectReceipts
from folkmoot.core.messages.model import Attachment, Message
from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.core.social.model import FriendRequest
from folkmoot.kit.frame_reader import FrameReader
from folkmoot.kit.json_wire_format import ConversationPresence
from folkmoot.kit.message_parts import author_uid, own_client_id, people_of, reply_uid, url_of
from folkmoot.kit.times import in_seconds

instant = in_seconds
"""A time as this contract prints it."""

Requested = TypeVar(
    "Requested",
    wire.FriendRequestOut,
    wire.FriendRequestedOut,
    wire.FriendAcceptedOut,
    wire.FriendDeclinedOut,
)

decode = FrameReader[wire.Intention](wire.INBOUND).read
"""What a client's frame asks for."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Pair:
    """The two of a direct conversation, by the names that clients know them by."""

    uids: Mapping[AccountId, Uid]

    def other(self, account_id: AccountId | None) -> tuple[AccountId, Uid]:
        """The one of the two that this is not."""
        return next((key, uid) for key, uid in self.uids.items() if key != account_id)


# -- people and messages -------------------------------------------------------------------------


def person_out(person: Person) -> wire.FriendPersonOut:
    """What everybody may see of an account."""
    return wire.FriendPersonOut(
        person.uid, person.username, person.full_name, person.avatar or None
    )


def message_out(
    message: Message,
    receiver_id: Uid,
    status: DeliveryStatus,
    *,
    own: bool,
    read_at: datetime | None = None,
    receiver: Person | None = None,
) -> wire.DirectMessageOut:
    """A message as this contract shows it; its ``client_id`` is for the sender only."""
    changed = message.deleted_at or message.edited_at or message.created_at
    return wire.DirectMessageOut(
        message_id=message.uid,
        sender_id=author_uid(message),
        receiver_id=receiver_id,
        content=message.body.content,
        status=status.value,
        is_deleted=message.is_deleted,
        created_at=instant(message.created_at),
        updated_at=instant(changed),
        read_at=instant(read_at) if read_at else None,
        sender=person_out(message.author) if message.author else None,
        seq=message.seq,
        kind=message.body.kind.value,
        reply_to_id=reply_uid(message),
        reactions=[wire.DirectReactionOut(one.emoji, people_of(one)) for one in message.reactions],
        attachment=_file_out(message.body.attachment) if message.body.attachment else None,
        client_id=own_client_id(message, own=own),
        receiver=person_out(receiver) if receiver else UNSET,
    )


def exchanged(
    message: Message, exchange: DirectReceipts, viewer: AccountId
) -> wire.DirectMessageOut:
    """A message as one of the two sees it, with all that has become of it."""
    receiver = exchange.receiver_of(message)
    return message_out(
        message,
        receiver.person.uid,
        receiver.status(message.seq),
        own=message.author_id == viewer,
        read_at=receiver.read_at(message.seq),
        receiver=receiver.person,
    )


def _file_out(attachment: Attachment) -> wire.DirectFileOut:
    return wire.DirectFileOut(
        file_name=attachment.name,
        file_size=attachment.size,
        file_type=attachment.media_type,
        file_url=url_of(attachment),
        attachment_id=attachment.id,
    )


def request_out(request: FriendRequest, shape: type[Requested]) -> Requested:
    """A friend request, as an answer or as a frame."""
    return shape(
        request_id=request.id,
        from_=person_out(request.sender),
        to=person_out(request.receiver),
        status=request.status.value,
        created_at=instant(request.created_at),
    )


# -- events --------------------------------------------------------------------------------------


def new_message(
    message: Message,
    pair: Pair,
    status: DeliveryStatus,
    *,
    own: bool,
    read_at: datetime | None = None,
) -> wire.NewDirectOut:
    """The frame that brings a message; ``own``: to other devices of its sender."""
    receiver_id, receiver_uid = pair.other(message.author_id)
    friend = receiver_uid if own else pair.other(receiver_id)[1]
    shown = message_out(message, receiver_uid, status, own=own, read_at=read_at)
    return wire.NewDirectOut(message=shown, friend_id=friend, seq=message.seq)


def sent(message: Message, friend_id: Uid, status: DeliveryStatus) -> wire.DirectSentOut:
    """The acknowledgement of a message."""
    return wire.DirectSentOut(
        message_id=message.uid,
        status=status.value,
        friend_id=friend_id,
        seq=message.seq,
        created_at=instant(message.created_at),
        client_id=own_client_id(message, own=True),
    )


Mark = events.ReadMoved | events.DeliveredMoved
PairEvent = TimelineEvent | Mark | ConversationPresence
"""What happens in a conversation, of two or of more."""
Told = FriendEvent | events.CameOnline | events.WentOffline | events.FriendTyping
"""What happens between two accounts, wherever they write to each other."""


def shown(event: PairEvent, pair: Pair, status: DeliveryStatus, *, own: bool) -> Struct | None:
    """An event of a direct conversation as this contract shows it; ``None``: not at all.

    ``own``: to connections of the account that it is about. ``status`` is that of the message,
    where one was posted.
    """
    match event:
        case events.MessagePosted(message=message):
            return new_message(message, pair, status, own=own)
        case events.Typing(person=person, is_typing=is_typing):
            return None if own else wire.FriendTypingOut(person.uid, is_typing)
        case events.ReadMoved() | events.DeliveredMoved():
            return _mark(event, pair, own=own)
        case events.Entered() | events.Exited():
            return None
        case events.MessageEdited() | events.MessageDeleted():
            return _change(event, _friend_id(event, pair, own=own))
        case events.ReactionAdded() | events.ReactionRemoved():
            return _change(event, _friend_id(event, pair, own=own))
        case events.MemberJoined() | events.MemberLeft() | events.ConversationRenamed():
            return None
        case events.AgentAssigned() | events.AssistantSwitched() | events.ConversationEnded():
            return None
        case _:
            assert_never(event)


def past(
    event: TimelineEvent, pair: Pair, known: DirectReceipts, viewer: AccountId
) -> Struct | None:
    """An event of the past as one of the two sees it, with what has become of a message since."""
    own = about(event) == viewer
    if not isinstance(event, events.MessagePosted):
        return shown(event, pair, DeliveryStatus.SENT, own=own)
    receiver = known.receiver_of(event.message)
    status = receiver.status(event.seq)
    if status is DeliveryStatus.SENT and not own:
        status = DeliveryStatus.DELIVERED  # By this very frame.
    return new_message(event.message, pair, status, own=own, read_at=receiver.read_at(event.seq))


def told(event: Told, *, own: bool) -> Struct:
    """What a client is told of an event between accounts."""
    match event:
        case events.CameOnline(person=person):
            return wire.FriendOnlineOut(person.uid)
        case events.WentOffline(person=person):
            return wire.FriendOfflineOut(person.uid)
        case events.FriendTyping(person=person, is_typing=is_typing):
            return wire.FriendTypingOut(person.uid, is_typing)
        case events.FriendRequested(request=request):
            return request_out(request, wire.FriendRequestedOut)
        case events.FriendAccepted(request=request):
            return request_out(request, wire.FriendAcceptedOut)
        case events.FriendDeclined(request=request):
            return request_out(request, wire.FriendDeclinedOut)
        case events.FriendshipEnded(request=request, actor=actor):
            other = request.other(actor)
            ender = request.other(other.id)
            gone = other if own else ender
            return wire.FriendRemovedOut(request.id, gone.uid, ender.uid, request.status.value)
        case _:
            assert_never(event)


def _friend_id(event: PairEvent, pair: Pair, *, own: bool) -> Uid:
    """The friend of whoever is shown an event: the other one, if it is about themselves."""
    subject = about(event)
    other_id, other_uid = pair.other(subject)
    return other_uid if own else pair.other(other_id)[1]


def _mark(event: Mark, pair: Pair, *, own: bool) -> Struct | None:
    if event.newest is None:
        return None
    friend = _friend_id(event, pair, own=own)
    if isinstance(event, events.ReadMoved):
        return wire.DirectReadOut(
            event.newest, event.reader.uid, friend, event.up_to_seq, instant(event.at)
        )
    if own or event.at_once:
        return None  # It is no news: to whom it came, or since its sender was told at once.
    return wire.DirectDeliveredOut(event.newest, event.receiver.uid, friend, event.up_to_seq)


def _change(event: MessageChange, friend: Uid) -> Struct:
    user, seq = event.actor.uid, event.seq
    match event:
        case events.MessageEdited(message=message, at=at):
            content = message.body.content
            return wire.DirectEditedOut(message.uid, content, instant(at), user, friend, seq)
        case events.MessageDeleted(message=ref):
            return wire.DirectDeletedOut(ref.uid, user, friend, seq)
        case events.ReactionAdded(message=ref) | events.ReactionRemoved(message=ref):
            removed = isinstance(event, events.ReactionRemoved)
            return wire.DirectReactedOut(ref.uid, event.emoji, user, removed, friend, seq)
        case _:
            assert_never(event)
