"""Whom an account hears of directly: after whatever happens, what storage would say anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.core.accounts.model import Person, Role
from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.core.social.contacts import Contacts, contacts_of
from folkmoot.core.social.events import (
    BlockLifted,
    BlockSet,
    FriendAccepted,
    FriendDeclined,
    FriendRequested,
    FriendshipEnded,
)
from folkmoot.core.social.friends import Friends
from folkmoot.core.social.model import FriendRequest, RequestStatus
from folkmoot.storage.memory.storage import MemoryStorage
from tests.cast import NOON, Cast, enter

PEOPLE = [Person(AccountId(n), Uid(f"u{n}"), f"p{n}", "", None, Role.USER) for n in range(1, 5)]
ANA, BO, CY, DI = PEOPLE


def request(sender: Person, receiver: Person) -> FriendRequest:
    return FriendRequest(Uid("r"), sender, receiver, RequestStatus.ACCEPTED, NOON)


@pytest.fixture
async def cast() -> Cast:
    return await enter(MemoryStorage())


def test_friends_are_companions_until_the_friendship_ends():
    contacts = Contacts(ANA.id, {}).after(FriendAccepted(request(BO, ANA)))
    assert contacts.companions == {BO.id}
    assert contacts.friends == {BO.id: BO.uid}

    assert contacts.after(FriendshipEnded(request(BO, ANA), BO.id)).companions == frozenset()


@pytest.mark.parametrize(("blocker", "blocked"), [(ANA, BO), (BO, ANA)])
def test_a_block_in_either_direction_parts_them_until_it_is_lifted(blocker, blocked):
    contacts = Contacts(ANA.id, {BO.id: BO.uid, CY.id: CY.uid})

    parted = contacts.after(BlockSet(blocker.id, blocked.id))

    assert parted.companions == {CY.id}
    assert parted.after(BlockLifted(blocker.id, blocked.id)).companions == {BO.id, CY.id}


def test_two_blocks_have_to_be_lifted_both():
    contacts = Contacts(ANA.id, {BO.id: BO.uid})
    contacts = contacts.after(BlockSet(ANA.id, BO.id)).after(BlockSet(BO.id, ANA.id))

    assert contacts.after(BlockLifted(ANA.id, BO.id)).companions == frozenset()


@pytest.mark.parametrize(
    "event",
    [
        FriendRequested(request(BO, ANA)),
        FriendDeclined(request(BO, ANA)),
        FriendAccepted(request(BO, CY)),
        BlockSet(BO.id, CY.id),
        BlockLifted(BO.id, CY.id),
    ],
)
def test_what_changes_nothing_leaves_the_contacts_as_they_are(event):
    contacts = Contacts(ANA.id, {DI.id: DI.uid})
    assert contacts.after(event) is contacts


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["accept", "end", "block", "unblock"]),
        st.sampled_from([(0, 1), (1, 0), (0, 2), (2, 0), (1, 2)]),
    ),
    max_size=12,
)


@given(DEEDS)
async def test_old_contacts_and_events_make_the_fresh_contacts(deeds):
    cast = await enter(MemoryStorage())
    people = [cast.ana, cast.bo, cast.cy]
    friends = Friends(cast.clock, cast.ids)
    all_contacts = {one.id: Contacts(one.id, {}) for one in people}

    for deed, (one, other) in deeds:
        before = len(cast.events)
        await do(cast, friends, deed, people[one].id, people[other].id)
        for event in cast.events[before:]:
            all_contacts = {key: contacts.after(event) for key, contacts in all_contacts.items()}

    for one in people:
        fresh = await cast.see(lambda work, one=one: contacts_of(work, one.id))
        assert all_contacts[one.id].companions == fresh.companions
        assert dict(all_contacts[one.id].friends) == dict(fresh.friends)


async def do(cast: Cast, friends: Friends, deed: str, one: AccountId, other: AccountId) -> None:
    async def act(work):
        known = await work.friends.between(one, other)
        blocked = await work.social.blocks_among({one, other})
        match deed:
            case "accept" if known is None and not blocked:
                asked = await friends.request(work, one, other)
                await friends.accept(work, other, asked.id)
            case "end" if known is not None:
                await friends.end(work, one, other)
            case "block":
                await cast.social.block(work, one, other)
            case "unblock":
                await cast.social.unblock(work, one, other)

    await cast.do(act)
