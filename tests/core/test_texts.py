"""What shows nothing is no text, whatever it is for; among what is seen it is welcome."""

import unicodedata
from collections.abc import Callable

import pytest

from folkmoot.core.accounts.model import checked_full_name
from folkmoot.core.conversations.desk import Desks
from folkmoot.core.conversations.model import checked_title
from folkmoot.core.messages.model import Attachment, checked_attachment
from folkmoot.core.shared.texts import TextEmpty, shows_nothing, trimmed
from tests.cast import Cast

UNSEEN = {
    "a zero-width space": "\u200b",
    "a byte order mark": "\ufeff",
    "a word joiner": "\u2060",
    "a lone joiner": "\u200d",
    "a lone non-joiner": "\u200c",
    "a soft hyphen": "\u00ad",
    "a grapheme joiner": "\u034f",
    "a Hangul filler": "\u3164",
    "half-width": "\uffa0",
    "fillers of syllables": "\u115f\u1160",
    "vowels of Khmer that nobody writes": "\u17b4\u17b5",
    "a Braille blank": "\u2800",
    "a Mongolian separator": "\u180e",
    "a lone selector": "\ufe0f",
    "a lone selector of text": "\ufe0e",
    "a lone selector of the supplement": "\U000e0100",
    "tags": "\U000e0020\U000e0041\U000e007f",
    "a turn to the left": "\u202e",
    "isolates": "\u2066\u2069",
    "marks of direction": "\u200e\u200f\u061c",
    "an invisible sign of times": "\u2062",
    "a control character": "\x7f\x01",
    "around an annotation": "\ufff9\ufffb",
    "a null notehead": "\U0001d159",
    "a Khitan filler": "\U00016fe4",
    "an Egyptian blank": "\U00013441",
    "many of them between spaces": " \u200b\u00a0\u3164\n\u2800\t\u2029",
}
SEEN = {
    "a family": "👩\u200d👩\u200d👧",
    "a heart in colours": "❤\ufe0f",
    "the flag of Scotland": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "Persian": "نمی\u200cشد",
    "Hindi": "क्\u200dष",
    "Hebrew with a mark": "\u200fברכת!",
    "an isolate in a text": "see \u2068ברכת\u2069 there",
    "a soft hyphen in a word": "data\u00adbase",
    "after a byte order mark": "\ufeffhello",
    "a dot": ".",
    "a mark alone": "\u0301",
    "private": "\ue000",
    "Hangul": "\u1112\u1161\u11ab",
    "Braille": "\u2813",
}
"""Every one of these is seen, and stays as it is."""


@pytest.mark.parametrize("text", UNSEEN.values(), ids=UNSEEN)
async def test_what_shows_nothing_is_no_content_title_or_name(cast: Cast, text: str) -> None:
    message = await cast.say(cast.ana, "hello")
    session = await cast.do(Desks(cast.clock, cast.ids).open, cast.cy)
    elsewhere = Attachment(text, None, None, url="https://example.com/a.png")
    tries: dict[str, Callable[[], object]] = {
        "content": lambda: cast.draft(cast.ana, text),
        "title": lambda: checked_title(text + "\u200b"),
        "full_name": lambda: checked_full_name(text + "\u200b"),
        "username": lambda: cast.accounts.draft(username=text, email="x@y.org"),
        "file_name": lambda: checked_attachment(elsewhere),
    }

    for attempt in tries.values():
        with pytest.raises(TextEmpty):
            attempt()
    with pytest.raises(TextEmpty):
        await cast.do(cast.messages.edit, cast.ana.id, cast.lobby.id, message.id, text)
    with pytest.raises(TextEmpty):
        await cast.do(cast.conversations.rename, cast.ana.id, cast.lobby.id, f"{text}\u200b")
    with pytest.raises(TextEmpty):
        await cast.do(Desks(cast.clock, cast.ids).rename, cast.cy, session.id, f"{text}\u200b")


@pytest.mark.parametrize("text", SEEN.values(), ids=SEEN)
def test_what_is_seen_stays_as_it_is(text: str) -> None:
    assert trimmed(f" {text}\n", field="content", max_chars=20) == text


def test_every_letter_digit_and_sign_is_seen_but_a_few_blanks() -> None:
    unseen = {
        unicodedata.name(chr(code), hex(code))
        for code in range(0x110000)
        if unicodedata.category(chr(code))[0] in "LNPS" and shows_nothing(chr(code))
    }

    assert unseen == {
        "HANGUL FILLER",
        "HALFWIDTH HANGUL FILLER",
        "HANGUL CHOSEONG FILLER",
        "HANGUL JUNGSEONG FILLER",
        "BRAILLE PATTERN BLANK",
        "MUSICAL SYMBOL NULL NOTEHEAD",
    }


@pytest.mark.parametrize("control", list("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
def test_no_name_turns_around_what_stands_behind_it(control: str) -> None:
    name = f"Ana{control}gnp"
    elsewhere = Attachment(f"{name}.png", None, None, url="https://example.com/a.png")

    kept = checked_attachment(elsewhere)

    assert checked_full_name(name) == "Anagnp"
    assert checked_title(name) == "Anagnp"
    assert isinstance(kept, Attachment)
    assert kept.name == "Anagnp.png"


def test_marks_of_direction_leave_a_name_and_joiners_stay() -> None:
    assert checked_full_name("\u200fברכת\u200e Ana\u061c") == "ברכת Ana"
    assert checked_full_name("نمی\u200cشد") == "نمی\u200cشد"
    assert checked_title("👩\u200d🚀 crew") == "👩\u200d🚀 crew"


async def test_a_text_may_turn_within_itself(cast: Cast) -> None:
    said = await cast.say(cast.ana, "\u2067ab\u2069 and \u202bcd\u202c")

    assert said.body.content == "\u2067ab\u2069 and \u202bcd\u202c"
