"""The hub: whom somebody blocks is not shown that they come, go, type or read; others are."""

from folkmoot.core.accounts.model import Person
from folkmoot.core.conversations.events import ReadMoved
from folkmoot.core.presence.events import Typing
from folkmoot.core.shared.ids import AccountId
from folkmoot.realtime.connection import Connection
from tests.cast import NOON
from tests.realtime.memory_server import MemoryServer, heard


async def three(server: MemoryServer) -> tuple[Connection, Connection, Connection]:
    """Ana, Bo and Cy, who listen to the LOBBY."""
    cast = server.cast
    await server.do(cast.conversations.add_members, cast.ana.id, cast.lobby.id, [cast.cy])
    ana, bo, cy = [await server.listen(account) for account in (cast.ana, cast.bo, cast.cy)]
    for connection in (ana, bo, cy):
        heard(connection)
    return ana, bo, cy


async def block(server: MemoryServer, blocker: AccountId, blocked: AccountId) -> None:
    await server.do(server.cast.social.block, blocker, blocked)


def act(server: MemoryServer, person: Person) -> None:
    """Somebody types and reads."""
    where = server.cast.lobby.id, server.cast.lobby.uid
    server.services.publish([Typing(*where, person, is_typing=True)])
    server.services.publish([ReadMoved(*where, person, 1, NOON)])


async def test_what_the_blocker_does_is_told_to_all_but_whom_they_block(server: MemoryServer):
    ana, bo, cy = await three(server)
    await block(server, ana.person.id, bo.person.id)
    heard(bo)

    act(server, ana.person)
    server.hub.close(ana)

    assert heard(bo) == []
    assert heard(cy) == [
        "Typing ana True", "ReadMoved ana 1", "Typing ana False", "Exited ana"
    ]  # fmt: skip


async def test_the_blocker_goes_on_being_told_of_the_other(server: MemoryServer):
    ana, bo, _ = await three(server)
    await block(server, ana.person.id, bo.person.id)
    heard(ana)

    server.hub.close(bo)

    assert heard(ana) == ["Exited bo"]


async def test_who_is_blocked_sees_the_blocker_go_and_come_back_when_it_is_lifted(
    server: MemoryServer,
):
    ana, bo, cy = await three(server)
    where = server.cast.lobby.id, server.cast.lobby.uid
    server.services.publish([Typing(*where, ana.person, is_typing=True)])
    heard(bo), heard(cy)

    await block(server, ana.person.id, bo.person.id)
    assert heard(bo) == ["Typing ana False", "Exited ana"]
    assert server.hub.present_for(bo, server.cast.lobby.id) == 2
    await server.do(server.cast.social.unblock, ana.person.id, bo.person.id)

    assert heard(bo) == ["Entered ana"]
    assert heard(cy) == []


async def test_who_comes_later_is_told_as_little(server: MemoryServer):
    ana, bo, _ = await three(server)
    server.hub.close(bo)
    await block(server, ana.person.id, bo.person.id)
    again = await server.listen(server.cast.bo, after_seq=0)
    heard(again)

    act(server, ana.person)

    assert heard(again) == []
    assert again.blocked_by == {ana.person.id}
