"""What the messages area refuses."""

from folkmoot.core.shared.refusals import Conflict, Forbidden, Invalid, NotFound


class NoSuchMessage(NotFound):
    """There is no such message in this conversation, or it was deleted."""

    code = "message_not_found"
    sentence = "There is no such message in this conversation."


class NoSuchAttachment(NotFound):
    """The attachment is not there, or is somebody else's."""

    code = "attachment_not_found"
    sentence = "There is no such attachment."


class NotTheAuthor(Forbidden):
    """Only who wrote a message may do this to it."""

    code = "not_the_author"
    sentence = "Only the author of this message may do this."


class ClientIdInvalid(Invalid):
    """A ``client_id`` has 1 to 64 characters."""

    code = "client_id_invalid"
    sentence = "A client_id has 1 to {max_chars} characters."


class ClientIdReused(Conflict):
    """The same sender has used this ``client_id`` for something else."""

    code = "client_id_reused"
    sentence = "This client_id was already used for another message."


class NotUpToDate(Conflict):
    """The conversation has moved on; the fact ``missed`` has the first of what was missed."""

    code = "not_up_to_date"
    sentence = "The conversation has moved on since {if_last_seq}: it is at {last_seq}."


class EmojiInvalid(Invalid):
    """A reaction is one emoji, not a text."""

    code = "emoji_invalid"
    sentence = "A reaction is a single emoji of at most {max_chars} characters."


class TooManyReactions(Conflict):
    """One account has said enough about one message."""

    code = "too_many_reactions"
    sentence = "A message takes at most {max_reactions} different reactions of one account."
