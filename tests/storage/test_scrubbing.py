"""Words that were deleted from a SQLite file are in it no more, wherever they had been."""

from pathlib import Path

from folkmoot.core.messages.views import SearchQuery
from folkmoot.storage.tables import BUNDLE
from tests.cast import Cast, enter
from tests.patience import opened_patiently


async def talk(cast: Cast, count: int) -> None:
    await cast.post(*(cast.draft(cast.bo, f"word{n} of many") for n in range(count)))


async def test_words_long_indexed_are_gone_when_the_file_is_closed(sqlite_path: Path) -> None:
    cast = await enter(await opened_patiently(f"sqlite:///{sqlite_path}"))
    await talk(cast, BUNDLE)
    first = await cast.say(cast.ana, "the secret word is xylophone")
    second = await cast.say(cast.ana, f"{'or marimba ' * 800}!")
    await talk(cast, 3 * BUNDLE)
    question = SearchQuery("xylophone", 9)
    found = await cast.see(lambda work: work.search.find(cast.ana.id, question))
    await cast.do(cast.messages.edit, cast.ana.id, cast.lobby.id, first.id, "or vibraphone")
    await cast.do(cast.messages.delete, cast.ana.id, cast.lobby.id, first.id)
    await cast.do(cast.messages.delete, cast.ana.id, cast.lobby.id, second.id)
    await talk(cast, 2 * BUNDLE)
    await cast.storage.close()

    stored = b"".join(each.read_bytes() for each in sqlite_path.parent.iterdir())

    assert [hit.message.id for hit in found] == [first.id]
    for word in (b"xylophone", b"marimba", b"vibraphone"):
        assert word not in stored
    assert b"word7" in stored
