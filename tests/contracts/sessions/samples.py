"""What clients of this contract say, and what they cannot."""

from datetime import UTC, datetime

from folkmoot.contracts.sessions import codec
from folkmoot.contracts.sessions import frames as wire
from tests.cast import FrozenClock
from tests.contracts.codecs import Codec

NOW = datetime(2025, 12, 29, 11, 0, tzinfo=UTC)
WIRE_FORMAT = codec.wire_format(FrozenClock(NOW))


def frame(kind: str, **fields: object) -> dict:
    return {"message_type": kind, **fields}


CODEC = Codec(
    wire,
    codec.decode,
    WIRE_FORMAT.shown,
    says=frame("text"),
    understood=[
        (frame("text", content="Hi"), wire.SessionText("Hi")),
        (
            frame("text", content="Hi", reply_to_id=None, mentions=["b"]),
            wire.SessionText("Hi", mentions=["b"]),
        ),
        (
            frame("file", content="A", file_url="u", file_name="n"),
            wire.SessionFile("u", "A", "n"),
        ),
        (
            frame("image", content="A", file_url="u", file_size=0),
            wire.SessionImage("u", "A", file_size=0),
        ),
        (frame("voice", file_url="u"), wire.SessionVoice("u")),
        (frame("typing", content="true"), wire.TypeInSession("true")),
        (frame("read", up_to_message_id="m"), wire.ReadInSession("m")),
        (frame("edit", message_id="m", content="x"), wire.EditInSession("m", "x")),
        (frame("delete", message_id="m"), wire.DeleteInSession("m")),
        (
            frame("reaction", message_id="m", emoji="👍", remove=True),
            wire.ReactInSession("m", "👍", True),
        ),
        (frame("ping"), wire.PingSession()),
    ],
    malformed=(
        '{"content": "no type"}',
        '{"message_type": "text", "content": "x", "reply_to_id": 5}',
        '{"message_type": "text", "content": "x", "mentions": "ana"}',
        '{"message_type": "text", "content": "x", "mentions": [1]}',
        '{"message_type": "file", "content": "x"}',
        '{"message_type": "file", "content": "x", "file_url": 1}',
        '{"message_type": "file", "content": "x", "file_url": "u", "file_size": -1}',
        '{"message_type": "file", "content": "x", "file_url": "u", "file_size": 1e400}',
        '{"message_type": "typing"}',
        '{"message_type": "typing", "content": "yes"}',
        '{"message_type": "typing", "content": true}',
        '{"message_type": "read"}',
        '{"message_type": "read", "up_to_message_id": 7}',
    ),
    no_kind="TEXT",
    tag_field="message_type",
)
