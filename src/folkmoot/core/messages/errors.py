"""What the messages area refuses."""

from folkmoot.core.shared.refusals import Conflict, Forbidden, Invalid, NotFound, TooMany


class NoSuchMessage(NotFound):
    """There is no such message in this conversation, or it was deleted."""

    code = "message_not_found"
    sentence = "There is no such message in this conversation."


class NoSuchAttachment(NotFound):
    """The attachment is not there, or is somebody else's."""

    code = "attachment_not_found"
    sentence = "There is no such attachment."


class FileTooLarge(Invalid):
    """A file has more bytes than one may have."""

    code = "file_too_large"
    sentence = "A file may have at most {max_bytes} bytes."


class FileEmpty(Invalid):
    """A file without a single byte."""

    code = "file_empty"
    sentence = "The file is empty."


class ImageTooLarge(Invalid):
    """An image that unfolds to more than those who look at it could bear."""

    code = "image_too_large"
    sentence = "An image may have at most {max_pixels} pixels."


class QuotaReached(Conflict):
    """The account has uploaded as much as it may."""

    code = "quota_reached"
    sentence = "An account may keep at most {max_files} files with {max_bytes} bytes in all."


class TooManyUploads(TooMany):
    """The account has as many files on their way here as it may at once."""

    code = "too_many_uploads"
    sentence = "An account may upload {max_uploads} files at once."


class MentionUnknown(Invalid):
    """Somebody is mentioned who is not in the conversation."""

    code = "mention_unknown"
    sentence = "Only participants of the conversation can be mentioned."


class TooManyMentions(Invalid):
    """More people are mentioned than a message can call."""

    code = "too_many_mentions"
    sentence = "A message mentions at most {max_mentions} participants."


class LinkInvalid(Invalid):
    """A file kept elsewhere is named by an address that clients must not follow."""

    code = "link_invalid"
    sentence = "A file is named by an https address, or by one that this server gave."


class NotTheAuthor(Forbidden):
    """Only who wrote a message may do this to it."""

    code = "not_the_author"
    sentence = "Only the author of this message may do this."


class NotTheReceiver(Forbidden):
    """Only to whom a message was written can say that it was read."""

    code = "not_the_receiver"
    sentence = "Only the receiver of this message may do this."


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


class NothingToLookFor(Invalid):
    """A search without a word or a sign that could be in a message's index."""

    code = "nothing_to_look_for"
    sentence = "Nothing in {field} can be searched for: give a word, an emoji, or several signs."
