"""How this contract names things: sessions, messages and accounts by UUID, accounts by name too."""

from uuid import UUID, uuid5

from folkmoot.core.accounts.model import Account
from folkmoot.core.conversations.errors import NotADesk
from folkmoot.core.conversations.model import Conversation, Member
from folkmoot.core.shared.ids import ConversationId, Uid, uid_of
from folkmoot.core.work import UnitOfWork
from folkmoot.realtime.services import Services


def membership_uid(conversation: Uid, account: Uid) -> str:
    """One account's place in one session has a name of its own here, always the same."""
    return str(uuid5(UUID(conversation), account))


async def session_entered(
    services: Services, work: UnitOfWork, account: Account, text: str
) -> tuple[Conversation, Member | None]:
    """The session of this id, for whoever may be there; staff need not be participants.

    Raises:
        NotADesk, NotAMember
    """
    return await services.desks.entered(work, account, await conversation_id_of(work, text))


async def conversation_id_of(work: UnitOfWork, text: str) -> ConversationId:
    """The conversation behind a session's id.

    Raises:
        NotADesk: there is none. Whether it is a session is for `Desks` to say.
    """
    uid = uid_of(text)
    found = {} if uid is None else await work.conversations.ids_of([uid])
    if uid is None or uid not in found:
        raise NotADesk
    return found[uid]
