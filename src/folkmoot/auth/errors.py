"""What coming in refuses beyond what the accounts area does."""

from folkmoot.core.shared.refusals import Invalid, ServerPart, Unavailable


class CurrentPasswordWrong(Invalid):
    """Whoever asks for a new password does not know the present one."""

    code = "current_password_wrong"
    sentence = "The current password is wrong."


class TooManyPasswords(Unavailable):
    """More passwords wait to be checked than the server takes on."""

    code = "too_busy"
    sentence = "The server is checking many passwords; try again in a moment."
    reason = "too many passwords wait to be checked"


class IssuerUnreachable(Unavailable):
    """The keys of an outside issuer cannot be had, so nobody can tell whether a token is good."""

    code = "issuer_unreachable"
    sentence = "The issuer of this token cannot be reached right now; try again in a moment."
    part = ServerPart.ISSUER
    reason = "its keys cannot be had"
