"""What stands in a timeline and this release cannot read: said to be so, and only there."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from folkmoot.realtime.writer import Writer
from folkmoot.storage.errors import ChangeUnreadable
from folkmoot.storage.memory.storage import MemoryStorage
from tests.cast import Cast
from tests.storage.test_schema import execute

Spoil = Callable[[str, str], Awaitable[None]]


@pytest.fixture
def spoil(url: str, cast: Cast) -> Spoil:
    """Have the rename that stands in the LOBBY's timeline say something else."""

    async def spoil_row(column: str, value: str) -> None:
        if isinstance(cast.storage, MemoryStorage):
            timeline, position = cast.storage._state.timeline, (cast.lobby.id, 1)
            spoilt = replace(timeline[position], **{column: value})

            async def job(_: object) -> None:
                timeline[position] = spoilt

            await cast.storage.write(job)
        else:
            await execute(url, f"UPDATE changes SET {column} = '{value}'")

    return spoil_row


@pytest.fixture
async def renamed(cast: Cast) -> Cast:
    await cast.do(cast.conversations.rename, cast.lobby.id, cast.ana.id, "Hall")
    return cast


async def test_a_change_of_an_unknown_kind_is_an_error_that_names_it_and_its_place(renamed, spoil):
    await spoil("kind", "message_pinned")
    with pytest.raises(ChangeUnreadable) as raised:
        await renamed.timeline()
    told = str(raised.value)
    assert f"the change 1 of conversation {renamed.lobby.id}" in told
    assert "'message_pinned'" in told
    assert "this release knows no such kind" in told


@pytest.mark.parametrize(
    "kind",
    ["member_joined", "member_left", "message_edited", "message_deleted", "reaction_added",
     "reaction_removed"],
)  # fmt: skip
async def test_a_change_that_lacks_whom_or_what_it_is_about_is_an_error_too(renamed, spoil, kind):
    await spoil("kind", kind)
    with pytest.raises(ChangeUnreadable, match=f"'{kind}'.* is not there"):
        await renamed.timeline()


async def test_another_conversation_is_read_as_ever(renamed, spoil):
    await spoil("kind", "message_pinned")
    other = await renamed.do(renamed.conversations.start, renamed.ana.id, [renamed.bo.id])
    await renamed.say(renamed.ana, "Here", where=other)
    (event,) = await renamed.see(lambda work: work.timeline.after(other.id, 0, limit=9))
    assert event.message.body.content == "Here"


async def test_a_batch_that_meets_one_stores_what_concerns_other_conversations(
    renamed, spoil, caplog
):
    await spoil("kind", "message_pinned")
    other = await renamed.do(renamed.conversations.start, renamed.ana.id, [renamed.bo.id])
    writer = Writer(renamed.storage, renamed.posting, lambda events: None)
    running = asyncio.create_task(writer.run())
    late = renamed.draft(renamed.ana, "Late", if_last_seq=0)
    fault, posted = await asyncio.gather(
        writer.submit(late),
        writer.submit(renamed.draft(renamed.bo, "Hi", where=other)),
        return_exceptions=True,
    )
    running.cancel()
    assert isinstance(fault, ChangeUnreadable)
    assert posted.message.body.content == "Hi"
    assert "'message_pinned'" in caplog.text
