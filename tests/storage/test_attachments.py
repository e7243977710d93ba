"""What every `AttachmentStore` promises, and every `MessageStore` of what hangs on messages."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from folkmoot.core.accounts.model import Account
from folkmoot.core.messages.errors import QuotaReached
from folkmoot.core.messages.model import Attachment, Message, MessageKind, Upload
from folkmoot.core.messages.uploads import Quota, Uploads
from folkmoot.core.shared.ids import AccountId, MessageId, Uid
from folkmoot.core.shared.pages import Page
from folkmoot.storage.errors import ConstraintBroken
from tests.cast import NOON, Cast

FOREVER = timedelta(days=365)


def new_upload(cast: Cast, owner: Account, **facts: Any) -> Upload:
    upload = Upload(
        id=cast.ids.uid(),
        owner_id=owner.id,
        name="ünï.png",
        size=1000,
        media_type="image/png",
        digest="d" * 64,
        created_at=cast.clock.now(),
        has_thumbnail=True,
    )
    return replace(upload, **facts)


async def uploaded(cast: Cast, owner: Account, **facts: Any) -> Upload:
    upload = new_upload(cast, owner, **facts)
    await cast.storage.write(lambda work: work.attachments.add(upload))
    return upload


async def shown(cast: Cast) -> list[Message]:
    return await cast.see(lambda work: work.views.page(cast.lobby.id, Page(99)))


async def test_an_upload_is_known_by_its_id(cast: Cast) -> None:
    one = await uploaded(cast, cast.ana)
    other = await uploaded(cast, cast.bo, has_thumbnail=False, size=2**40)

    found = await cast.see(
        lambda work: work.attachments.get([one.id, other.id, Uid("no such"), Uid("\ud800\0")])
    )

    assert found == {one.id: one, other.id: other}


async def test_no_two_uploads_have_one_id(cast: Cast) -> None:
    one = await uploaded(cast, cast.ana)

    with pytest.raises(ConstraintBroken):
        await uploaded(cast, cast.bo, id=one.id)
    with pytest.raises(ConstraintBroken):
        await uploaded(cast, cast.bo, owner_id=AccountId(404))


async def test_files_that_are_kept_at_once_are_no_more_than_an_account_may_have(
    cast: Cast,
) -> None:
    uploads = Uploads(cast.clock, Quota(max_files=3, max_bytes=10_000))
    new = [new_upload(cast, owner) for owner in (cast.ana, cast.bo) for _ in range(12)]

    kept = await asyncio.gather(
        *(cast.storage.write(lambda work, one=one: uploads.keep(work, one)) for one in new),
        return_exceptions=True,
    )

    assert Counter(type(one) for one in kept) == {type(None): 6, QuotaReached: 18}


async def test_what_an_account_has_uploaded_is_added_up(cast: Cast) -> None:
    await uploaded(cast, cast.ana, size=10)
    await uploaded(cast, cast.ana, size=2**40)
    await uploaded(cast, cast.bo)

    async def usage(account: Account) -> tuple[int, int]:
        return await cast.see(lambda work: work.attachments.usage(account.id))

    assert await usage(cast.ana) == (2, 2**40 + 10)
    assert await usage(cast.cy) == (0, 0)


async def test_a_message_keeps_what_hangs_on_it_its_mentions_and_labels(cast: Cast) -> None:
    upload = await uploaded(cast, cast.ana)
    elsewhere = Attachment("a b.txt", None, None, url="https://example.com/a")
    said = [
        await cast.say(cast.ana, "look", attachment=upload.id, kind=MessageKind.IMAGE),
        await cast.say(cast.ana, "there", attachment=elsewhere, kind=MessageKind.FILE),
        await cast.say(
            cast.ana, "@ana @bo", mentions=[cast.bo.uid, cast.ana.uid], labels={"mood": "«ö»"}
        ),
        await cast.say(cast.ana, "plain"),
    ]

    assert await shown(cast) == said
    assert [each.body.attachment for each in said] == [upload.attachment, elsewhere, None, None]
    assert said[2].body.mentions == (cast.bo.uid, cast.ana.uid)
    assert (said[2].body.labels, said[3].body.labels) == ({"mood": "«ö»"}, {})
    assert [event.message for event in await cast.timeline()] == said
    by_uid = await cast.see(lambda work: work.messages.by_uids([said[2].uid]))
    assert by_uid == {said[2].uid: said[2]}


async def test_of_a_deleted_message_nothing_hangs_on(cast: Cast) -> None:
    upload = await uploaded(cast, cast.ana)
    message = await cast.say(
        cast.ana, "@bo", attachment=upload.id, mentions=[cast.bo.uid], labels={"a": "b"}
    )

    await cast.do(cast.messages.delete, cast.ana.id, cast.lobby.id, message.id)

    (left,) = await shown(cast)
    assert (left.body.attachment, left.body.mentions, left.body.labels) == (None, (), {})
    assert await cast.see(lambda work: work.attachments.holders(upload.id)) == []


async def test_the_conversations_that_a_file_hangs_in_are_known(cast: Cast) -> None:
    upload, loose = await uploaded(cast, cast.ana), await uploaded(cast, cast.ana)
    annex = await cast.do(cast.conversations.start, cast.ana.id, [cast.cy.id])
    await cast.say(cast.ana, "here", attachment=upload.id)
    there = await cast.say(cast.ana, "there", attachment=upload.id, where=annex)
    await cast.say(cast.ana, "there again", attachment=upload.id, where=annex)

    async def holders(upload_id: Uid) -> object:
        return await cast.see(lambda work: work.attachments.holders(upload_id))

    assert await holders(upload.id) == [cast.lobby.id, annex.id]
    await cast.do(cast.messages.delete, cast.ana.id, annex.id, there.id)
    assert await holders(upload.id) == [cast.lobby.id, annex.id]
    assert await holders(loose.id) == []
    assert await holders(Uid("\ud800\0")) == []


async def test_hanging_something_twice_on_one_message_is_once(cast: Cast) -> None:
    upload = await uploaded(cast, cast.ana)
    message = await cast.say(cast.ana, "look", attachment=upload.id)

    await cast.storage.write(lambda work: work.attachments.attach([upload.id], [message.id]))

    assert await cast.see(lambda work: work.attachments.holders(upload.id)) == [cast.lobby.id]


async def test_only_an_upload_hangs_and_only_on_a_message(cast: Cast) -> None:
    upload, message = await uploaded(cast, cast.ana), await cast.say(cast.ana, "hello")

    for upload_id, message_id in ((Uid("no such"), message.id), (upload.id, MessageId(404))):
        with pytest.raises(ConstraintBroken):
            await cast.storage.write(
                lambda work, one=upload_id, on=message_id: work.attachments.attach([one], [on])
            )


async def test_old_uploads_that_hang_on_nothing_are_forgotten_a_few_at_a_time(cast: Cast) -> None:
    old = []
    for _ in range(4):
        old.append(await uploaded(cast, cast.ana))
        cast.clock.pass_by()
    await cast.say(cast.ana, "look", attachment=old[1].id)
    gone = await cast.say(cast.ana, "no", attachment=old[2].id)
    await cast.do(cast.messages.delete, cast.ana.id, cast.lobby.id, gone.id)
    young = await uploaded(cast, cast.ana)

    async def forget(limit: int) -> set[Uid]:
        return set(
            await cast.storage.write(
                lambda work: work.attachments.forget_loose(young.created_at, limit=limit)
            )
        )

    assert await forget(0) == set()
    assert await forget(2) == {old[0].id, old[2].id}
    assert await forget(9) == {old[3].id}
    assert await forget(9) == set()
    kept = await cast.see(lambda work: work.attachments.get([each.id for each in (*old, young)]))
    assert kept.keys() == {old[1].id, young.id}
    assert NOON < young.created_at < NOON + FOREVER
