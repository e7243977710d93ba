"""Which conversation a draft goes into, where it names people instead: one is begun if need be.

It is found in the transaction that stores the message, and begun only with its first message.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from folkmoot.core.accounts.errors import NoSuchAccount
from folkmoot.core.accounts.model import Account
from folkmoot.core.conversations.model import (
    Conversation,
    Desk,
    DeskFilter,
    Kind,
    Member,
    MemberRole,
)
from folkmoot.core.messages.model import DirectWith, Draft, Message, SupportSession
from folkmoot.core.messages.store import MessageWork
from folkmoot.core.shared.ids import AccountId, Clock, ConversationId, Ids
from folkmoot.core.shared.pages import Slice
from folkmoot.core.shared.refusals import Refusal
from folkmoot.core.social.errors import Blocked, NotFriends, SelfRequest
from folkmoot.core.social.model import pair_key

Heads = dict[ConversationId, Conversation]
Pair = tuple[AccountId, AccountId]


@dataclass(slots=True)
class Beginning:
    """A conversation that begins with its first accepted message; until then its id is below zero.

    ``members`` are in it from the start, and so is the ``agent`` who writes that message.
    """

    head: Conversation
    members: list[Account]
    direct_pair: Pair | None = None
    agent_id: AccountId | None = None

    def memberships(self) -> dict[tuple[ConversationId, AccountId], Member]:
        """Those who are in it before anybody has written."""
        at, creator = self.head.created_at, self.head.created_by
        return {
            (self.head.id, one.id): Member(
                self.head.id,
                one.person,
                MemberRole.OWNER if one.id == creator else MemberRole.MEMBER,
                at,
            )
            for one in self.members
        }


Beginnings = dict[ConversationId, Beginning]


@dataclass(slots=True)
class Settled:
    """Drafts with a conversation's id each, or with the reason why there is none."""

    drafts: list[Draft | Refusal]
    beginnings: Beginnings = field(default_factory=dict)


class Destinations:
    """Finds the conversations of drafts that name people."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    async def settle(
        self,
        work: MessageWork,
        drafts: Sequence[Draft],
        posted: Mapping[tuple[AccountId, str], Message],
        heads: Heads,
    ) -> Settled:
        """The drafts with their conversations; ``heads`` has those that they named or may mean,
        and gets those that were found.

        A retry goes where its message went first. Refused are SelfRequest, Blocked, NotFriends
        and NoSuchAccount.
        """
        settled = Settled(list(drafts))
        if all(isinstance(draft.destination, int) for draft in drafts):
            return settled
        directs = await self._directs(work, drafts, heads, settled.beginnings)
        sessions = await self._sessions(work, drafts, posted, heads, settled.beginnings)
        for index, draft in enumerate(drafts):
            match draft.destination:
                case DirectWith(account_id=friend):
                    found = directs[draft.author_id, friend]
                case SupportSession(customer_id=customer):
                    found = _session_meant(draft, posted, heads) or sessions[customer]
                case _:
                    continue
            settled.drafts[index] = (
                found if isinstance(found, Refusal) else replace(draft, destination=found)
            )
        return settled

    async def _directs(
        self, work: MessageWork, drafts: Sequence[Draft], heads: Heads, beginnings: Beginnings
    ) -> dict[Pair, ConversationId | Refusal]:
        """The direct conversations of authors and those they write to."""
        asked = dict.fromkeys(
            (draft.author_id, draft.destination.account_id)
            for draft in drafts
            if isinstance(draft.destination, DirectWith)
        )
        if not asked:
            return {}
        pairs: dict[Pair, Pair] = {}
        for author_id, friend_id in asked:
            if author_id != friend_id:
                pairs.setdefault(pair_key(author_id, friend_id), (author_id, friend_id))
        known = await work.directs.between(pairs)
        heads |= await work.conversations.heads(known.values())
        found: dict[Pair, ConversationId | Refusal] = {
            each: SelfRequest(field="receiver_id") for each in asked
        }
        new = {pair: each for pair, each in pairs.items() if pair not in known}
        begun = await self._begin_directs(work, new, heads, beginnings) if new else {}
        return found | {
            each: (known | begun)[pair_key(*each)] for each in asked if each[0] != each[1]
        }

    async def _begin_directs(
        self, work: MessageWork, pairs: Mapping[Pair, Pair], heads: Heads, beginnings: Beginnings
    ) -> dict[Pair, ConversationId | Refusal]:
        accounts = await work.accounts.by_ids({one for pair in pairs for one in pair})
        blocks = {frozenset(block) for block in await work.social.blocks_among(accounts)}
        friends = await work.friends.pairs_among(pairs)
        found: dict[Pair, ConversationId | Refusal] = {}
        for pair, (author_id, friend_id) in pairs.items():
            if frozenset(pair) in blocks:
                found[pair] = Blocked()
            elif pair not in friends:
                found[pair] = NotFriends()
            else:
                members = [accounts[author_id], accounts[friend_id]]
                found[pair] = self._begin(Kind.DIRECT, members, heads, beginnings, pair)
        return found

    async def _sessions(
        self,
        work: MessageWork,
        drafts: Sequence[Draft],
        posted: Mapping[tuple[AccountId, str], Message],
        heads: Heads,
        beginnings: Beginnings,
    ) -> dict[AccountId, ConversationId | Refusal]:
        """The sessions of customers where drafts do not know them; of several, the last used."""
        customers = dict.fromkeys(
            draft.destination.customer_id
            for draft in drafts
            if isinstance(draft.destination, SupportSession)
            and _session_meant(draft, posted, heads) is None
        )
        known: dict[AccountId, ConversationId] = {}
        for customer_id in customers:
            which = DeskFilter(owner=customer_id, closed=False)
            for conversation_id in await work.desks.listed(which, Slice(1)):
                known[customer_id] = conversation_id
        if known:
            heads |= await work.conversations.heads(known.values())
        new = [customer_id for customer_id in customers if customer_id not in known]
        accounts = await work.accounts.by_ids(new) if new else {}
        begun: dict[AccountId, ConversationId | Refusal] = {
            customer_id: self._begin(Kind.SESSION, [accounts[customer_id]], heads, beginnings)
            if customer_id in accounts
            else NoSuchAccount()
            for customer_id in new
        }
        return begun | known

    def _begin(
        self,
        kind: Kind,
        members: list[Account],
        heads: Heads,
        beginnings: Beginnings,
        direct_pair: Pair | None = None,
    ) -> ConversationId:
        now = self._clock.now()
        head = Conversation(
            ConversationId(-1 - len(beginnings)),
            self._ids.uid(),
            kind,
            title=None,
            created_by=members[0].id,
            created_at=now,
            last_seq=0,
            last_activity_at=now,
            member_count=len(members),
            desk=Desk(None, False, None, None, 0) if kind is Kind.SESSION else None,
        )
        heads[head.id] = head
        beginnings[head.id] = Beginning(head, members, direct_pair)
        return head.id


def candidates(
    drafts: Iterable[Draft], posted: Mapping[tuple[AccountId, str], Message]
) -> set[ConversationId]:
    """The conversations that drafts name, or may mean."""
    found = set()
    for draft in drafts:
        match draft.destination:
            case SupportSession(expected=expected):
                if expected is not None:
                    found.add(expected)
                if (earlier := _earlier(draft, posted)) is not None:
                    found.add(earlier.conversation_id)
            case DirectWith():
                pass
            case conversation_id:
                found.add(conversation_id)
    return found


def _earlier(draft: Draft, posted: Mapping[tuple[AccountId, str], Message]) -> Message | None:
    return None if draft.client_id is None else posted.get((draft.author_id, draft.client_id))


def _session_meant(
    draft: Draft, posted: Mapping[tuple[AccountId, str], Message], heads: Heads
) -> ConversationId | None:
    """The customer's session that this was posted in before, or else that it expects to be open."""
    wanted = draft.destination
    if not isinstance(wanted, SupportSession):
        return None
    earlier = _earlier(draft, posted)
    head = None if earlier is None else heads.get(earlier.conversation_id)
    if head is not None and head.desk is not None and head.created_by == wanted.customer_id:
        return head.id
    head = None if wanted.expected is None else heads.get(wanted.expected)
    if head is None or head.desk is None or head.desk.is_closed:
        return None
    return head.id if head.created_by == wanted.customer_id else None
