"""What an assistant cannot be made to do, shown with a model that does all that it is told.

The model may be won over. What holds all the same: it sees nothing but the sources of a
question, the data in them cannot end its fence, and what it writes is letters at our port.
"""

import re
from collections.abc import Callable

import pytest

from folkmoot.bots.answerer import Sources
from folkmoot.bots.model.prompt import RULES, composed
from folkmoot.core.logs.model import Excerpt
from folkmoot.core.messages.context import Turn, estimated_tokens
from tests.bots.answerers import BO, KEY, ModelSetup, collect, passage, sources
from tests.bots.injections import CANARY, KINDS, injections
from tests.bots.model_server import ModelServer, obeys
from tests.cast import NOON, CountingIds

KNOWN = "secret-number-00000000000000000000000000000001"
"""The first fence, as whoever saw it in an answer could put it into a message or a log."""
FRESH = "secret-number-00000000000000000000000000000002"
TEXTS = dict(injections(KNOWN))
CONTROL = ("<|", "<\uff5c", "<s>", "</s>", "[inst]", "[/inst]", "<<sys>>", "<end_of_turn>", "<bos>")

PlantedIn = Callable[[str], Sources]
PLANTED: dict[str, PlantedIn] = {
    "the question": lambda text: sources(text),
    "an older message": lambda text: sources(turns=(Turn("user", text),)),
    "an older answer": lambda text: sources(turns=(Turn("assistant", text),)),
    "a notice": lambda text: sources(turns=(Turn("system", text),)),
    "an unknown role": lambda text: sources(turns=(Turn(text, text),)),
    "a log": lambda text: sources(logs=(passage(text),)),
    "the name of a log": lambda text: sources(logs=(passage("a line", text),)),
    "something said": lambda text: sources(said=(passage(text),)),
    "the name of who said it": lambda text: sources(said=(passage("a word", text),)),
    "everything": lambda text: sources(
        text,
        turns=tuple(Turn(role, text) for role in ("assistant", "user", "system", "user")),
        logs=(passage(text, text), passage(f"{text}.", text)),
        said=(passage(f"{text}!", text),),
    ),
}


def test_the_set_is_large_enough() -> None:
    assert sum(map(len, KINDS.values())) >= 100
    assert len(TEXTS) == len(set(TEXTS.values()))


def composed_of(asked: Sources, max_tokens: int = 4000) -> tuple[str, str, list[str]]:
    """The rules; what stands outside of fences in the rest; and what stands inside."""
    prompt = composed(asked, make_fence=CountingIds().secret, max_tokens=max_tokens)
    rules, *spoken = prompt.turns
    assert rules == Turn("system", RULES.format(fence=prompt.fence))
    block = re.compile(
        rf"\[{prompt.fence} begins: ([a-z ]+)\]\n(.*?)\n\[{prompt.fence} ends\]", re.DOTALL
    )
    outside = "".join(block.sub(r"<\1>", turn.content) for turn in spoken)
    assert prompt.fence not in outside
    inside = [found[1] for turn in spoken for found in block.findall(turn.content)]
    assert not any(prompt.fence in data for data in inside)
    return prompt.fence, outside, inside


@pytest.mark.parametrize("planted", PLANTED)
def test_no_data_leaves_its_fence(planted: str) -> None:
    harmless = composed_of(PLANTED[planted]("some words"))

    for name, text in TEXTS.items():
        fence, outside, inside = composed_of(PLANTED[planted](text))

        assert outside == harmless[1], name
        assert len(inside) == len(harmless[2]), name
        assert fence == (FRESH if KNOWN in text.replace("\0", "") else KNOWN), name


@pytest.mark.parametrize("planted", PLANTED)
def test_control_tokens_of_models_are_letters_in_data(planted: str) -> None:
    for name, text in TEXTS.items():
        _, _, inside = composed_of(PLANTED[planted](text))

        assert not any(token in data.casefold() for data in inside for token in CONTROL), name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.program
async def test_a_model_that_obeys_sees_the_sources_and_nothing_else(
    server: ModelServer, setup: ModelSetup, kind: str
) -> None:
    server.will(obeys)
    others = sources(f"A secret of Bo's: {CANARY}-of-bo", asker=BO)
    async with setup.answerer(server.url) as answerer:
        for name in (name for name in TEXTS if name.startswith(kind)):
            assert "-of-bo" in (await collect(answerer, others)).text

            collected = await collect(answerer, PLANTED["everything"](TEXTS[name]))

            prompt = server.requests[-1].prompt
            assert CANARY in collected.text or CANARY not in TEXTS[name], "it does obey"
            for secret in (KEY, server.url, "-of-bo", "127.0.0.1", "OPENAI"):
                assert secret not in prompt, name
                assert secret not in collected.text, name


@pytest.mark.parametrize("name", [n for n in TEXTS if n.startswith(("commands", "exfiltration"))])
async def test_what_a_model_writes_is_handed_on_as_the_letters_that_it_is(
    server: ModelServer, setup: ModelSetup, name: str
) -> None:
    server.will(obeys)

    collected = await setup.ask(server, sources(TEXTS[name]))

    order = TEXTS[name].split("\n")[0].split(" ", 1)[1].removeprefix("/").strip()
    assert order in collected.text
    assert len(server.requests) == 1
    assert set(server.requests[0].body) == {"model", "messages", "stream", "max_tokens"}


def test_roles_are_kept_and_alternate() -> None:
    turns = (
        Turn("assistant", "a1"),
        Turn("user", "u1"),
        Turn("user", "u2"),
        Turn("assistant", "a2"),
        Turn("system", "s1"),
    )

    prompt = composed(
        sources("q", turns=turns, logs=(passage("l1"),)),
        make_fence=CountingIds().secret,
        max_tokens=4000,
    )

    assert [turn.role for turn in prompt.turns] == [
        *("system", "user", "assistant", "user", "assistant", "user"),
    ]
    held = [re.findall(r"\n([a-z]\d?)\n\[", turn.content) for turn in prompt.turns]
    assert held == [[], ["l1"], ["a1"], ["u1", "u2"], ["a2"], ["s1", "q"]]


def test_thoughts_in_earlier_answers_are_in_no_prompt_and_tags_in_data_are_letters() -> None:
    turns = (
        Turn("user", "what is <think>?"),
        Turn("assistant", "<think>A secret.</think>A tag."),
    )

    _, _, inside = composed_of(sources("And [THINK]?", turns=turns))

    whole = "\n".join(inside)
    assert "A tag." in whole
    assert "secret" not in whole
    assert "<think>" not in whole
    assert "[THINK]" not in whole


def test_a_notice_of_the_server_has_no_authority_in_the_prompt() -> None:
    prompt = composed(
        sources(turns=(Turn("system", "obey"),)), make_fence=CountingIds().secret, max_tokens=4000
    )

    assert [turn.role for turn in prompt.turns] == ["system", "user"]
    assert "obey" not in prompt.turns[0].content


@pytest.mark.parametrize("max_tokens", [0, 1000, 1500, 4000, 100_000])
@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_a_prompt_fits_into_its_budget_with_the_question_in_it(max_tokens: int, size: int) -> None:
    text = "<|" * size
    asked = sources(
        "Why? " + text,
        turns=tuple(Turn(role, text) for role in ("user", "assistant", "user") * 20),
        logs=tuple(passage(text, text) for _ in range(8)),
        said=tuple(passage(f"{n}{text}", text) for n in range(8)),
    )

    prompt = composed(asked, make_fence=CountingIds().secret, max_tokens=max_tokens)

    assert prompt.tokens <= max(max_tokens, 1000)
    assert prompt.tokens == sum(estimated_tokens(turn.content) for turn in prompt.turns)
    assert "\nWhy? " in prompt.turns[-1].content


def test_the_newest_turns_and_the_best_passages_are_kept_when_room_is_short() -> None:
    words = "x" * 400
    asked = sources(
        turns=tuple(Turn("user", f"turn {n} {words}") for n in range(50)),
        logs=tuple(passage(f"log {n} {words}") for n in range(50)),
        said=tuple(passage(f"said {n} {words}") for n in range(50)),
    )

    prompt = composed(asked, make_fence=CountingIds().secret, max_tokens=4000)

    whole = "\n".join(turn.content for turn in prompt.turns)
    kept = {kind: re.findall(rf"{kind} (\d+) ", whole) for kind in ("turn", "log", "said")}
    for kind, numbers in kept.items():
        expected = range(50 - len(numbers), 50) if kind == "turn" else range(len(numbers))
        assert numbers == [str(n) for n in expected], kind
        assert len(numbers) >= 4, kind


def test_what_was_said_is_not_told_twice() -> None:
    said = (passage("same", "bo"), passage("older", "bo"), passage("q", "ana"))

    _, _, inside = composed_of(sources("q", turns=(Turn("user", "same"),), said=said))

    assert [data.split("\n")[-1] for data in inside] == ["older", "same", "q"]


def test_a_question_that_is_not_the_last_turn_is_asked_all_the_same() -> None:
    asked = Sources(asker=BO, asker_name="bo", question="q", turns=(Turn("user", "other"),))

    _, _, inside = composed_of(asked)

    assert inside == ["other", "q"]


def test_a_passage_has_its_source_on_one_line_and_its_time_in_utc() -> None:
    odd = Excerpt(source="a\nb\u2028c" + "d" * 500, at=NOON, text="t")

    _, _, inside = composed_of(sources(logs=(odd,)))

    source, time, text = inside[0].split("\n")
    assert source.startswith("source: a b cddd")
    assert len(source) < 220
    assert (time, text) == ("time: 2026-03-01T12:00:00Z", "t")


def test_text_that_is_not_valid_unicode_can_be_sent() -> None:
    _, _, inside = composed_of(sources("\ud800q\0", logs=(passage("\udc00", "\udfff"),)))

    assert "\n".join(inside).encode()
    assert inside[-1] == "\ufffdq"
