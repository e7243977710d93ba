"""What an account held is let go when it ends, in every storage, and the others are told."""

import pytest

from folkmoot.core.accounts.errors import LastAdmin, NoSuchAccount
from folkmoot.core.accounts.events import AccountDeactivated, LoginsEnded
from folkmoot.core.accounts.model import Account, AccountName, Role
from folkmoot.core.conversations.desk import Desks
from folkmoot.core.conversations.events import AgentAssigned, ConversationEnded, MemberLeft
from folkmoot.core.endings import Endings
from folkmoot.core.social.events import BlockLifted, FriendshipEnded
from folkmoot.core.social.friends import Friends
from tests.cast import Cast


@pytest.fixture
def desks(cast: Cast) -> Desks:
    return Desks(cast.clock, cast.ids)


@pytest.fixture
def endings(cast: Cast, desks: Desks) -> Endings:
    friends = Friends(cast.clock, cast.ids)
    return Endings(cast.accounts, cast.conversations, desks, friends, cast.social)


@pytest.fixture
async def agent(cast: Cast) -> Account:
    return await cast.account("agent", Role.AGENT)


def of(cast: Cast, kind: type) -> list[object]:
    return [event for event in cast.events if isinstance(event, kind)]


@pytest.mark.parametrize("ending", ["deactivate", "delete", "demote"])
async def test_the_sessions_that_an_agent_served_wait_for_somebody_else(
    cast: Cast, desks: Desks, endings: Endings, agent: Account, ending: str
) -> None:
    opened = [await cast.do(desks.open, cast.cy, agent=agent) for _ in range(3)]
    await cast.do(desks.close, cast.cy, opened[0].id)
    other = await cast.do(desks.open, cast.cy, agent=await cast.account("staff", Role.AGENT))
    cast.events.clear()

    if ending == "demote":
        await cast.do(endings.set_role, agent.id, Role.USER)
    else:
        await cast.do(getattr(endings, ending), agent.id)

    released = of(cast, AgentAssigned)
    assert [(event.conversation_id, event.agent) for event in released] == [
        (opened[1].id, None),
        (opened[2].id, None),
    ]
    heads = await cast.see(lambda work: work.conversations.heads([opened[2].id, other.id]))
    assert heads[opened[2].id].desk.agent_id is None
    assert heads[other.id].desk.agent_id is not None
    kept = await cast.see(lambda work: work.timeline.after(opened[1].id, 0, limit=10))
    (told,) = [event for event in kept if isinstance(event, AgentAssigned)]
    assert (told.agent, told.actor.id) == (None, agent.id)


async def test_a_deleted_account_leaves_nothing_of_itself_but_what_it_said(
    cast: Cast, desks: Desks, endings: Endings
) -> None:
    friends = Friends(cast.clock, cast.ids)
    bo, said = cast.bo, await cast.say(cast.bo, "I was here")
    await cast.do(cast.accounts.start_login, bo, lasting=cast.clock.now() - cast.clock.now())
    request = await cast.do(friends.request, cast.cy.id, bo.id)
    await cast.do(friends.accept, bo.id, request.id)
    await cast.do(friends.request, bo.id, cast.ana.id)
    await cast.do(cast.social.block, cast.ana.id, bo.id)
    session = await cast.do(desks.open, bo)
    cast.events.clear()

    gone = await cast.do(endings.delete, bo.id)

    assert (gone.username, gone.is_active, gone.is_deleted) == (f"deleted#{bo.id}", False, True)
    assert "bo" not in str(gone).lower()
    assert await cast.members() == [cast.ana.id]
    kinds = (MemberLeft, FriendshipEnded, BlockLifted, ConversationEnded, AccountDeactivated)
    assert [len(of(cast, kind)) for kind in kinds] == [1, 2, 1, 1, 1]
    assert (await cast.see(lambda work: work.conversations.heads([session.id])))[
        session.id
    ].desk.is_closed
    (kept,) = await cast.see(lambda work: work.timeline.after(cast.lobby.id, 0, limit=1))
    assert (kept.message.id, kept.message.author.username) == (said.id, gone.username)
    with pytest.raises(NoSuchAccount):
        await cast.see(lambda work: cast.accounts.find(work, [AccountName("bo")]))
    again = await cast.account("bo")
    assert again.id != bo.id
    with pytest.raises(NoSuchAccount):
        await cast.do(endings.activate, bo.id)


async def test_the_last_admin_is_not_ended(cast: Cast, endings: Endings) -> None:
    admin = await cast.account("admin", Role.ADMIN)

    for act in (endings.deactivate, endings.delete):
        with pytest.raises(LastAdmin):
            await cast.do(act, admin.id)
    with pytest.raises(LastAdmin):
        await cast.do(endings.set_role, admin.id, Role.AGENT)

    await cast.account("second", Role.ADMIN)
    await cast.do(endings.delete, admin.id)


async def test_who_is_switched_on_again_has_to_log_in_anew(cast: Cast, endings: Endings) -> None:
    await cast.do(endings.deactivate, cast.bo.id)
    back = await cast.do(endings.activate, cast.bo.id)

    assert back.is_active
    assert not of(cast, LoginsEnded)
    assert await cast.members() == [cast.ana.id, cast.bo.id]


async def test_accounts_are_listed_by_their_numbers_and_by_role(cast: Cast, agent: Account) -> None:
    everybody = await cast.see(lambda work: work.accounts.listed(0, limit=10))
    page = await cast.see(lambda work: work.accounts.listed(cast.ana.id, limit=2))
    agents = await cast.see(lambda work: work.accounts.listed(0, limit=10, role=Role.AGENT))

    assert [one.id for one in everybody] == [cast.ana.id, cast.bo.id, cast.cy.id, agent.id]
    assert [one.id for one in page] == [cast.bo.id, cast.cy.id]
    assert agents == [agent]
