"""Ids as clients write them, read into those of the core; what can be nobody's id is refused."""

from collections.abc import Sequence

from folkmoot.core.messages.errors import MentionUnknown, NoSuchAttachment, NoSuchMessage
from folkmoot.core.shared.ids import MessageId, Uid, uid_of
from folkmoot.files.links import as_upload_id
from folkmoot.wire.json_numbers import MAX_EXACT

MAX_NUMBER = MAX_EXACT
"""The largest number that every client can hold."""


def message_id_of(number: int) -> MessageId:
    """A message by its number.

    Raises:
        NoSuchMessage: no message can have it.
    """
    if not 0 < number <= MAX_NUMBER:
        raise NoSuchMessage
    return MessageId(number)


def reply_uid_of(text: str | None) -> Uid | None:
    """The message that a client answers, by its UUID; ``None`` where it answers none.

    Raises:
        NoSuchMessage: no message can have it.
    """
    return None if text is None else message_uid_of(text)


def message_uid_of(text: str) -> Uid:
    """A message by its UUID, in whatever case.

    Raises:
        NoSuchMessage: no message can have it.
    """
    uid = uid_of(text)
    if uid is None:
        raise NoSuchMessage
    return uid


def mentions_of(texts: Sequence[str] | None) -> list[Uid]:
    """The accounts that a message calls, by UUID.

    Raises:
        MentionUnknown: one of these can be no account's.
    """
    uids = [uid_of(text) for text in texts or ()]
    if None in uids:
        raise MentionUnknown(field="mentions")
    return [uid for uid in uids if uid is not None]


def upload_id_of(text: str | None) -> Uid | None:
    """The file that a client wants on its message; ``None`` where it wants none.

    Raises:
        NoSuchAttachment: no file can have this id.
    """
    if text is None:
        return None
    upload_id = as_upload_id(text)
    if upload_id is None:
        raise NoSuchAttachment
    return upload_id
