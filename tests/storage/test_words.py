"""However a word was written and however it is typed: which texts a question finds, kind by kind.

Every case is tried on the rule itself, and on every storage.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.storage.folding import folded, folded_signs
from folkmoot.storage.words import read, score_of, snippet_of, terms_of, words_of
from tests.cast import Cast
from tests.storage.test_search import find, go_on

TABLE = [
    json.loads(line) for line in Path(__file__).with_name("words.jsonl").read_text().splitlines()
]
"""Of what kind, a text, a question, and what of the text is shown as found; nothing: it is not."""
FOUND = [case for case in TABLE if case["marked"]]
NOT_FOUND = [case for case in TABLE if not case["marked"]]


def named(case: dict[str, Any]) -> str:
    return f"{case['kind']}: {case['question']}"


@pytest.mark.parametrize("case", FOUND, ids=named)
def test_a_question_finds_a_text_and_shows_what_it_found(case: dict[str, Any]) -> None:
    terms = terms_of(case["question"])

    snippet, marks = snippet_of(case["text"], terms)

    assert score_of(read(case["text"]), terms) > 0
    assert [snippet[start:end] for start, end in marks] == case["marked"]


@pytest.mark.parametrize("case", NOT_FOUND, ids=named)
def test_what_is_not_asked_for_is_not_found(case: dict[str, Any]) -> None:
    assert score_of(read(case["text"]), terms_of(case["question"])) == 0


@pytest.mark.parametrize("age", ["just now", "long ago"])
async def test_every_storage_finds_the_same(cast: Cast, age: str) -> None:
    texts = {case["text"] for case in TABLE}
    for text in sorted(texts):
        await cast.say(cast.ana, text)
    if age == "long ago":
        await go_on(cast)

    for question in sorted({case["question"] for case in TABLE}):
        terms = terms_of(question)
        scores = {text: score_of(read(text), terms) for text in texts}
        hits = await find(cast, cast.bo, question, limit=300)

        expected = {text: score for text, score in scores.items() if score}
        assert {hit.message.body.content: hit.rank for hit in hits} == expected, question
        assert [hit.rank for hit in hits] == sorted(expected.values(), reverse=True)


def test_the_very_word_is_worth_more_than_another_form_of_it() -> None:
    exact, other = (score_of(read(text), terms_of("cities x")[:1]) for text in ("cities", "city"))

    assert exact > other > 0


@pytest.mark.parametrize("nothing", ["?", "!", ".", ", . ; -", "\u0301", "\u200b", "_", "("])
def test_of_a_single_mark_of_punctuation_nothing_is_asked(nothing: str) -> None:
    assert terms_of(nothing) == []


@given(st.text(max_size=60))
def test_what_is_kept_stays_as_it_is_when_it_is_folded_again(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    assert folded_signs(folded_signs(text)) == folded_signs(text)


@given(st.text(max_size=300))
def test_what_is_kept_is_words_with_one_space_between(text: str) -> None:
    words = words_of(text)

    assert words == " ".join(words.split(" ")).strip(" ")
    assert not set(words) & set("\t\n\"'\\\0:&|!()*")
