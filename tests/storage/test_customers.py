"""Who has written to the desk, as every storage lists them."""

from typing import Any

import pytest

from folkmoot.core.accounts.model import Account, Role
from folkmoot.core.conversations.desk import Desks
from folkmoot.core.conversations.model import ReadMark
from folkmoot.core.shared.pages import Slice
from tests.cast import Cast


@pytest.fixture
def desks(cast: Cast) -> Desks:
    return Desks(cast.clock, cast.ids)


@pytest.fixture
async def agent(cast: Cast) -> Account:
    return await cast.account("agent", Role.AGENT)


async def callers(cast: Cast, name: str = "", stretch: Slice | None = None) -> list[Any]:
    found = await cast.see(lambda work: work.views.callers(name, stretch or Slice(99)))
    return [(one.person.username, one.last_message.body.content, one.unread_count) for one in found]


async def test_whoever_was_written_to_or_wrote_last_comes_first(
    cast: Cast, desks: Desks, agent: Account
) -> None:
    first = await cast.do(desks.open, cast.ana)
    await cast.do(desks.open, cast.bo)
    other = await cast.do(desks.open, cast.cy, agent=agent)
    await cast.say(cast.ana, "One", where=first)
    await cast.say(cast.cy, "Two", where=other)
    assert await callers(cast) == [("cy", "Two", 1), ("ana", "One", 1)]

    again = await cast.do(desks.open, cast.ana)
    await cast.say(cast.ana, "Three", where=again)
    await cast.say(agent, "Four", where=other)

    assert await callers(cast) == [("cy", "Four", 0), ("ana", "Three", 2)]
    assert await callers(cast, stretch=Slice(1, 1)) == [("ana", "Three", 2)]
    assert await callers(cast, stretch=Slice(5, 9)) == []


async def test_what_the_furthest_reader_of_staff_has_read_the_desk_has_read(
    cast: Cast, desks: Desks, agent: Account
) -> None:
    session = await cast.do(desks.open, cast.ana)
    await cast.do(desks.add_member, cast.ana, session.id, cast.bo)
    for text in ("One", "Two", "Three"):
        message = await cast.say(cast.ana, text, where=session)
    await cast.do(desks.join, agent, session.id)
    marks = [
        ReadMark(session.id, cast.bo.id, message.seq),
        ReadMark(session.id, agent.id, message.seq - 1),
    ]
    await cast.do(lambda work: work.conversations.move_read(marks, cast.clock.now()))
    assert await callers(cast) == [("ana", "Three", 1)]

    await cast.do(cast.messages.delete, cast.ana.id, session.id, message.uid)

    assert await callers(cast) == [("ana", "Two", 0)]


async def test_a_name_is_found_by_any_part_of_it_in_any_case(cast: Cast, desks: Desks) -> None:
    odd = await cast.account("odd_name")
    for customer in (cast.ana, odd):
        await cast.say(customer, "Hello", where=await cast.do(desks.open, customer))

    assert [name for name, *_ in await callers(cast, "NA")] == ["odd_name", "ana"]
    assert [name for name, *_ in await callers(cast, "d_n")] == ["odd_name"]
    for nobody in ("%", "!", "a%a", "zoe", "\\"):
        assert await callers(cast, nobody) == []


async def test_other_conversations_make_nobody_a_caller(cast: Cast) -> None:
    await cast.say(cast.ana, "In the LOBBY")
    assert await callers(cast) == []
