"""What somebody who connects finds: read in one go, and put into the order in which it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from folkmoot.contracts.friends.addressing import Partner
from folkmoot.core.accounts.model import Account, AccountName, username_key
from folkmoot.core.conversations.events import DeliveredMoved, ReadMoved
from folkmoot.core.conversations.model import Conversation, ReadMark
from folkmoot.core.events import TimelineEvent
from folkmoot.core.messages.direct_messages import DirectReceipts, MemberReceipts, exchange
from folkmoot.core.messages.model import Message
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.core.social.contacts import Contacts, contacts_of
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.gathering import PAGE


@dataclass(frozen=True, slots=True)
class Missed:
    """What happened in one conversation after the place that the client named."""

    cursor: int
    events: list[TimelineEvent]
    exchange: DirectReceipts


@dataclass(frozen=True, slots=True)
class FriendsSnapshot:
    """Everything about an account's direct conversations at one moment.

    ``missed`` is for the conversations that the client named; ``waiting`` has the first of what
    was not handed to the account yet in the others.
    """

    contacts: Contacts
    partners: Mapping[ConversationId, Partner]
    heads: Mapping[ConversationId, Conversation]
    missed: Mapping[ConversationId, Missed]
    waiting: list[Message]
    newest: Mapping[ReadMark, Uid]

    def others(self) -> list[ConversationId]:
        """The conversations with friends that the client did not name."""
        return _with_friends(self.contacts, self.partners, self.missed)

    def receipts(self) -> list[ReadMoved | DeliveredMoved]:
        """The present watermarks of the conversations that the client named."""
        found: list[ReadMoved | DeliveredMoved] = []
        for place, missed in self.missed.items():
            head = self.heads[place]
            for party in missed.exchange.parties:
                read, delivered = _marks(place, party)
                if read in self.newest and party.last_read_at is not None:
                    found.append(
                        ReadMoved(
                            head.id,
                            head.uid,
                            party.person,
                            party.read_seq,
                            party.last_read_at,
                            self.newest[read],
                        )
                    )
                if delivered in self.newest and self.newest[delivered] != self.newest.get(read):
                    found.append(
                        DeliveredMoved(
                            head.id,
                            head.uid,
                            party.person,
                            party.delivered_seq,
                            head.last_activity_at,
                            self.newest[delivered],
                        )
                    )
        return found


async def surroundings(work: UnitOfWork, me: AccountId) -> tuple[Contacts, list[ConversationId]]:
    """Whom an account hears of, and all its direct conversations."""
    return await contacts_of(work, me), list(await work.directs.partners_of(me))


async def arrival(
    work: UnitOfWork, me: AccountId, held: Sequence[ConversationId], after: Mapping[str, int]
) -> FriendsSnapshot:
    """What there is for an account whose client says how far it got with whom.

    Only conversations that are held already are looked at. Whom the client names wrongly, or
    without being friends, is passed over.
    """
    contacts = await contacts_of(work, me)
    ids = await work.directs.partners_of(me)
    accounts = await work.accounts.by_ids(set(ids.values()))
    heads = await work.conversations.heads(held)
    people = {place: accounts[ids[place]] for place in heads}
    partners = {
        place: Partner(person.id, person.uid, place, heads[place].uid)
        for place, person in people.items()
    }
    cursors = _cursors(after, contacts, partners, accounts)
    missed = {
        place: await _missed(work, place, min(seq, heads[place].last_seq))
        for place, seq in cursors.items()
    }
    marks = [
        mark
        for place, one in missed.items()
        for party in one.exchange.parties
        for mark in _marks(place, party)
    ]
    others = _with_friends(contacts, partners, missed)
    return FriendsSnapshot(
        contacts,
        partners,
        heads,
        missed,
        await work.views.undelivered(me, among=others, limit=PAGE) if others else [],
        await work.receipts.newest(marks) if marks else {},
    )


async def _missed(work: UnitOfWork, place: ConversationId, cursor: int) -> Missed:
    events = await work.timeline.after(place, cursor, limit=PAGE)
    return Missed(cursor, events, await exchange(work, place, since_seq=cursor))


def _cursors(
    after: Mapping[str, int],
    contacts: Contacts,
    partners: Mapping[ConversationId, Partner],
    accounts: Mapping[AccountId, Account],
) -> dict[ConversationId, int]:
    """The conversations that the client names, in its order, and how far it got there."""
    friends = {one.id: place for place, one in partners.items() if one.id in contacts.companions}
    by_name: dict[str, ConversationId] = {}
    for account_id, place in friends.items():
        by_name[accounts[account_id].uid] = place
        by_name[username_key(accounts[account_id].username)] = place
    named = {AccountName(name).uid or username_key(name): seq for name, seq in after.items()}
    return {by_name[name]: seq for name, seq in named.items() if name in by_name}


def _with_friends(
    contacts: Contacts,
    partners: Mapping[ConversationId, Partner],
    missed: Mapping[ConversationId, Missed],
) -> list[ConversationId]:
    companions = contacts.companions
    return [
        place
        for place, partner in partners.items()
        if partner.id in companions and place not in missed
    ]


def _marks(place: ConversationId, party: MemberReceipts) -> tuple[ReadMark, ReadMark]:
    """How far one of two has read, and how far they were handed."""
    return (
        ReadMark(place, party.person.id, party.read_seq),
        ReadMark(place, party.person.id, party.delivered_seq),
    )
