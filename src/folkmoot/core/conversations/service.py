"""Decisions about conversations: who may begin one, and who may be in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from folkmoot.core.accounts.model import Account, Person
from folkmoot.core.conversations.errors import (
    MemberUnknown,
    NoSuchConversation,
    NoSuchInvitation,
    NotAGroup,
    NotAMember,
    NotTheOwner,
    TooFewMembers,
    TooManyMembers,
)
from folkmoot.core.conversations.events import (
    ConversationRenamed,
    ConversationStarted,
    MemberJoined,
    MemberLeft,
)
from folkmoot.core.conversations.model import (
    MAX_MEMBERS,
    MIN_MEMBERS,
    Conversation,
    Kind,
    Member,
    MemberRole,
    NewConversation,
    checked_title,
    may_moderate,
)
from folkmoot.core.conversations.store import ConversationWork
from folkmoot.core.conversations.timeline import keep, next_position
from folkmoot.core.shared.ids import AccountId, Clock, ConversationId, Ids
from folkmoot.core.social.errors import Blocked


@dataclass(frozen=True, slots=True)
class Invited:
    """A conversation that an account is asked into, and by whom."""

    head: Conversation
    inviter: Person
    at: datetime


class Conversations:
    """Who speaks where."""

    def __init__(self, clock: Clock, ids: Ids, *, asks_blockers: bool = True) -> None:
        self._clock = clock
        self._ids = ids
        self._asks_blockers = asks_blockers
        """Whether who blocks the creator of a group is asked to come, or the group is refused."""

    async def start(
        self,
        work: ConversationWork,
        creator: AccountId,
        others: Sequence[AccountId],
        *,
        title: str | None = None,
        kind: Kind = Kind.GROUP,
    ) -> Conversation:
        """A new conversation of the creator and the others.

        Whoever blocks the creator is not put into it, but asked.

        Raises:
            TooFewMembers, TooManyMembers: counted without repetitions, the creator included.
            Blocked: only two would be in it, and a block stands between them; or nobody is asked.
        """
        members = tuple(dict.fromkeys((creator, *others)))
        if len(members) < MIN_MEMBERS:
            raise TooFewMembers(field="participant_ids", min_members=MIN_MEMBERS)
        if len(members) > MAX_MEMBERS:
            raise TooManyMembers(field="participant_ids", max_members=MAX_MEMBERS)
        if len(members) == MIN_MEMBERS:
            await _refuse_if_blocked(work, creator, members)
        asked = await self._asked(work, creator, members)
        members = tuple(one for one in members if one not in asked)
        conversation = await work.conversations.add(
            NewConversation(
                uid=self._ids.uid(),
                kind=kind,
                title=checked_title(title),
                created_by=creator,
                created_at=self._clock.now(),
                members=members,
            )
        )
        if asked:
            await work.social.invite(conversation.id, asked, creator, conversation.created_at)
        work.record(ConversationStarted(conversation, members))
        return conversation

    async def _asked(
        self, work: ConversationWork, creator: AccountId, members: Sequence[AccountId]
    ) -> frozenset[AccountId]:
        """Those who block the creator, and are asked whether they want to come.

        Raises:
            Blocked: too few others are left, or this server asks nobody.
        """
        asked = await work.social.blockers_of(creator) & frozenset(members)
        if asked and (not self._asks_blockers or len(members) - len(asked) < MIN_MEMBERS):
            raise Blocked
        return asked

    async def invitations(self, work: ConversationWork, account_id: AccountId) -> list[Invited]:
        """What an account is asked into, the oldest first."""
        found = await work.social.invitations_of(account_id)
        heads = await work.conversations.heads([one.conversation_id for one in found])
        people = await work.accounts.by_ids([one.inviter_id for one in found])
        return [
            Invited(heads[one.conversation_id], people[one.inviter_id].person, one.at)
            for one in found
        ]

    async def accept(
        self, work: ConversationWork, account: Account, conversation_id: ConversationId
    ) -> None:
        """Come into a conversation that one is asked into.

        Raises:
            NoSuchInvitation, TooManyMembers
        """
        await self.decline(work, account.id, conversation_id)
        head = (await work.conversations.heads([conversation_id]))[conversation_id]
        key = (conversation_id, account.id)
        if key in await work.conversations.memberships([key]):
            return
        if head.member_count >= MAX_MEMBERS:
            raise TooManyMembers(field="conversation_id", max_members=MAX_MEMBERS)
        now = self._clock.now()
        await work.conversations.change_members(conversation_id, joined=[account.id], at=now)
        person, position = account.person, next_position(head, now)
        await keep(work, head, [MemberJoined(**position, member=person, actor=person)])

    async def decline(
        self, work: ConversationWork, account_id: AccountId, conversation_id: ConversationId
    ) -> None:
        """Stay out of a conversation that one is asked into.

        Raises:
            NoSuchInvitation
        """
        if not await work.social.take_invitation(account_id, conversation_id):
            raise NoSuchInvitation

    async def rename(
        self,
        work: ConversationWork,
        actor: AccountId,
        conversation_id: ConversationId,
        title: str | None,
    ) -> Conversation:
        """The conversation under its new title; the same title again changes nothing."""
        title = checked_title(title)
        head, member = await self.entered(work, actor, conversation_id)
        _refuse_unless_group(head)
        if title == head.title:
            return head
        await work.conversations.rename(conversation_id, title)
        renamed = ConversationRenamed(
            **next_position(head, self._clock.now()), title=title, actor=member.person
        )
        await keep(work, head, [renamed])
        return replace(head, title=title, last_seq=renamed.seq)

    async def add_members(
        self,
        work: ConversationWork,
        actor: AccountId,
        conversation_id: ConversationId,
        added: Sequence[Account],
    ) -> Conversation:
        """The conversation with them in it; who is already there stays there.

        Raises:
            Blocked: a block stands between the actor and one who is added.
        """
        head, member = await self.entered(work, actor, conversation_id)
        _refuse_unless_group(head)
        keys = [(conversation_id, account.id) for account in added]
        present = await work.conversations.memberships(keys)
        joining = list({a.id: a for a in added if (conversation_id, a.id) not in present}.values())
        if head.member_count + len(joining) > MAX_MEMBERS:
            raise TooManyMembers(field="participant_ids", max_members=MAX_MEMBERS)
        if not joining:
            return head
        await _refuse_if_blocked(work, actor, [account.id for account in joining])
        now = self._clock.now()
        await work.conversations.change_members(
            conversation_id, joined=[account.id for account in joining], at=now
        )
        events = [
            MemberJoined(
                **next_position(head, now, offset), member=account.person, actor=member.person
            )
            for offset, account in enumerate(joining, 1)
        ]
        await keep(work, head, events)
        count = head.member_count + len(joining)
        return replace(head, member_count=count, last_seq=events[-1].seq)

    async def remove_member(
        self,
        work: ConversationWork,
        actor: AccountId,
        conversation_id: ConversationId,
        leaver: AccountId,
    ) -> None:
        """Take a member out: oneself, or, for a group's owner and admins in it, somebody else.

        Whoever was brought into a group or a session may leave it. A group's owner who goes is
        followed by whoever has been there longest.
        """
        head, member = await self.entered(work, actor, conversation_id)
        if leaver != actor or head.kind is Kind.DIRECT:
            _refuse_unless_group(head)
        if leaver != actor and not may_moderate(head, member):
            raise NotTheOwner
        key = (conversation_id, leaver)
        gone = (await work.conversations.memberships([key])).get(key)
        if gone is None:
            raise MemberUnknown
        await work.conversations.change_members(
            conversation_id,
            left=[leaver],
            owner=await _heir(work, gone) if _is_followed(head, gone) else None,
            at=self._clock.now(),
        )
        event = MemberLeft(
            **next_position(head, self._clock.now()), member=gone.person, actor=member.person
        )
        await keep(work, head, [event])

    async def entered(
        self, work: ConversationWork, account_id: AccountId, conversation_id: ConversationId
    ) -> tuple[Conversation, Member]:
        """The conversation and the account's membership in it.

        Raises:
            NoSuchConversation
            NotAMember: it is there, but not for this account.
        """
        head = (await work.conversations.heads([conversation_id])).get(conversation_id)
        if head is None:
            raise NoSuchConversation
        key = (conversation_id, account_id)
        member = (await work.conversations.memberships([key])).get(key)
        if member is None:
            raise NotAMember
        return head, member


def _is_followed(head: Conversation, leaver: Member) -> bool:
    """Whether somebody else owns the conversation after them; a session stays its customer's."""
    return leaver.role is MemberRole.OWNER and head.kind is Kind.GROUP


async def _heir(work: ConversationWork, owner: Member) -> AccountId | None:
    members = (await work.conversations.members([owner.conversation_id]))[owner.conversation_id]
    others = (member.person.id for member in members if member.person.id != owner.person.id)
    return next(others, None)


def _refuse_unless_group(head: Conversation) -> None:
    if head.kind is not Kind.GROUP:
        raise NotAGroup(kind=head.kind.value)


async def _refuse_if_blocked(
    work: ConversationWork, actor: AccountId, others: Sequence[AccountId]
) -> None:
    blocks = await work.social.blocks_among({actor, *others})
    if any(actor in pair for pair in blocks):
        raise Blocked
