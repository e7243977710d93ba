"""A reaction is one emoji of Unicode's, and one however it is spelt."""

import pytest
from emoji import EMOJI_DATA, STATUS

from folkmoot.core.messages.emoji import fully_qualified
from folkmoot.core.messages.errors import EmojiInvalid
from folkmoot.core.messages.events import ReactionAdded, ReactionRemoved
from folkmoot.core.messages.model import checked_emoji
from tests.cast import Cast

SPELLINGS = {
    "❤\ufe0f": ("❤", "❤\ufe0f", "❤\ufe0e"),
    "👍": ("👍", "👍\ufe0f"),
    "👍🏽": ("👍🏽", "👍\ufe0f🏽", "👍🏽\ufe0f"),
    "\u3030\ufe0f": ("\u3030", "\u3030\ufe0f"),
    "1\ufe0f\u20e3": ("1\u20e3", "1\ufe0f\u20e3"),
    "#\ufe0f\u20e3": ("#\u20e3", "#\ufe0f\u20e3"),
    "©\ufe0f": ("©", "©\ufe0f"),
    "‼\ufe0f": ("‼", "‼\ufe0f"),
    "🇩🇪": ("🇩🇪",),
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f": (
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    ),
    "🏳\ufe0f\u200d🌈": ("🏳\u200d🌈", "🏳\ufe0f\u200d🌈"),
    "❤\ufe0f\u200d🔥": ("❤\u200d🔥", "❤\ufe0f\u200d🔥"),
    "👁\ufe0f\u200d🗨\ufe0f": ("👁\u200d🗨", "👁\ufe0f\u200d🗨", "👁\u200d🗨\ufe0f"),
    "🏃🏻\u200d♂\ufe0f": ("🏃🏻\u200d♂", "🏃🏻\u200d♂\ufe0f"),
    "👩🏽\u200d❤\ufe0f\u200d💋\u200d👨🏿": (
        "👩🏽\u200d❤\u200d💋\u200d👨🏿",
        "👩🏽\u200d❤\ufe0f\u200d💋\u200d👨🏿",
    ),
    "👨🏻\u200d👩🏽\u200d👧🏿": ("👨🏻\u200d👩🏽\u200d👧🏿",),
    "🐱\u200d👤": ("🐱\u200d👤",),
    "🏽": ("🏽",),
    "\U0001faff": ("\U0001faff",),
}
NONE = (
    "", "no", "1", "#", "*", "100%", "%", "!", "?", "+1", "+", "★", "→", "€", "^", "`", "Ω", "中",
    "👍 👍", "👍👍", "👍a", "a👍", "<b>", "👍" * 33, "\n", "\ufe0f", "\u200d", "👍\u200d",
    "\u200d👍", "👍\u200da", "🇩", "\u20e3", "🏴\U000e0067", "\u0378", "👍\u0301",
    "\u202e", ":)", "ana",
)  # fmt: skip


@pytest.mark.parametrize(
    ("spelt", "kept"), [(spelt, kept) for kept, each in SPELLINGS.items() for spelt in each]
)
def test_every_spelling_of_an_emoji_is_kept_in_one_form(spelt: str, kept: str) -> None:
    assert checked_emoji(spelt) == kept


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_single_emoji_is_refused(text: str) -> None:
    with pytest.raises(EmojiInvalid):
        checked_emoji(text)


def test_every_emoji_that_unicode_recommends_is_one_in_every_spelling_that_it_lists() -> None:
    whole = {
        emoji: facts["en"]
        for emoji, facts in EMOJI_DATA.items()
        if facts["status"] == STATUS["fully_qualified"]
    }
    names = {fully_qualified(emoji): facts["en"] for emoji, facts in EMOJI_DATA.items()}

    assert len(whole) > 3_700
    assert {emoji: names.get(emoji) for emoji in whole} == whole
    assert None not in names
    assert max(map(len, whole)) <= 32


async def test_two_spellings_are_one_reaction_and_either_takes_it_back(cast: Cast) -> None:
    message = await cast.say(cast.ana, "hello")
    where = cast.bo.id, cast.lobby.id, message.id
    cast.events.clear()

    await cast.do(cast.messages.react, *where, "❤")
    await cast.do(cast.messages.react, *where, "❤\ufe0f")
    put = await cast.see(lambda work: work.messages.reactions_of(message.id, cast.bo.id))
    await cast.do(cast.messages.unreact, *where, "❤")
    await cast.do(cast.messages.unreact, *where, "❤\ufe0f")

    assert put == {"❤\ufe0f"}
    assert [(type(event), event.emoji, event.seq) for event in cast.events] == [
        (ReactionAdded, "❤\ufe0f", 2),
        (ReactionRemoved, "❤\ufe0f", 3),
    ]


async def test_what_was_once_taken_for_an_emoji_can_be_taken_back(cast: Cast) -> None:
    message = await cast.say(cast.ana, "hello")
    where = cast.bo.id, cast.lobby.id, message.id
    await cast.storage.write(
        lambda work: work.messages.react(message.id, cast.bo.id, "100%", cast.clock.now())
    )

    await cast.do(cast.messages.unreact, *where, "100%")
    left = await cast.see(lambda work: work.messages.reactions_of(message.id, cast.bo.id))

    assert left == frozenset()
    with pytest.raises(EmojiInvalid):
        await cast.do(cast.messages.unreact, *where, "100%")
