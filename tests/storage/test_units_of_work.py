"""What every `Storage` promises of a unit of work."""

import asyncio
from datetime import timedelta

import pytest

from folkmoot.core.accounts.errors import EmailTaken, UsernameTaken
from folkmoot.core.accounts.model import Account, AccountChange
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.core.shared.pages import Page, Slice
from folkmoot.core.shared.refusals import Unavailable
from folkmoot.core.work import Storage, UnitOfWork
from folkmoot.storage.errors import ConstraintBroken, ForeignAwait, ReadingOnly
from tests.cast import NOON, Cast, enter
from tests.patience import opened_patiently


class Interrupted(Exception):
    """What a job raises to be taken back."""


async def everything(cast: Cast) -> object:
    """All that can be seen of the cast and the LOBBY."""

    async def job(work: UnitOfWork) -> object:
        return (
            await work.accounts.by_ids([cast.ana.id, cast.bo.id, cast.cy.id]),
            await work.accounts.count(),
            await work.conversations.heads([cast.lobby.id]),
            await work.conversations.members([cast.lobby.id]),
            await work.timeline.after(cast.lobby.id, 0, limit=100),
            await work.views.page(cast.lobby.id, Page(100)),
            await work.views.overviews(cast.ana.id, Slice(100)),
            await work.social.blocked_by(cast.ana.id),
            await work.logins.live_of(cast.ana.id, cast.clock.now()),
        )

    return await cast.storage.read(job)


async def test_what_was_written_is_seen_by_the_next_reader(cast: Cast) -> None:
    message = await cast.say(cast.ana, "hello")

    assert await cast.see(lambda work: work.views.page(cast.lobby.id, Page(10))) == [message]


async def test_a_job_that_raises_leaves_no_trace(cast: Cast) -> None:
    message = await cast.say(cast.ana, "hello")
    before = await everything(cast)

    async def job(work: UnitOfWork) -> None:
        await cast.posting.post(work, [cast.draft(cast.bo, "never said", client_id="c")])
        await cast.messages.edit(work, cast.ana.id, cast.lobby.id, message.id, "never meant")
        await cast.messages.react(work, cast.bo.id, cast.lobby.id, message.id, "👍")
        await cast.conversations.rename(work, cast.ana.id, cast.lobby.id, "ELSEWHERE")
        await cast.conversations.add_members(work, cast.ana.id, cast.lobby.id, [cast.cy])
        await cast.conversations.remove_member(work, cast.ana.id, cast.lobby.id, cast.bo.id)
        await cast.messages.delete(work, cast.ana.id, cast.lobby.id, message.id)
        await cast.accounts.change_profile(work, cast.ana.id, email="other@example.com")
        await work.accounts.add(cast.accounts.draft(username="dot", email="dot@example.com"))
        await work.social.block(cast.ana.id, cast.bo.id, cast.clock.now())
        await cast.conversations.start(work, cast.ana.id, [cast.cy.id])
        raise Interrupted

    with pytest.raises(Interrupted):
        await cast.storage.write(job)

    assert await everything(cast) == before


async def test_after_a_job_that_raised_the_next_one_works(cast: Cast) -> None:
    async def job(work: UnitOfWork) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        await cast.storage.write(job)

    assert (await cast.say(cast.ana, "hello")).seq == 1


async def test_the_exception_of_a_reading_job_comes_through(cast: Cast) -> None:
    async def job(work: UnitOfWork) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        await cast.storage.read(job)


async def test_a_reading_job_cannot_write(cast: Cast) -> None:
    async def post(work: UnitOfWork) -> None:
        await cast.posting.post(work, [cast.draft(cast.ana, "hello")])

    async def block(work: UnitOfWork) -> None:
        await work.social.block(cast.ana.id, cast.bo.id, NOON)

    before = await everything(cast)

    for job in (post, block):
        with pytest.raises(ReadingOnly):
            await cast.storage.read(job)

    assert await everything(cast) == before


async def test_what_was_recorded_is_at_hand_in_order(cast: Cast) -> None:
    async def job(work: UnitOfWork) -> list[object]:
        work.record("first")
        work.record("second")
        return work.events

    assert await cast.storage.write(job) == ["first", "second"]


async def test_writers_at_the_same_time_number_without_gap_or_double(cast: Cast) -> None:
    said = await asyncio.gather(
        *(cast.say(author, f"{n}") for n in range(10) for author in (cast.ana, cast.bo))
    )

    assert sorted(message.seq for message in said) == list(range(1, 21))
    assert [event.message.seq for event in await cast.timeline()] == list(range(1, 21))


async def test_a_constraint_that_a_job_breaks_is_told(cast: Cast) -> None:
    async def add_twice(work: UnitOfWork) -> None:
        digest = b"d" * 32
        login = await cast.accounts.start_login(work, cast.ana, lasting=timedelta(hours=1))
        await work.logins.add_refresh(digest, login.id)
        await work.logins.add_refresh(digest, login.id)

    async def join_nobody(work: UnitOfWork) -> None:
        await work.conversations.change_members(
            cast.lobby.id, joined=[AccountId(404)], at=cast.clock.now()
        )

    for job in (add_twice, join_nobody):
        with pytest.raises(ConstraintBroken):
            await cast.storage.write(job)


async def test_two_accounts_can_have_neither_a_username_nor_an_email_in_common(cast: Cast) -> None:
    def added(username: str, email: str) -> object:
        new = cast.accounts.draft(username=username, email=email)
        return cast.storage.write(lambda work: work.accounts.add(new))

    with pytest.raises(UsernameTaken):
        await added("ANA", "another@example.com")
    with pytest.raises(EmailTaken):
        await added("another", "Ana@Example.com")
    with pytest.raises(EmailTaken):
        await cast.storage.write(
            lambda work: work.accounts.change(cast.bo.id, AccountChange(email="ANA@example.com"))
        )


async def test_of_many_who_want_one_name_at_the_same_time_one_gets_it(cast: Cast) -> None:
    async def added(number: int) -> Account | UsernameTaken | EmailTaken:
        name = "dot" if number % 2 else f"dot{number}"
        new = cast.accounts.draft(
            username=name, email=f"{'same' if name != 'dot' else number}@x.org"
        )
        try:
            return await cast.storage.write(lambda work: work.accounts.add(new))
        except (UsernameTaken, EmailTaken) as refusal:
            return refusal

    answers = await asyncio.gather(*(added(number) for number in range(8)))

    assert sum(isinstance(answer, Account) for answer in answers) == 2
    assert sum(isinstance(answer, UsernameTaken) for answer in answers) == 3
    assert sum(isinstance(answer, EmailTaken) for answer in answers) == 3


async def test_a_name_that_no_database_could_hold_means_nothing(cast: Cast) -> None:
    huge, odd = 10**30, Uid("\ud800\0")

    async def job(work: UnitOfWork) -> list[object]:
        return [
            await work.accounts.by_ids([AccountId(huge)]),
            await work.accounts.by_uids([odd]),
            await work.accounts.by_usernames([odd, "a\0na"]),
            await work.accounts.by_email(odd),
            await work.accounts.by_subject("issuer", odd),
            await work.logins.get(odd),
            await work.conversations.heads([ConversationId(huge)]),
            await work.conversations.ids_of([odd]),
            await work.conversations.memberships([(ConversationId(huge), cast.ana.id)]),
            (await work.conversations.members([ConversationId(-huge)]))[ConversationId(-huge)],
            await work.messages.by_client_ids([(cast.ana.id, odd)]),
            await work.messages.named(cast.lobby.id, [MessageId(huge), odd]),
            await work.timeline.after(cast.lobby.id, huge, limit=10),
            await work.timeline.after(ConversationId(huge), 0, limit=10),
            await work.views.page(ConversationId(huge), Page(10)),
            await work.views.page(cast.lobby.id, Page(10, offset=huge)),
            await work.views.overviews(cast.ana.id, Slice(10), only=ConversationId(huge)),
        ]

    found = [*await cast.storage.read(job), *await cast.storage.write(job)]

    assert not any(found)


async def test_checking_says_nothing_when_writing_would_work(storage: Storage) -> None:
    await storage.check()


async def test_after_closing_nothing_is_to_be_had(url: str) -> None:
    storage = await opened_patiently(url)
    cast = await enter(storage)
    await storage.close()

    with pytest.raises(Unavailable):
        await cast.say(cast.ana, "hello")
    with pytest.raises(Unavailable):
        await cast.head()
    with pytest.raises(Unavailable):
        await storage.check()


@pytest.mark.parametrize("url", ["memory", "sqlite"], indirect=True)
async def test_a_job_that_awaits_anything_else_is_refused(cast: Cast) -> None:
    async def job(work: UnitOfWork) -> None:
        await cast.posting.post(work, [cast.draft(cast.ana, "hello")])
        await asyncio.sleep(0)  # polls: nothing, it is what must be refused

    with pytest.raises(ForeignAwait):
        await cast.storage.write(job)

    assert (await cast.head()).last_seq == 0
