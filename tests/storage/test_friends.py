"""What every `FriendStore` promises."""

import pytest

from folkmoot.core.accounts.model import Account
from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.core.social.model import FriendRequest, RequestStatus, pair_key
from folkmoot.core.work import UnitOfWork
from folkmoot.storage.errors import ConstraintBroken, ReadingOnly
from tests.cast import NOON, Cast


async def asked(cast: Cast, sender: Account, receiver: Account) -> FriendRequest:
    request_id = cast.ids.uid()
    return await cast.storage.write(
        lambda work: work.friends.add(request_id, sender.id, receiver.id, cast.clock.now())
    )


async def settled(cast: Cast, request: FriendRequest, status: RequestStatus) -> FriendRequest:
    return await cast.storage.write(
        lambda work: work.friends.settle(request.id, status, cast.clock.now())
    )


async def between(cast: Cast, one: Account, other: Account) -> FriendRequest | None:
    return await cast.see(lambda work: work.friends.between(one.id, other.id))


async def friends_among(cast: Cast, *pairs: tuple[AccountId, AccountId]) -> object:
    return await cast.see(lambda work: work.friends.pairs_among(pairs))


async def test_a_request_is_pending_between_the_two_whoever_asks(cast: Cast) -> None:
    request = await asked(cast, cast.bo, cast.ana)

    assert request == FriendRequest(
        request.id, cast.bo.person, cast.ana.person, RequestStatus.PENDING, NOON
    )
    assert await between(cast, cast.ana, cast.bo) == await between(cast, cast.bo, cast.ana)
    assert await between(cast, cast.ana, cast.bo) == request
    assert await between(cast, cast.ana, cast.cy) is None
    assert await cast.see(lambda work: work.friends.get(request.id)) == request


async def test_accepted_the_two_are_friends_and_others_are_not(cast: Cast) -> None:
    request = await asked(cast, cast.bo, cast.ana)
    await asked(cast, cast.bo, cast.cy)
    pair = pair_key(cast.ana.id, cast.bo.id)
    pending = pair_key(cast.cy.id, cast.bo.id)
    before = await friends_among(cast, pair, pending)

    accepted = await settled(cast, request, RequestStatus.ACCEPTED)

    assert before == frozenset()
    assert accepted.status is RequestStatus.ACCEPTED
    assert await between(cast, cast.ana, cast.bo) == accepted
    assert await friends_among(cast, pair, pending) == {pair}
    assert await friends_among(cast) == frozenset()


async def test_declined_it_is_known_and_stands_in_nobodys_way(cast: Cast) -> None:
    request = await asked(cast, cast.bo, cast.ana)

    declined = await settled(cast, request, RequestStatus.DECLINED)
    again = await asked(cast, cast.ana, cast.bo)

    assert await cast.see(lambda work: work.friends.get(request.id)) == declined
    assert await between(cast, cast.ana, cast.bo) == again
    assert await settled(cast, again, RequestStatus.DECLINED) != declined


async def test_between_two_there_is_one_request_at_most(cast: Cast) -> None:
    request = await asked(cast, cast.bo, cast.ana)

    for sender, receiver in ((cast.bo, cast.ana), (cast.ana, cast.bo)):
        with pytest.raises(ConstraintBroken):
            await asked(cast, sender, receiver)

    assert await between(cast, cast.ana, cast.bo) == request


async def test_a_request_names_two_accounts_that_there_are(cast: Cast) -> None:
    with pytest.raises(ConstraintBroken):
        await cast.storage.write(
            lambda work: work.friends.add(cast.ids.uid(), cast.ana.id, AccountId(404), NOON)
        )


@pytest.mark.parametrize("status", RequestStatus)
async def test_removed_it_is_forgotten(cast: Cast, status: RequestStatus) -> None:
    request = await asked(cast, cast.bo, cast.ana)
    if status is not RequestStatus.PENDING:
        await settled(cast, request, status)

    await cast.storage.write(lambda work: work.friends.remove(request.id))

    assert await cast.see(lambda work: work.friends.get(request.id)) is None
    assert await between(cast, cast.ana, cast.bo) is None
    assert await friends_among(cast, pair_key(cast.ana.id, cast.bo.id)) == frozenset()
    await asked(cast, cast.bo, cast.ana)


async def test_removing_a_declined_one_leaves_the_one_that_came_after(cast: Cast) -> None:
    declined = await settled(cast, await asked(cast, cast.bo, cast.ana), RequestStatus.DECLINED)
    again = await asked(cast, cast.bo, cast.ana)

    await cast.storage.write(lambda work: work.friends.remove(declined.id))

    assert await between(cast, cast.ana, cast.bo) == again


async def test_requests_and_friendships_come_oldest_first_from_both_sides(cast: Cast) -> None:
    dot, eve = await cast.account("dot"), await cast.account("eve")
    made = []
    for sender, receiver in ((cast.bo, cast.ana), (cast.ana, cast.cy), (dot, cast.ana),
                             (cast.ana, eve), (cast.bo, cast.cy)):  # fmt: skip
        made.append(await asked(cast, sender, receiver))
        cast.clock.pass_by()
    accepted = [await settled(cast, request, RequestStatus.ACCEPTED) for request in made[2:4]]

    pending = await cast.see(lambda work: work.friends.pending_of(cast.ana.id))
    friendships = await cast.see(lambda work: work.friends.friendships_of(cast.ana.id))

    assert pending == made[:2]
    assert friendships == accepted
    assert [each.other(cast.ana.id).username for each in friendships] == ["dot", "eve"]


async def test_a_name_that_no_database_could_hold_means_nothing(cast: Cast) -> None:
    huge = AccountId(10**30)

    async def job(work: UnitOfWork) -> list[object]:
        return [
            await work.friends.get(Uid("\ud800\0")),
            await work.friends.between(cast.ana.id, huge),
            await work.friends.between(cast.ana.id, cast.ana.id),
            await work.friends.pairs_among([(cast.ana.id, huge)]),
        ]

    assert not any([*await cast.storage.read(job), *await cast.storage.write(job)])


async def test_a_reader_cannot_befriend(cast: Cast) -> None:
    with pytest.raises(ReadingOnly):
        await cast.storage.read(
            lambda work: work.friends.add(cast.ids.uid(), cast.ana.id, cast.bo.id, NOON)
        )
