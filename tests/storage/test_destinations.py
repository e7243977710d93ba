"""Where a draft goes that names people: found, or begun, with the message or not at all."""

import pytest

from folkmoot.core.accounts.errors import NoSuchAccount
from folkmoot.core.accounts.model import Account, Role
from folkmoot.core.conversations.desk import Desks
from folkmoot.core.conversations.events import ConversationStarted, MemberJoined
from folkmoot.core.conversations.model import Conversation, DeskFilter, Kind
from folkmoot.core.messages.errors import ClientIdReused, NoSuchMessage
from folkmoot.core.messages.events import MessagePosted
from folkmoot.core.messages.model import DirectWith, Draft, Message, Posted, SupportSession
from folkmoot.core.shared.ids import AccountId, ConversationId, Uid
from folkmoot.core.shared.pages import Slice
from folkmoot.core.shared.refusals import Refusal
from folkmoot.core.social.errors import Blocked, NotFriends, SelfRequest
from folkmoot.core.social.friends import Friends
from folkmoot.core.work import UnitOfWork
from tests.cast import Cast


@pytest.fixture
def desks(cast: Cast) -> Desks:
    return Desks(cast.clock, cast.ids)


@pytest.fixture
async def agent(cast: Cast) -> Account:
    return await cast.account("agent", Role.AGENT)


def to_desk(cast: Cast, author: Account, content: str, **options: object) -> Draft:
    """A draft for CY's session."""
    expected = options.pop("expected", None)
    where = SupportSession(cast.cy.id, expected)
    return cast.messages.draft(author.id, content, **options).to(where)


def to_friend(cast: Cast, author: Account, friend: Account, content: str, **options: object):
    return cast.messages.draft(author.id, content, **options).to(DirectWith(friend.id))


async def befriend(cast: Cast, one: Account, other: Account) -> None:
    friends = Friends(cast.clock, cast.ids)
    request = await cast.do(friends.request, one.id, other.id)
    await cast.do(friends.accept, other.id, request.id)
    cast.events.clear()


async def post_one(cast: Cast, draft: Draft) -> Message:
    (answer,) = await cast.post(draft)
    if isinstance(answer, Refusal):
        raise answer
    return answer.message


async def sessions(cast: Cast, owner: Account) -> list[ConversationId]:
    which = DeskFilter(owner=owner.id)
    return await cast.see(lambda work: work.desks.listed(which, Slice(9)))


async def directs(cast: Cast, account: Account) -> dict[ConversationId, AccountId]:
    return await cast.see(lambda work: work.directs.partners_of(account.id))


def kinds(cast: Cast) -> list[type]:
    return [type(event) for event in cast.events]


# -- sessions --------------------------------------------------------------------------------------


async def test_a_customers_first_message_opens_a_session_and_the_next_goes_there(cast: Cast):
    first = await post_one(cast, to_desk(cast, cast.cy, "Hello?"))
    second = await post_one(cast, to_desk(cast, cast.cy, "Anybody?"))

    assert kinds(cast) == [ConversationStarted, MessagePosted, MessagePosted]
    started = cast.events[0]
    assert (started.conversation.id, started.members) == (first.conversation_id, (cast.cy.id,))
    assert (first.seq, second.seq) == (1, 2)
    assert await sessions(cast, cast.cy) == [first.conversation_id] == [second.conversation_id]
    assert (await cast.head(first.conversation_id)).kind is Kind.SESSION


async def test_drafts_of_one_batch_open_one_session(cast: Cast, agent: Account):
    answers = await cast.post(
        to_desk(cast, cast.cy, "Hello?"),
        to_desk(cast, agent, "Hello!"),
        to_desk(cast, cast.cy, "There you are"),
    )

    assert [one.message.seq for one in answers if isinstance(one, Posted)] == [1, 3, 4]
    assert kinds(cast) == [
        ConversationStarted,
        MessagePosted,
        MemberJoined,
        MessagePosted,
        MessagePosted,
    ]
    (session,) = await sessions(cast, cast.cy)
    assert {event.conversation_id for event in cast.events[1:]} == {session}
    assert await cast.members(session) == [cast.cy.id, agent.id]


async def test_staff_who_write_first_are_in_charge_of_the_session_from_its_start(
    cast: Cast, agent: Account
):
    said = await post_one(cast, to_desk(cast, agent, "Your parcel is here"))

    assert said.seq == 1
    started, _ = cast.events
    assert started.members == (cast.cy.id, agent.id)
    desk = (await cast.head(said.conversation_id)).desk
    assert desk is not None
    assert desk.agent_id == agent.id


async def test_whom_a_customer_writes_to_is_in_the_session(cast: Cast, agent: Account):
    other = await cast.account("other", Role.AGENT)
    first = await post_one(cast, to_desk(cast, cast.cy, "To you", addressee_id=agent.id))
    await post_one(cast, to_desk(cast, cast.cy, "And you", addressee_id=other.id))

    started, _, joined, _ = cast.events
    assert started.members == (cast.cy.id, agent.id)
    assert (joined.member, joined.actor) == (other.person, cast.cy.person)
    assert await cast.members(first.conversation_id) == [cast.cy.id, agent.id, other.id]


async def test_a_closed_session_takes_nothing_more_and_the_next_message_opens_another(
    cast: Cast, desks: Desks
):
    first = await post_one(cast, to_desk(cast, cast.cy, "One", client_id="c"))
    await cast.do(desks.close, cast.cy, first.conversation_id)

    second = await post_one(cast, to_desk(cast, cast.cy, "Two", expected=first.conversation_id))
    (again,) = await cast.post(to_desk(cast, cast.cy, "One", client_id="c"))

    assert second.conversation_id != first.conversation_id
    assert isinstance(again, Posted)
    assert (again.message.id, again.is_repeat) == (first.id, True)


async def test_an_expected_session_is_taken_only_if_it_is_the_customers(cast: Cast, desks: Desks):
    older: Conversation = await cast.do(desks.open, cast.cy)
    cast.clock.pass_by()
    newer: Conversation = await cast.do(desks.open, cast.cy)
    others: Conversation = await cast.do(desks.open, cast.bo)

    said = [
        await post_one(cast, to_desk(cast, cast.cy, "x", expected=expected))
        for expected in (None, older.id, others.id, cast.lobby.id, ConversationId(10**6))
    ]

    assert [one.conversation_id for one in said[:2]] == [newer.id, older.id]
    assert {one.conversation_id for one in said[2:]} <= {newer.id, older.id}


async def test_a_refused_message_opens_no_session_and_brings_nobody_in(cast: Cast, agent: Account):
    (nothing,) = await cast.post(
        to_desk(cast, cast.cy, "x", reply_to=Uid("nothing"), addressee_id=agent.id)
    )
    opened: Message = await post_one(cast, to_desk(cast, cast.cy, "y"))
    (again,) = await cast.post(
        to_desk(cast, cast.cy, "x", reply_to=Uid("nothing"), addressee_id=agent.id)
    )

    assert [type(nothing), type(again)] == [NoSuchMessage, NoSuchMessage]
    assert kinds(cast) == [ConversationStarted, MessagePosted]
    assert await sessions(cast, cast.cy) == [opened.conversation_id]
    assert await cast.members(opened.conversation_id) == [cast.cy.id]


async def test_a_block_keeps_staff_and_customer_apart_before_there_is_a_session(
    cast: Cast, agent: Account
):
    await cast.do(cast.social.block, cast.cy.id, agent.id)

    answers = await cast.post(
        to_desk(cast, agent, "Hello"), to_desk(cast, cast.cy, "You", addressee_id=agent.id)
    )

    assert [type(one) for one in answers] == [Blocked, Blocked]
    assert await sessions(cast, cast.cy) == []


async def test_nobody_has_a_session_of_somebody_who_is_not_there(cast: Cast, agent: Account):
    nobody = SupportSession(AccountId(10**6))
    (answer,) = await cast.post(cast.messages.draft(agent.id, "Hello").to(nobody))
    assert isinstance(answer, NoSuchAccount)


# -- direct conversations --------------------------------------------------------------------------


async def test_the_first_word_begins_the_conversation_of_two_friends(cast: Cast):
    await befriend(cast, cast.ana, cast.bo)

    answers = await cast.post(
        to_friend(cast, cast.ana, cast.bo, "Hi"), to_friend(cast, cast.bo, cast.ana, "Hi!")
    )
    later = await post_one(cast, to_friend(cast, cast.bo, cast.ana, "How are you?"))

    assert [one.message.seq for one in answers if isinstance(one, Posted)] == [1, 2]
    started = cast.events[0]
    assert isinstance(started, ConversationStarted)
    assert (started.conversation.kind, started.members) == (
        Kind.DIRECT,
        (cast.ana.id, cast.bo.id),
    )
    assert await directs(cast, cast.ana) == {later.conversation_id: cast.bo.id}
    assert later.seq == 3


async def test_a_refused_first_word_begins_nothing(cast: Cast):
    await befriend(cast, cast.ana, cast.bo)
    await cast.say(cast.ana, "Hello all", client_id="c")
    cast.events.clear()

    answers = await cast.post(
        to_friend(cast, cast.ana, cast.bo, "Hi", reply_to=Uid("nothing")),
        to_friend(cast, cast.ana, cast.bo, "Hi", client_id="c"),
    )

    assert [type(one) for one in answers] == [NoSuchMessage, ClientIdReused]
    assert (cast.events, await directs(cast, cast.ana)) == ([], {})


async def test_who_are_no_friends_or_blocked_or_the_same_begin_nothing(cast: Cast):
    await befriend(cast, cast.ana, cast.bo)
    await cast.do(cast.social.block, cast.bo.id, cast.ana.id)

    answers = await cast.post(
        to_friend(cast, cast.ana, cast.ana, "Hi"),
        to_friend(cast, cast.ana, cast.bo, "Hi"),
        to_friend(cast, cast.ana, cast.cy, "Hi"),
    )

    assert [type(one) for one in answers] == [SelfRequest, Blocked, NotFriends]
    assert await directs(cast, cast.ana) == {}


async def test_a_transaction_that_breaks_leaves_no_conversation(cast: Cast):
    class DiskGone(Exception):
        pass

    await befriend(cast, cast.ana, cast.bo)

    async def break_off(work: UnitOfWork) -> None:
        drafts = [to_friend(cast, cast.ana, cast.bo, "Hi"), to_desk(cast, cast.cy, "Hello?")]
        await cast.posting.post(work, drafts)
        raise DiskGone

    with pytest.raises(DiskGone):
        await cast.storage.write(break_off)

    assert (await directs(cast, cast.ana), await sessions(cast, cast.cy)) == ({}, [])
