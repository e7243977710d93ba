"""Staff become members of a session by writing in it: with the message, or not at all."""

from collections.abc import Sequence

import pytest

from folkmoot.core.accounts.model import Account, Role
from folkmoot.core.conversations.desk import Desks
from folkmoot.core.conversations.errors import ConversationClosed, NotAMember, NotTheOwner
from folkmoot.core.conversations.events import ConversationEnded, MemberJoined
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.messages.errors import MentionUnknown, NoSuchMessage, NotTheAuthor
from folkmoot.core.messages.events import MessageDeleted, MessagePosted, ReactionAdded
from folkmoot.core.messages.model import Message, Posted
from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.core.shared.refusals import Refusal
from folkmoot.core.social.errors import Blocked
from folkmoot.core.work import UnitOfWork
from tests.cast import Cast


@pytest.fixture
def desks(cast: Cast) -> Desks:
    return Desks(cast.clock, cast.ids)


@pytest.fixture
async def agent(cast: Cast) -> Account:
    return await cast.account("agent", Role.AGENT)


@pytest.fixture
async def session(cast: Cast, desks: Desks) -> Conversation:
    opened: Conversation = await cast.do(desks.open, cast.cy)
    cast.events.clear()
    return opened


async def members(cast: Cast, session: Conversation) -> Sequence[AccountId]:
    return await cast.members(session.id)


async def test_staff_are_members_by_the_message_that_they_write(
    cast: Cast, session: Conversation, agent: Account
) -> None:
    said = await cast.say(agent, "How can I help?", where=session)

    joined, posted = cast.events
    assert isinstance(joined, MemberJoined)
    assert (joined.seq, joined.member, joined.actor) == (1, agent.person, agent.person)
    assert isinstance(posted, MessagePosted)
    assert (posted.seq, posted.message) == (2, said)
    assert await members(cast, session) == [cast.cy.id, agent.id]
    head = await cast.head(session.id)
    assert (head.last_seq, head.member_count) == (2, 2)
    kept = await cast.see(lambda work: work.timeline.after(session.id, 0, limit=9))
    assert [type(event) for event in kept] == [MemberJoined, MessagePosted]
    (mine,) = (
        await cast.see(lambda work: work.conversations.memberships([(session.id, agent.id)]))
    ).values()
    assert mine.read_seq == 2


async def test_two_messages_of_one_batch_join_once(
    cast: Cast, session: Conversation, agent: Account
) -> None:
    other = await cast.account("other", Role.ADMIN)
    answers = await cast.post(
        cast.draft(agent, "one", where=session),
        cast.draft(other, "two", where=session),
        cast.draft(agent, "three", where=session),
        cast.draft(cast.cy, "four", where=session),
    )

    assert [one.message.seq for one in answers if isinstance(one, Posted)] == [2, 4, 5, 6]
    kinds = [type(event) for event in cast.events]
    assert kinds == [MemberJoined, MessagePosted, MemberJoined, *[MessagePosted] * 3]
    assert await members(cast, session) == [cast.cy.id, agent.id, other.id]


async def test_a_message_that_is_refused_lets_nobody_in(
    cast: Cast, session: Conversation, agent: Account
) -> None:
    answers = await cast.post(
        cast.draft(agent, "one", where=session, reply_to=Uid("nothing")),
        cast.draft(agent, "two", where=session, mentions=[cast.bo.uid]),
    )

    assert [type(one) for one in answers] == [NoSuchMessage, MentionUnknown]
    assert cast.events == []
    assert await members(cast, session) == [cast.cy.id]
    assert (await cast.head(session.id)).last_seq == 0


async def test_after_a_refused_message_the_next_of_the_batch_joins(
    cast: Cast, session: Conversation, agent: Account
) -> None:
    refused, posted = await cast.post(
        cast.draft(agent, "one", where=session, reply_to=Uid("nothing")),
        cast.draft(agent, "two", where=session, mentions=[agent.uid, cast.cy.uid]),
    )

    assert isinstance(refused, NoSuchMessage)
    assert isinstance(posted, Posted)
    assert posted.message.seq == 2
    assert await members(cast, session) == [cast.cy.id, agent.id]


async def test_a_transaction_that_breaks_leaves_neither_the_member_nor_the_message(
    cast: Cast, session: Conversation, agent: Account
) -> None:
    class DiskGone(Exception):
        pass

    async def break_off(work: UnitOfWork) -> None:
        await cast.posting.post(work, [cast.draft(agent, "lost", where=session)])
        raise DiskGone

    with pytest.raises(DiskGone):
        await cast.storage.write(break_off)

    assert await members(cast, session) == [cast.cy.id]
    assert (await cast.head(session.id)).last_seq == 0


async def test_a_retry_is_answered_and_joins_nobody_again(
    cast: Cast, session: Conversation, desks: Desks, agent: Account
) -> None:
    first = await cast.say(agent, "one", where=session, client_id="c")
    await cast.do(desks.remove_member, agent, session.id, agent.id)
    cast.events.clear()

    (again,) = await cast.post(cast.draft(agent, "one", where=session, client_id="c"))

    assert again == Posted(first, is_repeat=True)
    assert cast.events == []
    assert await members(cast, session) == [cast.cy.id]


async def test_nobody_else_joins_by_writing_nor_staff_where_it_is_closed_or_a_block_stands(
    cast: Cast, session: Conversation, desks: Desks, agent: Account
) -> None:
    closed: Conversation = await cast.do(desks.open, cast.cy)
    await cast.do(desks.close, cast.cy, closed.id)
    await cast.do(cast.social.block, cast.cy.id, agent.id)
    other = await cast.account("other", Role.AGENT)
    answers = await cast.post(
        cast.draft(cast.bo, "a stranger", where=session),
        cast.draft(agent, "blocked", where=session),
        cast.draft(other, "too late", where=closed),
        cast.draft(agent, "no session", where=cast.lobby),
    )

    assert [type(one) for one in answers] == [
        NotAMember,
        Blocked,
        ConversationClosed,
        NotAMember,
    ]
    assert await members(cast, session) == [cast.cy.id]


async def test_a_block_between_two_silences_no_third_who_joins(
    cast: Cast, session: Conversation, agent: Account
) -> None:
    await cast.say(agent, "Hello", where=session)
    await cast.do(cast.social.block, cast.cy.id, agent.id)
    other = await cast.account("other", Role.AGENT)

    answers = await cast.post(
        cast.draft(agent, "silenced", where=session),
        cast.draft(other, "I take over", where=session),
        cast.draft(cast.cy, "thanks", where=session),
    )

    assert [type(one) for one in answers] == [Blocked, Posted, Posted]


CHANGES = ("edit", "delete", "react", "unreact")


async def changes(
    cast: Cast, change: str, actor: Account, message: Message, more: str = "👍"
) -> object:
    """What becomes of a change of a message; its refusal, as the writer would have kept it."""
    act, arguments = getattr(cast.messages, change), (more,) if change != "delete" else ()
    conversation_id = message.conversation_id

    async def attempt(work: UnitOfWork) -> object:
        try:
            return await act(work, actor.id, conversation_id, message.uid, *arguments)
        except Refusal as refusal:
            return type(refusal)

    return await cast.do(attempt)


@pytest.mark.parametrize(("change", "kind"), [("delete", MessageDeleted), ("react", ReactionAdded)])
async def test_staff_are_members_by_what_they_change(
    cast: Cast, session: Conversation, change: str, kind: type[object]
) -> None:
    admin = await cast.account("admin", Role.ADMIN)
    message = await cast.say(cast.cy, "help", where=session)
    cast.events.clear()

    assert isinstance(await changes(cast, change, admin, message), Message)

    joined, changed = cast.events
    assert isinstance(joined, MemberJoined)
    assert (joined.seq, joined.member) == (2, admin.person)
    assert isinstance(changed, kind)
    assert await cast.see(lambda work: work.timeline.after(session.id, 1, limit=9)) == [
        joined,
        changed,
    ]
    assert await members(cast, session) == [cast.cy.id, admin.id]
    head = await cast.head(session.id)
    assert (head.last_seq, head.member_count) == (3, 2)


async def test_who_wrote_and_left_is_a_member_again_by_editing_it(
    cast: Cast, session: Conversation, desks: Desks, agent: Account
) -> None:
    message = await cast.say(agent, "Hello", where=session)
    await cast.do(desks.remove_member, agent, session.id, agent.id)
    assert await changes(cast, "edit", agent, message, "Hello") == message
    assert await members(cast, session) == [cast.cy.id]

    await changes(cast, "edit", agent, message, "Good day")

    assert await members(cast, session) == [cast.cy.id, agent.id]


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_that_is_refused_lets_nobody_in(
    cast: Cast, session: Conversation, desks: Desks, agent: Account, change: str
) -> None:
    message = await cast.say(cast.cy, "help", where=session)
    gone = await cast.say(cast.cy, "gone", where=session)
    await cast.do(cast.messages.delete, cast.cy.id, session.id, gone.uid)
    blocked = await cast.account("blocked", Role.ADMIN)
    await cast.do(cast.social.block, cast.cy.id, blocked.id)
    cast.events.clear()

    answers = [
        await changes(cast, change, agent, gone),
        await changes(cast, change, cast.bo, message),
        await changes(cast, change, agent, message) if change in {"edit", "delete"} else None,
        await changes(cast, change, blocked, message),
    ]
    await cast.do(desks.close, cast.cy, session.id)
    admin = await cast.account("admin", Role.ADMIN)
    answers.append(await changes(cast, change, admin, message))

    assert answers == [
        NoSuchMessage,
        NotAMember,
        {"edit": NotTheAuthor, "delete": NotTheOwner}.get(change),
        NotTheAuthor if change == "edit" else Blocked,
        NotTheAuthor if change == "edit" else ConversationClosed,
    ]
    assert [type(event) for event in cast.events] == [ConversationEnded]
    assert await members(cast, session) == [cast.cy.id]
