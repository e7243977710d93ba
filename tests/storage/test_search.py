"""What every `Search` promises: nothing missed, and nothing shown that may not be read."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.core.accounts.model import Account, Role
from folkmoot.core.conversations.desk import Desks
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.messages.errors import NothingToLookFor
from folkmoot.core.messages.model import Message
from folkmoot.core.messages.views import SearchHit, SearchQuery
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.storage.tables import BUNDLE
from folkmoot.storage.words import (
    MAX_TERMS,
    SNIPPET_CHARS,
    read,
    score_of,
    snippet_of,
    terms_of,
    words_of,
)
from tests.cast import Cast, enter
from tests.patience import opened_patiently
from tests.postgres import PostgresServer

BEHIND = 2 * BUNDLE
"""So many more messages, and all before them are in SQLite's table of words."""

HOSTILE = (
    'recipe" OR "sort', "NEAR(creme recipe)", "recipe NOT creme", "words: recipe", "^recipe",
    "rec* brulee", "recipe AND", "creme & !nothing | recipe", "recipe:*", "recipe <-> creme",
    "'recipe", "\\recipe \0 creme", "recipe \ud800", "-creme recipe", "recipe; DROP TABLE x",
    "{recipe} + creme", "recipe " * 5000, "r" * 100_000, "(" * 1000, "recipe\0", "%_?$1:a",
)  # fmt: skip


async def find(
    cast: Cast, viewer: Account, words: str, *, any_session: bool = False, **where: Any
) -> list[SearchHit]:
    question = SearchQuery(words, where.pop("limit", 50), **where)
    return await cast.see(
        lambda work: work.search.find(viewer.id, question, any_session=any_session)
    )


async def found(cast: Cast, viewer: Account, words: str, **where: Any) -> set[str]:
    return {hit.message.body.content for hit in await find(cast, viewer, words, **where)}


async def go_on(cast: Cast, count: int = BEHIND) -> None:
    """Much else is said, where nobody of these tests looks."""
    dot, eve = await cast.account("dot"), await cast.account("eve")
    elsewhere = await cast.do(cast.conversations.start, dot.id, [eve.id])
    await cast.post(*(cast.draft(dot, f"unrelated {n}", where=elsewhere) for n in range(count)))


@pytest.fixture(params=["just now", "long ago"])
async def said(cast: Cast, request: pytest.FixtureRequest) -> Cast:
    """The cast after some talk in the LOBBY, which is new, or lies behind much other talk."""
    for author, content in (
        (cast.ana, "The Crème brûlée recipe"),
        (cast.bo, "recipes for creme fraiche; see https://example.com/soups?a=1"),
        (cast.ana, "nothing of the sort"),
        (cast.bo, "Ελληνικά ΚΑΦΕΣ и Борщ, ताज़ा हिन्दी"),
    ):
        cast.clock.pass_by()
        await cast.say(author, content)
    if request.param == "long ago":
        await go_on(cast)
    return cast


async def test_all_words_must_be_there_and_the_last_may_be_begun(said: Cast) -> None:
    recipe, recipes, foreign = "The", "recipes", "Ελληνικά"
    wanted = {
        "recipe": {recipe, recipes},
        "RECIPES": {recipe, recipes},
        "creme": {recipe, recipes},
        "crème brul": {recipe},
        "recipe creme": {recipe, recipes},
        "creme recipe": {recipe, recipes},
        "soups example": {recipes},
        "example.com/soups": {recipes},
        "καφεσ": {foreign},
        "борщ": {foreign},
        "हिन्दी": {foreign},
        "ecipe": set(),
        "recipe nothing": set(),
    }

    answers = {words: await found(said, said.ana, words) for words in wanted}

    assert {
        words: {content.split()[0] for content in contents} for words, contents in answers.items()
    } == wanted


MEETING = "今日は東京で会いましょう"
"""Let us meet in Tokyo today."""


@pytest.fixture(params=["just now", "long ago"])
async def unspaced(cast: Cast, request: pytest.FixtureRequest) -> Cast:
    """The cast after talk in scripts that put no space between words, new or long past."""
    for content in (
        MEETING,
        "京の東に住む猫",
        "我明天去北京、帶iPhone去",
        "내일 새서울에서 만나요",
        "ﾄｳｷｮｳﾀﾜｰ is トウキョウタワー",
    ):
        cast.clock.pass_by()
        await cast.say(cast.ana, content)
    if request.param == "long ago":
        await go_on(cast)
    return cast


async def test_what_stands_between_others_without_a_space_is_found(unspaced: Cast) -> None:
    wanted = {
        "東京": {"今日は東"},
        "京": {"今日は東", "京の東に", "我明天去"},
        "猫": {"京の東に"},
        "京東": set(),
        "会いましょう": {"今日は東"},
        "会い東京": set(),
        "東京 今日": {"今日は東"},
        "東京　明日": set(),
        "北京": {"我明天去"},
        "iphone": {"我明天去"},
        "IPHONE去": {"我明天去"},
        "帶iPhone": {"我明天去"},
        "서울": {"내일 새"},
        "울에서": {"내일 새"},
        "서울에 만나": {"내일 새"},
        "タワー": {"ﾄｳｷｮ"},
        "ﾀﾜｰ": {"ﾄｳｷｮ"},
        "大阪": set(),
    }

    answers = {words: await found(unspaced, unspaced.bo, words) for words in wanted}

    assert {
        words: {content[:4] for content in contents} for words, contents in answers.items()
    } == wanted


async def test_a_hit_without_spaces_shows_the_characters_that_were_asked_for(cast: Cast) -> None:
    text = f"{'昨日の話' * 60}東京で、また東京で。{'明日の話' * 60}"
    await cast.say(cast.ana, text)

    (hit,) = await find(cast, cast.bo, "東京")

    assert [hit.snippet[start:end] for start, end in hit.marks] == ["東京", "東京"]
    assert hit.snippet in text
    assert 0 < hit.marks[0][0] <= 40


async def test_words_that_were_kept_whole_are_kept_in_pairs_after_an_upgrade(
    database_url: str, request: pytest.FixtureRequest
) -> None:
    storage = await opened_patiently(database_url)
    cast = await enter(storage)
    await cast.say(cast.ana, MEETING)
    await go_on(cast)
    await storage.close()
    outdate(database_url, request)

    storage = await opened_patiently(database_url)
    hits = await find(replace(cast, storage=storage), cast.bo, "東京")
    await storage.close()

    assert [hit.message.body.content for hit in hits] == [MEETING]


def outdate(url: str, request: pytest.FixtureRequest) -> None:
    """Make a database one in which the first message is kept as the one word that it is."""
    back = (
        *(
            f"DROP TABLE {name}"
            for name in ("tasks", "block_marks", "installation", "invitations", "outdated_words")
        ),
        "DROP INDEX ix_blocks_blocked_id",
        "ALTER TABLE conversations DROP COLUMN left_to_people",
        "CREATE TABLE owed_answers (question_id bigint, conversation_id bigint, ownership bigint,"
        " uid text, text text)",
        "UPDATE alembic_version SET version_num = '0003'",
    )
    if url.startswith("postgresql"):
        server: PostgresServer = request.getfixturevalue("postgres")
        name = url.partition("@/")[2].partition("?")[0]
        whole = f"UPDATE messages SET words = to_tsvector('simple', '{MEETING}') WHERE id = 1"
        server.sql("; ".join((*back, whole)), database=name)
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database, database:
        for step in back:
            database.execute(step)
        for asked in (
            "INSERT INTO message_words (message_words, rowid, words) VALUES ('delete', 1, ?)",
            "INSERT INTO message_words (rowid, words) VALUES (1, ?)",
        ):
            words = words_of(MEETING) if "delete" in asked else MEETING
            database.execute(asked, (words,))


async def test_a_question_that_nothing_can_answer_is_refused(said: Cast) -> None:
    for words in ("", " ", "!", "? .", "\0", "\u0301", "\u200b", "( \" '"):
        with pytest.raises(NothingToLookFor):
            await find(said, said.ana, words)
    for words in ("!?", "👍", "*"):
        assert await find(said, said.ana, words) == []


async def test_no_question_is_an_error_nor_has_an_operator(said: Cast) -> None:
    for words in HOSTILE:
        terms = terms_of(words)
        assert len(terms) <= MAX_TERMS
        for hit in await find(said, said.ana, words):
            assert score_of(read(hit.message.body.content), terms) > 0


async def test_only_conversations_of_the_viewer_are_searched(said: Cast) -> None:
    annex = await said.do(said.conversations.start, said.ana.id, [said.cy.id])
    await said.say(said.cy, "a secret recipe", where=annex)

    assert await found(said, said.cy, "recipe") == {"a secret recipe"}
    assert len(await find(said, said.ana, "recipe")) == 3
    assert await find(said, said.ana, "recipe", conversation_id=annex.id, author_id=None) != []
    assert await find(said, said.bo, "recipe", conversation_id=annex.id) == []


async def test_who_left_finds_nothing_there_any_more(said: Cast) -> None:
    await said.do(said.conversations.remove_member, said.bo.id, said.lobby.id, said.bo.id)

    assert await find(said, said.bo, "recipe") == []


async def test_sessions_are_searched_by_who_may_see_them_all(cast: Cast) -> None:
    agent = await cast.account("agent", Role.AGENT)
    session: Conversation = await cast.do(Desks(cast.clock, cast.ids).open, cast.cy)
    await cast.say(cast.cy, "a broken kettle", where=session)
    await cast.say(cast.ana, "a broken promise")

    assert await found(cast, agent, "broken") == set()
    assert await found(cast, agent, "broken", any_session=True) == {"a broken kettle"}
    assert await found(cast, cast.cy, "broken") == {"a broken kettle"}


async def test_what_was_deleted_is_not_found_and_what_was_edited_as_it_is_now(said: Cast) -> None:
    hits = await find(said, said.ana, "recipe")
    by_author = {hit.message.author_id: hit.message for hit in hits}
    gone, changed = by_author[said.ana.id], by_author[said.bo.id]
    await said.do(said.messages.delete, said.ana.id, said.lobby.id, gone.id)
    await said.do(said.messages.edit, said.bo.id, said.lobby.id, changed.id, "a lemon cake")
    await said.do(said.messages.edit, said.bo.id, said.lobby.id, changed.id, "a Lemon tart")

    assert await find(said, said.ana, "recipe") == []
    assert await find(said, said.ana, "cake") == []
    assert await found(said, said.ana, "lemon") == {"a Lemon tart"}


async def test_whom_the_viewer_blocks_is_not_found_among_three(said: Cast) -> None:
    await said.do(said.social.block, said.ana.id, said.bo.id)
    among_two = await found(said, said.ana, "recipe")
    await said.do(said.social.unblock, said.ana.id, said.bo.id)
    await said.do(said.conversations.add_members, said.ana.id, said.lobby.id, [said.cy])
    await said.do(said.social.block, said.ana.id, said.bo.id)

    assert len(among_two) == 2
    assert await found(said, said.ana, "recipe") == {"The Crème brûlée recipe"}
    assert len(await find(said, said.cy, "recipe")) == 2
    assert len(await find(said, said.bo, "recipe")) == 2


async def test_a_question_may_name_author_conversation_and_time(said: Cast) -> None:
    at = said.clock.now()

    async def count(words: str, **where: Any) -> int:
        return len(await find(said, said.ana, words, **where))

    assert await count("recipe", author_id=said.bo.id) == 1
    assert await count("recipe", author_id=said.cy.id) == 0
    assert await count("recipe", conversation_id=said.lobby.id) == 2
    assert await count("recipe", since=at - timedelta(seconds=2)) == 1
    assert await count("recipe", until=at - timedelta(seconds=2)) == 1
    assert await count("recipe", since=at) == 0
    assert await count("recipe", limit=1) == 1
    assert await count("recipe", limit=0) == 0
    for huge in (10**30, -(10**30), 0):
        assert await count("recipe", conversation_id=ConversationId(huge)) == 0
        assert await count("recipe", author_id=AccountId(huge)) == 0


async def test_the_best_come_first_and_of_equals_the_newest(cast: Cast) -> None:
    often = await cast.say(cast.ana, "tea tea tea and tea")
    twins = [await cast.say(cast.ana, "tea and much else is said here") for _ in range(2)]

    hits = await find(cast, cast.ana, "tea")

    assert [hit.message.id for hit in hits] == [often.id, twins[1].id, twins[0].id]
    assert hits[0].rank > hits[1].rank == hits[2].rank > 0


async def test_a_hit_is_the_whole_message_and_shows_where_the_words_are(cast: Cast) -> None:
    text = f"{'long ago ' * 40}there was a Brûlée, brulee! {'and more ' * 40}"
    message: Message = await cast.say(cast.ana, text)
    await cast.do(cast.messages.react, cast.bo.id, cast.lobby.id, message.id, "👍")

    (hit,) = await find(cast, cast.ana, "a BRUL")

    assert (hit.message.id, hit.message.body.content) == (message.id, text.strip())
    assert hit.message.reactions
    assert len(hit.snippet) <= SNIPPET_CHARS
    assert hit.snippet in text
    marked = [hit.snippet[start:end] for start, end in hit.marks]
    assert marked == ["a", "Brûlée", "brulee"]


async def test_messages_of_every_bundle_are_found(cast: Cast) -> None:
    for n in range(0, 3 * BUNDLE, 50):
        await cast.post(*(cast.draft(cast.ana, f"word{m:04}") for m in range(n, n + 50)))

    for n in (0, 1, BUNDLE - 2, BUNDLE - 1, BUNDLE, 2 * BUNDLE - 1, 2 * BUNDLE, 3 * BUNDLE - 1):
        assert await found(cast, cast.ana, f"word{n:04}") == {f"word{n:04}"}


@given(st.text(max_size=300), st.text(max_size=40))
def test_marks_are_positions_in_the_snippet_that_hold_a_term(text: str, question: str) -> None:
    terms = terms_of(question)

    snippet, marks = snippet_of(text, terms)

    assert snippet in text
    assert all(0 <= start < end <= len(snippet) for start, end in marks)
    assert list(marks) == sorted(marks)
    assert bool(marks) == any(score_of(read(text), [term]) for term in terms)


PAIRED = st.text(alphabet="東京都は今日ーでア서울바람", min_size=1, max_size=30)


@given(PAIRED, PAIRED, st.sampled_from(["", " ", "、", "abc"]))
def test_every_stretch_of_a_text_without_spaces_is_found_in_it(
    text: str, other: str, between: str
) -> None:
    words = read(f"{other}{between}{text}")

    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            assert score_of(words, terms_of(text[start:end])) > 0


@given(PAIRED, PAIRED)
def test_what_is_not_in_a_text_without_spaces_is_not_found_in_it(text: str, asked: str) -> None:
    assert bool(score_of(read(text), terms_of(asked))) == (asked in text)
