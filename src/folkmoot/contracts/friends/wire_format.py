"""How live events look to clients of the `friends` contract."""

from typing import assert_never
from weakref import WeakValueDictionary

from msgspec import Struct

from folkmoot.bus.presence import Presence
from folkmoot.contracts.friends import codec, errors
from folkmoot.core.accounts.events import AccountChanged, AccountDeactivated, LoginsEnded
from folkmoot.core.conversations.events import (
    ConversationStarted,
    DeliveredMoved,
    Durable,
    ReadMoved,
)
from folkmoot.core.events import Event
from folkmoot.core.logs.events import LogsProgressed
from folkmoot.core.messages.direct_messages import DeliveryStatus
from folkmoot.core.messages.events import (
    AnswerDropped,
    AnswerExtended,
    EphemeralNotice,
    MessagePosted,
)
from folkmoot.core.messages.model import Message
from folkmoot.core.presence.events import CameOnline, Entered, Exited, Typing, WentOffline
from folkmoot.core.shared.ids import ConversationId
from folkmoot.core.social.events import (
    BlockLifted,
    BlockSet,
    FriendAccepted,
    FriendDeclined,
    FriendRequested,
    FriendshipEnded,
)
from folkmoot.core.tasks.events import TasksAdded
from folkmoot.realtime.wire_format import CloseReason


class FriendsWireFormat:
    """Events and endings as this contract shows them.

    ``pairs`` knows the two of every conversation that one of its connections listens to, for as
    long as it does.
    """

    echoes = False

    def __init__(self, presence: Presence) -> None:
        self._presence = presence
        self.pairs: WeakValueDictionary[ConversationId, codec.Pair] = WeakValueDictionary()

    def frame(self, event: Event, *, own: bool) -> bytes | None:
        """The WebSocket frame for an event."""
        shown = self.shown(event, own=own)
        return None if shown is None else codec.encode(shown)

    def shown(self, event: Event, *, own: bool) -> Struct | None:
        """The frame for an event, before it is encoded."""
        match event:
            case Durable() | ReadMoved() | DeliveredMoved() | Typing() | Entered() | Exited():
                pair = self.pairs.get(event.conversation_id)
                status = self._status_for(event, own=own)
                return codec.shown(event, pair, status, own=own) if pair else None
            case FriendRequested() | FriendAccepted() | FriendDeclined() | FriendshipEnded():
                return codec.told(event, own=own)
            case BlockSet() | BlockLifted() | CameOnline() | WentOffline():
                return codec.told(event, own=own)
            case LoginsEnded() | AccountDeactivated() | AccountChanged() | ConversationStarted():
                return None
            case TasksAdded() | EphemeralNotice() | LogsProgressed():
                return None
            case AnswerExtended() | AnswerDropped():
                return None
            case _:
                assert_never(event)

    def _status_for(self, event: codec.PairEvent, *, own: bool) -> DeliveryStatus:
        if not isinstance(event, MessagePosted):
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
        return errors.close_code(close_reason)
