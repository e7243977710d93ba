"""Messages as they are, and the rules about their contents."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from folkmoot.core.accounts.model import Person
from folkmoot.core.messages.emoji import fully_qualified
from folkmoot.core.messages.errors import ClientIdInvalid, EmojiInvalid, LinkInvalid
from folkmoot.core.shared.ids import AccountId, ConnectionId, ConversationId, MessageId, Uid
from folkmoot.core.shared.texts import checked, trimmed, trimmed_name

MAX_CLIENT_ID_CHARS = 64
MAX_EMOJI_CHARS = 32
MAX_REACTIONS_EACH = 20
MAX_MENTIONS = 50
MAX_URL_CHARS = 2000
MAX_FILE_NAME_CHARS = 255
# No user, no white space, no control characters: nothing that shows another host than it has.
_HTTPS = re.compile(
    r"https://[^\s/?#@\\\x00-\x20\x7f]+(?:[/?#][^\s\x00-\x20\x7f]*)?", re.IGNORECASE
)
# What every browser shows as a picture and nothing else; SVG is not among them.
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})


class MessageKind(StrEnum):
    """What a message is made of."""

    TEXT = "text"
    FILE = "file"
    IMAGE = "image"
    VOICE = "voice"
    SYSTEM = "system"


class AuthorKind(StrEnum):
    """Who speaks in a message."""

    ACCOUNT = "account"
    ASSISTANT = "assistant"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class MessageRef:
    """The names of one message."""

    id: MessageId
    uid: Uid


@dataclass(frozen=True, slots=True)
class Reaction:
    """One emoji on a message, and everybody who put it there, the first first."""

    emoji: str
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Attachment:
    """What hangs on a message: a file kept here (``id``), or one kept elsewhere (``url``).

    The name, the size in bytes and the media type of a file kept elsewhere are its poster's claim.
    """

    name: str
    size: int | None
    media_type: str | None
    id: Uid | None = None
    url: str | None = None
    has_thumbnail: bool = False

    @property
    def is_picture(self) -> bool:
        """Whether it is kept here and was seen to be a picture that is safe to show."""
        return self.id is not None and self.has_thumbnail and self.media_type in PICTURES


class KeptFile(NamedTuple):
    """What must be kept of an upload: so many bytes, and perhaps a small picture of them."""

    size: int
    has_thumbnail: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that somebody uploaded; it is whole on disk. Its type was found by looking at it."""

    id: Uid
    owner_id: AccountId
    name: str
    size: int
    media_type: str
    digest: str
    created_at: datetime
    has_thumbnail: bool = False

    @property
    def attachment(self) -> Attachment:
        """The file as it hangs on a message."""
        return Attachment(
            name=self.name,
            size=self.size,
            media_type=self.media_type,
            id=self.id,
            has_thumbnail=self.has_thumbnail,
        )


Reply = TypeVar("Reply", covariant=True)
File = TypeVar("File", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body(Generic[Reply, File]):
    """What a message says: all of it that its author chose.

    A new field of messages is added here, in each storage's one function that writes a body and
    the one that reads it, and in the contracts that show it. ``labels`` are a contract's own
    words about a message, kept as they are.
    """

    content: str
    kind: MessageKind = MessageKind.TEXT
    reply_to: Reply | None = None
    attachment: File | None = None
    mentions: tuple[Uid, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def plain_text(self) -> str:
        """What the server itself may read: search, excerpts, the assistant and commands.

        Empty where only the readers of a message can open it, so that all of these pass it over.
        """
        return self.content


MessageBody: TypeAlias = Body[MessageRef, Attachment]
"""What a message says, with what it refers to looked up."""
DraftBody: TypeAlias = Body[MessageId | Uid, Uid | Attachment]
"""What a draft says: it names a message of the same conversation by number or UUID, and a file
kept here by its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as it is now. Of a deleted one the content is empty and the ``seq`` remains.

    ``client_id`` is for its author only.
    """

    id: MessageId
    uid: Uid
    conversation_id: ConversationId
    conversation_uid: Uid
    seq: int
    author: Person | None
    author_kind: AuthorKind = AuthorKind.ACCOUNT
    body: MessageBody
    created_at: datetime
    client_id: str | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    reactions: tuple[Reaction, ...] = ()

    @property
    def is_deleted(self) -> bool:
        """Whether only its ``seq`` is left."""
        return self.deleted_at is not None

    @property
    def author_id(self) -> AccountId | None:
        """Whose account wrote it, if an account did."""
        return self.author.id if self.author else None

    @property
    def sender_name(self) -> str:
        """Who speaks in it, for people."""
        return self.author.username if self.author else self.author_kind.value


@dataclass(frozen=True, slots=True)
class DirectWith:
    """The direct conversation of a draft's author with a friend; it begins with the first word."""

    account_id: AccountId


@dataclass(frozen=True, slots=True)
class SupportSession:
    """The open session of a customer, or a new one.

    ``expected`` is the one that the author believes to be open: where it is, nothing is looked up.
    """

    customer_id: AccountId
    expected: ConversationId | None = None


Destination: TypeAlias = ConversationId | DirectWith | SupportSession


@dataclass(frozen=True, slots=True, kw_only=True)
class UnaddressedDraft:
    """What somebody wants to post, its content already checked (`Messages.draft`).

    ``reply_to`` names a message of the same conversation by number or UUID. ``if_last_seq`` asks
    for a refusal when the conversation has moved past it. ``attachment`` is a file kept
    here, by its id, or one kept elsewhere. ``addressee_id`` is the one of staff whom a customer
    writes to: they are in the session afterwards. ``origin`` is the connection that it came
    through; it comes back in `MessagePosted`, and is not kept.
    """

    author_id: AccountId
    body: DraftBody
    client_id: str | None = None
    if_last_seq: int | None = None
    addressee_id: AccountId | None = None
    origin: ConnectionId | None = field(default=None, compare=False, repr=False)

    def to(self, destination: Destination) -> "Draft":
        """The draft, now that it is known where it goes."""
        return Draft(
            destination=destination,
            author_id=self.author_id,
            body=self.body,
            client_id=self.client_id,
            if_last_seq=self.if_last_seq,
            addressee_id=self.addressee_id,
            origin=self.origin,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft(UnaddressedDraft):
    """A message that somebody wants to post there."""

    destination: Destination

    @property
    def conversation_id(self) -> ConversationId:
        """The conversation that it goes into, once that is settled."""
        if not isinstance(self.destination, int):
            raise TypeError("a draft's conversation is settled where it is posted")
        return self.destination


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message about to be stored under a ``seq`` that was reserved for it."""

    uid: Uid
    conversation_id: ConversationId
    conversation_uid: Uid
    seq: int
    author: Person | None
    author_kind: AuthorKind
    body: MessageBody
    created_at: datetime
    client_id: str | None

    def stored_as(self, number: MessageId) -> Message:
        """The message under the number that storage gave it."""
        return Message(
            id=number,
            uid=self.uid,
            conversation_id=self.conversation_id,
            conversation_uid=self.conversation_uid,
            seq=self.seq,
            author=self.author,
            author_kind=self.author_kind,
            body=self.body,
            created_at=self.created_at,
            client_id=self.client_id,
        )


@dataclass(frozen=True, slots=True)
class Posted:
    """The answer to a draft: the message, and whether an earlier draft had made it already."""

    message: Message
    is_repeat: bool


def checked_attachment(attachment: Uid | Attachment | None) -> Uid | Attachment | None:
    """The attachment, if it is one of ours by its id, or has an https address elsewhere."""
    if not isinstance(attachment, Attachment):
        return attachment
    url = trimmed(attachment.url or "", field="file_url", max_chars=MAX_URL_CHARS)
    if not _HTTPS.fullmatch(url):
        raise LinkInvalid(field="file_url")
    name = trimmed_name(attachment.name, field="file_name", max_chars=MAX_FILE_NAME_CHARS)
    kind = attachment.media_type
    if kind is not None:
        kind = trimmed(kind, field="file_type", max_chars=MAX_FILE_NAME_CHARS)
    return replace(attachment, url=url, name=name, media_type=kind)


def checked_client_id(client_id: str | None) -> str | None:
    """The ``client_id`` as it was given; an absent one stays absent."""
    if client_id is None:
        return None
    if not 1 <= len(client_id) <= MAX_CLIENT_ID_CHARS:
        raise ClientIdInvalid(field="client_id", max_chars=MAX_CLIENT_ID_CHARS)
    return checked(client_id, field="client_id")


def checked_emoji(emoji: str) -> str:
    """The emoji in the one form in which it is kept, however it is spelt.

    Raises:
        EmojiInvalid: it is none, or several.
    """
    text = checked(emoji, field="emoji")
    found = fully_qualified(text) if 1 <= len(text) <= MAX_EMOJI_CHARS else None
    if found is None:
        raise EmojiInvalid(field="emoji", max_chars=MAX_EMOJI_CHARS)
    return found
