"""How clients of this contract name whom they write to: by UUID or username."""

from dataclasses import dataclass

from msgspec import Struct

from folkmoot.contracts.friends import codec
from folkmoot.core.accounts.model import Account, Person
from folkmoot.core.messages.direct_messages import exchange, found
from folkmoot.core.messages.errors import NotUpToDate
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.sending import Find, Found
from folkmoot.realtime.services import Services


@dataclass(frozen=True, slots=True)
class Partner:
    """Whom an account writes to, and where."""

    id: AccountId
    uid: Uid
    conversation_id: ConversationId
    conversation_uid: Uid


Receiver = Partner | Person
"""Whom a message is for: where the two write to each other may not be known yet."""


async def frames_missed(
    services: Services, me: Person, receiver: Receiver, refusal: NotUpToDate
) -> list[Struct]:
    """What somebody had not seen when they wrote, as they would have been shown it."""
    missed = refusal.facts["missed"]
    known = await services.storage.read(
        lambda work: exchange(work, me.id, missed[0].conversation_id)
    )
    pair = codec.Pair({me.id: me.uid, receiver.id: receiver.uid})
    frames = (codec.past(event, pair, known, me.id) for event in missed)
    return [frame for frame in frames if frame is not None]


def direct_named(me: AccountId, name: str) -> Find:
    """How to find a direct message by its UUID alone.

    Raises:
        NoSuchMessage, NotFriends
    """

    async def find(work: UnitOfWork) -> Found:
        message = await found(work, me, name)
        return message.conversation_id, message.uid

    return find


async def receiver_named(services: Services, actor: Account, name: str) -> Person:
    """Whom a name means to whoever writes to them.

    Raises:
        NoSuchAccount
    """
    account = await services.storage.read(lambda work: services.reach.named(work, actor, name))
    return account.person
