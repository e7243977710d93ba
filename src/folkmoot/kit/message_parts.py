"""The parts of a message that contracts show alike, whatever they call them."""

from msgspec import UNSET, UnsetType

from folkmoot.core.messages.model import Attachment, Message, Reaction
from folkmoot.core.shared.ids import Uid
from folkmoot.files.links import file_url


def author_uid(message: Message) -> Uid | None:
    """Whose it is; ``None`` where the server or its assistant speaks."""
    return message.author.uid if message.author else None


def reply_uid(message: Message) -> Uid | None:
    """The message that it answers."""
    return message.body.reply_to.uid if message.body.reply_to else None


def own_client_id(message: Message, *, own: bool) -> str | UnsetType:
    """The ``client_id``, which is for the author only."""
    return message.client_id if own and message.client_id is not None else UNSET


def people_of(reaction: Reaction) -> list[str]:
    """The accounts that put an emoji on a message."""
    return [person.uid for person in reaction.people]


def url_of(attachment: Attachment) -> str | None:
    """Where clients fetch a file; ours are paths of this server."""
    return attachment.url if attachment.id is None else file_url(attachment.id)
