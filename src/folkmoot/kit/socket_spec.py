"""What the socket of a contract offers, as the AsyncAPI document is generated from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from folkmoot.kit.rejections import OUR_FAULT, RESTART

TOKEN_QUERY = {
    "token": "An access token; or use a header, the subprotocol pair, a cookie or a ticket",
    "ticket": "A one-use ticket from `POST /auth/ws-ticket`, instead of a token",
}
"""How a client may say in the address who it is."""

CLOSE_MEANINGS = {
    1000: "Normal",
    1009: "A frame was larger than the server takes",
    OUR_FAULT: "A fault of the server; come back",
    RESTART: "The server restarts: come back and resume",
}
"""What some close codes mean in most contracts."""

FLOODING = "frames that did not wait as long as their refusals said (`retry_after`)"
"""For what else a connection is closed as for a lost right."""


@dataclass(frozen=True, slots=True)
class SocketSpec:
    """What a contract's socket offers, for the AsyncAPI document that is generated from it.

    ``inbound`` names each frame that a client may send by its tag; a tag of its own stands in the
    field ``tag_field``; where that is ``None`` it stands beside the frame, as Socket.IO's event
    names do. A frame without a tag is the one called ``untagged``. ``outbound`` frames carry
    theirs already; those that have it beside them are in ``events``.
    """

    name: str
    address: str
    summary: str
    parameters: dict[str, str]
    query: dict[str, str]
    inbound: dict[str, type[Struct]]
    outbound: tuple[type[Struct], ...]
    close_codes: dict[int, str]
    tag_field: str | None = "type"
    untagged: str | None = None
    events: Mapping[str, type[Struct]] = field(default_factory=dict)

    @property
    def said(self) -> list[tuple[str, type[Struct]]]:
        """What the server sends, each with its tag."""
        tagged = [(str(shape.__struct_config__.tag), shape) for shape in self.outbound]
        return [*tagged, *self.events.items()]
