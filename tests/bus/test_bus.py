"""What every bus promises to those who publish and to those who hear."""

import asyncio
import logging

import pytest

from folkmoot.bus.port import BusStatistics
from folkmoot.bus.topics import EVERYTHING, account_topic, conversation_topic
from folkmoot.core.conversations.events import MemberJoined
from folkmoot.core.presence.events import Typing
from folkmoot.core.social.events import BlockLifted, BlockSet
from tests.bus.buses import EVERY_BUS, Buses, Calling, Recorder
from tests.contracts.friends.samples import ANA, AT, BO, DIRECT_ID, DIRECT_UID
from tests.deadlines import WITHIN_S

SET, LIFTED = BlockSet(ANA.id, BO.id), BlockLifted(ANA.id, BO.id)
TYPING = Typing(DIRECT_ID, DIRECT_UID, ANA, is_typing=True)
JOINED = MemberJoined(
    conversation_id=DIRECT_ID, conversation_uid=DIRECT_UID, seq=1, at=AT, member=BO, actor=ANA
)
LAST = Typing(DIRECT_ID, DIRECT_UID, BO, is_typing=False)


@pytest.fixture(params=EVERY_BUS)
def buses(request) -> Buses:
    return request.param()


async def test_here_it_is_heard_before_publish_returns_and_elsewhere_soon(buses):
    here, there = await buses.join("here"), await buses.join("there")
    near, far = Recorder(), Recorder()
    here.subscribe((EVERYTHING,), near)
    there.subscribe((EVERYTHING,), far)

    here.publish([SET, LIFTED])

    assert near.heard == [SET, LIFTED]
    assert await far.hears(LIFTED) == [SET, LIFTED]


async def test_it_is_heard_in_the_order_in_which_it_was_published(buses):
    here, there = await buses.join("here"), await buses.join("there")
    far = Recorder()
    there.subscribe((EVERYTHING,), far)
    published = [BlockSet(ANA.id, number) for number in range(buses.max_waiting)]

    for event in published:
        here.publish([event])

    assert await far.hears(published[-1]) == published


async def test_only_what_is_subscribed_to_is_heard(buses):
    here, there = await buses.join("here"), await buses.join("there")
    of_conversation, of_account = Recorder(), Recorder()
    there.subscribe((conversation_topic(DIRECT_ID),), of_conversation)
    there.subscribe((account_topic(BO.id),), of_account)

    here.publish([TYPING, SET, JOINED, LAST])

    assert await of_conversation.hears(LAST) == [TYPING, JOINED, LAST]
    assert of_account.heard == [SET, JOINED]


async def test_it_is_heard_once_however_many_of_its_topics_are_subscribed_to(buses):
    here, there = await buses.join("here"), await buses.join("there")
    far = Recorder()
    topics = (EVERYTHING, conversation_topic(DIRECT_ID), account_topic(BO.id))
    there.subscribe(topics, far)

    here.publish([JOINED, LAST])

    assert await far.hears(LAST) == [JOINED, LAST]


async def test_topics_come_and_go(buses):
    bus, recorder = await buses.join("here"), Recorder()
    subscription = bus.subscribe((), recorder)

    bus.publish([TYPING])
    subscription.add(conversation_topic(DIRECT_ID))
    bus.publish([JOINED])
    subscription.remove(conversation_topic(DIRECT_ID))
    subscription.remove(conversation_topic(DIRECT_ID))
    bus.publish([LAST])

    assert recorder.heard == [JOINED]


async def test_whoever_ends_their_subscription_hears_nothing_more(buses):
    bus, recorder, other = await buses.join("here"), Recorder(), Recorder()
    subscription = bus.subscribe((EVERYTHING,), recorder)
    bus.subscribe((EVERYTHING,), other)

    subscription.end()
    bus.publish([SET])

    assert (recorder.heard, other.heard) == ([], [SET])


async def test_those_who_subscribed_earlier_are_told_of_each_event_first(buses):
    bus, told = await buses.join("here"), []
    for name in ("first", "second"):
        bus.subscribe((EVERYTHING,), Calling(lambda event, name=name: told.append((name, event))))

    bus.publish([SET, LIFTED])

    assert told == [("first", SET), ("second", SET), ("first", LIFTED), ("second", LIFTED)]


async def test_one_that_raises_is_logged_and_keeps_nobody_else_from_hearing(buses, caplog):
    bus, recorder = await buses.join("here"), Recorder()

    def fail(event):
        raise ValueError(event)

    bus.subscribe((EVERYTHING,), Calling(fail))
    bus.subscribe((EVERYTHING,), recorder)
    with caplog.at_level(logging.ERROR):
        bus.publish([SET, LIFTED])

    assert recorder.heard == [SET, LIFTED]
    assert caplog.messages == ["Calling failed at BlockSet", "Calling failed at BlockLifted"]


async def test_what_is_published_by_one_who_hears_is_heard_before_it_returns(buses):
    bus, recorder = await buses.join("here"), Recorder()

    def answer(event):
        if event == SET:
            bus.publish([LIFTED])
            assert recorder.heard == [LIFTED]

    bus.subscribe((EVERYTHING,), Calling(answer))
    bus.subscribe((EVERYTHING,), recorder)

    bus.publish([SET])

    assert recorder.heard == [LIFTED, SET]


async def test_publishing_never_waits_and_who_misses_what_found_no_room_knows_it(buses):
    here, there = await buses.join("here"), await buses.join("there")
    near, far = Recorder(), Recorder()
    here.subscribe((EVERYTHING,), near)
    there.subscribe((EVERYTHING,), far)
    published = [BlockSet(ANA.id, number) for number in range(3 * buses.max_waiting)]

    for event in published:
        here.publish([event])
    assert near.heard == published
    await far.hears(published[0])
    async with asyncio.timeout(WITHIN_S):
        while not there.is_deaf:
            here.publish([])
            await asyncio.sleep(0)

    assert far.heard == published[: len(far.heard)]
    assert len(far.heard) < len(published)
    assert not here.is_deaf


async def test_who_recovers_hears_what_comes_from_then_on(buses):
    here, there = await buses.join("here"), await buses.join("there")
    far = Recorder()
    there.subscribe((EVERYTHING,), far)
    for _ in range(3 * buses.max_waiting):
        here.publish([SET])
    async with asyncio.timeout(WITHIN_S):
        while not there.is_deaf:
            here.publish([])
            await asyncio.sleep(0)

    there.recover()
    far.heard.clear()
    here.publish([LIFTED])

    assert await far.hears(LIFTED) == [LIFTED]
    assert not there.is_deaf


async def test_the_position_counts_what_each_process_was_heard_to_publish(buses):
    here, there = await buses.join("here"), await buses.join("there")
    far = Recorder()
    there.subscribe((EVERYTHING,), far)

    here.publish([SET])
    here.publish([])
    here.publish([LIFTED])
    await far.hears(LIFTED)

    assert here.position == {"here": 3}
    assert there.position == {"there": 0, "here": 3}


async def test_its_statistics_say_what_was_published_heard_and_dropped(buses):
    here, there = await buses.join("here"), await buses.join("there")
    far = Recorder()
    there.subscribe((EVERYTHING,), far)
    here.publish([SET])
    here.publish([LIFTED])
    await far.hears(LIFTED)

    assert here.statistics() == BusStatistics(2, 0, 0, 0, is_deaf=False)
    assert there.statistics() == BusStatistics(0, 2, 0, 0, is_deaf=False)


async def test_what_cannot_be_read_is_missed_which_is_known_and_what_follows_is_heard(buses):
    here, there = await buses.join("here"), await buses.join("there")
    far = Recorder()
    there.subscribe((EVERYTHING,), far)

    await buses.garble()
    here.publish([SET])

    assert await far.hears(SET) == [SET]
    assert there.is_deaf
