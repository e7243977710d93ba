"""What becomes of tests whose program does not start: one of them says why, and the others end."""


class CannotStart(Exception):
    """A program that tests need cannot be started on this machine; the sentence says why."""


class OnceTold:
    """The sentences that were told already."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def is_new(self, reason: CannotStart) -> bool:
        """Whether nobody was told this before; asked once for each test."""
        sentence = str(reason)
        is_new = sentence not in self._told
        self._told.add(sentence)
        return is_new
