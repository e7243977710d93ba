"""Slash commands: through whatever contract, answered to the asker alone, by role."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from folkmoot.core.accounts.model import Role
from folkmoot.core.conversations.errors import NotADesk, NotAMember
from folkmoot.core.logs.events import LogsProgressed
from folkmoot.core.logs.model import LogReading
from folkmoot.core.messages.events import EphemeralNotice, MessagePosted
from folkmoot.core.messages.model import AuthorKind, MessageKind
from folkmoot.core.shared.refusals import Refusal
from tests.bots.scene import Scene, scened
from tests.deadlines import WITHIN_S


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with scened() as scene:
        yield scene


async def test_only_the_asker_hears_the_answer_and_nothing_of_it_is_kept(scene: Scene) -> None:
    own, other = await scene.watch(scene.cy), await scene.watch(scene.agent)
    other.events.clear()

    answer = await scene.say(scene.cy, "/help", client_id="c-1")

    (notice,) = own.of(EphemeralNotice)
    assert notice.message == answer
    assert (answer.author_kind, answer.body.kind) == (AuthorKind.SYSTEM, MessageKind.SYSTEM)
    assert (answer.client_id, answer.seq) == ("c-1", 0)
    assert other.events == []
    assert await scene.history() == []
    assert scene.answerer.asked == []


async def test_answers_have_names_and_numbers_of_their_own(scene: Scene) -> None:
    answers = [await scene.say(scene.cy, "/help") for _ in range(3)]

    assert len({answer.uid for answer in answers}) == 3
    assert len({answer.id for answer in answers}) == 3
    assert all(answer.id < 0 for answer in answers)


async def test_help_lists_only_what_the_role_may_use(scene: Scene) -> None:
    admin = await scene.server.cast.account("admin", Role.ADMIN)

    for_cy = (await scene.say(scene.cy, "/help")).body.content
    for_admin = (await scene.say(admin, "/help")).body.content

    for_all = [f"/{name}" for name in ("help", "status", "clear", "sessions")]
    assert [name for name in for_all if name not in for_cy] == []
    assert "/reload" not in for_cy
    assert "/stats" not in for_cy
    assert "/stat or /stats" in for_admin
    assert "/reload [days]" in for_admin


async def test_an_unknown_command_names_the_nearest(scene: Scene) -> None:
    assert "Did you mean /help?" in (await scene.say(scene.cy, "/hlep")).body.content
    assert "Did you mean /" in (await scene.say(scene.cy, "/")).body.content
    admin = await scene.server.cast.account("admin", Role.ADMIN)
    assert "Did you mean /reload?" in (await scene.say(admin, "/relod 3")).body.content
    assert "/reload" not in (await scene.say(scene.cy, "/relod 3")).body.content


async def test_a_forbidden_one_says_which_role_it_needs(scene: Scene) -> None:
    said = (await scene.say(scene.cy, "/reload 3")).body.content

    assert said == "/reload needs the role admin or analyst; yours is user."


async def test_one_with_too_many_words_is_refused(scene: Scene) -> None:
    assert "takes nothing" in (await scene.say(scene.cy, "/clear please")).body.content
    assert (await scene.head()).desk.closed_at is None  # type: ignore[union-attr]  # a session


async def test_clear_ends_the_session(scene: Scene) -> None:
    await scene.say(scene.cy, "/clear")

    head = await scene.head()
    assert head.desk is not None
    assert head.desk.is_closed


async def test_stat_counts(scene: Scene) -> None:
    await scene.watch(scene.cy)
    admin = await scene.server.cast.account("admin", Role.ADMIN)

    lines = (await scene.say(admin, "/STATS")).body.content.splitlines()

    assert lines == [
        "Connections: 1, of 1 accounts",
        "Accounts: 5",
        "Sessions: 1",
        "Messages: 0",
        "Log entries: 0",
        "Uptime: 0 s",
    ]


async def test_status_tells_of_this_session(scene: Scene) -> None:
    said = (await scene.say(scene.cy, "/status")).body.content

    assert scene.session.uid in said
    assert "Status: active" in said
    assert "Participants: cy, agent (0 here)" in said
    assert "In charge: agent" in said
    assert "Assistant: on" in said


async def test_sessions_lists_the_askers_own(scene: Scene) -> None:
    mine = (await scene.say(scene.cy, "/sessions")).body.content
    admin = await scene.server.cast.account("admin", Role.ADMIN)
    none = (await scene.say(admin, "/sessions")).body.content

    assert f"{scene.session.uid} active: HELP" in mine
    assert none == "You have no sessions."


async def test_two_slashes_stand_for_one_and_are_a_message(scene: Scene) -> None:
    for is_heard in (False, True):
        if is_heard:
            await scene.watch(scene.cy)
        said = await scene.say(scene.cy, "//etc/passwd", client_id=f"c-{is_heard}")
        assert said.body.content == "/etc/passwd"
        assert said.seq > 0


async def test_where_no_session_is_a_slash_is_a_slash(scene: Scene) -> None:
    cast = scene.server.cast
    for content in ("/help", "//help"):
        posted = await scene.server.services.submit(cast.draft(cast.ana, content))
        assert posted.message.body.content == content


@pytest.mark.parametrize("content", ["/help", "//help"])
async def test_who_may_not_enter_may_not_command(scene: Scene, content: str) -> None:
    with pytest.raises(NotAMember):
        await scene.say(scene.server.cast.ana, content)


async def test_a_command_into_nowhere_is_refused(scene: Scene) -> None:
    nowhere = scene.server.cast.draft(scene.cy, "/help")
    nowhere = replace(nowhere, destination=10**6)
    with pytest.raises(Refusal) as refused:
        await scene.server.services.submit(nowhere)
    assert refused.value.code in {"conversation_not_found", NotADesk.code}


async def test_what_is_said_after_a_plain_slash_keeps_its_place(scene: Scene) -> None:
    watcher = await scene.watch(scene.cy)
    cast, services = scene.server.cast, scene.server.services
    drafts = [cast.draft(scene.cy, text, where=scene.session) for text in ("//one", "two")]

    answers = [services.submit(draft) for draft in drafts]
    for answer in answers:
        await answer

    said = [e.message.body.content for e in watcher.of(MessagePosted) if e.message.author]
    assert said == ["/one", "two"]


async def test_commands_of_one_account_are_answered_in_their_order(scene: Scene) -> None:
    watcher = await scene.watch(scene.cy)
    drafts = [
        scene.server.cast.draft(scene.cy, text, where=scene.session)
        for text in ("/stat", "/status", "/clear", "/help", "/sessions", "/nothing") * 3
    ]

    answers = [scene.server.services.submit(draft) for draft in drafts]
    async with asyncio.timeout(WITHIN_S):
        said = [(await answer).message for answer in answers]

    assert [event.message for event in watcher.of(EphemeralNotice)] == said


async def test_reload_reads_in_the_background_and_reports(scene: Scene) -> None:
    analyst = await scene.server.cast.account("analyst", Role.ANALYST)
    await scene.server.do(
        scene.server.services.desks.add_member, scene.cy, scene.session.id, analyst
    )
    watcher = await scene.watch(analyst)
    scene.logs.readings = [
        LogReading(files=1, entries=10),
        LogReading(files=2, entries=30, unreadable=1, skipped=(("a.bin", "binary"),), is_done=True),
    ]
    scene.logs.go_on.clear()

    begun = await scene.say(analyst, "/reload 3")
    assert "last 3 days" in begun.body.content
    await watcher.until(lambda event: isinstance(event, LogsProgressed))
    again = await scene.say(analyst, "/reload")
    assert "last 7 days" in again.body.content
    await watcher.until(
        lambda e: isinstance(e, EphemeralNotice) and "being read already" in e.message.body.content
    )
    scene.logs.go_on.set()
    done = await watcher.until(
        lambda e: (
            isinstance(e, EphemeralNotice)
            and "2 files, 30 entries, 1 lines" in e.message.body.content
        )
    )

    assert "Left out a.bin: binary" in done.message.body.content
    assert [e.reading.entries for e in watcher.of(LogsProgressed)] == [10, 30]


@pytest.mark.parametrize("given", ["0", "366", "-1", "1.5", "seven", "1 2", "٣", "9" * 400])
async def test_reload_takes_days_in_range_and_nothing_else(scene: Scene, given: str) -> None:
    admin = await scene.server.cast.account("admin", Role.ADMIN)

    said = (await scene.say(admin, f"/reload {given}")).body.content

    assert "1 to 365" in said
    assert not scene.logs.is_reading


async def test_a_server_that_stops_refuses_commands(scene: Scene) -> None:
    scene.server.services.background_tasks._tasks = None
    with pytest.raises(Exception, match="restarting"):
        await scene.say(scene.cy, "/help")
    await asyncio.sleep(0)
