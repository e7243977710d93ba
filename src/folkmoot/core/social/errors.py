"""What the social area refuses."""

from folkmoot.core.shared.refusals import Conflict, Forbidden, Invalid, NotFound


class Blocked(Forbidden):
    """A block stands between the two; which of them set it is not said."""

    code = "blocked"
    sentence = "You cannot reach this account."


class SelfBlock(Invalid):
    """Nobody can block themselves."""

    code = "self_block"
    sentence = "You cannot block yourself."


class NotFriends(Forbidden):
    """Only friends may write to each other directly."""

    code = "not_friends"
    sentence = "You are not friends with this account."


class SelfRequest(Invalid):
    """Nobody can befriend, or write directly to, themselves."""

    code = "self_request"
    sentence = "This cannot be addressed to yourself."


class AlreadyFriends(Conflict):
    """They are friends already."""

    code = "already_friends"
    sentence = "You are friends already."


class NoSuchRequest(NotFound):
    """There is no such open friend request for this account."""

    code = "request_not_found"
    sentence = "There is no such friend request."
