"""Frames of JSON, as they are written to a WebSocket."""

import msgspec
from msgspec import Struct

from folkmoot.wire.lane_frames import text_frame

_encode = msgspec.json.Encoder().encode


def json_frame(frame: Struct) -> bytes:
    """The WebSocket frame that carries one frame of a contract."""
    return text_frame(_encode(frame))
