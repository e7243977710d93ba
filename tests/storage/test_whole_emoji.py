"""Reactions that were kept in several spellings are one after an upgrade, and none is lost."""

from dataclasses import replace

from folkmoot.core.shared.pages import Page
from tests.cast import enter
from tests.patience import opened_patiently
from tests.storage.test_schema import execute

HEART, WHOLE_HEART, KISS = "❤", "❤\ufe0f", "👩\u200d❤\u200d👩"


async def test_spellings_of_an_emoji_become_one_when_the_database_is_upgraded(
    database_url: str,
) -> None:
    storage = await opened_patiently(database_url)
    cast = await enter(storage)
    message = await cast.say(cast.ana, "hello")
    for account, emoji in (
        (cast.bo, HEART),
        (cast.bo, WHOLE_HEART),
        (cast.ana, WHOLE_HEART),
        (cast.ana, HEART),
        (cast.ana, "👍"),
        (cast.bo, KISS),
        (cast.bo, "100%"),
    ):
        cast.clock.pass_by()
        await cast.storage.write(
            lambda work, account=account, emoji=emoji: work.messages.react(
                message.id, account.id, emoji, cast.clock.now()
            )
        )
    await cast.do(cast.messages.react, cast.bo.id, cast.lobby.id, message.id, "🎉")
    await storage.close()
    await execute(database_url, "UPDATE changes SET detail = '❤' WHERE kind = 'reaction_added'")
    await execute(database_url, "DROP TABLE outdated_words")
    await execute(database_url, "UPDATE alembic_version SET version_num = '0009'")

    storage = await opened_patiently(database_url)
    cast = replace(cast, storage=storage)
    (shown,) = await cast.see(lambda work: work.views.page(cast.lobby.id, Page(10)))
    told = [event.emoji for event in await cast.timeline(after=1)]
    await cast.do(cast.messages.unreact, cast.bo.id, cast.lobby.id, message.id, HEART)
    await storage.close()

    people = {each.emoji: [one.username for one in each.people] for each in shown.reactions}
    assert people == {
        WHOLE_HEART: ["bo", "ana"],
        "👍": ["ana"],
        "👩\u200d❤\ufe0f\u200d👩": ["bo"],
        "100%": ["bo"],
        "🎉": ["bo"],
    }
    assert told == [WHOLE_HEART]
