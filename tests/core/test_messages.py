"""Rules of what becomes of a message, and that its events say all of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from folkmoot.core.accounts.model import Person, Role
from folkmoot.core.conversations.errors import NoSuchConversation, NotAMember, NotTheOwner
from folkmoot.core.messages.errors import (
    EmojiInvalid,
    NoSuchMessage,
    NotTheAuthor,
    TooManyReactions,
)
from folkmoot.core.messages.events import (
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionAdded,
    ReactionRemoved,
)
from folkmoot.core.messages.model import MAX_REACTIONS_EACH, Body, Message, MessageRef, Reaction
from folkmoot.core.shared.ids import ConversationId, MessageId
from folkmoot.core.shared.pages import Page
from folkmoot.core.shared.texts import TextEmpty
from folkmoot.core.social.errors import Blocked
from tests.cast import Cast


async def shown(cast: Cast) -> list[Message]:
    return await cast.see(lambda work: work.views.page(cast.lobby.id, Page(100)))


async def edit(cast: Cast, actor: Any, message: Message, content: str) -> Message:
    return await cast.do(cast.messages.edit, actor.id, cast.lobby.id, message.id, content)


async def delete(cast: Cast, actor: Any, message: Message) -> None:
    await cast.do(cast.messages.delete, actor.id, cast.lobby.id, message.uid)


async def react(cast: Cast, actor: Any, message: Message, emoji: str) -> None:
    await cast.do(cast.messages.react, actor.id, cast.lobby.id, message.id, emoji)


async def unreact(cast: Cast, actor: Any, message: Message, emoji: str) -> None:
    await cast.do(cast.messages.unreact, actor.id, cast.lobby.id, message.id, emoji)


def applied(messages: Sequence[Message], events: Sequence[object]) -> list[Message]:
    """What a client shows that had these messages, and heard these events."""
    kept = {message.id: message for message in messages}
    for event in events:
        match event:
            case MessagePosted(message=message):
                kept[message.id] = message
            case MessageEdited(message=message):
                kept[message.id] = replace(message, reactions=kept[message.id].reactions)
            case MessageDeleted(message=ref, at=at):
                bare = replace(kept[ref.id], body=Body(content=""), reactions=())
                kept[ref.id] = replace(bare, deleted_at=at)
            case ReactionAdded(message=ref, actor=actor, emoji=emoji):
                kept[ref.id] = with_reaction(kept[ref.id], actor, emoji)
            case ReactionRemoved(message=ref, actor=actor, emoji=emoji):
                kept[ref.id] = without_reaction(kept[ref.id], actor, emoji)
    return list(kept.values())


def with_reaction(message: Message, actor: Person, emoji: str) -> Message:
    people = {reaction.emoji: reaction.people for reaction in message.reactions}
    people[emoji] = (*people.get(emoji, ()), actor)
    return replace(message, reactions=tuple(Reaction(*item) for item in people.items()))


def without_reaction(message: Message, actor: Person, emoji: str) -> Message:
    people = {reaction.emoji: reaction.people for reaction in message.reactions}
    people[emoji] = tuple(each for each in people[emoji] if each != actor)
    left = tuple(Reaction(*item) for item in people.items() if item[1])
    return replace(message, reactions=left)


async def test_old_messages_and_the_events_make_the_new_messages(cast: Cast) -> None:
    first = await cast.say(cast.ana, "one")
    second = await cast.say(cast.bo, "two")
    await react(cast, cast.ana, second, "👍")
    before = await shown(cast)
    seen = (await cast.head()).last_seq
    cast.events.clear()

    steps = [
        lambda: edit(cast, cast.ana, first, "one, better"),
        lambda: react(cast, cast.bo, first, "🎉"),
        lambda: react(cast, cast.ana, first, "🎉"),
        lambda: unreact(cast, cast.ana, second, "👍"),
        lambda: cast.say(cast.bo, "three", reply_to=first.id),
        lambda: delete(cast, cast.ana, second),
        lambda: unreact(cast, cast.bo, first, "🎉"),
        lambda: edit(cast, cast.ana, first, "one, best"),
    ]
    for step in steps:
        cast.clock.pass_by(timedelta(seconds=1))
        await step()

    after = await shown(cast)
    assert applied(before, cast.events) == after
    assert applied(before, await cast.timeline(after=seen)) == after
    assert applied([], await cast.timeline()) == after


async def test_an_edit_is_told_with_the_message_as_it_is_now(cast: Cast) -> None:
    message = await cast.say(cast.ana, "helo")
    at = cast.clock.pass_by()

    edited = await edit(cast, cast.ana, message, "  hello ")

    assert edited == replace(message, body=Body(content="hello"), edited_at=at)
    assert cast.events[-1] == MessageEdited(
        conversation_id=cast.lobby.id,
        conversation_uid=cast.lobby.uid,
        seq=2,
        at=at,
        message=edited,
        actor=cast.ana.person,
    )


async def test_an_edit_to_the_same_content_changes_nothing(cast: Cast) -> None:
    message = await cast.say(cast.ana, "hello")

    assert await edit(cast, cast.ana, message, "hello ") == message
    assert (await cast.head()).last_seq == 1


async def test_only_the_author_edits_and_not_to_nothing(cast: Cast) -> None:
    message = await cast.say(cast.bo, "hello")

    with pytest.raises(NotTheAuthor):
        await edit(cast, cast.ana, message, "goodbye")
    with pytest.raises(TextEmpty):
        await edit(cast, cast.bo, message, " ")


async def test_a_deletion_is_told_without_the_content(cast: Cast) -> None:
    message = await cast.say(cast.ana, "my secret")

    await delete(cast, cast.ana, message)

    event = cast.events[-1]
    assert event == MessageDeleted(
        conversation_id=cast.lobby.id,
        conversation_uid=cast.lobby.uid,
        seq=2,
        at=cast.clock.now(),
        message=MessageRef(message.id, message.uid),
        author_id=cast.ana.id,
        actor=cast.ana.person,
    )
    assert "secret" not in repr([event, await cast.timeline()])


async def test_the_author_the_owner_and_an_admin_in_it_may_delete(cast: Cast) -> None:
    dot = await cast.account("dot", Role.ADMIN)
    await cast.do(cast.conversations.add_members, cast.ana.id, cast.lobby.id, [dot, cast.cy])
    said = [await cast.say(cast.bo, f"{n}") for n in range(3)]

    with pytest.raises(NotTheOwner):
        await delete(cast, cast.cy, said[0])
    for actor, message in zip((cast.bo, cast.ana, dot), said, strict=True):
        await delete(cast, actor, message)

    assert all(message.is_deleted for message in await shown(cast))


async def test_what_is_deleted_is_not_there_for_anything_more(cast: Cast) -> None:
    message = await cast.say(cast.ana, "hello")
    await delete(cast, cast.ana, message)

    for act in (
        lambda: edit(cast, cast.ana, message, "hello again"),
        lambda: delete(cast, cast.ana, message),
        lambda: react(cast, cast.ana, message, "👍"),
        lambda: unreact(cast, cast.ana, message, "👍"),
    ):
        with pytest.raises(NoSuchMessage):
            await act()


async def test_only_members_touch_a_message_and_only_where_it_is(cast: Cast) -> None:
    message = await cast.say(cast.ana, "hello")
    annex = await cast.do(cast.conversations.start, cast.ana.id, [cast.cy.id])

    with pytest.raises(NotAMember):
        await react(cast, cast.cy, message, "👍")
    with pytest.raises(NoSuchMessage):
        await cast.do(cast.messages.delete, cast.ana.id, annex.id, message.id)
    with pytest.raises(NoSuchMessage):
        await cast.do(cast.messages.delete, cast.ana.id, cast.lobby.id, MessageId(404))
    with pytest.raises(NoSuchConversation):
        await cast.do(cast.messages.delete, cast.ana.id, ConversationId(404), message.id)


async def test_a_block_between_two_silences_edits_and_reactions_too(cast: Cast) -> None:
    message = await cast.say(cast.bo, "hello")
    await cast.do(cast.social.block, cast.ana.id, cast.bo.id)

    with pytest.raises(Blocked):
        await edit(cast, cast.bo, message, "hello?")
    with pytest.raises(Blocked):
        await react(cast, cast.ana, message, "👍")
    await delete(cast, cast.bo, message)


async def test_a_reaction_is_told_once_when_put_and_once_when_taken_back(cast: Cast) -> None:
    message = await cast.say(cast.ana, "hello")
    cast.events.clear()

    for _ in range(2):
        await react(cast, cast.bo, message, "👍🏽")
    for _ in range(2):
        await unreact(cast, cast.bo, message, "👍🏽")

    assert [(type(event), event.emoji, event.seq) for event in cast.events] == [
        (ReactionAdded, "👍🏽", 2),
        (ReactionRemoved, "👍🏽", 3),
    ]


async def test_one_account_says_only_so_much_about_one_message(cast: Cast) -> None:
    message = await cast.say(cast.ana, "hello")
    emojis = [chr(0x1F600 + n) for n in range(MAX_REACTIONS_EACH + 1)]
    for emoji in emojis[:-1]:
        await react(cast, cast.bo, message, emoji)

    with pytest.raises(TooManyReactions):
        await react(cast, cast.bo, message, emojis[-1])
    await react(cast, cast.bo, message, emojis[0])
    await react(cast, cast.ana, message, emojis[-1])


@pytest.mark.parametrize("emoji", ["👍", "❤️", "👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🇩🇪", "#️⃣"])
async def test_an_emoji_is_one_however_it_is_put_together(cast: Cast, emoji: str) -> None:
    message = await cast.say(cast.ana, "hello")

    await react(cast, cast.bo, message, emoji)


@pytest.mark.parametrize("emoji", ["", "no", "👍 👍", "<b>", "👍" * 33, "\0", "\n", "1"])
async def test_what_is_no_emoji_is_refused(cast: Cast, emoji: str) -> None:
    message = await cast.say(cast.ana, "hello")

    with pytest.raises(Exception) as refused:
        await react(cast, cast.bo, message, emoji)

    assert refused.value.code in {EmojiInvalid.code, "text_has_nul"}


@pytest.mark.parametrize("change", ["edited", "deleted"])
async def test_a_retry_finds_its_message_after_it_was_edited_or_deleted(
    cast: Cast, change: str
) -> None:
    draft = cast.draft(cast.ana, "hello", client_id="c")
    (first,) = await cast.post(draft)
    if change == "edited":
        await edit(cast, cast.ana, first.message, "goodbye")
    else:
        await cast.do(cast.messages.delete, cast.ana.id, cast.lobby.id, first.message.id)

    (again,) = await cast.post(draft)

    assert (again.is_repeat, again.message.id) == (True, first.message.id)
