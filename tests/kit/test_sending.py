"""What becomes of what a client sends, the same in every contract."""

import asyncio
from typing import Any

import pytest

from folkmoot.core.accounts.model import Role
from folkmoot.core.conversations.errors import NotAMember
from folkmoot.core.messages.errors import NoSuchMessage, NotTheAuthor
from folkmoot.core.messages.model import Posted
from folkmoot.core.shared.ids import Uid
from folkmoot.core.shared.refusals import Refusal
from folkmoot.kit.sending import (
    MAX_UNANSWERED,
    DeleteIntention,
    EditIntention,
    ReactIntention,
    Sender,
    known,
)
from folkmoot.realtime.connection import Connection
from tests.deadlines import WITHIN_S
from tests.realtime.memory_server import MemoryServer, heard


class Client:
    """A poster that keeps what it is to show."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.idle = asyncio.Event()
        self.unanswered = 0
        self.shown: list[str] = []

    @property
    def unanswered(self) -> int:
        return self._unanswered

    @unanswered.setter
    def unanswered(self, count: int) -> None:
        self._unanswered = count
        self.idle.clear() if count else self.idle.set()

    def show_posted(self, posted: Posted, asked: str, *, is_echoed: bool) -> None:
        self.shown.append(f"{asked}: {posted.message.seq}{' echoed' if is_echoed else ''}")

    def show_refusal(self, refusal: Refusal, asked: str) -> None:
        self.shown.append(f"{asked}: {refusal.code}")

    def show_fault(self, asked: str) -> None:
        self.shown.append(f"{asked}: our fault")


async def client_of(server: MemoryServer, account: Any) -> Client:
    return Client(await server.connect(account))


async def settled(client: Client) -> None:
    async with asyncio.timeout(WITHIN_S):
        await client.idle.wait()
        await asyncio.sleep(0)  # It is counted before it is shown.


async def test_a_repeat_is_answered_to_whoever_repeats_it_and_sent_to_nobody(server):
    sender, cast = Sender(server.services), server.cast
    ana, bo = await client_of(server, cast.ana), await server.listen(cast.bo)
    for asked in ("first", "again"):
        sender.submit(cast.draft(cast.ana, "hi", client_id="one"), ana, asked)
        await settled(ana)
    assert ana.shown == ["first: 1 echoed", "again: 1"]
    assert heard(bo) == ["MessagePosted 1"]


async def test_a_contract_without_echoes_answers_each_post_itself(server):
    server.wire_format.echoes = False
    ana = await client_of(server, server.cast.ana)
    Sender(server.services).submit(server.cast.draft(server.cast.ana, "hi"), ana, "post")
    await settled(ana)
    assert ana.shown == ["post: 1"]


async def test_a_refused_post_is_shown_with_what_was_asked(server):
    cy = await client_of(server, server.cast.cy)
    Sender(server.services).submit(server.cast.draft(server.cast.cy, "hi"), cy, "post")
    await settled(cy)
    assert cy.shown == ["post: not_a_participant"]


async def test_a_post_that_fails_by_a_fault_of_ours_says_so(server):
    ana = await client_of(server, server.cast.ana)
    answer: asyncio.Future[Posted] = asyncio.get_running_loop().create_future()
    Sender(server.services).answer(answer, ana, "post")
    answer.set_exception(ZeroDivisionError("a bug"))
    await settled(ana)
    assert ana.shown == ["post: our fault"]


async def test_nobody_is_told_of_a_post_whose_answer_was_given_up(server):
    ana = await client_of(server, server.cast.ana)
    answer: asyncio.Future[Posted] = asyncio.get_running_loop().create_future()
    Sender(server.services).answer(answer, ana, "post")
    answer.cancel()
    await settled(ana)
    assert ana.shown == []


async def test_frames_wait_once_too_many_posts_are_unanswered_and_go_on_after(server):
    sender, ana = Sender(server.services), await client_of(server, server.cast.ana)
    answers = [asyncio.get_running_loop().create_future() for _ in range(MAX_UNANSWERED)]
    waits = [sender.answer(answer, ana, "post") for answer in answers]
    assert [wait is None for wait in waits] == [True] * (MAX_UNANSWERED - 1) + [False]
    waiting = asyncio.ensure_future(waits[-1])
    await asyncio.sleep(0)
    assert not waiting.done()
    answers[-1].set_exception(NotTheAuthor())
    await waiting
    assert ana.unanswered == MAX_UNANSWERED - 1


@pytest.mark.parametrize(
    ("change", "event"),
    [
        (EditIntention("other"), "MessageEdited 2"),
        (DeleteIntention(), "MessageDeleted 2"),
        (ReactIntention("👍"), "ReactionAdded 2"),
    ],
)
async def test_a_change_is_stored_and_announced(server, change, event):
    cast = server.cast
    message = await server.say(cast.ana, "one")
    bo = await server.listen(cast.bo)
    find = known(cast.lobby.id, message.id)
    changed = await Sender(server.services).change(cast.ana.id, change, find)
    assert heard(bo) == [event]
    assert changed.uid == message.uid
    assert changed.body.content == ("other" if isinstance(change, EditIntention) else "one")


async def test_a_reaction_is_taken_back(server):
    cast, sender = server.cast, Sender(server.services)
    message = await server.say(cast.ana, "one")
    bo = await server.listen(cast.bo)
    find = known(cast.lobby.id, message.uid)
    await sender.change(cast.ana.id, ReactIntention("👍"), find)
    await sender.change(cast.ana.id, ReactIntention("👍", remove=True), find)
    assert heard(bo) == ["ReactionAdded 2", "ReactionRemoved 3"]


async def test_staff_join_a_session_by_changing_a_message_there_and_nobody_else_does(server):
    cast, sender, desks = server.cast, Sender(server.services), server.services.desks
    agent = await cast.account("agent", Role.AGENT)
    session = await server.do(desks.open, cast.ana)
    message = await server.say(cast.ana, "help", where=session)
    with pytest.raises(NotAMember):
        await sender.change(cast.bo.id, ReactIntention("👍"), known(session.id, message.uid))
    await sender.change(agent.id, ReactIntention("👍"), known(session.id, message.uid))
    assert await cast.members(session.id) == [cast.ana.id, agent.id]


async def test_reading_a_message_reads_up_to_it_and_one_that_is_not_there_is_refused(server):
    cast, sender = server.cast, Sender(server.services)
    await server.say(cast.ana, "one")
    message = await server.say(cast.ana, "two")
    await sender.read_message(cast.bo.id, cast.lobby.id, message.uid)
    await server.services.receipts.flush()
    bo = await server.listen(cast.bo, after_seq=2)
    assert "ReadMoved bo 2 own" in heard(bo)
    with pytest.raises(NoSuchMessage):
        await sender.read_message(cast.bo.id, cast.lobby.id, Uid("no such"))
