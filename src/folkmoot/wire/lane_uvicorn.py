"""The fast form of the lane: a WebSocket protocol for uvicorn that lets the application write.

Use it as ``uvicorn.Config(ws=LaneProtocol, ws_ping_interval=None, ws_max_size=...)``. The
application finds its lane in the scope's extensions; ``receive`` and ``send`` work as ever.
"""

import asyncio
import codecs
import logging
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, cast

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from folkmoot.wire.lane import (
    CLOSE_DEADLINE,
    EXTENSION,
    FAREWELL,
    HIGH_WATER,
    LOW_WATER,
    Feeder,
    Lane,
    discard,
)
from folkmoot.wire.lane_frames import binary_frame, ping_frame, text_frame
from folkmoot.wire.piecewise import PiecewiseProtocol

_PING = ping_frame()
_PONG = b"\x8a"
_NO_CODE = 1005
_Utf8Decoder = codecs.getincrementaldecoder("utf-8")
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_MESSAGES_AHEAD = 4
_AFTER_CLOSE_BYTES = 256 * 1024
"""How much is read of what a client sends after it was told to go."""
_CONTROL_BURST, _CONTROL_A_SECOND = 2000, 100
"""How many frames without a message in them a client may send: pings, pongs, empty fragments."""

# One open gate for all: a connection needs an event of its own only while its transport is full.
_OPEN_GATE = asyncio.Event()
_OPEN_GATE.set()


class TransportLane:
    """The lane that ``LaneProtocol`` offers; see the port for what it promises."""

    __slots__ = ("_protocol", "farewell", "feeder", "last_heard", "paused", "write")

    def __init__(self, protocol: "LaneProtocol") -> None:
        self.write: Callable[[bytes], object] = discard
        self.paused = False
        self.feeder: Feeder | None = None
        self.last_heard = 0.0
        self.farewell = FAREWELL
        self._protocol = protocol

    @property
    def buffered_bytes(self) -> int:
        if self._protocol.disconnected:
            return 0
        return self._protocol.transport.get_write_buffer_size()

    def ping(self) -> None:
        if not self.paused:
            self.write(_PING)

    def close(self, code: int, reason: str, deadline: float = CLOSE_DEADLINE) -> None:
        self._protocol.say_goodbye(code, reason, deadline)

    def abort(self) -> None:
        self._protocol.drop()

    def serve(self, reading: Coroutine[Any, Any, None]) -> Awaitable[None]:
        # The transport needs no writer task, so an idle connection pays for none.
        return reading

    def end(self) -> None:
        """Take no more; whoever still writes writes to nowhere."""
        self.write = discard
        self.paused = False

    def resume(self) -> None:
        self.paused = False
        if self.feeder is not None:
            self.feeder.on_resume()


class LaneProtocol(PiecewiseProtocol, WebSocketsSansIOProtocol):
    """uvicorn's sans-I/O WebSocket protocol with a lane, and with a deadline on every goodbye."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.close_timeout = CLOSE_DEADLINE
        self.conn.available_extensions = None
        # websockets' debug log shows the request line and headers, tokens and cookies included.
        self.conn.debug = False
        self.writable = _OPEN_GATE
        self.inbox = Inbox()
        self.queue = cast("asyncio.Queue[ASGIReceiveEvent]", self.inbox)
        self.lane = TransportLane(self)

    # Of the few connections that need them; an idle one has neither.
    pending_close: Callable[[], None] | None = None
    """What ends the connection once the application has read all that came before the end."""
    last_words: tuple[bytes, ...] = ()
    piece_bytes = 256
    is_accepted = False
    left_after_close = _AFTER_CLOSE_BYTES
    """How much more is read once the close frame is sent; then the client waits to be dropped."""
    control: tuple[float, float] | None = None
    """How many more frames without a message it may send, and when that was reckoned."""
    utf8: codecs.IncrementalDecoder | None = None

    # The connection's life

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # uvloop resumes at 16 bytes unless it is told otherwise.
        self.transport.set_write_buffer_limits(HIGH_WATER, LOW_WATER)
        self.inbox.protocol = self

    def connection_lost(self, exc: Exception | None) -> None:
        self.pending_close = None
        self.drop_unread()
        super().connection_lost(exc)
        self.lane.end()
        self.lane.resume()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            lane: Lane = self.lane
            cast("dict[str, Any]", self.scope["extensions"])[EXTENSION] = lane
            # A client may not speak before it is accepted; one that does waits in the kernel.
            self.transport.pause_reading()

    async def run_asgi(self) -> None:
        """Run the application; however it ends, an accepted client is told by a close frame."""
        code = 1000
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except Exception:
            self.logger.exception("Exception in ASGI application\n")
            code = 1011
        finally:
            self.send_500_response()
            self.say_goodbye(code, "")
            if self.close_timer is None:
                self.transport.close()
                self.drop_after(self.close_timeout)

    def shutdown(self) -> None:
        """Tell the client to come back; uvicorn's own shutdown gives no reason and no deadline."""
        self.stop_keepalive()
        if self.handshake_complete:
            self.say_goodbye(*self.lane.farewell)
        else:
            super().shutdown()

    def say_goodbye(self, code: int, reason: str, deadline: float | None = None) -> None:
        """Start the closing handshake, once; what the feeder still holds goes out before it."""
        if self.pending_close is not None:
            self.close_now()
        if self.close_sent or not self.handshake_complete or self.transport.is_closing():
            return
        if self.lane.feeder is not None:
            self.lane.feeder.on_close()
        self.conn.send_close(code, reason)
        self.say_close(code, reason, self.close_timeout if deadline is None else deadline)

    def say_close(self, code: int, reason: str, deadline: float) -> None:
        """Send the close frame that the parser has made, and end the lane."""
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join((*self.last_words, *self.conn.data_to_send())))
        self.lane.end()
        self.inbox.resume_reading()
        self.drop_after(deadline)

    def close_when_read(self, close: Callable[[], None]) -> None:
        """End the connection when the application asks for more than has come, or in a while.

        So what a client sent before its close, or before its mistake, is answered before the close.
        """
        self.pending_close = close
        if self.inbox.is_all_read:
            self.close_now()
        else:
            self.inbox.when_read = self.close_now
            self.loop.call_later(self.close_timeout, self.close_now)

    def close_now(self) -> None:
        close, self.pending_close = self.pending_close, None
        if close is not None and not self.transport.is_closing():
            if self.lane.feeder is not None:
                self.lane.feeder.on_close()
            close()

    def drop_after(self, deadline: float) -> None:
        if self.close_timer is None and not self.disconnected:
            self.close_timer = self.loop.call_later(deadline, self.drop)

    def drop(self) -> None:
        """End the connection at once, by a reset: else the kernel keeps its unsent bytes."""
        if not self.disconnected:
            sock: socket.socket = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.transport.abort()

    # What the client sends

    def data_received(self, data: bytes) -> None:
        self.lane.last_heard = self.loop.time()
        if self.is_accepted:
            self.take_in(data)
        else:
            self.parse(data)

    @property
    def is_held(self) -> bool:
        return self.inbox.is_full or self.left_after_close < 0

    def parse(self, data: bytes) -> None:
        if self.close_sent:
            self.left_after_close -= len(data)
            if self.left_after_close < 0:
                self.drop_unread()
                self.transport.pause_reading()
                return
        # After a violation the rest is read only to be dropped.
        if self.conn.parser_exc is None:
            self.conn.receive_data(data)
            self.handle_events()
            if self.conn.parser_exc is not None and not self.is_saying_goodbye:
                self.handle_parser_exception()
            if self.conn.handshake_exc is not None and not self.transport.is_closing():
                # What the parser cannot even read as a request, uvicorn would leave unanswered.
                self.transport.write(b"".join(self.conn.data_to_send()))
                self.transport.close()

    @property
    def is_saying_goodbye(self) -> bool:
        """Whether the client has said or done what ends the connection; nothing counts after it."""
        return self.close_sent or self.pending_close is not None or self.transport.is_closing()

    def handle_text(self, event: Frame) -> None:
        if not event.fin:
            self.utf8 = _Utf8Decoder()
        super().handle_text(event)
        self.check_fragment(event)

    def handle_bytes(self, event: Frame) -> None:
        self.utf8 = None
        super().handle_bytes(event)

    def check_fragment(self, event: Frame) -> None:
        """Refuse a text as soon as a fragment of it cannot be UTF-8, as RFC 6455 8.1 allows."""
        if self.utf8 is None or event.fin:
            return
        try:
            self.utf8.decode(event.data)
        except UnicodeDecodeError:
            self.refuse_text()

    def refuse_text(self) -> None:
        if not self.is_saying_goodbye:
            self.conn.fail(1007, "text must be UTF-8")
            self.handle_parser_exception()

    def handle_cont(self, event: Frame) -> None:
        if not event.data and not event.fin:
            self.count_control()
        # One buffer that grows: in a list, empty fragments, which no limit counts, fill the memory.
        if not isinstance(self.frames[0], bytearray):
            self.frames = [bytearray(self.frames[0])]  # type: ignore[list-item] # bytes in the stub
        self.frames[0] += event.data
        if event.fin:
            self.utf8 = None
            self.send_receive_event_to_app()
        else:
            self.check_fragment(event)

    def send_receive_event_to_app(self) -> None:
        data, self.frames = self.frames[0], []
        if self.is_saying_goodbye:
            return
        if self.curr_msg_data_type == "bytes":
            self.queue.put_nowait({"type": "websocket.receive", "bytes": bytes(data)})
            return
        try:
            self.queue.put_nowait({"type": "websocket.receive", "text": data.decode()})
        except UnicodeDecodeError:
            self.refuse_text()

    def count_control(self) -> None:
        """Refuse what costs us and says nothing, where it goes on and on."""
        now = self.loop.time()
        left, since = self.control or (_CONTROL_BURST, now)
        left = min(_CONTROL_BURST, left + (now - since) * _CONTROL_A_SECOND) - 1
        self.control = left, now
        if left < 0 and not self.is_saying_goodbye:
            self.say_goodbye(1008, "too many frames without a message")

    def handle_pong(self, event: Frame) -> None:
        super().handle_pong(event)
        self.count_control()

    def handle_ping(self) -> None:
        self.count_control()
        frames = self.conn.data_to_send()
        # The close that came with the ping was answered by the parser too; that has its own time.
        self.last_words += tuple(frame for frame in frames if frame[:1] != _PONG)
        # A client that sends pings and reads no pongs would fill the buffer with them.
        if not self.lane.paused and not self.is_saying_goodbye:
            self.transport.write(b"".join(frame for frame in frames if frame[:1] == _PONG))

    def handle_close(self, event: Frame) -> None:
        if self.close_sent:
            super().handle_close(event)
            self.lane.end()
            self.drop_after(self.close_timeout)
        elif not self.is_saying_goodbye:
            self.close_when_read(self.answer_close)

    def answer_close(self) -> None:
        """Answer the client's close and hang up."""
        close = cast("Close", self.conn.close_rcvd)
        event = {"type": "websocket.disconnect", "code": close.code, "reason": close.reason}
        self.queue.put_nowait(cast("ASGIReceiveEvent", event))
        self.transport.write(b"".join((*self.last_words, *self.conn.data_to_send())))
        self.transport.close()
        self.lane.end()
        self.drop_after(self.close_timeout)

    def handle_parser_exception(self) -> None:
        """End the connection for what the client did."""
        close = self.conn.close_rcvd
        if close is not None:
            # websockets takes a close between fragments for a violation; RFC 6455 5.4 allows it.
            self.conn.data_to_send()
            payload = b"" if close.code == _NO_CODE else close.serialize()
            self.last_words = (Frame(Opcode.CLOSE, payload).serialize(mask=False),)
            self.close_when_read(self.answer_close)
        else:
            self.close_when_read(self.say_what_was_wrong)

    def say_what_was_wrong(self) -> None:
        """Say so, then read on to nowhere until the client has hung up.

        To close a socket with unread input is to reset it, and the client would not see why.
        """
        close = cast("Close", self.conn.close_sent)
        self.say_close(close.code, close.reason, self.close_timeout)
        if self.transport.can_write_eof():
            self.transport.write_eof()

    # What the application sends and receives

    async def send(self, message: ASGISendEvent) -> None:
        if self.handshake_complete and self.initial_response is None:
            if message["type"] == "websocket.close":
                self.say_goodbye(message.get("code", 1000), message.get("reason") or "")
                return
            if self.close_sent:
                raise ClientDisconnected
            if self.pending_close is not None:
                await self.writable.wait()
                self.transport.write(_frame_of(message))
                return
        else:
            # uvicorn logs the path from its scope, so a copy, for the query may carry a token.
            self.scope = {**self.scope, "query_string": b""}
        await super().send(message)
        if message["type"] == "websocket.accept" and self.handshake_complete:
            self.open_lane()

    def open_lane(self) -> None:
        """Forget the handshake, which the parser would keep for life, and let both sides speak."""
        del self.request, self.response, self.scope
        self.conn = ServerProtocol(
            state=State.OPEN, max_size=self.config.ws_max_size, logger=self.logger
        )
        self.conn.debug = False
        self.lane.write = self.transport.write
        self.lane.last_heard = self.loop.time()
        self.is_accepted = True
        self.transport.resume_reading()

    def receive(self) -> Coroutine[Any, Any, ASGIReceiveEvent]:
        return self.inbox.get()

    def pause_writing(self) -> None:
        self.writable = asyncio.Event()
        self.lane.paused = True

    def resume_writing(self) -> None:
        self.writable.set()
        self.writable = _OPEN_GATE
        self.lane.resume()


def _frame_of(message: Mapping[str, Any]) -> bytes:
    text: str | None = message.get("text")
    return binary_frame(message["bytes"]) if text is None else text_frame(text.encode())


class Inbox:
    """The little of ``asyncio.Queue`` that uvicorn uses, for one reader, at a tenth of its memory.

    A few events ahead of the reader it stops the protocol, so that a flood stays with its sender.
    """

    __slots__ = ("_arrived", "_reader", "_ready", "is_full", "protocol", "when_read")

    def __init__(self) -> None:
        self._arrived: list[ASGIReceiveEvent] = []
        self._ready: list[ASGIReceiveEvent] = []
        self._reader: asyncio.Future[None] | None = None
        self.is_full = False
        self.protocol: LaneProtocol | None = None
        self.when_read: Callable[[], None] | None = None
        """Called once, when the reader has taken everything and asks for more."""

    @property
    def is_all_read(self) -> bool:
        """Whether the reader has taken everything and waits for more."""
        return self._reader is not None and not self._arrived

    def put_nowait(self, event: ASGIReceiveEvent) -> None:
        self._arrived.append(event)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
        if len(self._arrived) >= _MESSAGES_AHEAD and not self.is_full and self.protocol is not None:
            self.is_full = True
            self.protocol.transport.pause_reading()

    async def get(self) -> ASGIReceiveEvent:
        if self._reader is not None:
            raise RuntimeError("another task is receiving from this WebSocket")
        if not self._ready:
            if not self._arrived and self.when_read is not None:
                then, self.when_read = self.when_read, None
                then()
            while not self._arrived:
                self._reader = asyncio.get_running_loop().create_future()
                try:
                    await self._reader
                finally:
                    self._reader = None
            self._ready, self._arrived = self._arrived[::-1], []
        event = self._ready.pop()
        if not self._ready and not self._arrived:
            self.resume_reading()
        return event

    def resume_reading(self) -> None:
        if self.is_full and self.protocol is not None:
            self.is_full = False
            self.protocol.go_on_reading()


class WithoutQuery(logging.Filter):
    """Cuts the query, which may carry a token, off the paths in uvicorn's access log."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                arg.partition("?")[0] if isinstance(arg, str) else arg for arg in record.args
            )
        return True
