"""What every `MessageStore` and `MessageViews` promises."""

from dataclasses import replace
from datetime import timedelta

import pytest

from folkmoot.core.conversations.model import Conversation, Head
from folkmoot.core.messages.model import (
    AuthorKind,
    Body,
    Message,
    MessageKind,
    NewMessage,
    Reaction,
)
from folkmoot.core.messages.views import Overview
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.core.shared.pages import Page, Slice
from folkmoot.core.work import UnitOfWork
from folkmoot.storage.errors import ConstraintBroken
from tests.cast import NOON, Cast


async def page_of(cast: Cast, page: Page, **options: object) -> list[Message]:
    return await cast.see(lambda work: work.views.page(cast.lobby.id, page, **options))


async def seqs_of(cast: Cast, page: Page, **options: object) -> list[int]:
    return [message.seq for message in await page_of(cast, page, **options)]


async def overviews_of(cast: Cast, viewer: AccountId, **options: object) -> list[Overview]:
    stretch = options.pop("stretch", Slice(10))
    return await cast.see(lambda work: work.views.overviews(viewer, stretch, **options))


async def overview_of(cast: Cast, viewer: AccountId) -> Overview:
    (overview,) = await overviews_of(cast, viewer, only=cast.lobby.id)
    return overview


async def block(cast: Cast, blocker: AccountId, blocked: AccountId) -> None:
    await cast.do(cast.social.block, blocker, blocked)


async def with_cy(cast: Cast) -> Conversation:
    """The LOBBY with three in it, so that blocks hide instead of silencing; takes seq 1."""
    return await cast.do(cast.conversations.add_members, cast.ana.id, cast.lobby.id, [cast.cy])


async def test_a_message_is_stored_as_it_was_written(cast: Cast) -> None:
    first = await cast.say(cast.ana, "hello  «ünï» 👋🏽\n\ttwo lines", client_id="c-1 é")
    cast.clock.pass_by(timedelta(microseconds=1))
    second = await cast.say(cast.bo, "hi", reply_to=first.uid)

    assert await page_of(cast, Page(10)) == [first, second]
    assert (first.created_at, second.created_at) == (NOON, NOON + timedelta(microseconds=1))
    assert (first.client_id, first.author) == ("c-1 é", cast.ana.person)
    assert second.body.reply_to is not None
    assert (second.body.reply_to.id, second.body.reply_to.uid) == (first.id, first.uid)
    assert second.id > first.id


def new_message(cast: Cast, seq: int, **facts: object) -> NewMessage:
    new = NewMessage(
        uid=cast.ids.uid(),
        conversation_id=cast.lobby.id,
        conversation_uid=cast.lobby.uid,
        seq=seq,
        author=cast.ana.person,
        author_kind=AuthorKind.ACCOUNT,
        body=Body(content="words"),
        created_at=NOON,
        client_id=None,
    )
    return replace(new, **facts)


async def test_a_message_of_nobody_is_stored_too(cast: Cast) -> None:
    new = new_message(
        cast,
        1,
        author=None,
        author_kind=AuthorKind.SYSTEM,
        body=Body(content="words", kind=MessageKind.SYSTEM),
    )

    stored = await cast.storage.write(lambda work: work.messages.add([new]))

    found = await cast.see(lambda work: work.messages.named(cast.lobby.id, [new.uid]))
    assert found == {new.uid: stored[0]}
    assert stored == [new.stored_as(stored[0].id)]


async def test_what_one_wrote_oneself_is_never_unread(cast: Cast) -> None:
    async def job(work: UnitOfWork) -> None:
        nobodys = new_message(cast, 2, author=None, author_kind=AuthorKind.SYSTEM)
        await work.messages.add([new_message(cast, 1), nobodys])
        await work.conversations.advance([Head(cast.lobby.id, 2, NOON)])

    await cast.storage.write(job)

    assert (await overview_of(cast, cast.ana.id)).unread_count == 1
    assert (await overview_of(cast, cast.bo.id)).unread_count == 2


async def test_messages_are_found_by_number_and_uid_in_their_conversation_only(cast: Cast) -> None:
    message = await cast.say(cast.ana, "hello")
    annex = await cast.do(cast.conversations.start, cast.ana.id, [cast.cy.id])
    names = [message.id, message.uid, MessageId(404), Uid("no such")]

    here = await cast.see(lambda work: work.messages.named(cast.lobby.id, names))
    there = await cast.see(lambda work: work.messages.named(annex.id, names))

    assert here == {message.id: message, message.uid: message}
    assert there == {}


async def test_client_ids_are_found_per_author_in_any_conversation(cast: Cast) -> None:
    annex = await cast.do(cast.conversations.start, cast.ana.id, [cast.cy.id])
    one = await cast.say(cast.ana, "one", client_id="same")
    two = await cast.say(cast.bo, "two", client_id="same")
    three = await cast.say(cast.ana, "three", client_id="other", where=annex)
    keys = [(cast.ana.id, "same"), (cast.bo.id, "same"), (cast.ana.id, "other"),
            (cast.bo.id, "other"), (cast.cy.id, "same")]  # fmt: skip

    found = await cast.see(lambda work: work.messages.by_client_ids(keys))

    assert found == {keys[0]: one, keys[1]: two, keys[2]: three}


@pytest.mark.parametrize("same", ["uid", "seq", "client_id"])
async def test_no_two_messages_have_a_uid_a_seq_or_a_client_id_in_common(
    cast: Cast, same: str
) -> None:
    first = await cast.say(cast.ana, "hello", client_id="c")
    fresh = new_message(cast, 2, client_id="d")
    double = replace(fresh, **{same: getattr(first, same)})

    with pytest.raises(ConstraintBroken):
        await cast.storage.write(lambda work: work.messages.add([double]))

    assert await page_of(cast, Page(10)) == [first]


async def test_of_a_deleted_message_only_the_seq_is_left(cast: Cast) -> None:
    message = await cast.say(cast.ana, "my secret", client_id="c")
    await cast.do(cast.messages.react, cast.bo.id, cast.lobby.id, message.id, "👍")
    await cast.do(cast.messages.edit, cast.ana.id, cast.lobby.id, message.id, "no secret")
    at = cast.clock.pass_by()
    await cast.do(cast.messages.delete, cast.ana.id, cast.lobby.id, message.id)

    (left,) = await page_of(cast, Page(10))

    assert left == replace(message, body=Body(content=""), edited_at=NOON, deleted_at=at)
    retried = await cast.see(lambda work: work.messages.by_client_ids([(cast.ana.id, "c")]))
    assert retried[cast.ana.id, "c"].is_deleted


async def test_an_edit_replaces_the_content_and_says_when(cast: Cast) -> None:
    message = await cast.say(cast.ana, "helo")
    at = cast.clock.pass_by()
    await cast.storage.write(lambda work: work.messages.edit(message.id, Body(content="hello"), at))

    assert await page_of(cast, Page(1)) == [
        replace(message, body=Body(content="hello"), edited_at=at)
    ]


async def test_a_reaction_is_put_once_and_taken_back_once(cast: Cast) -> None:
    message = await cast.say(cast.ana, "hello")

    async def job(work: UnitOfWork) -> list[object]:
        put, take = work.messages.react, work.messages.unreact
        return [
            await put(message.id, cast.bo.id, "👍", NOON),
            await put(message.id, cast.bo.id, "👍", NOON),
            await put(message.id, cast.bo.id, "🎉", NOON),
            await work.messages.reactions_of(message.id, cast.bo.id),
            await work.messages.reactions_of(message.id, cast.ana.id),
            await take(message.id, cast.bo.id, "👍"),
            await take(message.id, cast.bo.id, "👍"),
            await work.messages.reactions_of(message.id, cast.bo.id),
        ]

    assert await cast.storage.write(job) == [
        True, False, True, {"👍", "🎉"}, frozenset(), True, False, {"🎉"},
    ]  # fmt: skip


async def test_a_page_shows_reactions_in_the_order_in_which_they_came(cast: Cast) -> None:
    message = await cast.say(cast.ana, "hello")
    bare = await cast.say(cast.ana, "nobody minds")
    for account, emoji in ((cast.bo, "🎉"), (cast.ana, "👍"), (cast.ana, "🎉")):
        cast.clock.pass_by()
        await cast.do(cast.messages.react, account.id, cast.lobby.id, message.id, emoji)

    shown, other = await page_of(cast, Page(10))

    assert shown.reactions == (
        Reaction("🎉", (cast.bo.person, cast.ana.person)),
        Reaction("👍", (cast.ana.person,)),
    )
    assert other == bare


async def test_pages_go_back_from_the_newest_and_are_oldest_first_inside(cast: Cast) -> None:
    for n in range(1, 8):
        await cast.say(cast.ana, f"{n}")

    assert await seqs_of(cast, Page(3)) == [5, 6, 7]
    assert await seqs_of(cast, Page(3, offset=3)) == [2, 3, 4]
    assert await seqs_of(cast, Page(3, offset=6)) == [1]
    assert await seqs_of(cast, Page(3, before_seq=5)) == [2, 3, 4]
    assert await seqs_of(cast, Page(3, after_seq=2)) == [3, 4, 5]
    assert await seqs_of(cast, Page(9, after_seq=2, before_seq=5)) == [3, 4]
    assert await seqs_of(cast, Page(3, after_seq=7)) == []
    assert await seqs_of(cast, Page(3, before_seq=1)) == []
    assert await seqs_of(cast, Page(0)) == []
    assert await cast.see(lambda work: work.views.page(ConversationId(404), Page(9))) == []


async def test_a_page_leaves_out_hidden_authors_and_fills_up_with_others(cast: Cast) -> None:
    for n in range(6):
        await cast.say((cast.ana, cast.bo)[n % 2], f"{n}")

    assert await seqs_of(cast, Page(2), hidden={cast.bo.id}) == [3, 5]
    assert await seqs_of(cast, Page(2, after_seq=1), hidden={cast.ana.id}) == [2, 4]
    assert await seqs_of(cast, Page(9), hidden={cast.ana.id, cast.bo.id}) == []


async def test_an_overview_shows_head_members_last_message_and_what_is_unread(cast: Cast) -> None:
    await cast.say(cast.ana, "one")
    await cast.say(cast.bo, "two")
    last = await cast.say(cast.ana, "three")
    await cast.do(cast.messages.react, cast.ana.id, cast.lobby.id, last.id, "👍")

    ana, bo = await overview_of(cast, cast.ana.id), await overview_of(cast, cast.bo.id)

    assert ana.conversation == await cast.head()
    assert [member.person.id for member in ana.members] == [cast.ana.id, cast.bo.id]
    shown = replace(last, reactions=(Reaction("👍", (cast.ana.person,)),))
    assert ana.last_message == bo.last_message == shown
    assert (ana.unread_count, bo.unread_count) == (0, 1)


async def test_an_overview_of_a_conversation_without_messages_has_none(cast: Cast) -> None:
    overview = await overview_of(cast, cast.bo.id)

    assert (overview.last_message, overview.unread_count) == (None, 0)


async def test_deleted_messages_are_neither_last_nor_unread(cast: Cast) -> None:
    kept = await cast.say(cast.ana, "kept")
    gone = await cast.say(cast.ana, "gone")
    await cast.do(cast.messages.delete, cast.ana.id, cast.lobby.id, gone.id)

    overview = await overview_of(cast, cast.bo.id)

    assert (overview.last_message, overview.unread_count) == (kept, 1)


async def test_whom_the_viewer_blocks_is_hidden_among_three_and_shown_among_two(cast: Cast) -> None:
    await cast.say(cast.bo, "before")
    await with_cy(cast)
    by_cy = await cast.say(cast.cy, "cy says")
    by_bo = await cast.say(cast.bo, "bo says")
    await block(cast, cast.ana.id, cast.bo.id)

    among_three = await overview_of(cast, cast.ana.id)
    of_another = await overview_of(cast, cast.cy.id)
    await cast.do(cast.conversations.remove_member, cast.cy.id, cast.lobby.id, cast.cy.id)
    among_two = await overview_of(cast, cast.ana.id)

    assert (among_three.last_message, among_three.unread_count) == (by_cy, 1)
    assert of_another.last_message == by_bo
    assert (among_two.last_message, among_two.unread_count) == (by_bo, 3)


async def test_overviews_come_newest_activity_first_in_slices_and_only_ones_own(cast: Cast) -> None:
    started = []
    for other in (cast.bo, cast.cy, cast.bo):
        cast.clock.pass_by()
        started.append(await cast.do(cast.conversations.start, cast.ana.id, [other.id]))
    cast.clock.pass_by()
    await cast.say(cast.ana, "the LOBBY wakes up")
    one, two, three = (each.id for each in started)

    async def ids(viewer: AccountId, **options: object) -> list[ConversationId]:
        return [each.conversation.id for each in await overviews_of(cast, viewer, **options)]

    assert await ids(cast.ana.id) == [cast.lobby.id, three, two, one]
    assert await ids(cast.ana.id, stretch=Slice(2, offset=1)) == [three, two]
    assert await ids(cast.ana.id, stretch=Slice(2, offset=9)) == []
    assert await ids(cast.cy.id) == [two]
    assert await ids(cast.cy.id, only=cast.lobby.id) == []
    assert await cast.see(lambda work: work.views.conversations_of(cast.bo.id)) == sorted(
        [cast.lobby.id, one, three]
    )


async def test_who_left_sees_no_overview_any_more(cast: Cast) -> None:
    await cast.do(cast.conversations.remove_member, cast.bo.id, cast.lobby.id, cast.bo.id)

    assert await overviews_of(cast, cast.bo.id) == []
    assert await cast.see(lambda work: work.views.conversations_of(cast.bo.id)) == []
