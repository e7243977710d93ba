"""What clients of this contract say, and what they cannot."""

from folkmoot.contracts.assistant import codec
from folkmoot.contracts.assistant import frames as wire
from tests.contracts.codecs import Codec
from tests.contracts.samples import OF_A_CONVERSATION, OF_AN_ANSWER

CODEC = Codec(
    wire,
    codec.decode,
    codec.WIRE_FORMAT.shown,
    says={"type": "chat_message"},
    understood=[
        ({"type": "join_session"}, wire.JoinSession()),
        (
            {"type": "join_session", "session_id": "s", "after_seq": 0, "stream": True},
            wire.JoinSession("s", 0, stream=True),
        ),
        ({"type": "leave_session", "session_id": "s"}, wire.LeaveSession("s")),
        ({"type": "chat_message", "content": "Hi"}, wire.SayInChat("Hi")),
        (
            {"type": "chat_message", "content": "Hi", "session_id": "s", "stream": True},
            wire.SayInChat("Hi", "s", stream=True),
        ),
        ({"type": "typing", "session_id": "s", "is_typing": True}, wire.TypeInChat("s", True)),
        ({"type": "cancel", "session_id": "s"}, wire.CancelAnswer("s")),
        ({"type": "mark_read", "session_id": "s", "message_id": "m"}, wire.ReadInChat("s", "m")),
        (
            {"type": "edit_message", "session_id": "s", "message_id": "m", "content": "x"},
            wire.EditInChat("s", "m", "x"),
        ),
        (
            {"type": "delete_message", "session_id": "s", "message_id": "m"},
            wire.DeleteInChat("s", "m"),
        ),
        (
            {"type": "react", "session_id": "s", "message_id": "m", "emoji": "👍"},
            wire.ReactInChat("s", "m", "👍"),
        ),
        ({"type": "ping"}, wire.PingChat()),
    ],
    malformed=(
        '{"content": "no type"}',
        '{"type": "chat_message", "content": "x", "stream": "yes"}',
        '{"type": "chat_message", "content": "x", "session_id": 5}',
        '{"type": "join_session", "after_seq": -1}',
        '{"type": "join_session", "after_seq": "1"}',
        '{"type": "join_session", "after_seq": 1' + "0" * 10_000 + "}",
        '{"type": "leave_session"}',
        '{"type": "typing", "session_id": "s"}',
        '{"type": "typing", "session_id": "s", "is_typing": "true"}',
        '{"type": "cancel"}',
    ),
    no_kind="message",
    events=(*OF_A_CONVERSATION, *OF_AN_ANSWER),
)
