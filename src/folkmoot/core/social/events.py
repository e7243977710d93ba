"""What happened between accounts."""

from dataclasses import dataclass

from folkmoot.core.shared.ids import AccountId


@dataclass(frozen=True, slots=True)
class BlockSet:
    """One account wants to see nothing of another any more. Told to nobody but the blocker."""

    blocker: AccountId
    blocked: AccountId


@dataclass(frozen=True, slots=True)
class BlockLifted:
    """The blocker wants to see the other again."""

    blocker: AccountId
    blocked: AccountId
