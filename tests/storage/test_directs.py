"""What every store promises of direct conversations, of receipts, and of what waits there."""

from dataclasses import replace

import pytest

from folkmoot.core.accounts.model import Account
from folkmoot.core.conversations.model import Conversation, Kind, NewConversation, ReadMark
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.social.model import RequestStatus, pair_key
from folkmoot.core.work import UnitOfWork
from folkmoot.storage.errors import ConstraintBroken
from tests.cast import Cast


async def begun(cast: Cast, one: Account, other: Account) -> Conversation:
    """A direct conversation of two friends."""
    new = NewConversation(
        uid=cast.ids.uid(),
        kind=Kind.DIRECT,
        title=None,
        created_by=one.id,
        created_at=cast.clock.now(),
        members=(one.id, other.id),
        direct_pair=pair_key(one.id, other.id),
    )

    async def job(work: UnitOfWork) -> Conversation:
        if not await work.friends.between(one.id, other.id):
            request = await work.friends.add(cast.ids.uid(), one.id, other.id, cast.clock.now())
            await work.friends.settle(request.id, RequestStatus.ACCEPTED, cast.clock.now())
        return await work.conversations.add(new)

    return await cast.storage.write(job)


def mark(where: Conversation, who: Account, up_to_seq: int) -> ReadMark:
    return ReadMark(where.id, who.id, up_to_seq)


async def read(cast: Cast, *marks: ReadMark) -> list[ReadMark]:
    """Those that rose, the heads not looked at before."""
    now = cast.clock.now()
    return await cast.storage.write(lambda work: work.conversations.move_read(marks, now))


async def handed(cast: Cast, *marks: ReadMark) -> list[ReadMark]:
    now = cast.clock.now()
    return await cast.storage.write(lambda work: work.receipts.move_delivered(marks, now))


async def watermarks(cast: Cast, where: Conversation, who: Account) -> tuple[int, int]:
    """How far the member has read, and was handed, the conversation."""
    key = (where.id, who.id)
    member = (await cast.see(lambda work: work.conversations.memberships([key])))[key]
    return member.read_seq, member.delivered_seq


async def test_of_two_there_is_one_direct_conversation(cast: Cast) -> None:
    direct = await begun(cast, cast.bo, cast.ana)
    pair = pair_key(cast.ana.id, cast.bo.id)

    with pytest.raises(ConstraintBroken):
        await begun(cast, cast.ana, cast.bo)

    assert direct.kind is Kind.DIRECT
    assert await cast.head(direct.id) == direct
    found = await cast.see(
        lambda work: work.directs.between([pair, pair_key(cast.ana.id, cast.cy.id)])
    )
    assert found == {pair: direct.id}


async def test_direct_conversations_are_found_with_whom_they_are(cast: Cast) -> None:
    one = await begun(cast, cast.bo, cast.ana)
    other = await begun(cast, cast.bo, cast.cy)

    async def partners_of(account: Account) -> dict[ConversationId, AccountId]:
        return await cast.see(lambda work: work.directs.partners_of(account.id))

    assert await partners_of(cast.bo) == {one.id: cast.ana.id, other.id: cast.cy.id}
    assert await partners_of(cast.ana) == {one.id: cast.bo.id}
    assert await partners_of(await cast.account("dot")) == {}


async def test_what_was_handed_over_rises_and_never_falls(cast: Cast) -> None:
    direct = await begun(cast, cast.ana, cast.bo)
    for n in range(5):
        await cast.say(cast.ana, f"{n}", where=direct)

    assert await handed(cast, mark(direct, cast.bo, 2)) == [mark(direct, cast.bo, 2)]
    assert await handed(cast, mark(direct, cast.bo, 1)) == []
    assert await handed(cast, mark(direct, cast.bo, 2)) == []
    assert await handed(cast, mark(direct, cast.cy, 3)) == []
    both = [mark(direct, cast.bo, 4), mark(direct, cast.bo, 3)]
    assert await handed(cast, *both) == [mark(direct, cast.bo, 4)]
    assert await watermarks(cast, direct, cast.bo) == (0, 4)


async def test_what_was_read_was_handed_over(cast: Cast) -> None:
    direct = await begun(cast, cast.ana, cast.bo)
    for n in range(5):
        await cast.say(cast.ana, f"{n}", where=direct)
    await handed(cast, mark(direct, cast.bo, 4))

    await read(cast, mark(direct, cast.bo, 3))
    assert await watermarks(cast, direct, cast.bo) == (3, 4)

    await read(cast, mark(direct, cast.bo, 5))
    assert await watermarks(cast, direct, cast.bo) == (5, 5)
    assert await handed(cast, mark(direct, cast.bo, 5)) == []


async def test_when_a_direct_conversation_was_read_is_written_down(cast: Cast) -> None:
    direct = await begun(cast, cast.ana, cast.bo)
    for n in range(5):
        await cast.say(cast.ana, f"{n}", where=direct)
    times = []
    for up_to_seq in (1, 3, 2, 5):
        times.append(cast.clock.pass_by())
        await read(cast, mark(direct, cast.bo, up_to_seq))

    async def reads(reader: Account, since_seq: int) -> list[tuple[int, object]]:
        return await cast.see(lambda work: work.receipts.reads(direct.id, reader.id, since_seq))

    assert await reads(cast.bo, 0) == [(1, times[0]), (3, times[1]), (5, times[3])]
    assert await reads(cast.bo, 2) == [(3, times[1]), (5, times[3])]
    assert await reads(cast.bo, 6) == []
    assert await reads(cast.cy, 0) == []


async def test_when_a_group_was_read_is_not_written_down(cast: Cast) -> None:
    await cast.say(cast.ana, "hello")
    await read(cast, mark(cast.lobby, cast.bo, 1))

    assert await cast.see(lambda work: work.receipts.reads(cast.lobby.id, cast.bo.id, 0)) == []


async def test_the_newest_message_of_others_that_a_mark_covers(cast: Cast) -> None:
    direct = await begun(cast, cast.ana, cast.bo)
    said = [await cast.say(who, "x", where=direct) for who in (cast.ana, cast.ana, cast.bo)]
    await cast.do(cast.messages.delete, cast.ana.id, direct.id, said[1].id)
    marks = [mark(direct, cast.bo, 9), mark(direct, cast.bo, 1), mark(direct, cast.ana, 2),
             mark(direct, cast.ana, 3), mark(direct, cast.bo, 10**30),
             ReadMark(ConversationId(404), cast.bo.id, 1)]  # fmt: skip

    found = await cast.see(lambda work: work.receipts.newest(marks))

    assert found == {
        marks[0]: said[1].uid,
        marks[1]: said[0].uid,
        marks[3]: said[2].uid,
        marks[4]: said[1].uid,
    }


async def test_what_waits_for_somebody_comes_in_order_and_only_from_directs(cast: Cast) -> None:
    one = await begun(cast, cast.ana, cast.bo)
    other = await begun(cast, cast.cy, cast.bo)
    await cast.say(cast.ana, "in a group")
    await cast.say(cast.bo, "my own", where=one)
    said = [await cast.say(cast.ana, f"{n}", where=one) for n in range(3)]
    gone = await cast.say(cast.ana, "gone", where=one)
    await cast.do(cast.messages.delete, cast.ana.id, one.id, gone.id)
    by_cy = await cast.say(cast.cy, "hey", where=other)
    await handed(cast, mark(one, cast.bo, said[0].seq))

    async def waiting(who: Account, limit: int = 9, among: object = None) -> object:
        conversations = among or [one.id, other.id, cast.lobby.id, ConversationId(10**30)]
        return await cast.see(
            lambda work: work.views.undelivered(who.id, among=conversations, limit=limit)
        )

    assert await waiting(cast.bo) == [*said[1:], by_cy]
    assert await waiting(cast.bo, among=[other.id]) == [by_cy]
    assert await waiting(cast.bo, 1) == [said[1]]
    assert await waiting(cast.bo, 0) == []
    assert await waiting(cast.cy) == []


async def test_unread_messages_are_counted_where_there_are_any(cast: Cast) -> None:
    one = await begun(cast, cast.ana, cast.bo)
    other = await begun(cast, cast.cy, cast.bo)
    said = [await cast.say(cast.ana, f"{n}", where=one) for n in range(4)]
    await cast.say(cast.cy, "read", where=other)
    await read(cast, mark(one, cast.bo, 1), mark(other, cast.bo, 1))
    await cast.do(cast.messages.delete, cast.ana.id, one.id, said[2].id)
    await cast.say(cast.ana, "in a group")

    assert await cast.see(lambda work: work.views.unread_directs(cast.bo.id)) == {one.id: 2}
    assert await cast.see(lambda work: work.views.unread_directs(cast.ana.id)) == {}


async def test_unread_messages_are_counted_as_in_overviews(cast: Cast) -> None:
    direct = await begun(cast, cast.ana, cast.bo)
    annex = await cast.do(cast.conversations.start, cast.ana.id, [cast.cy.id])
    for where in (cast.lobby, direct, direct, annex):
        await cast.say(cast.ana, "hello", where=where)
    conversations = [cast.lobby.id, direct.id, annex.id, ConversationId(10**30)]

    async def unread(who: Account) -> object:
        return await cast.see(lambda work: work.views.unread_among(who.id, conversations))

    assert await unread(cast.bo) == {cast.lobby.id: 1, direct.id: 2}
    assert await unread(cast.ana) == {cast.lobby.id: 0, direct.id: 0, annex.id: 0}


async def test_the_messages_of_a_conversation_are_counted(cast: Cast) -> None:
    said = [await cast.say(cast.ana, f"{n}") for n in range(3)]
    await cast.do(cast.messages.delete, cast.ana.id, cast.lobby.id, said[0].id)
    await cast.do(cast.conversations.rename, cast.ana.id, cast.lobby.id, "ELSEWHERE")

    assert await cast.see(lambda work: work.views.count(cast.lobby.id)) == 3
    assert await cast.see(lambda work: work.views.count(ConversationId(10**30))) == 0


async def test_messages_are_found_by_uid_wherever_they_are(cast: Cast) -> None:
    direct = await begun(cast, cast.ana, cast.bo)
    here, there = await cast.say(cast.ana, "here"), await cast.say(cast.ana, "there", where=direct)

    found = await cast.see(lambda work: work.messages.by_uids([here.uid, there.uid, "no such\0"]))

    assert found == {here.uid: here, there.uid: replace(there)}
