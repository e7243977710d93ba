"""The codecs of the contracts of JSON frames, under one form for all of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from hypothesis import strategies as st
from msgspec import Struct
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from folkmoot.core.events import Event
from folkmoot.kit.json_frame import json_frame
from tests.contracts.samples import OF_A_CONVERSATION

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def unpacked(data: bytes) -> dict:
    """What a client reads in one unmasked text frame."""
    reader = StreamReader()
    reader.feed_data(data)
    parsing = Frame.parse(reader.read_exact, mask=False, max_size=None)
    try:
        next(parsing)
    except StopIteration as end:
        frame = end.value
    assert frame.opcode is Opcode.TEXT
    assert reader.buffer == b""
    return json.loads(frame.data)


@dataclass(frozen=True)
class Codec:
    """One contract's codec.

    ``says`` is a message as its clients send it, but for the content; ``events`` are all that it
    shows, ``hushed`` those of them that it does not show to whom they are about. ``understood``
    are frames and what they ask for; ``malformed`` are some that nobody can read. ``no_kind`` is
    nearly the kind of one.
    """

    frames: ModuleType
    decode: Callable[[str | bytes], Any]
    shown: Callable[..., Struct | None]
    says: dict[str, Any]
    understood: list[tuple[dict[str, Any], Struct]]
    malformed: tuple[str | bytes, ...]
    no_kind: str
    tag_field: str = "type"
    events: tuple[Event, ...] = OF_A_CONVERSATION
    hushed: frozenset[str] = field(default=frozenset({"Entered", "Exited", "Typing"}))

    def read(self, event: Event, *, own: bool = False) -> dict[str, Any]:
        """What a client reads of an event."""
        return unpacked(json_frame(self.shown(event, own=own)))

    @property
    def nonsense(self) -> list[str | bytes]:
        """What no client of any contract should say."""
        tag, says, ping = (
            self.tag_field,
            json.dumps(self.says)[1:-1],
            f'{{"{self.tag_field}": "ping"',
        )
        contents = ["null", "7", "NaN", '{"$ne": 1}', '"\\ud83d"']
        seqs = ["-1", '"1"', "1" + "0" * 10_000, "1e400", "9223372036854775808"]
        return [
            *("", "not json", "[]", "null", "7", '"text"', "{", "{}", "[" * 100_000, b"\xff\xfe"),
            *(f'{{"{tag}": {kind}, "content": "x"}}' for kind in ("null", '["ping"]')),
            f"{{{says}}}",
            *(f'{{{says}, "content": {content}}}' for content in contents),
            *(f'{{{says}, "content": "x", "if_last_seq": {seq}}}' for seq in seqs),
            f"{ping}}} {ping}}}",
            f'{ping}, "deep": ' + "[" * 100_000 + "]" * 100_000 + "}",
            f"{ping}}}".encode(),
            *self.malformed,
        ]
