"""What clients of this contract say, and what they cannot."""

from folkmoot.contracts.conversations import codec
from folkmoot.contracts.conversations import frames as wire
from tests.contracts.codecs import Codec

CODEC = Codec(
    wire,
    codec.decode,
    codec.WIRE_FORMAT.shown,
    says={"type": "message"},
    understood=[
        ({"content": "Hello"}, wire.Say("Hello")),
        ({"type": "message", "content": "Hi", "client_id": "1"}, wire.Say("Hi", "1")),
        ({"type": "typing"}, wire.SetTyping(True)),
        ({"type": "typing", "is_typing": False}, wire.SetTyping(False)),
        ({"type": "read", "up_to_seq": 7}, wire.Read(7)),
        ({"type": "edit", "message_id": 1, "content": "x"}, wire.Edit(1, "x")),
        ({"type": "delete", "message_id": 1}, wire.Delete(1)),
        ({"type": "react", "message_id": 1, "emoji": "👍"}, wire.React(1, "👍")),
        (
            {"type": "react", "message_id": 1, "emoji": "👍", "remove": True},
            wire.React(1, "👍", True),
        ),
        ({"type": "resume", "after_seq": 0}, wire.Resume(0)),
        ({"type": "ping"}, wire.Ping()),
    ],
    malformed=(
        '{"content": null}',
        '{"content": "x", "reply_to_id": true}',
        '{"content": "x", "reply_to_id": 0}',
        '{"content": "x", "reply_to_id": 1.5}',
        '{"type": "read"}',
        '{"type": "read", "up_to_seq": 1e400}',
        '{"type": "typing", "is_typing": "yes"}',
        '{"type": "resume", "after_seq": 9223372036854775808}',
        '{"content": "x"} {"content": "y"}',
        '{"content": "x", "deep": ' + "[" * 100_000 + "]" * 100_000 + "}",
        b'{"content": "binary"}',
    ),
    no_kind="MESSAGE",
)
