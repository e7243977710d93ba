"""Who is in a conversation by a message: those who come to a session, those with whom one begins.

All of it is stored in one transaction with the message.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from itertools import chain

from folkmoot.core.accounts.model import Person
from folkmoot.core.conversations.errors import AgentNotStaff, TooManyMembers
from folkmoot.core.conversations.events import ConversationStarted, MemberJoined
from folkmoot.core.conversations.model import (
    MAX_MEMBERS,
    Conversation,
    Member,
    MemberRole,
    NewConversation,
)
from folkmoot.core.conversations.timeline import next_position
from folkmoot.core.messages.facts import Facts
from folkmoot.core.messages.model import Draft
from folkmoot.core.messages.store import MessageWork
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.social.errors import Blocked


def refuse_addressee(facts: Facts, draft: Draft, head: Conversation) -> None:
    """Refuse a draft to one of staff who cannot be brought into the session.

    Raises:
        AgentNotStaff, TooManyMembers, Blocked
    """
    if draft.addressee_id is None or (head.id, draft.addressee_id) in facts.memberships:
        return
    addressee = facts.joinable.get((head.id, draft.addressee_id))
    if addressee is None:
        raise AgentNotStaff(field="receiver_id")
    if head.member_count >= MAX_MEMBERS:
        raise TooManyMembers(field="user_id", max_members=MAX_MEMBERS)
    if addressee.is_blocked:
        raise Blocked


def let_in(facts: Facts, head: Conversation, draft: Draft, at: datetime) -> Conversation:
    """The session with the author of its next message in it, and with whom that is written to.

    Staff become members by writing. Called only for a message that is accepted: a refused one
    lets nobody in.
    """
    head = _let_in(facts, head, draft.author_id, None, at)
    if draft.addressee_id is not None:
        actor = facts.memberships[head.id, draft.author_id].person
        head = _let_in(facts, head, draft.addressee_id, actor, at)
    return head


def _let_in(
    facts: Facts, head: Conversation, account_id: AccountId, actor: Person | None, at: datetime
) -> Conversation:
    key = (head.id, account_id)
    if key in facts.memberships:
        return head
    person = facts.joinable[key].person
    facts.memberships[key] = Member(head.id, person, MemberRole.MEMBER, at)
    if head.id in facts.members:
        facts.members[head.id] |= {person.uid}
    # Where only two spoke, a block between them silenced both; a third is not silenced by it.
    facts.silenced.pop(head.id, None)
    beginning = facts.beginnings.get(head.id)
    if beginning is not None and head.last_seq == 0:
        beginning.agent_id = account_id
        return replace(head, member_count=head.member_count + 1)
    joined = MemberJoined(**next_position(head, at), member=person, actor=actor or person)
    facts.joins.setdefault(len(facts.accepted), []).append(joined)
    return replace(head, last_seq=joined.seq, member_count=head.member_count + 1)


async def begin(
    work: MessageWork, facts: Facts, wanted: Collection[ConversationId]
) -> dict[ConversationId, ConversationId]:
    """Store those of the conversations that are yet to begin; the ids that they were given."""
    given = {}
    for provisional_id, beginning in facts.beginnings.items():
        if provisional_id not in wanted:
            continue
        head, agent_id = beginning.head, beginning.agent_id
        members = [account.id for account in beginning.members]
        if agent_id is not None:
            members.append(agent_id)
        begun = await work.conversations.add(
            NewConversation(
                uid=head.uid,
                kind=head.kind,
                title=head.title,
                created_by=head.created_by,
                created_at=head.created_at,
                members=tuple(members),
                direct_pair=beginning.direct_pair,
                agent_id=agent_id,
            )
        )
        work.record(ConversationStarted(begun, tuple(members)))
        _rename(facts, provisional_id, begun.id)
        given[provisional_id] = begun.id
    return given


def _rename(facts: Facts, provisional_id: ConversationId, given_id: ConversationId) -> None:
    """Have everything that was decided speak of a conversation by the id that it was given."""
    facts.heads[given_id] = replace(facts.heads.pop(provisional_id), id=given_id)
    facts.accepted[:] = [
        replace(message, conversation_id=given_id)
        if message.conversation_id == provisional_id
        else message
        for message in facts.accepted
    ]
    for joins in facts.joins.values():
        joins[:] = [
            replace(joined, conversation_id=given_id)
            if joined.conversation_id == provisional_id
            else joined
            for joined in joins
        ]
    for key in [key for key in facts.memberships if key[0] == provisional_id]:
        member = facts.memberships.pop(key)
        facts.memberships[given_id, key[1]] = replace(member, conversation_id=given_id)


async def store_joins(work: MessageWork, facts: Facts) -> None:
    """Store who joined, and write it down in the timelines."""
    joins = list(chain.from_iterable(facts.joins.values()))
    for joined in joins:
        await work.conversations.change_members(
            joined.conversation_id, joined=[joined.member.id], at=joined.at
        )
    await work.timeline.keep(joins)
