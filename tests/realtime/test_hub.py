"""The hub: who is sent what, and who no longer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from folkmoot.bus.topics import STAFF_ONLINE, account_topic, conversation_topic, online_topic
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.presence.events import Typing
from folkmoot.core.presence.model import TYPING_SECONDS
from folkmoot.realtime.channel import MAX_HELD_EVENTS
from folkmoot.realtime.hub import HubStatistics
from folkmoot.realtime.wire_format import CloseReason
from tests.realtime.memory_server import MemoryServer, NamedEvents, ended, heard


def typing_of(server: MemoryServer, account, *, is_typing: bool = True) -> Typing:
    lobby = server.cast.lobby
    return Typing(lobby.id, lobby.uid, account.person, is_typing=is_typing)


async def three(server: MemoryServer) -> Conversation:
    """The LOBBY with Cy in it."""
    cast = server.cast
    await server.do(cast.conversations.add_members, cast.ana.id, cast.lobby.id, [cast.cy])
    return await cast.head()


# -- listening -------------------------------------------------------------------------------------


async def test_who_listens_hears_what_is_posted_and_its_author_hears_it_as_their_own(server):
    ana, bo = await server.listen(server.cast.ana), await server.listen(server.cast.bo)
    heard(ana)
    await server.say(server.cast.ana, "Hello")
    assert heard(ana) == ["MessagePosted 1 own"]
    assert heard(bo) == ["MessagePosted 1"]


async def test_every_device_of_an_account_hears_its_messages_as_its_own(server):
    phone, laptop = await server.listen(server.cast.ana), await server.listen(server.cast.ana)
    await server.say(server.cast.ana, "Hello")
    assert heard(phone)[-1] == heard(laptop)[-1] == "MessagePosted 1 own"


async def test_who_listens_elsewhere_hears_nothing(server):
    cast = server.cast
    other = await server.do(cast.conversations.start, cast.ana.id, [cast.cy.id])
    connection = await server.connect(cast.cy, home=other)
    await server.follow(connection, None)
    await server.say(cast.ana, "Only for the LOBBY")
    assert "MessagePosted 1" not in heard(connection)


async def test_an_open_connection_that_follows_nothing_hears_nothing(server):
    connection = await server.connect(server.cast.ana)
    await server.say(server.cast.ana, "Hello")
    assert heard(connection) == []
    assert server.cast.ana.id in server.services.presence.online


async def test_a_message_is_encoded_once_for_its_author_and_once_for_everybody_else(server):
    await three(server)
    for account in (server.cast.ana, server.cast.bo, server.cast.cy) * 5:
        await server.listen(account)
    server.wire_format.encoded = 0
    await server.say(server.cast.ana, "Hello")
    assert server.wire_format.encoded == 2


async def test_every_contract_present_encodes_for_its_own_clients(server):
    other = NamedEvents()
    ana = await server.listen(server.cast.ana)
    server.wire_format, first = other, server.wire_format
    bo = await server.listen(server.cast.bo)
    first.encoded = other.encoded = 0
    await server.say(server.cast.ana, "Hello")
    assert (first.encoded, other.encoded) == (2, 2)
    assert heard(ana)[-1] == "MessagePosted 1 own"
    assert heard(bo)[-1] == "MessagePosted 1"


async def test_what_a_contract_acknowledges_in_its_own_way_is_not_sent_back_where_it_came_from(
    server,
):
    server.wire_format = NamedEvents(echoes=False)
    phone, laptop = await server.listen(server.cast.ana), await server.listen(server.cast.ana)
    bo = await server.listen(server.cast.bo)
    for connection in (phone, laptop):
        heard(connection)
    await server.say(server.cast.ana, "Hello", origin=phone.id)
    assert heard(phone) == []
    assert heard(laptop) == ["MessagePosted 1 own"]
    assert heard(bo) == ["MessagePosted 1"]


async def test_nor_is_it_held_back_for_the_connection_that_said_it_while_catching_up(server):
    server.wire_format = NamedEvents(echoes=False)
    phone, laptop = [await server.connect(server.cast.ana) for _ in range(2)]
    at_phone = server.hub.hold(phone, server.cast.lobby.id)
    at_laptop = server.hub.hold(laptop, server.cast.lobby.id)
    await server.say(server.cast.ana, "Hello", origin=phone.id)
    assert at_phone.events == []
    assert [event.seq for event in at_laptop.events] == [1]


async def test_a_contract_that_echoes_holds_it_back_for_the_connection_that_said_it_too(server):
    server.wire_format = NamedEvents(echoes=True)
    phone = await server.connect(server.cast.ana)
    backlog = server.hub.hold(phone, server.cast.lobby.id)
    await server.say(server.cast.ana, "Hello", origin=phone.id)
    assert [event.seq for event in backlog.events] == [1]


# -- holding ---------------------------------------------------------------------------------------


async def test_a_held_connection_is_sent_nothing_until_it_is_admitted(server):
    connection = await server.connect(server.cast.bo)
    backlog = server.hub.hold(connection, server.cast.lobby.id)
    await server.say(server.cast.ana, "Hello")
    assert heard(connection) == []
    assert [event.seq for event in backlog.events] == [1]
    server.hub.admit(connection, await server.cast.head())
    await server.say(server.cast.ana, "Again")
    assert heard(connection)[-1] == "MessagePosted 2"


async def test_a_backlog_lets_go_of_everything_rather_than_grow_without_bound(server):
    connection = await server.connect(server.cast.bo)
    backlog = server.hub.hold(connection, server.cast.lobby.id)
    await server.say(server.cast.ana, "Hello")
    (event,) = backlog.events
    for seq in range(MAX_HELD_EVENTS):
        server.hub.deliver(replace(event, seq=seq))
    assert backlog.overflowed
    assert backlog.events == []


async def test_what_passes_is_not_held_back(server):
    connection = await server.connect(server.cast.bo)
    backlog = server.hub.hold(connection, server.cast.lobby.id)
    server.services.publish([typing_of(server, server.cast.ana)])
    assert backlog.events == []


async def test_a_released_connection_hears_nothing_more(server):
    bo = await server.listen(server.cast.bo)
    server.hub.release(bo, server.cast.lobby.id)
    heard(bo)
    await server.say(server.cast.ana, "Hello")
    assert heard(bo) == []
    assert server.cast.bo.id in server.services.presence.online


async def test_a_connection_that_ended_while_it_was_held_is_not_admitted(server):
    ana, bo = await server.listen(server.cast.ana), await server.connect(server.cast.bo)
    server.hub.hold(bo, server.cast.lobby.id)
    server.hub.end(bo, CloseReason.LOGIN_ENDED)
    server.hub.admit(bo, await server.cast.head())
    heard(ana)
    await server.say(server.cast.ana, "Hello")
    assert heard(ana) == ["MessagePosted 1 own"]
    assert not server.services.presence.is_present(server.cast.lobby.id, server.cast.bo.id)


async def test_a_connection_that_has_ended_cannot_begin_to_follow_again(server):
    ana, bo = await server.listen(server.cast.ana), await server.listen(server.cast.bo)
    server.hub.end(bo, CloseReason.TOKEN_EXPIRED)
    heard(ana)
    await server.follow(bo, 0)
    assert heard(ana) == []
    assert not server.services.presence.is_present(server.cast.lobby.id, server.cast.bo.id)


# -- presence --------------------------------------------------------------------------------------


async def test_only_an_accounts_first_connection_enters_and_only_its_last_one_exits(server):
    ana = await server.listen(server.cast.ana)
    heard(ana)
    phone, laptop = await server.listen(server.cast.bo), await server.listen(server.cast.bo)
    assert heard(ana) == ["Entered bo"]
    server.hub.close(phone)
    assert heard(ana) == []
    server.hub.close(laptop)
    assert heard(ana) == ["Exited bo"]


async def test_a_connection_that_resumes_neither_exits_nor_enters(server):
    ana, bo = await server.listen(server.cast.ana), await server.listen(server.cast.bo)
    heard(ana)
    await server.follow(bo, 0)
    assert heard(ana) == []
    server.hub.close(bo)
    assert heard(ana) == ["Exited bo"]


async def test_closing_twice_is_closing_once(server):
    ana, bo = await server.listen(server.cast.ana), await server.listen(server.cast.bo)
    server.hub.close(bo)
    heard(ana)
    server.hub.close(bo)
    assert heard(ana) == []
    assert len(server.hub) == 1


async def test_when_everybody_has_left_nothing_is_remembered(server):
    connections = [await server.listen(server.cast.ana), await server.listen(server.cast.bo)]
    for connection in connections:
        server.hub.close(connection)
    assert len(server.hub) == 0
    assert server.hub._channels == {}
    assert not server.services.presence.online
    assert server.services.presence.present(server.cast.lobby.id) == 0


# -- typing ----------------------------------------------------------------------------------------


async def test_typing_is_news_once_and_ends_with_the_message(server):
    bo = await server.listen(server.cast.bo)
    await server.listen(server.cast.ana)
    heard(bo)
    for _ in range(3):
        server.services.publish([typing_of(server, server.cast.ana)])
        server.cast.clock.pass_by()
    await server.say(server.cast.ana, "Hello")
    assert heard(bo) == ["Typing ana True", "Typing ana False", "MessagePosted 1"]


async def test_typing_ends_when_its_author_goes_away_or_falls_silent(server):
    bo, ana = await server.listen(server.cast.bo), await server.listen(server.cast.ana)
    heard(bo)
    server.services.publish([typing_of(server, server.cast.ana)])
    server.hub.sweep(server.cast.clock.pass_by(timedelta(seconds=TYPING_SECONDS)))
    server.services.publish([typing_of(server, server.cast.ana)])
    server.hub.close(ana)
    assert heard(bo) == [
        "Typing ana True",
        "Typing ana False",
        "Typing ana True",
        "Typing ana False",
        "Exited ana",
    ]


async def test_a_slow_reader_is_not_bothered_with_what_passes(server):
    bo = await server.listen(server.cast.bo)
    heard(bo)
    bo.outlet.stop_reading()
    server.services.publish([typing_of(server, server.cast.ana)])
    await server.say(server.cast.ana, "Hello")
    assert heard(bo) == ["MessagePosted 1"]


# -- rights ----------------------------------------------------------------------------------------


async def test_who_is_removed_is_closed_and_hears_nothing_of_it_nor_after_it(server):
    cast = server.cast
    ana, bo = await server.listen(cast.ana), await server.listen(cast.bo)
    heard(ana)
    heard(bo)
    await server.do(cast.conversations.remove_member, cast.ana.id, cast.lobby.id, cast.bo.id)
    await server.say(cast.ana, "He is gone")
    assert heard(bo) == []
    assert ended(bo) == CloseReason.REMOVED.value
    assert heard(ana) == ["Exited bo", "MemberLeft 1", "MessagePosted 2 own"]


async def test_who_is_removed_from_one_conversation_keeps_a_connection_that_is_for_many(server):
    cast = server.cast
    bo = await server.listen(cast.bo)
    bo.home = None
    await server.do(cast.conversations.remove_member, cast.ana.id, cast.lobby.id, cast.bo.id)
    heard(bo)
    await server.say(cast.ana, "He is gone")
    assert ended(bo) is None
    assert heard(bo) == []


async def test_ending_a_login_closes_its_connections_and_no_others(server):
    cast = server.cast
    login = await server.login(cast.ana)
    closing, staying = (
        await server.connect(cast.ana, login=login),
        await server.listen(cast.ana),
    )
    await server.follow(closing, None)
    await server.do(cast.accounts.end_login, cast.ana.id, login.id)
    assert ended(closing) == CloseReason.LOGIN_ENDED.value
    assert ended(staying) is None
    assert server.hub.connections_of(cast.ana.id) == (staying,)


async def test_ending_a_login_closes_a_connection_that_is_still_catching_up(server):
    cast = server.cast
    login = await server.login(cast.ana)
    connection = await server.connect(cast.ana, login=login)
    server.hub.hold(connection, cast.lobby.id)
    await server.do(cast.accounts.end_login, cast.ana.id, login.id)
    assert ended(connection) == CloseReason.LOGIN_ENDED.value
    assert server.hub._channels == {}


async def test_deactivating_an_account_closes_all_its_connections(server):
    cast = server.cast
    connections = [await server.listen(cast.bo) for _ in range(2)]
    await server.do(cast.accounts.deactivate, cast.bo.id)
    assert all(ended(connection) for connection in connections)
    assert cast.bo.id not in server.services.presence.online


async def test_a_connection_ends_with_its_token_and_not_before(server):
    bo = await server.listen(server.cast.bo)
    server.hub.sweep(bo.expires_at - timedelta(seconds=1))
    assert ended(bo) is None
    server.hub.sweep(bo.expires_at)
    assert ended(bo) == CloseReason.TOKEN_EXPIRED.value
    assert len(server.hub) == 0


async def test_a_change_of_an_account_shows_in_what_its_connections_do_next(server):
    cast = server.cast
    ana, bo = await server.connect(cast.ana), await server.listen(cast.bo)
    await server.do(cast.accounts.change_profile, cast.ana.id, full_name="Ana Other")
    heard(bo)
    await server.follow(ana, None)
    assert ana.person.full_name == "Ana Other"
    assert heard(bo) == ["Entered ana"]


# -- blocks ----------------------------------------------------------------------------------------


async def test_among_three_a_blocked_authors_words_and_gestures_are_hidden_from_the_blocker(server):
    cast = server.cast
    await three(server)
    bo, cy = await server.listen(cast.bo), await server.listen(cast.cy)
    await server.do(cast.social.block, cast.bo.id, cast.ana.id)
    heard(bo)
    heard(cy)
    server.services.publish([typing_of(server, cast.ana)])
    message = await server.say(cast.ana, "Can you hear me?")
    await server.do(cast.messages.react, cast.ana.id, cast.lobby.id, message.id, "👍")
    await server.do(cast.messages.delete, cast.ana.id, cast.lobby.id, message.id)
    assert heard(bo) == []
    assert len(heard(cy)) == 5


async def test_a_lifted_block_lets_the_next_message_through(server):
    cast = server.cast
    await three(server)
    bo = await server.listen(cast.bo)
    await server.do(cast.social.block, cast.bo.id, cast.ana.id)
    await server.do(cast.social.unblock, cast.bo.id, cast.ana.id)
    heard(bo)
    await server.say(cast.ana, "Can you hear me?")
    assert heard(bo) == ["MessagePosted 2"]


async def test_who_joins_later_learns_of_blocks_set_before(server):
    cast = server.cast
    await three(server)
    await server.do(cast.social.block, cast.bo.id, cast.ana.id)
    bo = await server.listen(cast.bo)
    heard(bo)
    await server.say(cast.ana, "Can you hear me?")
    assert heard(bo) == []


async def test_between_two_a_block_hides_nothing_that_was_said(server):
    cast = server.cast
    bo = await server.listen(cast.bo)
    message = await server.say(cast.ana, "Before the block")
    await server.do(cast.social.block, cast.bo.id, cast.ana.id)
    heard(bo)
    await server.do(cast.messages.delete, cast.ana.id, cast.lobby.id, message.id)
    assert heard(bo) == ["MessageDeleted 2"]


@pytest.mark.parametrize("known_before", [True, False])
async def test_the_third_members_coming_and_going_decides_whether_a_block_hides(
    server, known_before
):
    cast = server.cast
    await server.do(cast.social.block, cast.bo.id, cast.ana.id)
    if known_before:
        await server.listen(cast.ana)
    bo = await server.connect(cast.bo)
    server.hub.hold(bo, cast.lobby.id)
    read_before = await cast.head()
    await server.do(cast.conversations.add_members, cast.bo.id, cast.lobby.id, [cast.cy])
    bo.blocked = frozenset({cast.ana.id})
    server.hub.admit(bo, read_before)
    assert set(server.hub.hidden_from(bo, cast.lobby.id)) == {cast.ana.id}
    await server.do(cast.conversations.remove_member, cast.cy.id, cast.lobby.id, cast.cy.id)
    assert not server.hub.hidden_from(bo, cast.lobby.id)


# -- topics ----------------------------------------------------------------------------------------


async def test_the_hub_subscribes_to_what_its_connections_listen_to_and_to_nothing_else(server):
    cast, topics = server.cast, server.hub._subscription.topics
    before = set(topics)
    ana, bo = await server.listen(cast.ana), await server.listen(cast.bo)
    server.hub.watchers.watch(ana, frozenset({cast.cy.id}))
    server.hub.watchers.watch_staff(ana, is_on=True)
    server.hub.watchers.watch_staff(bo, is_on=True)
    lobby = conversation_topic(cast.lobby.id)
    accounts = {account_topic(cast.ana.id), account_topic(cast.bo.id)}
    assert topics - before == {lobby, *accounts, online_topic(cast.cy.id), STAFF_ONLINE}

    server.hub.close(ana)
    assert topics - before == {lobby, account_topic(cast.bo.id), STAFF_ONLINE}
    server.hub.close(bo)

    assert topics == before


async def test_its_statistics_count_connections_accounts_and_conversations(server):
    phone, _ = await server.listen(server.cast.ana), await server.listen(server.cast.ana)
    await server.connect(server.cast.bo)
    assert server.hub.statistics() == HubStatistics(connections=3, accounts=2, conversations=1)
    server.hub.close(phone)
    assert server.hub.statistics() == HubStatistics(connections=2, accounts=2, conversations=1)
