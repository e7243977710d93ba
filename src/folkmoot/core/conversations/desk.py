"""Decisions about session conversations: a customer, staff, and optionally the assistant."""

from dataclasses import replace
from datetime import datetime, timedelta

from folkmoot.core.accounts.errors import RoleNeeded
from folkmoot.core.accounts.model import STAFF, Account, Role
from folkmoot.core.conversations.errors import (
    AgentNotStaff,
    ConversationClosed,
    DaysOutOfRange,
    MemberUnknown,
    NotADesk,
    NotAMember,
    NotTheOwner,
    TooManyMembers,
    TooManySessions,
)
from folkmoot.core.conversations.events import (
    AgentAssigned,
    AssistantSwitched,
    ConversationChange,
    ConversationEnded,
    ConversationRenamed,
    ConversationStarted,
    MemberJoined,
    MemberLeft,
)
from folkmoot.core.conversations.model import (
    MAX_MEMBERS,
    Conversation,
    DeskChange,
    DeskFilter,
    Kind,
    Member,
    NewConversation,
    checked_title,
)
from folkmoot.core.conversations.store import ConversationWork
from folkmoot.core.conversations.timeline import keep, next_position
from folkmoot.core.shared.ids import AccountId, Clock, ConversationId, Ids
from folkmoot.core.shared.pages import Slice
from folkmoot.core.social.errors import Blocked

MIN_DAYS, MAX_DAYS = 1, 365
MAX_CLEANED = 1000


class Desks:
    """Session conversations: opened by a customer, served by staff, closed in the end.

    Staff may open any of them and see all of it; they become members by writing there, or by
    being put in charge. Everybody else is let in by membership, as everywhere.
    """

    def __init__(self, clock: Clock, ids: Ids, *, max_open: int | None = None) -> None:
        self._clock = clock
        self._ids = ids
        self._max_open = max_open

    async def open(
        self,
        work: ConversationWork,
        customer: Account,
        *,
        title: str | None = None,
        agent: Account | None = None,
        assistant_on: bool = False,
    ) -> Conversation:
        """A new session of the customer.

        Raises:
            AgentNotStaff, Invalid
            TooManySessions: as many of the customer's are open as may be.
            Blocked: a block stands between the two.
        """
        await self._refuse_too_many(work, customer)
        members = [customer.id]
        if agent is not None:
            _refuse_unless_staff(agent)
            await _refuse_if_blocked(work, customer.id, agent.id)
            members.append(agent.id)
        conversation = await work.conversations.add(
            NewConversation(
                uid=self._ids.uid(),
                kind=Kind.SESSION,
                title=checked_title(title),
                created_by=customer.id,
                created_at=self._clock.now(),
                members=tuple(dict.fromkeys(members)),
                agent_id=None if agent is None else agent.id,
                assistant_on=assistant_on,
            )
        )
        work.record(ConversationStarted(conversation, tuple(dict.fromkeys(members))))
        return conversation

    async def _refuse_too_many(self, work: ConversationWork, customer: Account) -> None:
        if self._max_open is None:
            return
        await work.accounts.hold(customer.id)
        which = DeskFilter(owner=customer.id, closed=False)
        if await work.desks.listed(which, Slice(1, offset=self._max_open - 1)):
            raise TooManySessions(max_sessions=self._max_open)

    async def entered(
        self, work: ConversationWork, account: Account, conversation_id: ConversationId
    ) -> tuple[Conversation, Member | None]:
        """The session, and the account's membership; staff may look in without one.

        Raises:
            NotADesk: there is none, or it is not a session.
            NotAMember
        """
        head = (await work.conversations.heads([conversation_id])).get(conversation_id)
        if head is None or head.desk is None:
            raise NotADesk
        key = (conversation_id, account.id)
        member = (await work.conversations.memberships([key])).get(key)
        if member is None and account.role not in STAFF:
            raise NotAMember
        return head, member

    async def join(
        self, work: ConversationWork, account: Account, conversation_id: ConversationId
    ) -> Conversation:
        """The session with this member of staff in it, to write there; who is in it stays so.

        Raises:
            NotADesk, NotAMember
            ConversationClosed: there is nothing left to write.
            Blocked: a block stands between them and the customer.
        """
        head, member = await self.entered(work, account, conversation_id)
        if member is not None:
            return head
        if head.desk is not None and head.desk.is_closed:
            raise ConversationClosed
        await _refuse_if_blocked(work, head.created_by, account.id)
        return await self._add(work, head, account, account)

    async def add_member(
        self,
        work: ConversationWork,
        actor: Account,
        conversation_id: ConversationId,
        added: Account,
    ) -> Conversation:
        """The session with the account in it; its customer may add people, and so may staff.

        Raises:
            NotADesk, NotAMember, NotTheOwner, TooManyMembers
            Blocked: a block stands between them and whoever adds them.
        """
        head, _ = await self.entered(work, actor, conversation_id)
        _refuse_unless_in_charge(head, actor)
        key = (conversation_id, added.id)
        if key in await work.conversations.memberships([key]):
            return head
        if head.member_count >= MAX_MEMBERS:
            raise TooManyMembers(field="user_id", max_members=MAX_MEMBERS)
        await _refuse_if_blocked(work, actor.id, added.id)
        return await self._add(work, head, added, actor)

    async def remove_member(
        self,
        work: ConversationWork,
        actor: Account,
        conversation_id: ConversationId,
        leaver: AccountId,
    ) -> None:
        """Take a member out: oneself, or, for the customer and for staff, somebody else.

        Raises:
            NotADesk, NotAMember, NotTheOwner, MemberUnknown
            RoleNeeded: a customer does not send away who serves them.
        """
        head, _ = await self.entered(work, actor, conversation_id)
        if leaver != actor.id:
            _refuse_unless_in_charge(head, actor)
        key = (conversation_id, leaver)
        gone = (await work.conversations.memberships([key])).get(key)
        if gone is None:
            raise MemberUnknown
        if leaver != actor.id and gone.person.role in STAFF:
            _refuse_unless_by_staff(actor)
        now = self._clock.now()
        await work.conversations.change_members(conversation_id, left=[leaver], at=now)
        event = MemberLeft(**next_position(head, now), member=gone.person, actor=actor.person)
        await keep(work, head, [event])

    async def assign(
        self,
        work: ConversationWork,
        actor: Account,
        conversation_id: ConversationId,
        agent: Account,
    ) -> Conversation:
        """The session with this member of staff in charge, and in it. Staff may, and the customer
        while nobody is.

        Raises:
            NotADesk, NotAMember, NotTheOwner, AgentNotStaff, Blocked
            RoleNeeded: somebody is in charge already, and only staff pass a session on.
        """
        head, _ = await self.entered(work, actor, conversation_id)
        _refuse_unless_in_charge(head, actor)
        _refuse_unless_staff(agent)
        if head.desk is None or head.desk.agent_id == agent.id:
            return head
        if head.desk.agent_id is not None:
            _refuse_unless_by_staff(actor)
        await _refuse_if_blocked(work, head.created_by, agent.id)
        key = (conversation_id, agent.id)
        if key not in await work.conversations.memberships([key]):
            head = await self._add(work, head, agent, actor)
        return await self._change(
            work,
            head,
            DeskChange(agent_id=agent.id),
            AgentAssigned(
                **next_position(head, self._clock.now()), agent=agent.person, actor=actor.person
            ),
        )

    async def release_all(self, work: ConversationWork, agent: Account) -> None:
        """Have nobody be in charge of the open sessions that an agent served; each is told so."""
        heads = await work.conversations.heads(await work.desks.served_by(agent.id))
        for head in heads.values():
            await work.desks.release(head.id)
            position = next_position(head, self._clock.now())
            released = AgentAssigned(**position, agent=None, actor=agent.person)
            await keep(work, head, [released])

    async def rename(
        self, work: ConversationWork, actor: Account, conversation_id: ConversationId, title: str
    ) -> Conversation:
        """The session under its new title; the same again changes nothing."""
        head, _ = await self.entered(work, actor, conversation_id)
        checked = checked_title(title)
        if checked is None or checked == head.title:
            return head
        position = next_position(head, self._clock.now())
        event = ConversationRenamed(**position, title=checked, actor=actor.person)
        return replace(
            await self._change(work, head, DeskChange(title=checked), event), title=checked
        )

    async def switch_assistant(
        self,
        work: ConversationWork,
        actor: Account,
        conversation_id: ConversationId,
        *,
        is_on: bool,
    ) -> Conversation:
        """The session with the assistant switched; its members may, and staff.

        Raises:
            NotADesk, NotAMember
            RoleNeeded: one of staff has taken over, and only staff can give it back.
        """
        head, _ = await self.entered(work, actor, conversation_id)
        if head.desk is None or head.desk.assistant_on == is_on:
            return head
        if head.desk.taken_over and actor.role not in STAFF:
            raise RoleNeeded(role=Role.AGENT.value)
        position = next_position(head, self._clock.now())
        event = AssistantSwitched(**position, is_on=is_on, actor=actor.person)
        change = DeskChange(
            assistant_on=is_on,
            ownership=head.desk.ownership + 1,
            taken_over=False,
            left_to_people=False,
        )
        return await self._change(work, head, change, event)

    async def close(
        self, work: ConversationWork, actor: Account, conversation_id: ConversationId
    ) -> Conversation:
        """The session, closed: it can be read and not written. Closing twice is once."""
        head, _ = await self.entered(work, actor, conversation_id)
        return await self._close(work, actor, head)

    async def clean_up(
        self, work: ConversationWork, actor: Account, *, max_age_days: int, dry_run: bool = False
    ) -> tuple[list[Conversation], datetime]:
        """The sessions that were idle for so many days, closed now (or only found), and the cutoff.

        At most `MAX_CLEANED` at once, the longest idle first.

        Raises:
            RoleNeeded: the actor is not an admin.
            DaysOutOfRange
        """
        if actor.role is not Role.ADMIN:
            raise RoleNeeded(role=Role.ADMIN.value)
        if not MIN_DAYS <= max_age_days <= MAX_DAYS:
            raise DaysOutOfRange(field="max_age_days", least=MIN_DAYS, most=MAX_DAYS)
        cutoff = self._clock.now() - timedelta(days=max_age_days)
        found = await work.desks.idle_since(cutoff, limit=MAX_CLEANED)
        heads = await work.conversations.heads(found)
        idle = [heads[conversation_id] for conversation_id in found]
        if not dry_run:
            idle = [await self._close(work, actor, head) for head in idle]
        return idle, cutoff

    async def _close(
        self, work: ConversationWork, actor: Account, head: Conversation
    ) -> Conversation:
        if head.desk is None or head.desk.is_closed:
            return head
        now = self._clock.now()
        event = ConversationEnded(**next_position(head, now), actor=actor.person)
        return await self._change(work, head, DeskChange(closed_at=now), event)

    async def _add(
        self, work: ConversationWork, head: Conversation, added: Account, actor: Account
    ) -> Conversation:
        now = self._clock.now()
        await work.conversations.change_members(head.id, joined=[added.id], at=now)
        event = MemberJoined(**next_position(head, now), member=added.person, actor=actor.person)
        await keep(work, head, [event])
        return replace(head, last_seq=event.seq, member_count=head.member_count + 1)

    async def _change(
        self,
        work: ConversationWork,
        head: Conversation,
        change: DeskChange,
        event: ConversationChange,
    ) -> Conversation:
        await work.desks.change(head.id, change)
        await keep(work, head, [event])
        return (await work.conversations.heads([head.id]))[head.id]


def _refuse_unless_staff(agent: Account) -> None:
    if agent.role not in STAFF or not agent.is_active:
        raise AgentNotStaff(field="assigned_agent_id")


def _refuse_unless_in_charge(head: Conversation, actor: Account) -> None:
    if actor.role not in STAFF and head.created_by != actor.id:
        raise NotTheOwner


def _refuse_unless_by_staff(actor: Account) -> None:
    if actor.role not in STAFF:
        raise RoleNeeded(role="staff")


async def _refuse_if_blocked(work: ConversationWork, *accounts: AccountId) -> None:
    if await work.social.blocks_among(set(accounts)):
        raise Blocked
