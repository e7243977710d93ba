"""What a server and the process that asks its model say to each other: one JSON object a line."""

from typing import Final

import msgspec

from folkmoot.bots.answerer import Sources
from folkmoot.bots.model.settings import ModelSettings, ModelTimeouts

MAX_LINE_BYTES: Final = 4 * 1024 * 1024


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """The first line that the process is told: which model, how, and how much a day (0: no end)."""

    model: ModelSettings
    timeouts: ModelTimeouts
    tokens_per_account: int = 0
    tokens_for_all: int = 0


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Find an answer. ``number`` is this question's alone, and stands in all that is said of it."""

    number: int
    sources: Sources


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Nobody waits for this answer any more."""

    number: int


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The process is up, and hears orders."""


class Piece(msgspec.Struct, frozen=True, tag="piece"):
    """What comes next of an answer; ``retracts``: what came before is no part of it.

    Without a text it only retracts.
    """

    number: int
    text: str
    retracts: bool = False


class AnswerEnd(msgspec.Struct, frozen=True, tag="end"):
    """An answer is whole, or ends with a sentence for whoever asked; see `AnswerFailed`.

    ``nothing_fits``: there is none in the sources; see `NothingFits`.
    """

    number: int
    failure: str | None = None
    is_down: bool = False
    reason: str = ""
    nothing_fits: bool = False


class LogRemark(msgspec.Struct, frozen=True, tag="remark"):
    """Something for the server's log."""

    level: int
    text: str


_encoder = msgspec.json.Encoder()
setup_in = msgspec.json.Decoder(Setup).decode
order_in = msgspec.json.Decoder(Ask | Cancel).decode
report_in = msgspec.json.Decoder(Ready | Piece | AnswerEnd | LogRemark).decode


def line(said: Setup | Ask | Cancel | Ready | Piece | AnswerEnd | LogRemark) -> bytes:
    """The line that says this."""
    return _encoder.encode(said) + b"\n"
