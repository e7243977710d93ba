"""What can be wrong with storage, besides what the core's `Unavailable` already says."""


class Unusable(Exception):
    """The database cannot be opened at all; one sentence says why and what to do."""


class ConstraintBroken(Exception):
    """What a job wrote contradicts what is stored: a bug of ours, or two writers who met."""


class KeyTaken(ConstraintBroken):
    """A key was taken, perhaps by a writer who met this one; the job can be run again."""


class ChangeUnreadable(Exception):
    """What stands in a timeline says nothing to this release; it is never told as something else.

    Whoever reads that conversation is told of a fault, and the log names the place and the kind.
    """

    def __init__(self, conversation_id: int, seq: int, kind: str, reason: str) -> None:
        super().__init__(
            f"the change {seq} of conversation {conversation_id}, of the kind {kind!r}, "
            f"cannot be read: {reason}"
        )


class ReadingOnly(Exception):
    """A reading job tried to write: a bug of ours."""


class ForeignAwait(Exception):
    """A job awaited something other than the stores it was given: a bug of ours."""

    def __init__(self) -> None:
        super().__init__("a storage job may await nothing but the stores it is given")
