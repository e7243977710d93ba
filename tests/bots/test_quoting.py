"""The answerer without a model: what it quotes, what it leaves out, and that it stays inert."""

from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from folkmoot.bots.quoting import (
    CLOSING,
    MAX_SEARCHED_CHARS,
    QuotingAnswerer,
)
from folkmoot.core.logs.model import Excerpt
from tests.bots.answerers import collect, passage, sources
from tests.cast import NOON

DISK = passage("ERROR no space left on device /var", "app.log:12")
LOGIN = passage("login of bo from 10.0.0.7", "audit.log:3")


async def answer(question: str, **given: Any) -> str:
    collected = await collect(QuotingAnswerer(), sources(question, **given))
    assert collected.failure is None
    return collected.text


async def nothing_fits(question: str, **given: Any) -> bool:
    return (await collect(QuotingAnswerer(), sources(question, **given))).nothing_fits


async def test_a_passage_is_quoted_with_its_source_and_time() -> None:
    text = await answer("Is there space on the device?", logs=(DISK,))

    assert text == (
        "I found one passage for that.\n"
        "\n"
        "    app.log:12, 2026-03-01T12:00:00Z:\n"
        "    ERROR no space left on device /var\n"
        f"\n{CLOSING}"
    )


async def test_times_are_in_utc_wherever_they_were_written() -> None:
    at = NOON.astimezone(timezone(timedelta(hours=5)))

    text = await answer("space", logs=(Excerpt(source="a:1", at=at, text="space"),))

    assert "a:1, 2026-03-01T12:00:00Z:" in text


async def test_an_answer_comes_in_pieces() -> None:
    collected = await collect(QuotingAnswerer(), sources("space or login", logs=(DISK, LOGIN)))

    assert len(collected.pieces) == 4


async def test_what_was_said_comes_first_where_it_fits_better() -> None:
    said = passage("the device that has no space is the old one", "bo")

    text = await answer("Which device has no space, the old?", logs=(LOGIN, DISK), said=(said,))

    assert text.index("bo, ") < text.index("audit.log:3") < text.index("app.log:12")


async def test_the_order_of_the_index_is_kept_within_a_kind() -> None:
    logs = tuple(passage(f"timeout {word}", f"{word}.log:1") for word in ("c", "a", "b"))

    text = await answer("timeout a", logs=logs)

    assert text.index("c.log") < text.index("a.log") < text.index("b.log")


async def test_five_passages_are_quoted_at_most() -> None:
    logs = tuple(passage(f"timeout number {n}", f"app.log:{n}") for n in range(16))

    text = await answer("timeout", logs=logs, said=logs)

    assert text.count("2026-03-01T12:00:00Z:") == 5


async def test_lines_of_one_text_are_one_passage_with_their_times() -> None:
    later = Excerpt(source="app.log:90", at=NOON + timedelta(minutes=1), text=DISK.text)

    text = await answer("space", logs=(DISK, later, LOGIN))

    assert "(and the same at 2026-03-01T12:01:00Z)" in text
    assert text.startswith("I found 2 passages")


@pytest.mark.parametrize("before", [0, 30, 400, 5000, 300_000])
@pytest.mark.parametrize("after", [0, 5000])
async def test_a_long_text_is_shortened_around_the_words(before: int, after: int) -> None:
    long = "lorem " * (before // 6) + "the disk has overflowed today " + "ipsum " * (after // 6)
    question = "Which disk overflowed?"

    text = await answer(question, logs=(passage(long),))

    assert len(text) < 800
    assert ("disk has overflowed" in text) == (before < MAX_SEARCHED_CHARS)
    assert ("    … " in text) == (400 < before < MAX_SEARCHED_CHARS)
    assert (" …\n" in text) == (after > 0 or before > MAX_SEARCHED_CHARS)


async def test_of_many_lines_those_with_the_words_are_quoted() -> None:
    lines = [f"at frame {n}" for n in range(30)]
    lines[20] = "caused by: overflow"

    text = await answer("overflow", logs=(passage("\n".join(lines)),))

    assert "caused by: overflow" in text
    assert len(text.splitlines()) < 16


async def test_the_largest_answer_is_well_below_the_size_of_a_message() -> None:
    logs = tuple(
        passage(f"{n} " + "\U0001f600 timeout " * 9000, "dir/" * 500 + f"{n}") for n in range(9)
    )

    assert len(await answer("timeout", logs=logs)) < 5000


@pytest.mark.parametrize("question", ["Why does it crash?", "4711", "почему упал сервер"])
async def test_where_there_is_nothing_it_says_so(question: str) -> None:
    assert await nothing_fits(question)


@pytest.mark.parametrize(
    "question", ["Hello!", "hi", "what can you do?", "?!", "", "🙂", "Thanks."]
)
async def test_nothing_fits_what_asks_nothing(question: str) -> None:
    assert await nothing_fits(question, logs=(DISK,))


async def test_what_has_little_of_the_question_does_not_fit() -> None:
    far = replace(passage("Bicycles are sold here."), fit=0.15)
    question = "Which bicycles did Warsaw, Lublin, Gdynia and Poznan buy?"
    assert await nothing_fits(question, logs=(far,))
    assert await nothing_fits(question, pages=(far,))
    assert await nothing_fits(question, said=(passage(far.text, "bo"),))


async def test_the_askers_own_words_are_no_answer() -> None:
    said = (passage("The pump leaks oil", "ana"), passage("The pump leaks water", "bo"))
    text = await answer("The pump leaks", asker_name="ana", said=said)
    assert "water" in text
    assert "oil" not in text
    assert await nothing_fits("The pump leaks", asker_name="ana", said=said[:1])


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Which requests failed?", "request fails"),
        ("caching", "the cache is cold"),
        ("What is with 10.0.0.7", "from 10.0.0.7"),
        ("DISK", "disk"),
        ("Где сервера", "упали: серверами"),
    ],
)
async def test_words_are_found_in_their_forms(question: str, text: str) -> None:
    long = "x " * 500 + text + " y" * 500

    assert text in await answer(question, logs=(passage(long),))


def shown_as_code(text: str) -> list[str]:
    """The blocks of code that markdown shows; everything else must be words of ours."""
    blocks = []
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(text):
        if token.type == "code_block":
            blocks.append(token.content)
            continue
        assert token.type in {"paragraph_open", "paragraph_close", "inline"}, token
        assert all(child.type in {"text", "softbreak"} for child in token.children or ()), token
        assert "disk" not in token.content
    return blocks


HOSTILE = [
    "```\ndisk\n```\n# disk",
    "````\n[disk](javascript:alert(1))",
    "~~~ disk\n![disk](https://evil.example/?d=1)",
    "\n\n\n\n# disk\n\n> disk\n\n- disk\n\n1. disk",
    "disk\n\n[disk]: https://evil.example\n\n[disk]",
    "<img src=x onerror=alert(1)> disk\n\n</code></pre><script>disk</script>",
    "disk\u2028\u2028# disk\u2029\u2029<b>disk</b>\x85\x85disk\v\fdisk\r\r# disk",
    "\u202edisk\u202c \u2066disk\u2069 \u200bdisk\ufeff \u200fdisk \U000e0064\U000e0069disk",
    "\x1b[31mdisk\x1b[0m \x1b]8;;https://evil.example\x07disk\x1b]8;;\x07 \x00\x07\x08disk",
    "|disk|disk|\n|-|-|\n|disk|disk|",
    "disk\n===\ndisk\n---\n***\n",
    "\tdisk\n\t\tdisk\n \t disk",
    "<https://evil.example/disk> disk@evil.example &lt;disk&gt; &#x202e;disk",
    "\ud800disk\udc00",
]


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_a_quotation_stays_letters_where_markdown_is_shown(hostile: str) -> None:
    for quoted in (passage(hostile), passage("disk", hostile), passage(hostile * 100, hostile * 9)):
        text = await answer("disk", logs=(quoted, LOGIN))

        assert len(shown_as_code(text)) == 1
        assert text.encode().decode().isprintable() or "\n" in text
        assert not set(text) & set("\x00\x07\x08\x1b\u202e\u2066\u200b\ufeff\u200f\u2028\U000e0064")
        assert "](" not in text


@given(st.text(max_size=300), st.text(max_size=60))
@settings(max_examples=300)
async def test_no_text_leaves_its_quotation(text: str, source: str) -> None:
    whole = await answer("zebra", logs=(passage(f"zebra {text}", source),))

    _, *quoted, closing = [line for line in whole.split("\n") if line]
    assert closing == CLOSING
    assert quoted
    assert all(line.startswith("    ") for line in quoted)
    assert whole == await answer("zebra", logs=(passage(f"zebra {text}", source),))


@given(st.text(max_size=200))
@settings(max_examples=200)
async def test_any_question_is_answered_or_left_to_people(question: str) -> None:
    collected = await collect(
        QuotingAnswerer(), sources(question, logs=(DISK, LOGIN), said=(LOGIN,))
    )
    assert collected.failure is None
    assert bool(collected.text) is not collected.nothing_fits
