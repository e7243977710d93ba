"""What the social area refuses."""

from folkmoot.core.shared.refusals import Forbidden, Invalid


class Blocked(Forbidden):
    """A block stands between the two; which of them set it is not said."""

    code = "blocked"
    sentence = "You cannot reach this account."


class SelfBlock(Invalid):
    """Nobody can block themselves."""

    code = "self_block"
    sentence = "You cannot block yourself."
