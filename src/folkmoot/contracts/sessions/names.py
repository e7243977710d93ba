"""How this contract names things: sessions, messages and accounts by UUID, accounts by name too."""

import re
from uuid import UUID, uuid5

from folkmoot.core.conversations.errors import NotADesk
from folkmoot.core.messages.errors import MentionUnknown, NoSuchMessage
from folkmoot.core.shared.ids import ConversationId, Uid
from folkmoot.core.work import UnitOfWork

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def uid_of(text: str) -> Uid | None:
    """The UUID in its one spelling; ``None`` for what is none and so names nothing."""
    return Uid(text.lower()) if _UUID.fullmatch(text) else None


def message_uid(text: str) -> Uid:
    """The name of a message.

    Raises:
        NoSuchMessage: it cannot be one's.
    """
    uid = uid_of(text)
    if uid is None:
        raise NoSuchMessage
    return uid


def mentioned(texts: list[str] | None) -> list[Uid]:
    """The accounts that a message calls.

    Raises:
        MentionUnknown: one of them cannot be an account's.
    """
    uids = [uid_of(text) for text in texts or ()]
    if None in uids:
        raise MentionUnknown(field="mentions")
    return [uid for uid in uids if uid is not None]


def membership_uid(conversation: Uid, account: Uid) -> str:
    """One account's place in one session has a name of its own here, always the same."""
    return str(uuid5(UUID(conversation), account))


async def place_of(work: UnitOfWork, text: str) -> ConversationId:
    """The conversation behind a session's id.

    Raises:
        NotADesk: there is none. Whether it is a session is for `Desks` to say.
    """
    uid = uid_of(text)
    found = {} if uid is None else await work.conversations.ids_of([uid])
    if uid is None or uid not in found:
        raise NotADesk
    return found[uid]
