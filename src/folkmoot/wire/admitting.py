"""What is asked before a connection is opened, or used: of the client, and of the application."""

import logging
from collections.abc import Awaitable, Callable, Hashable

from folkmoot.wire.handshake import Handshake
from folkmoot.wire.refusals import RequestRefused, UnknownTransport, UnsupportedVersion

Identify = Callable[[Handshake], Awaitable[Hashable]]
Admit = Callable[[Handshake], Callable[[], None]]

_log = logging.getLogger("folkmoot.refused")


def check_version(handshake: Handshake, transport: str) -> None:
    """See that a client speaks this version of Engine.IO, by this transport.

    Who does not leaves a line in the log: a library of another version says little to its user.

    Raises:
        UnknownTransport, UnsupportedVersion
    """
    asked, version = handshake.parameter("transport"), handshake.parameter("EIO")
    if asked == transport and version == "4":
        return
    refusal: RequestRefused = UnknownTransport() if asked != transport else UnsupportedVersion()
    sentence = "%s was not let in to Engine.IO: %s (transport=%s, EIO=%s)"
    _log.info(sentence, handshake.address, refusal, asked, version)
    raise refusal


async def anybody(_handshake: Handshake) -> Hashable:
    """Admit every request, as the same nobody."""
    return None


def anywhere(_handshake: Handshake) -> Callable[[], None]:
    """Have room for every connection."""
    return given_nothing


def given_nothing() -> None:
    """Give back nothing, where nothing was taken."""
