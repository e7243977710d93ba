"""Ana and Bo, who are friends; what clients of this contract hear and say, and what they cannot."""

from dataclasses import replace

from folkmoot.bus.memory_presence import MemoryPresence
from folkmoot.contracts.friends import codec
from folkmoot.contracts.friends import frames as wire
from folkmoot.contracts.friends.codec import Pair
from folkmoot.contracts.friends.wire_format import FriendsWireFormat
from folkmoot.core import events
from folkmoot.core.messages.model import Attachment, MessageKind
from tests.contracts.codecs import Codec
from tests.contracts.samples import AT, MESSAGE, with_body
from tests.events import ANA, BO, EVENTS, LOBBY, uid

DIRECT_ID, DIRECT_UID = LOBBY, uid(10)
PAIR = Pair({ANA.id: ANA.uid, BO.id: BO.uid})
VOICE = with_body(
    kind=MessageKind.VOICE, attachment=Attachment("voice.ogg", 7, "audio/ogg", id=DIRECT_UID)
)


def alone() -> MemoryPresence:
    """Where nobody is yet."""
    return MemoryPresence(lambda events: None, lambda: 0.0)


def wire_format_of(presence: MemoryPresence) -> FriendsWireFormat:
    """Where somebody listens to what the two write."""
    wire_format = FriendsWireFormat(presence)
    wire_format.pairs[DIRECT_ID] = PAIR
    return wire_format


def of_kinds(*kinds: type) -> tuple[events.Event, ...]:
    return tuple(event for event in EVENTS if type(event) in kinds)


POSTED = replace(EVENTS[0], message=MESSAGE)
IN_DIRECT = (
    POSTED,
    *of_kinds(events.MessageEdited, events.MessageDeleted),
    *of_kinds(events.ReactionAdded, events.ReactionRemoved),
    *of_kinds(events.ReadMoved, events.DeliveredMoved, events.Typing),
)
"""All of them about Ana."""
OF_ACCOUNTS = (
    *of_kinds(events.CameOnline, events.WentOffline, events.FriendRequested),
    *of_kinds(events.FriendAccepted, events.FriendDeclined, events.FriendshipEnded),
    *of_kinds(events.FriendTyping),
)
OF_NOTHING = (
    events.ReadMoved(DIRECT_ID, DIRECT_UID, ANA, 7, AT),
    events.DeliveredMoved(DIRECT_ID, DIRECT_UID, ANA, 7, AT),
)

CODEC = Codec(
    wire,
    codec.decode,
    wire_format_of(alone()).shown,
    says={"type": "send_message", "receiver_id": "bo"},
    understood=[
        (
            {"type": "send_message", "receiver_id": "bo", "content": "Hi", "client_id": "1"},
            wire.SendDirect("bo", "Hi", "1"),
        ),
        ({"type": "mark_read", "message_id": "x"}, wire.MarkDirectRead("x")),
        ({"type": "typing", "receiver_id": "bo"}, wire.SetFriendTyping("bo", True)),
        (
            {"type": "typing", "receiver_id": "bo", "is_typing": False},
            wire.SetFriendTyping("bo", False),
        ),
        (
            {"type": "edit_message", "message_id": "x", "content": "y"},
            wire.EditDirect("x", "y"),
        ),
        ({"type": "delete_message", "message_id": "x"}, wire.DeleteDirect("x")),
        (
            {"type": "react", "message_id": "x", "emoji": "👍", "remove": True},
            wire.ReactToDirect("x", "👍", True),
        ),
        ({"type": "resume", "after": {"bo": 3}}, wire.ResumeDirects({"bo": 3})),
        ({"type": "resume"}, wire.ResumeDirects({})),
        ({"type": "ping", "mood": {"deep": [1]}}, wire.FriendsPing()),
    ],
    malformed=(
        '{"content": "without a type"}',
        '{"type": "send_message", "receiver_id": 1, "content": "x"}',
        '{"type": "typing", "receiver_id": "bo", "is_typing": "yes"}',
        '{"type": "resume", "after": {"bo": -1}}',
        '{"type": "resume", "after": {"bo": 1e400}}',
        '{"type": "resume", "after": {"bo": 1' + "0" * 10_000 + "}}",
        '{"type": "resume", "after": [1]}',
    ),
    no_kind="PING",
    events=(*IN_DIRECT, *OF_ACCOUNTS),
    hushed=frozenset({"DeliveredMoved", "Typing"}),
)
