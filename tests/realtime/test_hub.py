"""The hub: who is sent what, and who no longer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from folkmoot.core.conversations.model import Conversation
from folkmoot.core.presence.model import TYPING_SECONDS, Typing
from folkmoot.realtime.hub import MAX_HELD_EVENTS
from folkmoot.realtime.wire_format import CloseReason
from tests.realtime.stage import Plain, Stage, ended, heard


def typing_of(stage: Stage, account, *, is_typing: bool = True) -> Typing:
    lobby = stage.cast.lobby
    return Typing(lobby.id, lobby.uid, account.person, is_typing=is_typing)


async def three(stage: Stage) -> Conversation:
    """The LOBBY with Cy in it."""
    cast = stage.cast
    await stage.do(cast.conversations.add_members, cast.ana.id, cast.lobby.id, [cast.cy])
    return await cast.head()


# -- listening -------------------------------------------------------------------------------------


async def test_who_listens_hears_what_is_posted_and_its_author_hears_it_as_their_own(stage):
    ana, bo = await stage.listen(stage.cast.ana), await stage.listen(stage.cast.bo)
    heard(ana)
    await stage.say(stage.cast.ana, "Hello")
    assert heard(ana) == ["MessagePosted 1 own"]
    assert heard(bo) == ["MessagePosted 1"]


async def test_every_device_of_an_account_hears_its_messages_as_its_own(stage):
    phone, laptop = await stage.listen(stage.cast.ana), await stage.listen(stage.cast.ana)
    await stage.say(stage.cast.ana, "Hello")
    assert heard(phone)[-1] == heard(laptop)[-1] == "MessagePosted 1 own"


async def test_who_listens_elsewhere_hears_nothing(stage):
    cast = stage.cast
    other = await stage.do(cast.conversations.start, cast.ana.id, [cast.cy.id])
    connection = await stage.connect(cast.cy, home=other)
    await stage.follow(connection, None)
    await stage.say(cast.ana, "Only for the LOBBY")
    assert "MessagePosted 1" not in heard(connection)


async def test_an_open_connection_that_follows_nothing_hears_nothing(stage):
    connection = await stage.connect(stage.cast.ana)
    await stage.say(stage.cast.ana, "Hello")
    assert heard(connection) == []
    assert stage.hub.is_online(stage.cast.ana.id)


async def test_a_message_is_encoded_once_for_its_author_and_once_for_everybody_else(stage):
    await three(stage)
    for account in (stage.cast.ana, stage.cast.bo, stage.cast.cy) * 5:
        await stage.listen(account)
    stage.wire_format.encoded = 0
    await stage.say(stage.cast.ana, "Hello")
    assert stage.wire_format.encoded == 2


async def test_every_contract_present_encodes_for_its_own_clients(stage):
    other = Plain()
    ana = await stage.listen(stage.cast.ana)
    stage.wire_format, first = other, stage.wire_format
    bo = await stage.listen(stage.cast.bo)
    first.encoded = other.encoded = 0
    await stage.say(stage.cast.ana, "Hello")
    assert (first.encoded, other.encoded) == (2, 2)
    assert heard(ana)[-1] == "MessagePosted 1 own"
    assert heard(bo)[-1] == "MessagePosted 1"


async def test_what_a_contract_acknowledges_in_its_own_way_is_not_sent_back_where_it_came_from(
    stage,
):
    stage.wire_format = Plain(echoes=False)
    phone, laptop = await stage.listen(stage.cast.ana), await stage.listen(stage.cast.ana)
    bo = await stage.listen(stage.cast.bo)
    for connection in (phone, laptop):
        heard(connection)
    await stage.say(stage.cast.ana, "Hello", origin=phone)
    assert heard(phone) == []
    assert heard(laptop) == ["MessagePosted 1 own"]
    assert heard(bo) == ["MessagePosted 1"]


async def test_nor_is_it_held_back_for_the_connection_that_said_it_while_catching_up(stage):
    stage.wire_format = Plain(echoes=False)
    phone, laptop = [await stage.connect(stage.cast.ana) for _ in range(2)]
    at_phone = stage.hub.hold(phone, stage.cast.lobby.id)
    at_laptop = stage.hub.hold(laptop, stage.cast.lobby.id)
    await stage.say(stage.cast.ana, "Hello", origin=phone)
    assert at_phone.events == []
    assert [event.seq for event in at_laptop.events] == [1]


async def test_a_contract_that_echoes_holds_it_back_for_the_connection_that_said_it_too(stage):
    stage.wire_format = Plain(echoes=True)
    phone = await stage.connect(stage.cast.ana)
    backlog = stage.hub.hold(phone, stage.cast.lobby.id)
    await stage.say(stage.cast.ana, "Hello", origin=phone)
    assert [event.seq for event in backlog.events] == [1]


# -- holding ---------------------------------------------------------------------------------------


async def test_a_held_connection_is_sent_nothing_until_it_is_admitted(stage):
    connection = await stage.connect(stage.cast.bo)
    backlog = stage.hub.hold(connection, stage.cast.lobby.id)
    await stage.say(stage.cast.ana, "Hello")
    assert heard(connection) == []
    assert [event.seq for event in backlog.events] == [1]
    stage.hub.admit(connection, await stage.cast.head())
    await stage.say(stage.cast.ana, "Again")
    assert heard(connection)[-1] == "MessagePosted 2"


async def test_a_backlog_lets_go_of_everything_rather_than_grow_without_bound(stage):
    connection = await stage.connect(stage.cast.bo)
    backlog = stage.hub.hold(connection, stage.cast.lobby.id)
    await stage.say(stage.cast.ana, "Hello")
    (event,) = backlog.events
    for seq in range(MAX_HELD_EVENTS):
        stage.hub.deliver(replace(event, seq=seq))
    assert backlog.overflowed
    assert backlog.events == []


async def test_what_passes_is_not_held_back(stage):
    connection = await stage.connect(stage.cast.bo)
    backlog = stage.hub.hold(connection, stage.cast.lobby.id)
    stage.hub.note_typing(typing_of(stage, stage.cast.ana), 0)
    assert backlog.events == []


async def test_a_released_connection_hears_nothing_more(stage):
    bo = await stage.listen(stage.cast.bo)
    stage.hub.release(bo, stage.cast.lobby.id)
    heard(bo)
    await stage.say(stage.cast.ana, "Hello")
    assert heard(bo) == []
    assert stage.hub.is_online(stage.cast.bo.id)


async def test_a_connection_that_ended_while_it_was_held_is_not_admitted(stage):
    ana, bo = await stage.listen(stage.cast.ana), await stage.connect(stage.cast.bo)
    stage.hub.hold(bo, stage.cast.lobby.id)
    stage.hub.end(bo, CloseReason.LOGIN_ENDED)
    stage.hub.admit(bo, await stage.cast.head())
    heard(ana)
    await stage.say(stage.cast.ana, "Hello")
    assert heard(ana) == ["MessagePosted 1 own"]
    assert not stage.hub.roster.is_present(stage.cast.lobby.id, stage.cast.bo.id)


async def test_a_connection_that_has_ended_cannot_begin_to_follow_again(stage):
    ana, bo = await stage.listen(stage.cast.ana), await stage.listen(stage.cast.bo)
    stage.hub.end(bo, CloseReason.TOKEN_EXPIRED)
    heard(ana)
    await stage.follow(bo, 0)
    assert heard(ana) == []
    assert not stage.hub.roster.is_present(stage.cast.lobby.id, stage.cast.bo.id)


# -- presence --------------------------------------------------------------------------------------


async def test_only_an_accounts_first_connection_enters_and_only_its_last_one_exits(stage):
    ana = await stage.listen(stage.cast.ana)
    heard(ana)
    phone, laptop = await stage.listen(stage.cast.bo), await stage.listen(stage.cast.bo)
    assert heard(ana) == ["Entered bo"]
    stage.hub.close(phone)
    assert heard(ana) == []
    stage.hub.close(laptop)
    assert heard(ana) == ["Exited bo"]


async def test_a_connection_that_resumes_neither_exits_nor_enters(stage):
    ana, bo = await stage.listen(stage.cast.ana), await stage.listen(stage.cast.bo)
    heard(ana)
    await stage.follow(bo, 0)
    assert heard(ana) == []
    stage.hub.close(bo)
    assert heard(ana) == ["Exited bo"]


async def test_closing_twice_is_closing_once(stage):
    ana, bo = await stage.listen(stage.cast.ana), await stage.listen(stage.cast.bo)
    stage.hub.close(bo)
    heard(ana)
    stage.hub.close(bo)
    assert heard(ana) == []
    assert len(stage.hub) == 1


async def test_when_everybody_has_left_nothing_is_remembered(stage):
    connections = [await stage.listen(stage.cast.ana), await stage.listen(stage.cast.bo)]
    for connection in connections:
        stage.hub.close(connection)
    assert len(stage.hub) == 0
    assert stage.hub._channels == {}
    assert list(stage.hub.roster.places()) == []


# -- typing ----------------------------------------------------------------------------------------


async def test_typing_is_news_once_and_ends_with_the_message(stage):
    bo = await stage.listen(stage.cast.bo)
    await stage.listen(stage.cast.ana)
    heard(bo)
    for now in (0, 1, 2):
        stage.hub.note_typing(typing_of(stage, stage.cast.ana), now)
    await stage.say(stage.cast.ana, "Hello")
    assert heard(bo) == ["Typing ana True", "Typing ana False", "MessagePosted 1"]


async def test_typing_ends_when_its_author_goes_away_or_falls_silent(stage):
    bo, ana = await stage.listen(stage.cast.bo), await stage.listen(stage.cast.ana)
    heard(bo)
    stage.hub.note_typing(typing_of(stage, stage.cast.ana), 0)
    stage.hub.sweep(stage.cast.clock.now(), TYPING_SECONDS)
    stage.hub.note_typing(typing_of(stage, stage.cast.ana), 10)
    stage.hub.close(ana)
    assert heard(bo) == [
        "Typing ana True",
        "Typing ana False",
        "Typing ana True",
        "Typing ana False",
        "Exited ana",
    ]


async def test_a_slow_reader_is_not_bothered_with_what_passes(stage):
    bo = await stage.listen(stage.cast.bo)
    heard(bo)
    bo.outlet.stop_reading()
    stage.hub.note_typing(typing_of(stage, stage.cast.ana), 0)
    await stage.say(stage.cast.ana, "Hello")
    assert heard(bo) == ["MessagePosted 1"]


# -- rights ----------------------------------------------------------------------------------------


async def test_who_is_removed_is_closed_and_hears_nothing_of_it_nor_after_it(stage):
    cast = stage.cast
    ana, bo = await stage.listen(cast.ana), await stage.listen(cast.bo)
    heard(ana)
    heard(bo)
    await stage.do(cast.conversations.remove_member, cast.ana.id, cast.lobby.id, cast.bo.id)
    await stage.say(cast.ana, "He is gone")
    assert heard(bo) == []
    assert ended(bo) == CloseReason.REMOVED.value
    assert heard(ana) == ["Exited bo", "MemberLeft 1", "MessagePosted 2 own"]


async def test_who_is_removed_from_one_place_keeps_a_connection_that_is_for_many(stage):
    cast = stage.cast
    bo = await stage.listen(cast.bo)
    bo.home = None
    await stage.do(cast.conversations.remove_member, cast.ana.id, cast.lobby.id, cast.bo.id)
    heard(bo)
    await stage.say(cast.ana, "He is gone")
    assert ended(bo) is None
    assert heard(bo) == []


async def test_ending_a_login_closes_its_connections_and_no_others(stage):
    cast = stage.cast
    login = await stage.login(cast.ana)
    close_reason, staying = await stage.connect(cast.ana, login=login), await stage.listen(cast.ana)
    await stage.follow(close_reason, None)
    await stage.do(cast.accounts.end_login, cast.ana.id, login.id)
    assert ended(close_reason) == CloseReason.LOGIN_ENDED.value
    assert ended(staying) is None
    assert stage.hub.connections_of(cast.ana.id) == (staying,)


async def test_ending_a_login_closes_a_connection_that_is_still_catching_up(stage):
    cast = stage.cast
    login = await stage.login(cast.ana)
    connection = await stage.connect(cast.ana, login=login)
    stage.hub.hold(connection, cast.lobby.id)
    await stage.do(cast.accounts.end_login, cast.ana.id, login.id)
    assert ended(connection) == CloseReason.LOGIN_ENDED.value
    assert stage.hub._channels == {}


async def test_deactivating_an_account_closes_all_its_connections(stage):
    cast = stage.cast
    connections = [await stage.listen(cast.bo) for _ in range(2)]
    await stage.do(cast.accounts.deactivate, cast.bo.id)
    assert all(ended(connection) for connection in connections)
    assert not stage.hub.is_online(cast.bo.id)


async def test_a_connection_ends_with_its_token_and_not_before(stage):
    bo = await stage.listen(stage.cast.bo)
    stage.hub.sweep(bo.expires_at - timedelta(seconds=1), 0)
    assert ended(bo) is None
    stage.hub.sweep(bo.expires_at, 0)
    assert ended(bo) == CloseReason.TOKEN_EXPIRED.value
    assert len(stage.hub) == 0


async def test_a_change_of_an_account_shows_in_what_its_connections_do_next(stage):
    cast = stage.cast
    ana, bo = await stage.connect(cast.ana), await stage.listen(cast.bo)
    await stage.do(cast.accounts.change_profile, cast.ana.id, full_name="Ana Other")
    heard(bo)
    await stage.follow(ana, None)
    assert ana.person.full_name == "Ana Other"
    assert heard(bo) == ["Entered ana"]


# -- blocks ----------------------------------------------------------------------------------------


async def test_among_three_a_blocked_authors_words_and_gestures_are_hidden_from_the_blocker(stage):
    cast = stage.cast
    await three(stage)
    bo, cy = await stage.listen(cast.bo), await stage.listen(cast.cy)
    await stage.do(cast.social.block, cast.bo.id, cast.ana.id)
    heard(bo)
    heard(cy)
    stage.hub.note_typing(typing_of(stage, cast.ana), 0)
    message = await stage.say(cast.ana, "Can you hear me?")
    await stage.do(cast.messages.react, cast.ana.id, cast.lobby.id, message.id, "👍")
    await stage.do(cast.messages.delete, cast.ana.id, cast.lobby.id, message.id)
    assert heard(bo) == []
    assert len(heard(cy)) == 5


async def test_a_lifted_block_lets_the_next_message_through(stage):
    cast = stage.cast
    await three(stage)
    bo = await stage.listen(cast.bo)
    await stage.do(cast.social.block, cast.bo.id, cast.ana.id)
    await stage.do(cast.social.unblock, cast.bo.id, cast.ana.id)
    heard(bo)
    await stage.say(cast.ana, "Can you hear me?")
    assert heard(bo) == ["MessagePosted 2"]


async def test_who_joins_later_learns_of_blocks_set_before(stage):
    cast = stage.cast
    await three(stage)
    await stage.do(cast.social.block, cast.bo.id, cast.ana.id)
    bo = await stage.listen(cast.bo)
    heard(bo)
    await stage.say(cast.ana, "Can you hear me?")
    assert heard(bo) == []


async def test_between_two_a_block_hides_nothing_that_was_said(stage):
    cast = stage.cast
    bo = await stage.listen(cast.bo)
    message = await stage.say(cast.ana, "Before the block")
    await stage.do(cast.social.block, cast.bo.id, cast.ana.id)
    heard(bo)
    await stage.do(cast.messages.delete, cast.ana.id, cast.lobby.id, message.id)
    assert heard(bo) == ["MessageDeleted 2"]


@pytest.mark.parametrize("known_before", [True, False])
async def test_the_third_members_coming_and_going_decides_whether_a_block_hides(
    stage, known_before
):
    cast = stage.cast
    await stage.do(cast.social.block, cast.bo.id, cast.ana.id)
    if known_before:
        await stage.listen(cast.ana)
    bo = await stage.connect(cast.bo)
    stage.hub.hold(bo, cast.lobby.id)
    read_before = await cast.head()
    await stage.do(cast.conversations.add_members, cast.bo.id, cast.lobby.id, [cast.cy])
    bo.blocked = frozenset({cast.ana.id})
    stage.hub.admit(bo, read_before)
    assert set(stage.hub.hidden_from(bo, cast.lobby.id)) == {cast.ana.id}
    await stage.do(cast.conversations.remove_member, cast.cy.id, cast.lobby.id, cast.cy.id)
    assert not stage.hub.hidden_from(bo, cast.lobby.id)
