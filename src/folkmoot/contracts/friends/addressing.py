"""How clients of this contract name whom they write to: by UUID or username."""

from dataclasses import dataclass

from msgspec import Struct

from folkmoot.contracts.friends import codec
from folkmoot.core.accounts.model import AccountName, Person
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.messages.direct_messages import exchange
from folkmoot.core.messages.errors import NotUpToDate
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.core.social.errors import SelfRequest
from folkmoot.core.social.model import pair_key
from folkmoot.core.work import UnitOfWork
from folkmoot.realtime.services import Services


@dataclass(frozen=True, slots=True)
class Partner:
    """Whom an account writes to, and where."""

    id: AccountId
    uid: Uid
    conversation_id: ConversationId
    conversation_uid: Uid


async def frames_missed(
    services: Services, me: Person, partner: Partner, refusal: NotUpToDate
) -> list[Struct]:
    """What somebody had not seen when they wrote, as they would have been shown it."""
    known = await services.storage.read(lambda work: exchange(work, partner.conversation_id))
    pair = codec.Pair({me.id: me.uid, partner.id: partner.uid})
    frames = (codec.past(event, pair, known, me.id) for event in refusal.facts["missed"])
    return [frame for frame in frames if frame is not None]


async def addressed(services: Services, me: AccountId, receiver: str) -> tuple[Partner, Person]:
    """Whom a name means, and where the two write to each other; begun if it is the first word.

    Raises:
        NoSuchAccount, SelfRequest
        NotFriends, Blocked: there is nothing between them yet, and now there cannot be.
    """
    names = [AccountName(receiver)]

    async def known(work: UnitOfWork) -> tuple[Person, Conversation | None]:
        (account,) = await services.accounts.find(work, names)
        if account.id == me:
            raise SelfRequest(field="receiver_id")
        pair = pair_key(me, account.id)
        conversation_id = (await work.directs.between([pair])).get(pair)
        head = (
            None
            if conversation_id is None
            else (await work.conversations.heads([conversation_id]))[conversation_id]
        )
        return account.person, head

    person, head = await services.storage.read(known)

    async def begun(work: UnitOfWork) -> Conversation:
        return await services.directs.between(work, me, person.id)

    if head is None:
        head = await services.writer.write(begun)
    return Partner(person.id, person.uid, head.id, head.uid), person
