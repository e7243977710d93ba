"""What may be handed on of what a model sends: valid text, never empty, up to a length."""

from folkmoot.bots.untrusted import valid, without_last_half


class Pieces:
    """Turns the pieces of one answer into clean ones, and counts them.

    White space at the beginning is left out, so that an answer of nothing else has no piece.
    """

    def __init__(self, max_chars: int) -> None:
        self._max = self._left = max_chars
        self._half = ""
        self.bytes = 0
        self.began = False
        """Whether anything was handed on that is a part of the answer."""
        self.is_too_long = False

    def start_again(self) -> None:
        """Take what was handed on for no part of the answer; it stays counted."""
        self._left = self._max
        self.began = self.is_too_long = False

    def clean(self, raw: str) -> str:
        """The piece as it may be handed on, or an empty text while there is nothing to hand on.

        Half of a surrogate pair waits for the other, which models send apart.
        """
        text, self._half = without_last_half(self._half + raw)
        text = valid(text)
        if not self.began:
            text = text.lstrip()
        self.is_too_long = self.is_too_long or len(text) > self._left
        text = text[: self._left]
        self._left -= len(text)
        self.bytes += len(text.encode())
        self.began = self.began or bool(text)
        return text
