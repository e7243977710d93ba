"""How contracts of JSON frames show what happens in conversations: which kinds, once for all.

How each of them looks is a contract's own, in its ``codec.py``.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol, assert_never

from msgspec import Struct

from folkmoot.core import events
from folkmoot.core.conversations.events import Durable
from folkmoot.core.events import ConversationChange, Event, MessageChange
from folkmoot.core.messages.model import Message
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.kit.json_frame import json_frame
from folkmoot.kit.rejections import CloseCodes, missed_in
from folkmoot.realtime.wire_format import CloseReason

ConversationPresence = events.Entered | events.Exited | events.Typing
"""Who is there, and who is writing."""
TimelineChange = MessageChange | ConversationChange
"""What has a ``seq`` in a timeline and is no message."""
AnswerProgress = events.AnswerExtended | events.AnswerDropped | events.LogsProgressed
"""How far the assistant is with what it was asked for."""


def not_shown(_event: AnswerProgress) -> None:
    """Nothing: what a contract has no words for."""


def _is_for_all(event: Event) -> bool:
    """Whether an event looks the same to the account that it is about as to others."""
    if isinstance(event, events.MessagePosted):
        return event.message.client_id is None
    return isinstance(event, Durable | events.ReadMoved)


class ShowMessage(Protocol):
    """A message as a contract shows it; its ``client_id`` is for the author only."""

    def __call__(self, message: Message, *, own: bool) -> Struct:
        """The frame of a message."""
        ...


@dataclass(eq=False, slots=True, kw_only=True)
class JsonWireFormat:
    """Events and endings as a contract shows them; a `WireFormat` made of its functions."""

    contract: str
    message: ShowMessage
    change: Callable[[TimelineChange], Struct]
    presence: Callable[[ConversationPresence], Struct]
    read: Callable[[events.ReadMoved], Struct]
    progress: Callable[[AnswerProgress], Struct | None] = not_shown
    close_codes: CloseCodes
    echoes: bool = True
    _latest: tuple[Event | None, bytes | None] = field(default=(None, None), init=False)
    """The latest event whose frame is the same for all, and that frame: it is asked for twice."""

    def frame(self, event: Event, *, own: bool) -> bytes | None:
        """The WebSocket frame for an event."""
        if own and self._latest[0] is event:
            return self._latest[1]
        shown = self.shown(event, own=own)
        if shown is None:
            return None
        frame = json_frame(shown)
        if not own and _is_for_all(event):
            self._latest = event, frame
        return frame

    def close_code(self, close_reason: CloseReason) -> tuple[int, str]:
        """The close code and the text for a close reason."""
        return self.close_codes.closing(close_reason)

    def shown(self, event: Event, *, own: bool) -> Struct | None:
        """An event as the contract shows it; ``None`` for what it does not show.

        ``own``: to connections of the account that the event is about, who need no telling that
        they themselves came, went or type.
        """
        match event:
            case events.MessagePosted(message=message) | events.EphemeralNotice(message=message):
                return self.message(message, own=own)
            case events.DeliveredMoved():
                # Asked early: two hundred listeners make two hundred of these a message.
                return None
            case events.Typing() | events.Entered() | events.Exited():
                return None if own else self.presence(event)
            case events.ReadMoved():
                return self.read(event)
            case Durable():
                return self.change(event)
            case events.AnswerExtended() | events.AnswerDropped() | events.LogsProgressed():
                return self.progress(event)
            case (
                events.ConversationStarted()
                | events.TasksAdded()
                | events.LoginsEnded()
                | events.AccountChanged()
                | events.AccountDeactivated()
                | events.CameOnline()
                | events.WentOffline()
                | events.FriendTyping()
                | events.DeskTyping()
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

    def missed(self, refusal: Refusal | Unavailable, hidden: Collection[AccountId]) -> list[Struct]:
        """What the author of a refused message had not seen, and may see, as it is shown to them.

        ``hidden``: the authors whose messages are not shown to them.
        """
        shown = (self.shown(event, own=False) for event in missed_in(refusal, hidden))
        return [frame for frame in shown if frame is not None]
