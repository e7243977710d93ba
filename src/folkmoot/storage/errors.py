"""What can be wrong with storage, besides what the core's `Unavailable` already says."""


class Unusable(Exception):
    """The database cannot be opened at all; one sentence says why and what to do."""


class ConstraintBroken(Exception):
    """What a job wrote contradicts what is stored: a bug of ours, or two writers who met."""


class KeyTaken(ConstraintBroken):
    """A key was taken, perhaps by a writer who met this one; the job can be run again."""


class ReadingOnly(Exception):
    """A reading job tried to write: a bug of ours."""


class ForeignAwait(Exception):
    """A job awaited something other than the stores it was given: a bug of ours."""

    def __init__(self) -> None:
        super().__init__("a storage job may await nothing but the stores it is given")
