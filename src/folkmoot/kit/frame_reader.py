"""Reading frames of JSON, as most contracts have them; what they mean is each one's own."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import NODEFAULT, Struct

from folkmoot.core.shared.refusals import Invalid
from folkmoot.wire.json_numbers import plain_numbers

SHOWN_CHARS = 40

Intention = TypeVar("Intention")


class FrameMalformed(Invalid):
    """What the client sent is not a JSON object that its contract knows how to read."""

    code = "frame_malformed"
    sentence = "This frame cannot be read: {problem}."


class FrameUnknown(Invalid):
    """The frame is of a kind that its contract does not know."""

    code = "frame_type_unknown"
    sentence = "There is no {field} {given!r}; known are {known}."


class FrameReader(Generic[Intention]):
    """Reads the frames that clients of one contract send, each into the shape of its kind.

    The kind stands in ``tag_field``. A frame without one is ``untagged``, or refused.
    """

    def __init__(
        self,
        shapes: Mapping[str, type[Struct]],
        *,
        tag_field: str = "type",
        untagged: str | None = None,
    ) -> None:
        default = NODEFAULT if untagged is None else untagged
        field = msgspec.field(name=tag_field, default=default)
        self._tag_field = tag_field
        envelope: Any = msgspec.defstruct("Envelope", [("tag", str, field)])
        self._envelope = msgspec.json.Decoder(envelope)
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {
            name: msgspec.json.Decoder(shape) for name, shape in shapes.items()
        }

    def read(self, data: str | bytes) -> Intention:
        """What a client's frame says, in the shape of its kind.

        Raises:
            FrameMalformed, FrameUnknown
        """
        if isinstance(data, bytes):
            raise FrameMalformed(field="frame", problem="frames are text, not binary")
        try:
            name: str = self._envelope.decode(data).tag
            decoder = self._decoders.get(name)
            if decoder is not None:
                return self._decoded(decoder, data)
        except msgspec.ValidationError as error:
            raise FrameMalformed(field="frame", problem=str(error)) from None
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            raise FrameMalformed(field="frame", problem=f"not valid JSON ({error})") from None
        known = ", ".join(self._decoders)
        raise FrameUnknown(field=self._tag_field, given=name[:SHOWN_CHARS], known=known)

    def _decoded(self, decoder: msgspec.json.Decoder[Any], text: str) -> Intention:
        intention: Intention
        try:
            intention = decoder.decode(text)
        except msgspec.ValidationError:
            # A whole number may be written as 1.0; few are, so all others are read only once.
            intention = decoder.decode(plain_numbers(text.encode()))
        return intention
