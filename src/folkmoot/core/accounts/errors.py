"""What the accounts area refuses."""

from folkmoot.core.shared.refusals import Conflict, Forbidden, Invalid, NotFound, Unauthenticated


class UsernameInvalid(Invalid):
    """The username has a character or a form that no account may have."""

    code = "username_invalid"
    sentence = (
        "A username has 2 to 64 letters, digits, dots, hyphens and underscores, "
        "begins and ends with a letter or digit, and is not only digits."
    )


class EmailInvalid(Invalid):
    """The text does not have the form of an e-mail address."""

    code = "email_invalid"
    sentence = "This is not an e-mail address."


class AvatarInvalid(Invalid):
    """The text is no address of a picture: a client that follows it might run it."""

    code = "avatar_invalid"
    sentence = "A picture is at an https:// or http:// address, or at a path of this server."


class PasswordTooWeak(Invalid):
    """The password is short, common, or the account's own name."""

    code = "password_too_weak"
    sentence = (
        "This password is too easy to guess: use at least 8 characters, "
        "not a common one and not your own name."
    )


class PasswordTooLong(Invalid):
    """The password is longer than is worth hashing."""

    code = "password_too_long"
    sentence = "A password has at most {max_bytes} bytes."


class UsernameTaken(Conflict):
    """Another account has this username, in some spelling."""

    code = "username_taken"
    sentence = "This username is taken."


class EmailTaken(Conflict):
    """Another account has this e-mail address, in some spelling."""

    code = "email_taken"
    sentence = "This e-mail address is taken."


class NoSuchAccount(NotFound):
    """No account answers to that name; the fact ``account`` repeats it."""

    code = "account_not_found"
    sentence = "There is no account {account!r}."


class WrongPassword(Unauthenticated):
    """The name or the password is wrong; which of them is nobody's business."""

    code = "wrong_credentials"
    sentence = "The username or the password is wrong."


class TokenMissing(Unauthenticated):
    """The request says nothing about who is asking."""

    code = "token_missing"
    sentence = "Not authenticated: a bearer token is needed."


class TokenInvalid(Unauthenticated):
    """The token was not issued here, was altered, or is of the wrong kind."""

    code = "token_invalid"
    sentence = "The token is not valid."


class TokenExpired(Unauthenticated):
    """The token was good once."""

    code = "token_expired"
    sentence = "The token has expired."


class LoginRevoked(Unauthenticated):
    """The login that the token belongs to was ended."""

    code = "login_revoked"
    sentence = "This login has been ended; log in again."


class AccountInactive(Forbidden):
    """The account was deactivated."""

    code = "account_inactive"
    sentence = "This account is deactivated."


class OriginNotAllowed(Forbidden):
    """A browser page of a foreign origin asks with the cookie of its user."""

    code = "origin_not_allowed"
    sentence = "Requests from this origin are not allowed."


class RoleNeeded(Forbidden):
    """Only accounts of another role may do this; the fact ``role`` names it."""

    code = "role_needed"
    sentence = "Only {role} accounts may do this."


class LastAdmin(Conflict):
    """Without this account nobody could administer the server."""

    code = "last_admin"
    sentence = "The last active admin can be neither demoted nor deactivated."
