"""Live events as the hub has them encoded for the connections of this contract."""

from folkmoot.contracts.support import codec, errors
from folkmoot.contracts.support.codec import Setting
from folkmoot.contracts.support.threads import ThreadRegistry
from folkmoot.core.conversations.events import DeliveredMoved, Durable, ReadMoved
from folkmoot.core.events import Event, TimelineEvent
from folkmoot.core.messages.events import EphemeralNotice
from folkmoot.core.presence.events import DeskTyping, Typing
from folkmoot.realtime.wire_format import CloseReason
from folkmoot.wire.engine_packet import Encoded


class SupportWireFormat:
    """Events and endings as this contract shows them.

    ``with_offsets``: to clients that keep the last text of an event and come back with it.
    """

    contract = "support"
    echoes = False

    def __init__(self, threads: ThreadRegistry, *, with_offsets: bool) -> None:
        self._threads = threads
        self.with_offsets = with_offsets

    def frame(self, event: Event, *, own: bool) -> Encoded | None:
        """The packet for a live event."""
        setting = None
        if isinstance(event, Durable | ReadMoved | Typing | EphemeralNotice):
            thread = self._threads.of(event.conversation_id)
            setting = None if thread is None else Setting(thread.customer, thread.cursor)
        elif isinstance(event, DeskTyping):
            setting = Setting(event.customer)
        return codec.packet(event, setting, own=own, with_offset=self.with_offsets)

    def missed(
        self, event: TimelineEvent | ReadMoved | DeliveredMoved, setting: Setting, *, own: bool
    ) -> Encoded | None:
        """The packet for an event that one connection is sent late."""
        return codec.packet(event, setting, own=own, with_offset=self.with_offsets)

    def close_code(self, close_reason: CloseReason) -> tuple[int, str]:
        """What a close reason is to a client of this contract."""
        return errors.CLOSE_CODES.closing(close_reason)
