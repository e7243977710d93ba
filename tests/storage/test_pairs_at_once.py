"""What two processes on one PostgreSQL may do to the same two accounts at the same time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from folkmoot.core.accounts.model import Account
from folkmoot.core.conversations.model import Conversation
from folkmoot.core.messages.model import DirectWith, Posted, Upload
from folkmoot.core.shared.ids import ConversationId, Uid
from folkmoot.core.shared.refusals import Refusal
from folkmoot.core.social.errors import AlreadyFriends
from folkmoot.core.social.friends import Friends
from folkmoot.core.social.model import RequestStatus
from folkmoot.core.work import UnitOfWork
from tests.cast import Cast, CountingIds
from tests.patience import opened_patiently
from tests.postgres import ONE_WORKER

pytestmark = [ONE_WORKER, pytest.mark.parametrize("url", ["postgres"], indirect=True)]


@pytest.fixture
async def services(cast: Cast, url: str) -> AsyncIterator[list[Cast]]:
    """The same cast in two processes on one database."""
    storage = await opened_patiently(url)
    yield [cast, replace(cast, storage=storage, ids=CountingIds(process=1), events=[])]
    await storage.close()


async def befriended(cast: Cast, one: Account, other: Account) -> None:
    friends = Friends(cast.clock, cast.ids)
    request = await cast.do(friends.request, one.id, other.id)
    await cast.do(friends.accept, other.id, request.id)


async def first_word(cast: Cast, author: Account, friend: Account) -> ConversationId:
    """The direct conversation of two, with one word of the author in it."""
    draft = cast.messages.draft(author.id, "hello").to(DirectWith(friend.id))
    (answer,) = await cast.post(draft)
    assert isinstance(answer, Posted)
    return answer.message.conversation_id


async def test_two_who_begin_one_direct_conversation_at_once_get_the_same(
    services: list[Cast],
) -> None:
    for n in range(8):
        friend = await services[0].account(f"friend{n}")
        await befriended(services[0], services[0].ana, friend)
        begun = await asyncio.gather(
            *(first_word(one, *pair)
              for one in services
              for pair in ((one.ana, friend), (friend, one.ana)))
        )  # fmt: skip
        assert len(set(begun)) == 1


async def test_two_who_ask_each_other_at_once_become_friends(services: list[Cast]) -> None:
    here, there = services
    for n in range(8):
        friend = await here.account(f"friend{n}")
        answers = await asyncio.gather(
            here.do(Friends(here.clock, here.ids).request, here.ana.id, friend.id),
            there.do(Friends(there.clock, there.ids).request, friend.id, here.ana.id),
        )
        assert sorted(answer.status for answer in answers) == [
            RequestStatus.ACCEPTED,
            RequestStatus.PENDING,
        ]
        with pytest.raises(AlreadyFriends):
            await here.do(Friends(here.clock, here.ids).request, here.ana.id, friend.id)


async def test_nothing_is_said_to_a_friend_after_the_friendship_ended(services: list[Cast]) -> None:
    here, there = services

    async def talk(where: Conversation) -> None:
        for _ in range(5):
            await here.post(here.draft(here.ana, "hello", where=where))

    async def end(friend: Account, where: Conversation) -> int:
        """How much had been said when it ended."""
        await there.do(Friends(there.clock, there.ids).end, friend.id, there.ana.id)
        return (await there.head(where.id)).last_seq

    for n in range(8):
        friend = await here.account(f"friend{n}")
        await befriended(here, here.ana, friend)
        direct = await here.head(await first_word(here, here.ana, friend))

        _, last_seq = await asyncio.gather(talk(direct), end(friend, direct))

        assert (await here.head(direct.id)).last_seq == last_seq


async def test_a_subject_that_two_see_first_at_once_becomes_one_account(
    services: list[Cast],
) -> None:
    async def entered(services: Cast, subject: str, username: str) -> Uid:
        new = services.accounts.draft(username=username, email=f"{username}@example.com")
        new = replace(new, password_hash=None, issuer="https://id.example.com", subject=subject)

        async def job(work: UnitOfWork) -> Uid:
            known = await work.accounts.by_subject("https://id.example.com", subject)
            return (known or await work.accounts.add(new)).uid

        return await services.storage.write(job)

    for n in range(8):
        uids = await asyncio.gather(
            *(entered(services, f"subject{n}", f"name{n}-{name}")
              for services in services for name in ("same", "same", "other"))
        )  # fmt: skip
        assert len(set(uids)) == 1


async def test_a_file_is_either_hung_up_or_forgotten_but_never_both(services: list[Cast]) -> None:
    here, there = services
    now = here.clock.now()
    here.clock.pass_by()
    for n in range(8):
        upload = Upload(
            id=here.ids.uid(),
            owner_id=here.ana.id,
            name=f"{n}",
            size=1,
            media_type="text/plain",
            digest="d",
            created_at=now,
        )
        await here.storage.write(lambda work, it=upload: work.attachments.add(it))

        (answer,), gone = await asyncio.gather(
            here.post(here.draft(here.ana, "look", attachment=upload.id)),
            there.storage.write(
                lambda work: work.attachments.forget_loose(here.clock.now(), limit=9)
            ),
        )

        assert isinstance(answer, Refusal) == (upload.id in gone)
