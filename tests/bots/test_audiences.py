"""Who is told what: sources for everybody make the message, the asker alone is told the rest."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from folkmoot.bots.answerer import NothingFits
from folkmoot.bots.assistant import FOR_YOU_ALONE
from folkmoot.core.accounts.model import Account, Role
from folkmoot.core.logs.model import Excerpt, SourceAudience, withheld_sources_of
from folkmoot.core.messages.answers import LEFT_TO_PEOPLE
from folkmoot.core.messages.events import AnswerExtended, EphemeralNotice
from folkmoot.core.messages.model import Attachment, AuthorKind, MessageKind
from tests.bots.scene import FAILURE, Scene, scened
from tests.bots.test_assistant import answered, by
from tests.cast import NOON

EVERYBODY = Excerpt(source="app.log:1", at=NOON, text="why the lamp burst")
WITHHELD = Excerpt(source="audit.log:1", at=NOON, text="why ana could not log in")


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with scened() as scene:
        scene.logs.passages, scene.logs.withheld = [EVERYBODY], [WITHHELD]
        yield scene


@pytest.fixture
async def analyst(scene: Scene) -> Account:
    """Whom Cy has added to the session."""
    analyst = await scene.server.cast.account("analyst", Role.ANALYST)
    desks = scene.server.services.desks
    await scene.server.do(desks.add_member, scene.cy, scene.session.id, analyst)
    return analyst


@pytest.mark.parametrize(
    ("role", "audiences"),
    [
        (Role.USER, set()),
        (Role.AGENT, {SourceAudience.STAFF}),
        (Role.ANALYST, {SourceAudience.STAFF, SourceAudience.READERS}),
        (Role.ADMIN, {SourceAudience.STAFF, SourceAudience.READERS}),
    ],
)
def test_what_a_role_may_read_and_not_everybody(role: Role, audiences: set[SourceAudience]) -> None:
    assert withheld_sources_of(role) == audiences


async def test_the_asker_is_told_alone_before_all_are_told(scene, analyst) -> None:
    cys, analysts = await scene.watch(scene.cy), await scene.watch(analyst)

    question = await scene.say(analyst, "why?  why")
    kept = await answered(cys)
    notice = (await analysts.until(lambda event: isinstance(event, EphemeralNotice))).message

    alone, everybody = scene.answerer.asked
    assert (alone.logs, everybody.logs) == ((WITHHELD,), (EVERYBODY,))
    assert notice.body.content == f"{FOR_YOU_ALONE}\n\nbecause"
    assert (notice.author_kind, notice.body.kind) == (AuthorKind.ASSISTANT, MessageKind.TEXT)
    assert notice.body.reply_to is not None
    assert notice.body.reply_to.uid == question.uid
    assert cys.of(EphemeralNotice) == []
    assert {event.message for event in analysts.of(AnswerExtended)} <= {kept.uid}
    assert [one.body.content for one in await scene.history()] == ["why?  why", "because"]


async def test_who_lost_the_role_meanwhile_is_told_nothing(scene, analyst) -> None:
    cys, analysts = await scene.watch(scene.cy), await scene.watch(analyst)
    go_on = asyncio.Event()
    scene.answerer.script = [go_on, "because"]
    await scene.say(analyst, "why lamp")
    await scene.answerer.stuck.wait()

    accounts = scene.server.services.accounts
    await scene.server.do(accounts.set_role, analyst.id, Role.USER)
    go_on.set()

    await answered(cys)
    assert analysts.of(EphemeralNotice) == []


async def test_a_failure_of_the_private_answer_does_not_touch_the_other(scene, analyst) -> None:
    cys, analysts = await scene.watch(scene.cy), await scene.watch(analyst)
    go_on = asyncio.Event()
    scene.answerer.script = [go_on, FAILURE]
    await scene.say(analyst, "why lamp")
    await scene.answerer.stuck.wait()
    go_on.set()
    scene.answerer.script = ["because"]
    assert (await answered(cys)).body.content == "because"
    assert analysts.of(EphemeralNotice) == []


async def test_nobody_is_quoted_to_whom_a_member_does_not_hear(scene) -> None:
    cast, desks = scene.server.cast, scene.server.services.desks
    for other in (cast.ana, cast.bo):
        await scene.server.do(desks.add_member, scene.cy, scene.session.id, other)
    await scene.say(cast.bo, "the lamp of bo")
    await scene.server.do(scene.server.services.social.block, cast.ana.id, cast.bo.id)
    watcher = await scene.watch(scene.cy)
    question = await scene.say(scene.cy, "whose lamp")
    await watcher.until(
        lambda event: (
            getattr(event, "message", None) is not None
            and getattr(event.message, "author_kind", None) is AuthorKind.ASSISTANT
            and event.message.body.reply_to.uid == question.uid
        )
    )
    told = scene.answerer.asked[-1]
    assert "the lamp of bo" not in [turn.content for turn in told.turns]
    assert told.said == ()


class TestLeftToPeople:
    """What the assistant cannot help with it leaves to people, and says so once."""

    async def test_once_until_something_fits(self, scene) -> None:
        watcher = await scene.watch(scene.cy)
        scene.answerer.script = [NothingFits()]
        await scene.say(scene.cy, "one?")
        assert (await answered(watcher)).body.content == LEFT_TO_PEOPLE
        assert (await scene.head()).desk.left_to_people

        go_on = asyncio.Event()
        scene.answerer.script = [go_on, NothingFits()]
        await scene.say(scene.cy, "two?")
        await scene.answerer.stuck.wait()
        scene.answerer.script = ["because"]
        go_on.set()
        await scene.say(scene.cy, "three?")
        await watcher.until(by(AuthorKind.ASSISTANT, "because"))

        assert not (await scene.head()).desk.left_to_people
        said = [one.body.content for one in await scene.history()]
        assert sorted(said) == sorted(["one?", LEFT_TO_PEOPLE, "two?", "three?", "because"])

    async def test_until_a_person_has_answered(self, scene) -> None:
        watcher = await scene.watch(scene.cy)
        scene.answerer.script = [NothingFits()]
        await scene.say(scene.cy, "one?")
        await answered(watcher)
        await scene.say(scene.agent, "I am here.")
        assert not (await scene.head()).desk.left_to_people

    async def test_a_failure_does_not_count_as_an_answer(self, scene) -> None:
        watcher = await scene.watch(scene.cy)
        scene.answerer.script = [NothingFits()]
        await scene.say(scene.cy, "one?")
        await answered(watcher)
        scene.answerer.script = [FAILURE]
        await scene.say(scene.cy, "two?")
        await answered(watcher, AuthorKind.SYSTEM)
        assert (await scene.head()).desk.left_to_people

    @pytest.mark.parametrize("kind", [MessageKind.IMAGE, MessageKind.FILE, MessageKind.VOICE])
    async def test_a_file_is_not_answered(self, scene, kind) -> None:
        watcher = await scene.watch(scene.cy)
        file = Attachment(name="lamp", size=1, media_type=None, url="https://example.com/lamp")
        await scene.say(scene.cy, "why lamp", kind=kind, attachment=file)
        await scene.say(scene.cy, "why?")
        await answered(watcher)
        assert [one.question for one in scene.answerer.asked] == ["why?"]
