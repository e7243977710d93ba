"""What a model thinks is taken out of what it says, however that is cut into pieces."""

import pytest

from folkmoot.bots.model.thoughts import Habit, Thoughts, habit_by_name, without_thoughts


def heard(pieces: list[str], habit: Habit = Habit.PLAIN, *, is_whole: bool = True) -> str:
    """What is left to show in the end."""
    thoughts = Thoughts(habit)
    shown = ""
    for said in (*(thoughts.feed(piece) for piece in pieces), thoughts.end(is_whole=is_whole)):
        shown = ("" if said.retracts else shown) + "".join(said.pieces)
    return shown.strip()


def cuts(text: str) -> list[list[str]]:
    """A text in one piece, in two of any sizes, and letter by letter."""
    return [[text], list(text), *([text[:at], text[at:]] for at in range(1, len(text)))]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("<think>x</think>Blue.", "Blue."),
        ("\n <think>\nx\n</think>\n\nBlue.", "Blue."),
        ("<think>x</think>\n<think>y</think>Blue.", "Blue."),
        ("<thinking>x</thinking>Blue.", "Blue."),
        ("<THOUGHT>x</Thought>Blue.", "Blue."),
        ("<reasoning>x</reasoning>Blue.", "Blue."),
        ("<seed:think>x</seed:think>Blue.", "Blue."),
        ("[THINK]x[/THINK]Blue.", "Blue."),
        ("◁think▷x◁/think▷Blue.", "Blue."),
        ("<|channel|>analysis<|message|>x<|end|><|start|>assistant"
         "<|channel|>final<|message|>Blue.<|return|>", "Blue."),
        ("<|channel|>analysis<|message|>x<|channel|>final<|message|>Blue.", "Blue."),
        ("<|channel>thought\nx<channel|>Blue.", "Blue."),
        ("Here is my thought process: x Here is my response: Blue.", "Blue."),
        ("</think>\n\nBlue.", "Blue."),
        ("x\n</think>\n\nBlue.", "Blue."),
        ("x</think>\nBlue.", "Blue."),
        ("It is <think>x</think>blue.", "It is blue."),
        ("<think>with `</think>` in it</think>Blue.", "Blue."),
        ("<think>it ends in `code`</think>Blue.", "Blue."),
        ("<think>x", ""),
        ("Blue.\n<think>x", "Blue."),
        ("Use `<think>` and `</think>`.", "Use `<think>` and `</think>`."),
        ("``a ` <think>`` b", "``a ` <think>`` b"),
        ("See:\n```\n<think>x</think>\n```\nDone.", "See:\n```\n<think>x</think>\n```\nDone."),
        ("See:\n~~~\n</think>\n~~~\nDone.", "See:\n~~~\n</think>\n~~~\nDone."),
        ("The <think> tag begins it.", "The <think> tag begins it."),
        ("Write </think> to end it.", "Write </think> to end it."),
        ("a < b and b > c, x[1]", "a < b and b > c, x[1]"),
        ("Here is my list: a", "Here is my list: a"),
        ("I think, therefore <b>I</b> am <thin", "I think, therefore <b>I</b> am <thin"),
    ],
)  # fmt: skip
def test_thoughts_are_never_shown_and_whoever_speaks_of_tags_is_heard(
    said: str, shown: str
) -> None:
    assert [heard(pieces) for pieces in cuts(said)] == [shown] * len(cuts(said))
    assert without_thoughts(said).strip() == shown


@pytest.mark.parametrize("habit", [Habit.UNSURE, Habit.LIKELY, Habit.THINKS_FIRST])
def test_a_thought_without_its_opening_tag_is_held_back_and_dropped(habit: Habit) -> None:
    for said in ("I wonder.\n</think>\n\nBlue.", "I wonder. </think> Blue."):
        for pieces in cuts(said):
            thoughts = Thoughts(habit)
            said_so_far = [thoughts.feed(piece) for piece in pieces]
            said_so_far.append(thoughts.end(is_whole=True))

            assert "".join("".join(each.pieces) for each in said_so_far).strip() == "Blue."
            assert not any(each.retracts for each in said_so_far)
            assert thoughts.seen is Habit.THINKS_FIRST


def test_what_was_released_too_early_is_retracted_once_the_thought_ends() -> None:
    thoughts = Thoughts(Habit.UNSURE)
    assert thoughts.feed("I wonder").pieces == ()
    assert thoughts.is_held

    assert thoughts.release().pieces == ("I wonder",)
    said = thoughts.feed(" why.\n</think>\nBlue.")
    last = thoughts.end(is_whole=True)

    assert said.retracts
    assert "".join((*said.pieces, *last.pieces)).strip() == "Blue."
    assert thoughts.seen is Habit.THINKS_FIRST


def test_what_may_be_a_thought_is_not_shown_when_the_answer_was_cut_in_it() -> None:
    assert heard(["I wonder"], Habit.LIKELY, is_whole=False) == ""
    assert heard(["I wonder"], Habit.LIKELY) == "I wonder"
    assert heard(["I wonder"], Habit.UNSURE, is_whole=False) == "I wonder"


def test_an_answer_without_a_thought_shows_that_its_model_begins_with_none() -> None:
    for text in ("Blue.", "<think>x</think>Blue."):
        thoughts = Thoughts(Habit.LIKELY)
        thoughts.feed(text)
        thoughts.end(is_whole=True)

        assert thoughts.seen is Habit.PLAIN


@pytest.mark.parametrize(
    ("model", "habit"),
    [
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", Habit.LIKELY),
        ("deepseek-r1:14b", Habit.LIKELY),
        ("Qwen/QwQ-32B", Habit.LIKELY),
        ("qwen3-30b-a3b-thinking-2507", Habit.LIKELY),
        ("magistral-small", Habit.LIKELY),
        ("Qwen/Qwen3-8B", Habit.LIKELY),
        ("glm-4.6", Habit.LIKELY),
        ("llama3.2", Habit.UNSURE),
        ("gpt-4o-mini", Habit.UNSURE),
        ("mixtral-8x7b", Habit.UNSURE),
    ],
)
def test_a_name_tells_whether_a_model_likely_begins_with_a_thought(
    model: str, habit: Habit
) -> None:
    assert habit_by_name(model) is habit


def test_a_thought_without_end_is_not_kept() -> None:
    thoughts = Thoughts()
    thoughts.feed("It is <think>")
    for _ in range(1000):
        thoughts.feed("x" * 1000)

    assert thoughts.end(is_whole=False).pieces == ()
    assert thoughts.dropped_chars >= 1_000_000
