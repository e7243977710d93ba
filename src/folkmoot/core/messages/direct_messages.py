"""What two friends write to each other: who may open it, and how far each message has come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from folkmoot.core.accounts.model import AccountName, Person
from folkmoot.core.conversations.model import Conversation, Kind, Member
from folkmoot.core.conversations.sight import sight_of
from folkmoot.core.messages.errors import NoSuchMessage, NotTheReceiver
from folkmoot.core.messages.model import Message
from folkmoot.core.messages.store import MessageWork
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.social.contacts import contacts_of
from folkmoot.core.social.errors import Blocked, NotFriends, SelfRequest
from folkmoot.core.social.model import pair_key


class DeliveryStatus(StrEnum):
    """How far a message has come. It never goes back."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"


@dataclass(frozen=True, slots=True)
class MemberReceipts:
    """How far one of two has come in what the other writes to them; ``last_read_at`` is when.

    ``reads`` are the ``seq`` to which they had read, in order, each with its time.
    ``is_as_it_was`` when they blocked whoever asks: who asks learns nothing more.
    """

    person: Person
    delivered_seq: int
    read_seq: int
    last_read_at: datetime | None = None
    reads: Sequence[tuple[int, datetime]] = ()
    is_as_it_was: bool = False

    def status(self, seq: int) -> DeliveryStatus:
        """What has become of the message of this ``seq``."""
        if seq <= self.read_seq:
            return DeliveryStatus.READ
        return DeliveryStatus.DELIVERED if seq <= self.delivered_seq else DeliveryStatus.SENT

    def read_at(self, seq: int) -> datetime | None:
        """When they read the message of this ``seq``; the first time counts, for good."""
        if seq > self.read_seq:
            return None
        return next((at for up_to_seq, at in self.reads if up_to_seq >= seq), None)


@dataclass(frozen=True, slots=True)
class DirectReceipts:
    """A direct conversation, as its two see what became of their messages."""

    conversation_id: ConversationId
    parties: tuple[MemberReceipts, ...]

    def receiver_of(self, message: Message) -> MemberReceipts:
        """Whoever of the two did not write it."""
        return next(party for party in self.parties if party.person.id != message.author_id)

    def knowing(self, handed: Mapping[tuple[ConversationId, AccountId], int]) -> "DirectReceipts":
        """The same, with what is known to have been handed and is not stored yet."""
        parties = (
            party
            if party.is_as_it_was
            else replace(
                party,
                delivered_seq=max(
                    party.delivered_seq, handed.get((self.conversation_id, party.person.id), 0)
                ),
            )
            for party in self.parties
        )
        return DirectReceipts(self.conversation_id, tuple(parties))


async def opened(work: MessageWork, me: AccountId, friend: AccountId) -> Conversation | None:
    """The direct conversation with a friend; ``None`` while neither has said a word.

    Raises:
        SelfRequest, NotFriends
    """
    if me == friend:
        raise SelfRequest(field="friend_id")
    pair = pair_key(me, friend)
    if pair not in await work.friends.pairs_among([pair]):
        raise NotFriends
    known = (await work.directs.between([pair])).get(pair)
    return None if known is None else (await work.conversations.heads([known]))[known]


async def begun(work: MessageWork, me: AccountId, friend: AccountId) -> Conversation | None:
    """The direct conversation with somebody; ``None`` while there is none, and may be one.

    Raises:
        SelfRequest
        NotFriends, Blocked: there is nothing between them yet, and now there cannot be.
    """
    if me == friend:
        raise SelfRequest(field="receiver_id")
    pair = pair_key(me, friend)
    known = (await work.directs.between([pair])).get(pair)
    if known is not None:
        return (await work.conversations.heads([known]))[known]
    if await work.social.blocks_among(pair):
        raise Blocked
    if pair not in await work.friends.pairs_among([pair]):
        raise NotFriends
    return None


async def found(work: MessageWork, me: AccountId, name: str) -> Message:
    """A direct message by its UUID alone, for one of the two; a deleted one too.

    Raises:
        NoSuchMessage: none by that name, or it is not theirs to see.
        NotFriends: they were when it was written.
    """
    uid = AccountName(name).uid
    message = None if uid is None else (await work.messages.by_uids([uid])).get(uid)
    if message is None:
        raise NoSuchMessage
    conversation_id = message.conversation_id
    head = (await work.conversations.heads([conversation_id]))[conversation_id]
    ids = [
        member.person.id
        for member in (await work.conversations.members([conversation_id]))[conversation_id]
    ]
    if head.kind is not Kind.DIRECT or me not in ids:
        raise NoSuchMessage
    pair = pair_key(*ids)
    if pair not in await work.friends.pairs_among([pair]):
        raise NotFriends
    return message


async def received(work: MessageWork, me: AccountId, name: str) -> Message:
    """A direct message that was written to ``me``.

    Raises:
        NoSuchMessage, NotFriends
        NotTheReceiver: they wrote it themselves.
    """
    message = await found(work, me, name)
    if message.author_id == me:
        raise NotTheReceiver
    return message


async def exchange(
    work: MessageWork,
    viewer: AccountId,
    conversation_id: ConversationId,
    *,
    since_seq: int | None = None,
) -> DirectReceipts:
    """How far the two have come, as one of them is shown it; the times of reading only from
    ``since_seq`` on, if at all."""
    members: list[Member] = (await work.conversations.members([conversation_id]))[conversation_id]
    sight = await sight_of(work, viewer)
    parties = []
    for member in sight.of_all(members):
        reads: Sequence[tuple[int, datetime]] = ()
        if since_seq is not None:
            reads = await work.receipts.reads(conversation_id, member.person.id, since_seq)
        parties.append(
            MemberReceipts(
                member.person,
                member.delivered_seq,
                member.read_seq,
                member.read_at,
                tuple(reads),
                is_as_it_was=member.person.id in sight.blockers,
            )
        )
    return DirectReceipts(conversation_id, tuple(parties))


@dataclass(frozen=True, slots=True)
class FriendView:
    """A friend as the other sees them in a list; out of sight where a block stands between."""

    person: Person
    since: datetime
    is_in_sight: bool
    last_seq: int
    unread_count: int


async def friends_of(work: MessageWork, me: AccountId) -> list[FriendView]:
    """All friends of an account, the oldest first, with what there is to read of each."""
    requests = await work.friends.friendships_of(me)
    companions = (await contacts_of(work, me)).companions
    directs = {partner: direct for direct, partner in (await work.directs.partners_of(me)).items()}
    heads = await work.conversations.heads(directs.values())
    unread = await work.views.unread_directs(me)
    found = []
    for request in requests:
        person = request.other(me)
        direct = directs.get(person.id)
        found.append(
            FriendView(
                person,
                request.created_at,
                person.id in companions,
                heads[direct].last_seq if direct is not None else 0,
                unread.get(direct, 0) if direct is not None else 0,
            )
        )
    return found
