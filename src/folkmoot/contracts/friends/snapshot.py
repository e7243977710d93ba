"""What somebody who connects finds: read in one go, and put into the order in which it is sent."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from folkmoot.contracts.friends.addressing import Partner
from folkmoot.core.accounts.model import Account, AccountName, username_key
from folkmoot.core.conversations.events import DeliveredMoved, ReadMoved
from folkmoot.core.conversations.model import Conversation, ReadMark
from folkmoot.core.messages.direct_messages import DirectReceipts, MemberReceipts, exchange
from folkmoot.core.messages.model import Message
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.core.social.contacts import Contacts, contacts_of
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.subscription import PAGE, Receipt, Snapshot


@dataclass(slots=True, kw_only=True)
class FriendsSnapshot(Snapshot):
    """Everything about an account's direct conversations at one moment.

    ``missed`` is for the conversations that the client named, with the ``exchanges`` of their
    two; ``waiting`` has the first of what was not handed to the account yet in the others.
    """

    contacts: Contacts
    partners: Mapping[ConversationId, Partner]
    exchanges: Mapping[ConversationId, DirectReceipts]
    waiting: list[Message]

    def others(self) -> list[ConversationId]:
        """The conversations with friends that the client did not name."""
        return _with_friends(self.contacts, self.partners, self.missed)


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
    people = {conversation_id: accounts[ids[conversation_id]] for conversation_id in heads}
    partners = {
        conversation_id: Partner(person.id, person.uid, conversation_id, heads[conversation_id].uid)
        for conversation_id, person in people.items()
    }
    cursors = _cursors(after, contacts, partners, accounts)
    starts = {key: min(seq, heads[key].last_seq) for key, seq in cursors.items()}
    exchanges = {key: await exchange(work, me, key, since_seq=seq) for key, seq in starts.items()}
    others = _with_friends(contacts, partners, starts)
    return FriendsSnapshot(
        contacts=contacts,
        partners=partners,
        heads=heads,
        cursors=starts,
        missed={
            key: await work.timeline.after(key, seq, limit=PAGE) for key, seq in starts.items()
        },
        exchanges=exchanges,
        receipts=await _receipts(work, heads, exchanges),
        waiting=await work.views.undelivered(me, among=others, limit=PAGE) if others else [],
    )


async def present_receipts(
    work: UnitOfWork, heads: Sequence[Conversation], *, me: AccountId
) -> list[Receipt]:
    """The present watermarks of direct conversations."""
    exchanges = {head.id: await exchange(work, me, head.id) for head in heads}
    return await _receipts(work, {head.id: head for head in heads}, exchanges)


async def _receipts(
    work: UnitOfWork,
    heads: Mapping[ConversationId, Conversation],
    exchanges: Mapping[ConversationId, DirectReceipts],
) -> list[Receipt]:
    parties = [(heads[key], party) for key, one in exchanges.items() for party in one.parties]
    marks = [mark for head, party in parties for mark in _marks(head.id, party)]
    newest = await work.receipts.newest(marks) if marks else {}
    return [receipt for head, party in parties for receipt in _receipts_of(head, party, newest)]


def _receipts_of(
    head: Conversation, party: MemberReceipts, newest: Mapping[ReadMark, Uid]
) -> Iterator[Receipt]:
    read, delivered = _marks(head.id, party)
    person, read_uid, delivered_uid = party.person, newest.get(read), newest.get(delivered)
    if read_uid is not None and party.last_read_at is not None:
        at = party.last_read_at
        yield ReadMoved(head.id, head.uid, person, party.read_seq, at, read_uid)
    if delivered_uid is not None and delivered_uid != read_uid:
        at = head.last_activity_at
        yield DeliveredMoved(head.id, head.uid, person, party.delivered_seq, at, delivered_uid)


def _cursors(
    after: Mapping[str, int],
    contacts: Contacts,
    partners: Mapping[ConversationId, Partner],
    accounts: Mapping[AccountId, Account],
) -> dict[ConversationId, int]:
    """The conversations that the client names, in its order, and how far it got there."""
    friends = {
        one.id: conversation_id
        for conversation_id, one in partners.items()
        if one.id in contacts.companions
    }
    by_name: dict[str, ConversationId] = {}
    for account_id, conversation_id in friends.items():
        by_name[accounts[account_id].uid] = conversation_id
        by_name[username_key(accounts[account_id].username)] = conversation_id
    named = {AccountName(name).uid or username_key(name): seq for name, seq in after.items()}
    return {by_name[name]: seq for name, seq in named.items() if name in by_name}


def _with_friends(
    contacts: Contacts,
    partners: Mapping[ConversationId, Partner],
    named: Collection[ConversationId],
) -> list[ConversationId]:
    companions = contacts.companions
    return [
        conversation_id
        for conversation_id, partner in partners.items()
        if partner.id in companions and conversation_id not in named
    ]


def _marks(conversation_id: ConversationId, party: MemberReceipts) -> tuple[ReadMark, ReadMark]:
    """How far one of two has read, and how far they were handed."""
    return (
        ReadMark(conversation_id, party.person.id, party.read_seq),
        ReadMark(conversation_id, party.person.id, party.delivered_seq),
    )
