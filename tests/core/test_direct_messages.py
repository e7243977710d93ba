"""What two friends write to each other: how far it has come, and who may open it."""

from datetime import timedelta

import pytest

from folkmoot.core.conversations.events import DeliveredMoved, ReadMoved
from folkmoot.core.conversations.model import Conversation, Kind, NewConversation, ReadMark
from folkmoot.core.conversations.receipts import Watermarks
from folkmoot.core.messages.direct_messages import (
    DeliveryStatus,
    DirectReceipts,
    MemberReceipts,
    exchange,
    found,
    opened,
    received,
)
from folkmoot.core.messages.errors import NoSuchMessage, NotTheAuthor, NotTheReceiver
from folkmoot.core.messages.events import MessagePosted
from folkmoot.core.social.errors import NotFriends, SelfRequest
from folkmoot.core.social.friends import Friends
from folkmoot.core.social.model import pair_key
from folkmoot.storage.memory.storage import MemoryStorage
from tests.cast import NOON, Cast, enter


@pytest.fixture
async def cast() -> Cast:
    """Ana and Bo are friends."""
    cast = await enter(MemoryStorage())
    friends = Friends(cast.clock, cast.ids)
    request = await cast.do(friends.request, cast.ana.id, cast.bo.id)
    await cast.do(friends.accept, cast.bo.id, request.id)
    return cast


@pytest.fixture
async def chat(cast: Cast) -> Conversation:
    begin = NewConversation(
        uid=cast.ids.uid(),
        kind=Kind.DIRECT,
        title=None,
        created_by=cast.ana.id,
        created_at=NOON,
        members=(cast.ana.id, cast.bo.id),
        direct_pair=pair_key(cast.ana.id, cast.bo.id),
    )
    chat: Conversation = await cast.do(lambda work: work.conversations.add(begin))
    return chat


def test_a_status_follows_the_watermarks(cast: Cast):
    progress = MemberReceipts(cast.bo.person, delivered_seq=5, read_seq=3)

    statuses = [progress.status(seq) for seq in (3, 4, 5, 6)]

    assert statuses == [
        DeliveryStatus.READ,
        DeliveryStatus.DELIVERED,
        DeliveryStatus.DELIVERED,
        DeliveryStatus.SENT,
    ]


def test_the_time_of_reading_is_the_first_that_covers_a_message(cast: Cast):
    later = NOON + timedelta(hours=1)
    progress = MemberReceipts(cast.bo.person, 5, 5, later, ((2, NOON), (5, later)))

    assert [progress.read_at(seq) for seq in (1, 2, 3, 6)] == [NOON, NOON, later, None]


def test_what_is_known_and_not_stored_yet_counts_and_never_lowers(cast: Cast):
    known = DirectReceipts(
        1, (MemberReceipts(cast.ana.person, 4, 0), MemberReceipts(cast.bo.person, 4, 0))
    )

    now = known.knowing({(1, cast.bo.id): 7, (1, cast.ana.id): 2, (2, cast.ana.id): 9})

    assert [party.delivered_seq for party in now.parties] == [4, 7]


async def test_writing_reads_what_the_friend_wrote_and_says_so_first(cast: Cast, chat):
    one = await cast.say(cast.ana, "one", where=chat)
    await cast.say(cast.ana, "two", where=chat)
    cast.events.clear()

    await cast.say(cast.bo, "three", where=chat)
    await cast.say(cast.bo, "four", where=chat)

    read, *posted = cast.events
    assert (read.reader, read.up_to_seq) == (cast.bo.person, 2)
    assert read.newest not in {None, one.uid}
    assert all(isinstance(event, MessagePosted) for event in posted)
    known = await cast.see(lambda work: exchange(work, cast.ana.id, chat.id, since_seq=1))
    assert known.receiver_of(one).status(1) is DeliveryStatus.READ
    assert known.receiver_of(one).read_at(1) == NOON


async def test_writing_into_a_larger_conversation_tells_nobody_what_was_read(cast: Cast):
    await cast.say(cast.ana, "one")
    await cast.say(cast.bo, "two")

    assert not [event for event in cast.events if isinstance(event, ReadMoved)]


async def test_a_moved_watermark_names_the_newest_message_that_it_covers(cast: Cast, chat):
    one = await cast.say(cast.ana, "one", where=chat)
    two = await cast.say(cast.ana, "two", where=chat)
    await cast.say(cast.ana, "three", where=chat)
    cast.events.clear()
    marks = Watermarks(cast.clock)

    await cast.do(marks.move_delivered, [ReadMark(chat.id, cast.bo.id, two.seq)])
    await cast.do(marks.move_read, [ReadMark(chat.id, cast.bo.id, one.seq)])
    await cast.do(marks.move_read, [ReadMark(chat.id, cast.ana.id, one.seq)])

    delivered, read = cast.events
    assert isinstance(delivered, DeliveredMoved)
    assert (delivered.newest, read.newest) == (two.uid, one.uid)


async def test_a_message_is_found_by_the_two_and_by_nobody_else(cast: Cast, chat):
    said = await cast.say(cast.ana, "private", where=chat)
    elsewhere = await cast.say(cast.ana, "in the lobby")

    async def find(act, account, name):
        return await cast.see(lambda work: act(work, account.id, name))

    assert (await find(found, cast.ana, said.uid.upper())).id == said.id
    assert (await find(received, cast.bo, said.uid)).id == said.id
    for account, name in ((cast.cy, said.uid), (cast.bo, elsewhere.uid), (cast.bo, "none")):
        with pytest.raises(NoSuchMessage):
            await find(found, account, name)
    with pytest.raises(NotTheReceiver):
        await find(received, cast.ana, said.uid)


async def test_an_ended_friendship_closes_what_was_written(cast: Cast, chat):
    said = await cast.say(cast.ana, "private", where=chat)
    friends = Friends(cast.clock, cast.ids)
    await cast.do(friends.end, cast.bo.id, cast.ana.id)

    with pytest.raises(NotFriends):
        await cast.see(lambda work: found(work, cast.ana.id, said.uid))
    with pytest.raises(NotFriends):
        await cast.see(lambda work: opened(work, cast.ana.id, cast.bo.id))


async def test_there_is_nothing_to_open_with_oneself_or_before_the_first_word(cast: Cast):
    assert await cast.see(lambda work: opened(work, cast.ana.id, cast.bo.id)) is None
    with pytest.raises(SelfRequest):
        await cast.see(lambda work: opened(work, cast.ana.id, cast.ana.id))


async def test_nobody_moderates_between_two_friends(cast: Cast, chat):
    said = await cast.say(cast.bo, "by bo", where=chat)

    with pytest.raises(NotTheAuthor):
        await cast.do(cast.messages.delete, cast.ana.id, chat.id, said.uid)
