"""What the layer asks its application before a connection is opened, or used."""

from collections.abc import Awaitable, Callable, Hashable

from folkmoot.wire.handshake import Handshake

Identify = Callable[[Handshake], Awaitable[Hashable]]
Admit = Callable[[Handshake], Callable[[], None]]


async def anybody(_handshake: Handshake) -> Hashable:
    """Admit every request, as the same nobody."""
    return None


def anywhere(_handshake: Handshake) -> Callable[[], None]:
    """Have room for every connection."""
    return given_nothing


def given_nothing() -> None:
    """Give back nothing, where nothing was taken."""
