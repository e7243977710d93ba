"""What every `ConversationStore` and `TimelineStore` promises."""

from datetime import timedelta

import pytest

from folkmoot.core.conversations.model import Head, Kind, MemberRole, ReadMark
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.core.shared.pages import Page
from folkmoot.core.work import UnitOfWork
from folkmoot.storage.errors import ConstraintBroken
from tests.cast import NOON, Cast


async def member_of_lobby(cast: Cast, account_id: AccountId) -> object:
    key = (cast.lobby.id, account_id)
    return (await cast.see(lambda work: work.conversations.memberships([key]))).get(key)


async def change_members(cast: Cast, **change: object) -> None:
    await cast.storage.write(
        lambda work: work.conversations.change_members(cast.lobby.id, at=cast.clock.now(), **change)
    )


async def move(cast: Cast, *marks: ReadMark) -> list[ReadMark]:
    return await cast.storage.write(
        lambda work: work.conversations.move_read(marks, cast.clock.now())
    )


async def test_a_new_conversation_is_as_it_was_given_and_its_creator_owns_it(cast: Cast) -> None:
    creator, others = cast.cy, [cast.bo.id, cast.ana.id]

    started = await cast.do(
        cast.conversations.start, creator.id, others, title="ANNEX", kind=Kind.SESSION
    )

    assert await cast.head(started.id) == started
    assert (started.kind, started.title, started.last_seq) == (Kind.SESSION, "ANNEX", 0)
    assert (started.created_at, started.last_activity_at) == (NOON, NOON)
    assert started.id != cast.lobby.id
    members = (await cast.see(lambda work: work.conversations.members([started.id])))[started.id]
    assert [(each.person, each.role) for each in members] == [
        (cast.cy.person, MemberRole.OWNER),
        (cast.bo.person, MemberRole.MEMBER),
        (cast.ana.person, MemberRole.MEMBER),
    ]
    assert all(each.joined_at == NOON and each.read_at is None for each in members)


async def test_conversations_are_found_by_number_and_by_uid(cast: Cast) -> None:
    annex = await cast.do(cast.conversations.start, cast.ana.id, [cast.cy.id])

    async def job(work: UnitOfWork) -> list[object]:
        return [
            await work.conversations.heads([annex.id, cast.lobby.id, ConversationId(404)]),
            await work.conversations.heads([]),
            await work.conversations.ids_of([annex.uid, Uid("no such")]),
        ]

    expected = [{cast.lobby.id: cast.lobby, annex.id: annex}, {}, {annex.uid: annex.id}]
    assert await cast.storage.read(job) == expected
    assert await cast.storage.write(job) == expected


async def test_a_conversation_passes_from_one_owner_to_another(cast: Cast) -> None:
    await change_members(cast, left=[cast.ana.id], owner=cast.bo.id)
    await change_members(cast, joined=[cast.ana.id, cast.cy.id])

    roles = {
        account.username: member.role
        for account in (cast.ana, cast.bo, cast.cy)
        if (member := await member_of_lobby(cast, account.id)) is not None
    }
    assert roles == {
        "ana": MemberRole.MEMBER,
        "bo": MemberRole.OWNER,
        "cy": MemberRole.MEMBER,
    }


async def test_only_present_members_are_members(cast: Cast) -> None:
    await change_members(cast, left=[cast.bo.id])

    assert await member_of_lobby(cast, cast.bo.id) is None
    assert await member_of_lobby(cast, cast.cy.id) is None
    assert await cast.members() == [cast.ana.id]
    assert (await cast.head()).member_count == 1


async def test_a_conversation_that_everybody_left_has_no_members(cast: Cast) -> None:
    await change_members(cast, left=[cast.ana.id, cast.bo.id])

    async def job(work: UnitOfWork) -> object:
        return await work.conversations.members([cast.lobby.id, ConversationId(404)])

    expected = {cast.lobby.id: [], ConversationId(404): []}
    assert await cast.storage.read(job) == expected
    assert await cast.storage.write(job) == expected


async def test_who_comes_back_comes_last_and_keeps_their_marks(cast: Cast) -> None:
    await cast.say(cast.bo, "hello")
    await change_members(cast, joined=[cast.cy.id])
    await change_members(cast, left=[cast.bo.id])
    back = cast.clock.pass_by()

    await change_members(cast, joined=[cast.bo.id])

    member = await member_of_lobby(cast, cast.bo.id)
    assert await cast.members() == [cast.ana.id, cast.cy.id, cast.bo.id]
    assert (member.read_seq, member.delivered_seq, member.joined_at) == (1, 1, back)
    assert (await cast.head()).member_count == 3


async def test_joining_twice_and_leaving_twice_count_once(cast: Cast) -> None:
    await change_members(cast, joined=[cast.cy.id, cast.bo.id])
    await change_members(cast, joined=[cast.cy.id])
    assert (await cast.head()).member_count == 3

    await change_members(cast, left=[cast.cy.id])
    await change_members(cast, left=[cast.cy.id])
    assert (await cast.head()).member_count == 2


async def test_the_end_of_a_timeline_moves_forward_only(cast: Cast) -> None:
    async def advance(seq: int, at: object) -> None:
        await cast.storage.write(
            lambda work: work.conversations.advance([Head(cast.lobby.id, seq, at)])
        )

    later = NOON + timedelta(hours=1)
    await advance(5, later)
    await advance(3, later + timedelta(hours=1))
    assert ((await cast.head()).last_seq, (await cast.head()).last_activity_at) == (5, later)

    await advance(6, NOON)
    assert ((await cast.head()).last_seq, (await cast.head()).last_activity_at) == (6, later)


async def test_a_read_watermark_rises_and_never_goes_back(cast: Cast) -> None:
    lobby, ana, bo = cast.lobby.id, cast.ana.id, cast.bo.id
    five = ReadMark(lobby, ana, 5)

    assert await move(cast, five) == [five]
    cast.clock.pass_by()
    assert await move(cast, ReadMark(lobby, ana, 3), five, ReadMark(lobby, ana, -(10**30))) == []

    member = await member_of_lobby(cast, ana)
    assert (member.read_seq, member.delivered_seq, member.read_at) == (5, 5, NOON)
    assert (await member_of_lobby(cast, bo)).read_seq == 0


async def test_of_several_marks_for_one_member_the_highest_counts(cast: Cast) -> None:
    lobby, ana, bo = cast.lobby.id, cast.ana.id, cast.bo.id
    marks = [ReadMark(lobby, ana, 2), ReadMark(lobby, ana, 7), ReadMark(lobby, ana, 4)]

    moved = await move(cast, *marks, ReadMark(lobby, bo, 1))

    assert sorted(moved, key=lambda mark: mark.account_id) == [
        ReadMark(lobby, ana, 7),
        ReadMark(lobby, bo, 1),
    ]


async def test_marks_of_those_who_are_not_there_are_void(cast: Cast) -> None:
    await change_members(cast, left=[cast.bo.id])

    moved = await move(
        cast,
        ReadMark(cast.lobby.id, cast.bo.id, 1),
        ReadMark(cast.lobby.id, cast.cy.id, 1),
        ReadMark(ConversationId(404), cast.ana.id, 1),
    )

    assert moved == []


async def test_the_timeline_tells_every_kind_of_change_in_order(cast: Cast) -> None:
    first = await cast.say(cast.ana, "hello")
    await cast.do(cast.messages.edit, cast.ana.id, cast.lobby.id, first.id, "hello all")
    await cast.do(cast.messages.react, cast.bo.id, cast.lobby.id, first.id, "👍")
    await cast.do(cast.messages.unreact, cast.bo.id, cast.lobby.id, first.id, "👍")
    await cast.do(cast.conversations.rename, cast.ana.id, cast.lobby.id, "FOYER")
    await cast.do(cast.conversations.rename, cast.ana.id, cast.lobby.id, None)
    await cast.do(cast.conversations.add_members, cast.ana.id, cast.lobby.id, [cast.cy])
    await cast.say(cast.cy, "me too", reply_to=first.id)
    await cast.do(cast.conversations.remove_member, cast.cy.id, cast.lobby.id, cast.cy.id)
    second = await cast.say(cast.bo, "soon gone")
    await cast.do(cast.messages.delete, cast.ana.id, cast.lobby.id, second.uid)

    told = await cast.timeline()

    # What was said live, but for the messages, which are told as they are now.
    live = [event for event in cast.events if hasattr(event, "seq")]
    assert [event.seq for event in told] == list(range(1, 12))
    assert [type(event) for event in told] == [type(event) for event in live]
    assert told[0].message.body.content == "hello all"
    assert (told[9].message.body.content, told[9].message.is_deleted) == ("", True)
    unchanged = [index for index in range(11) if index not in {0, 9}]
    assert [told[index] for index in unchanged] == [live[index] for index in unchanged]


async def test_the_timeline_comes_in_stretches_without_gap_or_double(cast: Cast) -> None:
    for n in range(4):
        message = await cast.say(cast.ana, f"{n}")
        await cast.do(cast.messages.react, cast.bo.id, cast.lobby.id, message.id, "👍")

    told: list[int] = []
    while stretch := await cast.timeline(after=told[-1] if told else 0, limit=3):
        assert len(stretch) <= 3
        told += [event.seq for event in stretch]

    assert told == list(range(1, 9))
    assert await cast.timeline(limit=0) == []
    assert await cast.timeline(after=8) == []
    assert len(await cast.timeline(after=-5)) == 8


async def test_the_timeline_shows_people_as_they_are_now(cast: Cast) -> None:
    await cast.say(cast.ana, "hello")
    await cast.do(cast.conversations.rename, cast.ana.id, cast.lobby.id, "FOYER")
    ana = await cast.do(cast.accounts.change_profile, cast.ana.id, full_name="Ana the Second")

    posted, renamed = await cast.timeline()

    assert posted.message.author == ana.person
    assert renamed.actor == ana.person


async def test_two_changes_cannot_have_one_place(cast: Cast) -> None:
    await cast.say(cast.ana, "hello")
    await cast.do(cast.conversations.rename, cast.ana.id, cast.lobby.id, "FOYER")
    renamed = (await cast.timeline())[-1]

    with pytest.raises(ConstraintBroken):
        await cast.storage.write(lambda work: work.timeline.keep([renamed]))

    assert len(await cast.see(lambda work: work.views.page(cast.lobby.id, Page(10)))) == 1


async def test_who_shares_a_conversation_is_found_until_either_leaves(cast: Cast) -> None:
    ana, bo, cy = cast.ana.id, cast.bo.id, cast.cy.id

    async def sharing(*others: AccountId) -> frozenset[AccountId]:
        return await cast.see(lambda work: work.conversations.sharing(ana, others))

    assert await sharing(bo, cy, AccountId(10**6)) == {bo}
    assert await sharing() == frozenset()
    await cast.do(cast.conversations.remove_member, bo, cast.lobby.id, bo)
    assert await sharing(bo) == frozenset()
