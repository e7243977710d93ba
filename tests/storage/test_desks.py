"""What every `DeskStore` promises, and the timeline of sessions."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from folkmoot.core.accounts.model import Account, Role
from folkmoot.core.conversations.desk import Desks
from folkmoot.core.conversations.errors import ConversationClosed, TooManySessions
from folkmoot.core.conversations.events import AgentAssigned, AssistantSwitched, ConversationEnded
from folkmoot.core.conversations.model import Conversation, Desk, DeskChange, DeskFilter, ReadMark
from folkmoot.core.shared.ids import ConversationId
from folkmoot.core.shared.pages import Slice
from tests.cast import NOON, Cast


@pytest.fixture
def desks(cast: Cast) -> Desks:
    return Desks(cast.clock, cast.ids)


@pytest.fixture
async def agent(cast: Cast) -> Account:
    return await cast.account("agent", Role.AGENT)


ALL = Slice(99)


async def listed(cast: Cast, stretch: Slice = ALL, **which: Any) -> list[ConversationId]:
    return await cast.see(lambda work: work.desks.listed(DeskFilter(**which), stretch))


async def test_a_session_has_a_desk_and_nothing_else_has(
    cast: Cast, desks: Desks, agent: Account
) -> None:
    plain = await cast.do(desks.open, cast.cy, title="HELP")
    served = await cast.do(desks.open, cast.cy, agent=agent, assistant_on=True)

    assert plain.desk == Desk(None, False, None, None, 0)
    assert served.desk == Desk(agent.id, True, None, None, 0)
    assert await cast.head(plain.id) == plain
    assert await cast.head(served.id) == served
    assert (await cast.head()).desk is None


async def test_a_customer_has_only_so_many_open_sessions(cast: Cast, agent: Account) -> None:
    desks = Desks(cast.clock, cast.ids, max_open=2)
    first = await cast.do(desks.open, cast.cy)
    await cast.do(desks.open, cast.cy)
    with pytest.raises(TooManySessions):
        await cast.do(desks.open, cast.cy)
    await cast.do(desks.open, cast.ana)

    await cast.do(desks.close, agent, first.id)

    await cast.do(desks.open, cast.cy)


async def test_sessions_that_are_opened_at_once_are_no_more_than_may_be_open(cast: Cast) -> None:
    desks = Desks(cast.clock, cast.ids, max_open=3)
    customers = cast.ana, cast.cy

    opened = await asyncio.gather(
        *(cast.do(desks.open, customer) for customer in customers for _ in range(12)),
        return_exceptions=True,
    )

    kinds = Counter(type(one) for one in opened)
    assert kinds == {Conversation: 6, TooManySessions: 18}


async def test_a_session_counts_its_messages_and_begins_with_the_first(
    cast: Cast, desks: Desks
) -> None:
    session = await cast.do(desks.open, cast.cy)
    await cast.do(desks.rename, cast.cy, session.id, "HELP")
    first_at = cast.clock.pass_by()
    await cast.say(cast.cy, "hello?", where=session)
    cast.clock.pass_by()
    drafts = [cast.draft(cast.cy, f"{n}", where=session) for n in range(3)]
    await cast.post(*drafts, cast.draft(cast.ana, "elsewhere"))

    head = await cast.head(session.id)

    assert head.desk == Desk(None, False, first_at, None, 4)
    assert (head.last_seq, head.last_activity_at) == (5, cast.clock.now())
    assert (await cast.head()).desk is None


async def test_what_is_not_to_change_stays(cast: Cast, desks: Desks, agent: Account) -> None:
    session = await cast.do(desks.open, cast.cy, title="HELP", assistant_on=True)
    at = cast.clock.pass_by()

    for change in (DeskChange(agent_id=agent.id), DeskChange(assistant_on=False),
                   DeskChange(title="DONE"), DeskChange(closed_at=at), DeskChange()):  # fmt: skip
        await cast.storage.write(lambda work, it=change: work.desks.change(session.id, it))

    head = await cast.head(session.id)
    assert (head.title, head.desk) == ("DONE", Desk(agent.id, False, None, at, 0))


async def test_the_timeline_tells_what_happened_to_a_session(
    cast: Cast, desks: Desks, agent: Account
) -> None:
    session = await cast.do(desks.open, cast.cy)
    await cast.do(desks.assign, cast.cy, session.id, agent)
    await cast.do(desks.switch_assistant, agent, session.id, is_on=True)
    await cast.do(desks.switch_assistant, agent, session.id, is_on=False)
    cast.clock.pass_by()
    await cast.do(desks.close, agent, session.id)

    told = await cast.see(lambda work: work.timeline.after(session.id, 0, limit=99))

    durable = [event for event in cast.events if hasattr(event, "seq")]
    assert told == durable
    assert [type(event) for event in told[1:]] == [
        AgentAssigned, AssistantSwitched, AssistantSwitched, ConversationEnded,
    ]  # fmt: skip
    assert [event.is_on for event in told[2:4]] == [True, False]
    with pytest.raises(ConversationClosed):
        await cast.say(cast.cy, "too late", where=session)


async def test_sessions_are_listed_by_what_is_asked_newest_activity_first(
    cast: Cast, desks: Desks, agent: Account
) -> None:
    opened: list[Conversation] = []
    for customer, serving in ((cast.cy, None), (cast.bo, None), (cast.cy, agent)):
        cast.clock.pass_by()
        opened.append(await cast.do(desks.open, customer, agent=serving))
    one, two, three = (each.id for each in opened)
    cast.clock.pass_by()
    await cast.say(cast.cy, "wake up", where=opened[0])
    await cast.do(desks.close, cast.bo, two)

    assert await listed(cast) == [two, one, three]
    assert await listed(cast, closed=False) == [one, three]
    assert await listed(cast, closed=True) == [two]
    assert await listed(cast, owner=cast.cy.id) == [one, three]
    assert await listed(cast, member=agent.id) == [three]
    assert await listed(cast, member=cast.bo.id, closed=True) == [two]
    assert await listed(cast, unassigned=True, closed=False) == [one]
    assert await listed(cast, owner=cast.ana.id) == []
    assert await listed(cast, Slice(1, offset=1), closed=False) == [three]
    assert await listed(cast, Slice(0)) == []


async def test_who_left_a_session_is_no_member_to_the_list(
    cast: Cast, desks: Desks, agent: Account
) -> None:
    session = await cast.do(desks.open, cast.cy, agent=agent)
    await cast.do(desks.remove_member, agent, session.id, agent.id)

    assert await listed(cast, member=agent.id) == []
    assert await listed(cast, owner=cast.cy.id) == [session.id]


async def test_the_idle_ones_come_longest_idle_first_and_only_open_ones(
    cast: Cast, desks: Desks
) -> None:
    opened = []
    for _ in range(4):
        cast.clock.pass_by(timedelta(hours=1))
        opened.append(await cast.do(desks.open, cast.cy))
    await cast.storage.write(
        lambda work: work.desks.change(opened[0].id, DeskChange(closed_at=NOON))
    )
    cast.clock.pass_by(timedelta(hours=1))
    await cast.say(cast.cy, "still here", where=opened[1])

    async def idle(hours: int, limit: int = 9) -> list[ConversationId]:
        cutoff = NOON + timedelta(hours=hours)
        return await cast.see(lambda work: work.desks.idle_since(cutoff, limit=limit))

    assert await idle(99) == [opened[2].id, opened[3].id, opened[1].id]
    assert await idle(99, limit=1) == [opened[2].id]
    assert await idle(4) == [opened[2].id]
    assert await idle(0) == []


async def test_callers_come_newest_first_with_what_nobody_of_staff_has_read(
    cast: Cast, desks: Desks, agent: Account
) -> None:
    first, second = [await cast.do(desks.open, cast.cy, agent=agent) for _ in range(2)]
    of_bo = await cast.do(desks.open, cast.bo)
    await cast.do(desks.open, cast.ana)
    for where in (first, first, second):
        await cast.say(cast.cy, "hello?", where=where)
    read = await cast.say(cast.cy, "read", where=second)
    await cast.say(agent, "hello", where=second)
    last = await cast.say(cast.bo, "hello?", where=of_bo)
    await cast.say(cast.bo, "elsewhere")
    await cast.storage.write(
        lambda work: work.conversations.move_read([ReadMark(second.id, agent.id, read.seq)], NOON)
    )

    async def callers(name_part: str = "", stretch: Slice = ALL) -> list[tuple[Any, int]]:
        found = await cast.see(lambda work: work.views.callers(name_part, stretch))
        return [(caller.person.id, caller.unread_count) for caller in found]

    assert await callers() == [(cast.bo.id, 1), (cast.cy.id, 2)]
    assert await callers("C") == [(cast.cy.id, 2)]
    assert await callers("%") == []
    assert await callers(stretch=Slice(1, offset=1)) == [(cast.cy.id, 2)]
    (newest,) = await cast.see(lambda work: work.views.callers("bo", ALL))
    assert newest.last_message.id == last.id
