"""What a client has sent is parsed a little at a time, so that nobody's bytes keep others waiting.

The kernel hands over megabytes at once, and to parse them takes seconds where what they hold is
small: a frame has six bytes, a request forty, and each takes tens of microseconds.
"""

import asyncio
from abc import ABC, abstractmethod
from typing import ClassVar, Final

TURN_SECONDS: Final = 0.001
"""How long what one client has sent is parsed before others have their turn of the loop."""


class PiecewiseProtocol(ABC):
    """A protocol that gives its parser pieces, for as long as it is its turn.

    Idle, it has no more than a class's attributes. Its transport reads nothing while anything
    waits, so one client has at most what a single read brings.
    """

    piece_bytes: ClassVar[int]
    """What is parsed without a look at the time."""
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    unread: bytes = b""
    """What has come and is not parsed, from ``unread_from`` on."""
    unread_from = 0
    is_reading_on = False
    """Whether the loop is about to have more of it parsed."""

    @property
    @abstractmethod
    def is_held(self) -> bool:
        """Whether nothing more is to be parsed until `go_on_reading` is called."""

    @abstractmethod
    def parse(self, data: bytes) -> None:
        """Parse a piece."""

    def take_in(self, data: bytes) -> None:
        """Parse what has come: at once where it is little, and nothing waits before it."""
        if len(data) <= self.piece_bytes and not self.unread:
            self.parse(data)
            return
        self.unread, self.unread_from = self.unread[self.unread_from :] + data, 0
        self.transport.pause_reading()
        if not self.is_reading_on:
            self.read_on()

    def read_on(self) -> None:
        """Parse what waits, for as long as whoever takes it keeps up and it is this one's turn."""
        self.is_reading_on = False
        until = self.loop.time() + TURN_SECONDS
        while self.unread and not self.is_held and not self.transport.is_closing():
            piece = self.unread[self.unread_from : self.unread_from + self.piece_bytes]
            self.unread_from += len(piece)
            if self.unread_from == len(self.unread):
                self.drop_unread()
            self.parse(piece)
            if self.loop.time() >= until:
                break
        self.go_on_reading()

    def go_on_reading(self) -> None:
        """See to it that more is parsed, unless it is held or about to be."""
        if self.is_held or self.is_reading_on:
            return
        if self.transport.is_closing():
            self.drop_unread()
        elif not self.unread:
            self.transport.resume_reading()
        else:
            self.is_reading_on = True
            self.loop.call_soon(self.read_on)

    def drop_unread(self) -> None:
        """Forget what is not parsed."""
        self.unread, self.unread_from = b"", 0
