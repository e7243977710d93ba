"""How live events look to clients of the `friends` contract."""

from typing import assert_never
from weakref import WeakValueDictionary

from msgspec import Struct

from folkmoot.bus.presence import Presence
from folkmoot.contracts.friends import codec, errors
from folkmoot.core import events
from folkmoot.core.conversations.events import Durable
from folkmoot.core.events import Event
from folkmoot.core.messages.direct_messages import DeliveryStatus
from folkmoot.core.messages.model import Message
from folkmoot.core.shared.ids import ConversationId
from folkmoot.kit.json_frame import json_frame
from folkmoot.realtime.wire_format import CloseReason


class FriendsWireFormat:
    """Events and endings as this contract shows them.

    ``pairs`` knows the two of every conversation that one of its connections listens to, for as
    long as it does.
    """

    contract = "friends"
    echoes = False

    def __init__(self, presence: Presence) -> None:
        self._presence = presence
        self.pairs: WeakValueDictionary[ConversationId, codec.Pair] = WeakValueDictionary()

    def frame(self, event: Event, *, own: bool) -> bytes | None:
        """The WebSocket frame for an event."""
        shown = self.shown(event, own=own)
        return None if shown is None else json_frame(shown)

    def shown(self, event: Event, *, own: bool) -> Struct | None:
        """The frame for an event, before it is encoded."""
        match event:
            case Durable() | events.ReadMoved() | events.DeliveredMoved():
                return self._shown_between(event, own=own)
            case events.Typing() | events.Entered() | events.Exited():
                return self._shown_between(event, own=own)
            case events.FriendRequested() | events.FriendAccepted() | events.FriendDeclined():
                return codec.told(event, own=own)
            case events.FriendshipEnded() | events.CameOnline() | events.WentOffline():
                return codec.told(event, own=own)
            case events.FriendTyping():
                return codec.told(event, own=own)
            case events.DeskTyping() | events.BlockSet() | events.BlockLifted():
                return None
            case events.LoginsEnded() | events.AccountDeactivated() | events.AccountChanged():
                return None
            case events.ConversationStarted() | events.TasksAdded() | events.EphemeralNotice():
                return None
            case events.AnswerExtended() | events.AnswerDropped() | events.LogsProgressed():
                return None
            case _:
                assert_never(event)

    def _shown_between(self, event: codec.PairEvent, *, own: bool) -> Struct | None:
        pair = self.pairs.get(event.conversation_id)
        if pair is None:
            return None
        return codec.shown(event, pair, self._status_for(event, own=own), own=own)

    def _status_for(self, event: codec.PairEvent, *, own: bool) -> DeliveryStatus:
        if not isinstance(event, events.MessagePosted):
            return DeliveryStatus.SENT
        return self.status(event.message) if own else DeliveryStatus.DELIVERED

    def status(self, message: Message) -> DeliveryStatus:
        """What has become of a message this very moment: delivered to whoever listens."""
        pair = self.pairs.get(message.conversation_id)
        if pair is None:
            return DeliveryStatus.SENT
        receiver = pair.other(message.author_id)[0]
        is_there = self._presence.is_present(message.conversation_id, receiver)
        return DeliveryStatus.DELIVERED if is_there else DeliveryStatus.SENT

    def close_code(self, close_reason: CloseReason) -> tuple[int, str]:
        """The close code for a close reason."""
        return errors.CLOSE_CODES.closing(close_reason)
