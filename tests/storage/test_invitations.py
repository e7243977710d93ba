"""Nobody is gathered into a group by somebody whom they block: they are asked, in every storage."""

import pytest

from folkmoot.core.conversations.errors import NoSuchInvitation
from folkmoot.core.conversations.events import ConversationStarted, MemberJoined
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.conversations.service import Conversations
from folkmoot.core.social.errors import Blocked
from tests.cast import Cast


@pytest.fixture
async def group(cast: Cast) -> Conversation:
    """Ana's group with Cy, into which she named Bo too, who blocks her."""
    await cast.do(cast.social.block, cast.bo.id, cast.ana.id)
    cast.events.clear()
    named = [cast.bo.id, cast.cy.id]
    return await cast.do(cast.conversations.start, cast.ana.id, named, title="PARTY")


async def members(cast: Cast, group: Conversation) -> list[int]:
    found = await cast.see(lambda work: work.conversations.members([group.id]))
    return [member.person.id for member in found[group.id]]


async def test_who_blocks_the_creator_is_asked_and_not_put_into_it(
    cast: Cast, group: Conversation
) -> None:
    asked = await cast.see(lambda work: cast.conversations.invitations(work, cast.bo.id))
    others = await cast.see(lambda work: cast.conversations.invitations(work, cast.cy.id))

    assert await members(cast, group) == [cast.ana.id, cast.cy.id]
    assert [(one.head.id, one.head.title, one.inviter) for one in asked] == [
        (group.id, "PARTY", cast.ana.person)
    ]
    assert others == []
    (started,) = [event for event in cast.events if isinstance(event, ConversationStarted)]
    assert started.members == (cast.ana.id, cast.cy.id)


async def test_who_accepts_is_in_it_and_who_declines_is_not_asked_again(
    cast: Cast, group: Conversation
) -> None:
    again = await cast.do(cast.conversations.start, cast.ana.id, [cast.bo.id, cast.cy.id])

    await cast.do(cast.conversations.accept, cast.bo, group.id)
    await cast.do(cast.conversations.decline, cast.bo.id, again.id)

    assert await members(cast, group) == [cast.ana.id, cast.cy.id, cast.bo.id]
    assert await members(cast, again) == [cast.ana.id, cast.cy.id]
    (joined,) = [event for event in cast.events if isinstance(event, MemberJoined)]
    assert (joined.member, joined.actor) == (cast.bo.person, cast.bo.person)
    for act in (
        lambda: cast.do(cast.conversations.accept, cast.bo, again.id),
        lambda: cast.do(cast.conversations.decline, cast.bo.id, group.id),
        lambda: cast.do(cast.conversations.accept, cast.cy, group.id),
    ):
        with pytest.raises(NoSuchInvitation):
            await act()


async def test_the_blocker_gathers_as_before(cast: Cast, group: Conversation) -> None:
    theirs = await cast.do(cast.conversations.start, cast.bo.id, [cast.ana.id, cast.cy.id])

    assert await members(cast, theirs) == [cast.bo.id, cast.ana.id, cast.cy.id]


async def test_where_too_few_are_left_or_nobody_is_asked_it_is_refused(
    cast: Cast, group: Conversation
) -> None:
    await cast.do(cast.social.block, cast.cy.id, cast.ana.id)
    named = [cast.bo.id, cast.cy.id]
    with pytest.raises(Blocked):
        await cast.do(cast.conversations.start, cast.ana.id, named)

    await cast.do(cast.social.unblock, cast.cy.id, cast.ana.id)
    strict = Conversations(cast.clock, cast.ids, asks_blockers=False)
    with pytest.raises(Blocked):
        await cast.do(strict.start, cast.ana.id, named)
