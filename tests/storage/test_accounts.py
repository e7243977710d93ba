"""What every `AccountStore`, `LoginStore` and `SocialStore` promises."""

from dataclasses import replace
from datetime import timedelta

import pytest

from folkmoot.core.accounts.errors import NoSuchAccount
from folkmoot.core.accounts.model import AccountChange, Login, NewAccount, Role
from folkmoot.core.conversations.model import ReadMark
from folkmoot.core.conversations.receipts import Watermarks
from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.core.social.model import MarksAtBlock
from folkmoot.core.work import UnitOfWork
from folkmoot.storage.errors import ConstraintBroken
from tests.cast import NOON, Cast

HOUR = timedelta(hours=1)
DIGEST, OTHER = b"d" * 32, b"o" * 32


def outsider(cast: Cast, username: str, subject: str) -> NewAccount:
    return cast.accounts.draft(
        username=username, email=f"{username}@example.com", issuer="https://id", subject=subject
    )


async def login_of_ana(cast: Cast, lasting: timedelta = HOUR) -> Login:
    return await cast.do(cast.accounts.start_login, cast.ana, lasting=lasting)


async def test_an_account_is_found_by_each_of_its_names(cast: Cast) -> None:
    ana, bo = cast.ana, cast.bo

    async def job(work: UnitOfWork) -> list[object]:
        return [
            await work.accounts.by_ids([ana.id, bo.id, AccountId(404)]),
            await work.accounts.by_uids([ana.uid, Uid("no such")]),
            await work.accounts.by_usernames(["ana", "nobody"]),
            await work.accounts.by_email("ana@example.com"),
            await work.accounts.by_email("nobody@example.com"),
        ]

    assert await cast.storage.read(job) == [
        {ana.id: ana, bo.id: bo},
        {ana.uid: ana},
        {"ana": ana},
        ana,
        None,
    ]


async def test_an_account_of_an_outside_issuer_is_found_by_its_subject(cast: Cast) -> None:
    dot = await cast.storage.write(lambda work: work.accounts.add(outsider(cast, "dot", "7")))

    assert await cast.see(lambda work: work.accounts.by_subject("https://id", "7")) == dot
    assert await cast.see(lambda work: work.accounts.by_subject("https://id", "8")) is None
    assert await cast.see(lambda work: work.accounts.by_subject("https://other", "7")) is None


async def test_a_subject_has_one_account(cast: Cast) -> None:
    await cast.storage.write(lambda work: work.accounts.add(outsider(cast, "dot", "7")))

    with pytest.raises(ConstraintBroken):
        await cast.storage.write(lambda work: work.accounts.add(outsider(cast, "eve", "7")))


async def test_a_change_leaves_what_it_does_not_name(cast: Cast) -> None:
    change = AccountChange(full_name="Ana of the LOBBY", role=Role.ADMIN, is_active=False)

    changed = await cast.storage.write(lambda work: work.accounts.change(cast.ana.id, change))

    assert changed == (await cast.see(lambda work: work.accounts.by_ids([cast.ana.id])))[1]
    assert (changed.full_name, changed.role, changed.is_active) == (
        "Ana of the LOBBY",
        Role.ADMIN,
        False,
    )
    assert (changed.email, changed.username) == (cast.ana.email, cast.ana.username)
    assert await cast.see(lambda work: work.accounts.password_hash(cast.ana.id)) == "hash of ana"


async def test_an_email_that_was_given_up_is_free_again(cast: Cast) -> None:
    moved = AccountChange(email="moved@example.com")
    await cast.storage.write(lambda work: work.accounts.change(cast.ana.id, moved))

    taken = AccountChange(email="ana@example.com")
    bo = await cast.storage.write(lambda work: work.accounts.change(cast.bo.id, taken))

    assert await cast.see(lambda work: work.accounts.by_email("ana@example.com")) == bo


async def test_changing_an_account_that_is_not_there_is_refused(cast: Cast) -> None:
    for number in (404, 10**30):
        with pytest.raises(NoSuchAccount):
            await cast.storage.write(
                lambda work, number=number: work.accounts.change(
                    AccountId(number), AccountChange(full_name="Nobody")
                )
            )


async def test_a_password_hash_is_replaced_and_missing_for_outsiders(cast: Cast) -> None:
    dot = await cast.storage.write(lambda work: work.accounts.add(outsider(cast, "dot", "7")))
    fresh = AccountChange(password_hash="another hash")
    await cast.storage.write(lambda work: work.accounts.change(cast.ana.id, fresh))

    async def job(work: UnitOfWork) -> list[str | None]:
        ids = (cast.ana.id, dot.id, AccountId(404))
        return [await work.accounts.password_hash(number) for number in ids]

    assert await cast.storage.read(job) == ["another hash", None, None]


async def test_accounts_are_counted_and_so_are_the_active_of_a_role(cast: Cast) -> None:
    await cast.account("dot", Role.ADMIN)
    eve = await cast.account("eve", Role.ADMIN)
    off = AccountChange(is_active=False)
    await cast.storage.write(lambda work: work.accounts.change(eve.id, off))

    async def job(work: UnitOfWork) -> list[int]:
        return [
            await work.accounts.count(),
            await work.accounts.count(active_role=Role.ADMIN),
            await work.accounts.count(active_role=Role.USER),
            await work.accounts.count(active_role=Role.AGENT),
        ]

    assert await cast.storage.read(job) == [5, 1, 3, 0]
    assert await cast.storage.write(job) == [5, 1, 3, 0]


async def test_a_login_is_remembered_until_it_is_revoked_and_keeps_that_time(cast: Cast) -> None:
    login = await login_of_ana(cast)
    later = NOON + timedelta(minutes=1)

    await cast.storage.write(lambda work: work.logins.revoke([login.id], later))
    await cast.storage.write(lambda work: work.logins.revoke([login.id], later + HOUR))

    found = await cast.see(lambda work: work.logins.get(login.id))
    assert found == Login(login.id, cast.ana.id, NOON, NOON + HOUR, revoked_at=later)
    assert await cast.see(lambda work: work.logins.get(Uid("no such"))) is None


async def test_live_logins_are_neither_revoked_nor_expired_nor_anothers(cast: Cast) -> None:
    revoked = await login_of_ana(cast)
    await login_of_ana(cast, lasting=timedelta(minutes=1))
    live = [await login_of_ana(cast), await login_of_ana(cast)]
    await cast.do(cast.accounts.start_login, cast.bo, lasting=HOUR)
    await cast.storage.write(lambda work: work.logins.revoke([revoked.id], NOON))

    found = await cast.see(
        lambda work: work.logins.live_of(cast.ana.id, NOON + timedelta(minutes=1))
    )

    assert found == live


async def test_a_refresh_token_is_new_once(cast: Cast) -> None:
    login = await login_of_ana(cast)
    await cast.storage.write(lambda work: work.logins.add_refresh(DIGEST, login.id))

    async def use(digest: bytes) -> object:
        return await cast.storage.write(lambda work: work.logins.use_refresh(digest, NOON))

    assert await use(DIGEST) == (login, True)
    assert await use(DIGEST) == (login, False)
    assert await use(OTHER) is None


async def test_a_ticket_is_taken_once_and_in_time(cast: Cast) -> None:
    login = await login_of_ana(cast)
    end = NOON + timedelta(minutes=1)
    await cast.storage.write(lambda work: work.logins.add_ticket(DIGEST, login.id, end))
    await cast.storage.write(lambda work: work.logins.add_ticket(OTHER, login.id, end))

    async def take(digest: bytes, after: timedelta) -> Login | None:
        return await cast.storage.write(lambda work: work.logins.take_ticket(digest, NOON + after))

    assert await take(DIGEST, timedelta(seconds=59)) == login
    assert await take(DIGEST, timedelta(seconds=59)) is None
    assert await take(OTHER, timedelta(seconds=60)) is None
    assert await take(OTHER, timedelta(seconds=1)) is None


async def test_what_expired_is_forgotten_with_its_tokens_and_the_rest_stays(cast: Cast) -> None:
    live = await login_of_ana(cast, lasting=timedelta(days=9))
    expired = await login_of_ana(cast)
    revoked = await login_of_ana(cast, lasting=timedelta(days=9))

    async def fill(work: UnitOfWork) -> None:
        for index, login in enumerate((live, expired, revoked)):
            await work.logins.add_refresh(bytes([index]) * 32, login.id)
        await work.logins.add_ticket(DIGEST, live.id, NOON + HOUR)
        await work.logins.add_ticket(OTHER, live.id, NOON + timedelta(days=2))
        await work.logins.revoke([revoked.id], NOON + HOUR)

    await cast.storage.write(fill)
    gone = await cast.storage.write(lambda work: work.logins.forget_ended(NOON + timedelta(days=1)))

    async def job(work: UnitOfWork) -> list[object]:
        used = [await work.logins.use_refresh(bytes([index]) * 32, NOON) for index in range(3)]
        tickets = [await work.logins.take_ticket(digest, NOON) for digest in (DIGEST, OTHER)]
        return [*used, *tickets, await work.logins.get(expired.id)]

    known = replace(revoked, revoked_at=NOON + HOUR)
    assert gone == 2
    assert await cast.storage.write(job) == [(live, True), None, (known, True), None, live, None]


async def test_a_block_is_set_once_and_lifted_once(cast: Cast) -> None:
    async def job(work: UnitOfWork) -> list[bool]:
        ana, bo = cast.ana.id, cast.bo.id
        return [
            await work.social.block(ana, bo, NOON),
            await work.social.block(ana, bo, NOON),
            await work.social.unblock(bo, ana),
            await work.social.unblock(ana, bo),
            await work.social.unblock(ana, bo),
        ]

    assert await cast.storage.write(job) == [True, False, False, True, False]


async def test_who_is_blocked_finds_who_did_it_and_how_far_they_had_read_by_then(
    cast: Cast,
) -> None:
    ana, bo, cy = cast.ana.id, cast.bo.id, cast.cy.id
    said = await cast.say(cast.ana, "one")
    marks = Watermarks(cast.clock)
    await cast.do(marks.move_read, [ReadMark(cast.lobby.id, bo, said.seq)])
    await cast.say(cast.ana, "two")

    async def fill(work: UnitOfWork) -> None:
        for pair in ((bo, ana), (cy, ana), (bo, cy)):
            await work.social.block(*pair, NOON)
        await work.social.unblock(bo, cy)

    await cast.storage.write(fill)
    await cast.do(marks.move_read, [ReadMark(cast.lobby.id, bo, 2)])

    async def job(work: UnitOfWork) -> list[object]:
        return [
            await work.social.blockers_of(ana),
            await work.social.blockers_of(cy),
            await work.social.marks_at_block(ana),
            await work.social.marks_at_block(cy),
        ]

    kept = {(cast.lobby.id, bo): MarksAtBlock(1, NOON, 1)}
    assert await cast.storage.read(job) == [{bo, cy}, frozenset(), kept, {}]
    await cast.storage.write(lambda work: work.social.unblock(bo, ana))
    assert await cast.storage.read(job) == [{cy}, frozenset(), {}, {}]


async def test_blocks_are_found_by_who_set_them_and_among_a_set(cast: Cast) -> None:
    ana, bo, cy = cast.ana.id, cast.bo.id, cast.cy.id

    async def fill(work: UnitOfWork) -> None:
        for pair in ((ana, bo), (ana, cy), (cy, bo)):
            await work.social.block(*pair, NOON)

    await cast.storage.write(fill)

    async def job(work: UnitOfWork) -> list[frozenset[object]]:
        return [
            await work.social.blocked_by(ana),
            await work.social.blocked_by(bo),
            await work.social.blocks_among([ana, bo]),
            await work.social.blocks_among([bo, cy]),
            await work.social.blocks_among([ana, bo, cy]),
            await work.social.blocks_among([bo]),
            await work.social.blocks_among([]),
        ]

    assert await cast.storage.read(job) == [
        {bo, cy},
        frozenset(),
        {(ana, bo)},
        {(cy, bo)},
        {(ana, bo), (ana, cy), (cy, bo)},
        frozenset(),
        frozenset(),
    ]
