"""Staff become members of a session by writing in it: in one transaction with the message."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from folkmoot.core.conversations.events import MemberJoined
from folkmoot.core.conversations.model import Conversation, Member, MemberRole
from folkmoot.core.conversations.timeline import next_position
from folkmoot.core.messages.facts import Facts
from folkmoot.core.messages.store import MessageWork
from folkmoot.core.shared.ids import AccountId


def join(facts: Facts, head: Conversation, author_id: AccountId, at: datetime) -> Conversation:
    """The session with its next author in it; the same where they are a member already.

    Called only for a message that is accepted: a refused one lets nobody in.
    """
    key = (head.id, author_id)
    if key in facts.memberships:
        return head
    person = facts.joinable[key].person
    joined = MemberJoined(**next_position(head, at), member=person, actor=person)
    facts.joins[len(facts.accepted)] = joined
    facts.memberships[key] = Member(
        head.id, person, MemberRole.MEMBER, at, read_seq=0, read_at=None, delivered_seq=0
    )
    if head.id in facts.members:
        facts.members[head.id] |= {person.uid}
    # Where only two spoke, a block between them silenced both; a third is not silenced by it.
    facts.silenced.pop(head.id, None)
    return replace(head, last_seq=joined.seq, member_count=head.member_count + 1)


async def let_in(work: MessageWork, joins: Sequence[MemberJoined]) -> None:
    """Store who joined, and write it down in the timelines."""
    for joined in joins:
        await work.conversations.change_members(
            joined.conversation_id, joined=[joined.member.id], at=joined.at
        )
    await work.timeline.keep(joins)
