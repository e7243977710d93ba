"""Rules of conversations, of who is in them, and of blocks."""

from dataclasses import replace

import pytest

from folkmoot.core.accounts.model import Account, Role
from folkmoot.core.conversations.errors import (
    MemberUnknown,
    NoSuchConversation,
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
    ReadMoved,
)
from folkmoot.core.conversations.model import MAX_MEMBERS, Conversation, Kind, ReadMark
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.shared.texts import TextTooLong
from folkmoot.core.social.errors import Blocked, SelfBlock
from folkmoot.core.social.events import BlockLifted, BlockSet
from tests.cast import NOON, Cast


async def start(cast: Cast, *others: Account, **options: object) -> Conversation:
    ids = [other.id for other in others]
    return await cast.do(cast.conversations.start, cast.ana.id, ids, **options)


async def add(cast: Cast, actor: Account, *added: Account) -> Conversation:
    return await cast.do(cast.conversations.add_members, actor.id, cast.lobby.id, list(added))


async def remove(cast: Cast, actor: Account, leaver: Account) -> None:
    await cast.do(cast.conversations.remove_member, actor.id, cast.lobby.id, leaver.id)


async def block(cast: Cast, blocker: Account, blocked: Account) -> None:
    await cast.do(cast.social.block, blocker.id, blocked.id)


async def test_whoever_starts_is_in_it_and_nobody_is_in_it_twice(cast: Cast) -> None:
    started = await start(cast, cast.bo, cast.ana, cast.bo, title="  ANNEX ")

    assert (started.title, started.member_count, started.created_by) == ("ANNEX", 2, cast.ana.id)
    assert cast.events == [ConversationStarted(started, (cast.ana.id, cast.bo.id))]


async def test_a_conversation_needs_somebody_else(cast: Cast) -> None:
    with pytest.raises(TooFewMembers):
        await start(cast, cast.ana)


async def test_a_conversation_has_room_for_so_many(cast: Cast) -> None:
    crowd = [AccountId(number) for number in range(1000, 1000 + MAX_MEMBERS)]

    with pytest.raises(TooManyMembers):
        await cast.do(cast.conversations.start, cast.ana.id, crowd)


async def test_a_title_is_not_endless_and_an_empty_one_is_none(cast: Cast) -> None:
    assert (await start(cast, cast.bo, title=" ")).title is None
    with pytest.raises(TextTooLong):
        await start(cast, cast.bo, title="x" * 201)


@pytest.mark.parametrize("direction", ["ana blocks bo", "bo blocks ana"])
async def test_two_with_a_block_between_them_start_nothing(cast: Cast, direction: str) -> None:
    pair = (cast.ana, cast.bo) if direction == "ana blocks bo" else (cast.bo, cast.ana)
    await block(cast, *pair)

    with pytest.raises(Blocked):
        await start(cast, cast.bo)
    # Whom one blocks can be put into a larger one, and leave; who blocks is asked.
    there = 3 if direction == "ana blocks bo" else 2
    assert (await start(cast, cast.bo, cast.cy)).member_count == there


async def test_a_new_title_is_told_and_the_same_again_is_not(cast: Cast) -> None:
    renamed = await cast.do(cast.conversations.rename, cast.bo.id, cast.lobby.id, "FOYER")
    same = await cast.do(cast.conversations.rename, cast.ana.id, cast.lobby.id, " FOYER ")

    assert (renamed.title, renamed.last_seq) == ("FOYER", 1)
    assert same == await cast.head() == replace(renamed, last_activity_at=NOON)
    assert cast.events == [
        ConversationRenamed(
            conversation_id=cast.lobby.id,
            conversation_uid=cast.lobby.uid,
            seq=1,
            at=NOON,
            title="FOYER",
            actor=cast.bo.person,
        )
    ]


async def test_only_its_members_can_change_a_conversation(cast: Cast) -> None:
    change = cast.conversations
    for act, *rest in ((change.rename, "x"), (change.add_members, [cast.cy]),
                       (change.remove_member, cast.bo.id)):  # fmt: skip
        with pytest.raises(NotAMember):
            await cast.do(act, cast.cy.id, cast.lobby.id, *rest)
        with pytest.raises(NoSuchConversation):
            await cast.do(act, cast.ana.id, ConversationId(404), *rest)


@pytest.mark.parametrize("kind", [Kind.DIRECT, Kind.SESSION])
async def test_only_a_group_is_for_its_members_to_change(cast: Cast, kind: Kind) -> None:
    other = await start(cast, cast.bo, kind=kind)
    change = cast.conversations

    for act, *rest in ((change.rename, "x"), (change.add_members, [cast.cy]),
                       (change.remove_member, cast.bo.id)):  # fmt: skip
        with pytest.raises(NotAGroup):
            await cast.do(act, cast.ana.id, other.id, *rest)


async def test_new_members_are_told_one_by_one_and_those_present_not_at_all(cast: Cast) -> None:
    dot = await cast.account("dot")

    after = await add(cast, cast.bo, cast.ana, cast.cy, dot, cast.cy)

    assert (after.member_count, after.last_seq) == (4, 2)
    assert await cast.head() == after
    joined = [(event.seq, event.member, event.actor) for event in cast.events]
    assert joined == [(1, cast.cy.person, cast.bo.person), (2, dot.person, cast.bo.person)]
    assert all(isinstance(event, MemberJoined) for event in cast.events)


async def test_adding_who_is_there_changes_nothing(cast: Cast) -> None:
    assert await add(cast, cast.ana, cast.bo) == cast.lobby
    assert cast.events == []


async def test_who_is_at_odds_with_a_new_member_cannot_bring_them(cast: Cast) -> None:
    await block(cast, cast.cy, cast.ana)

    with pytest.raises(Blocked):
        await add(cast, cast.ana, cast.cy)
    await add(cast, cast.bo, cast.cy)


async def test_a_full_conversation_takes_no_more(cast: Cast) -> None:
    crowd = [(await cast.account(f"c{number}")).id for number in range(MAX_MEMBERS - 1)]
    full = await cast.do(cast.conversations.start, cast.ana.id, crowd)

    with pytest.raises(TooManyMembers):
        await cast.do(cast.conversations.add_members, cast.ana.id, full.id, [cast.bo])


async def test_members_may_leave_and_the_owner_may_remove(cast: Cast) -> None:
    await add(cast, cast.ana, cast.cy)
    cast.events.clear()

    await remove(cast, cast.ana, cast.cy)
    await remove(cast, cast.bo, cast.bo)

    assert await cast.members() == [cast.ana.id]
    assert [(event.member, event.actor) for event in cast.events] == [
        (cast.cy.person, cast.ana.person),
        (cast.bo.person, cast.bo.person),
    ]
    assert all(isinstance(event, MemberLeft) for event in cast.events)


async def test_an_owner_who_goes_is_followed_by_who_has_been_there_longest(cast: Cast) -> None:
    await add(cast, cast.ana, cast.cy)

    await remove(cast, cast.ana, cast.ana)
    await add(cast, cast.bo, cast.ana)

    with pytest.raises(NotTheOwner):
        await remove(cast, cast.ana, cast.cy)
    await remove(cast, cast.bo, cast.cy)
    assert await cast.members() == [cast.bo.id, cast.ana.id]


async def test_the_last_one_may_go_too(cast: Cast) -> None:
    await remove(cast, cast.bo, cast.bo)
    await remove(cast, cast.ana, cast.ana)

    assert (await cast.head()).member_count == 0


async def test_a_member_may_not_remove_another_but_an_admin_may(cast: Cast) -> None:
    dot = await cast.account("dot", Role.ADMIN)
    await add(cast, cast.ana, cast.cy, dot)

    with pytest.raises(NotTheOwner):
        await remove(cast, cast.bo, cast.cy)
    await remove(cast, dot, cast.cy)

    assert cast.cy.id not in await cast.members()


async def test_who_is_not_in_it_cannot_be_removed(cast: Cast) -> None:
    with pytest.raises(MemberUnknown):
        await remove(cast, cast.ana, cast.cy)


async def test_who_read_further_is_told_and_nobody_reads_past_the_end(cast: Cast) -> None:
    await cast.say(cast.ana, "one")
    cast.events.clear()
    marks = [
        ReadMark(cast.lobby.id, cast.bo.id, 99),
        ReadMark(cast.lobby.id, cast.cy.id, 1),
        ReadMark(ConversationId(404), cast.bo.id, 1),
    ]

    await cast.do(cast.marks.move_read, marks)
    await cast.do(cast.marks.move_read, marks)

    assert cast.events == [ReadMoved(cast.lobby.id, cast.lobby.uid, cast.bo.person, 1, NOON)]


async def test_a_block_is_told_once_when_set_and_once_when_lifted(cast: Cast) -> None:
    for _ in range(2):
        await block(cast, cast.ana, cast.bo)
    for _ in range(2):
        await cast.do(cast.social.unblock, cast.ana.id, cast.bo.id)

    pair = (cast.ana.id, cast.bo.id)
    assert cast.events == [BlockSet(*pair), BlockLifted(*pair)]


async def test_nobody_blocks_themselves(cast: Cast) -> None:
    with pytest.raises(SelfBlock):
        await block(cast, cast.ana, cast.ana)
