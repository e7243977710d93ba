"""The hub: who is told when staff come and go."""

from folkmoot.core.accounts.model import Role
from tests.realtime.memory_server import heard


async def test_whoever_watches_staff_is_told_of_all_of_them_and_of_nobody_else(server):
    cast, hub = server.cast, server.services.hub
    agent, admin = [await cast.account(role.value, role) for role in (Role.AGENT, Role.ADMIN)]
    ana = await server.connect(cast.ana)
    hub.watchers.watch_staff(ana, is_on=True)
    heard(ana)

    desk = await server.connect(agent)
    second = await server.connect(agent)
    await server.connect(cast.bo)
    hub.close(second)
    hub.close(desk)
    assert heard(ana) == ["CameOnline agent", "WentOffline agent"]
    hub.watchers.watch_staff(ana, is_on=False)
    await server.connect(admin)

    assert heard(ana) == []


async def test_nobody_is_told_twice_or_of_themselves(server):
    cast, hub = server.cast, server.services.hub
    agent = await cast.account("agent", Role.AGENT)
    ana = await server.connect(cast.ana)
    hub.watchers.watch(ana, frozenset({agent.id}))
    hub.watchers.watch_staff(ana, is_on=True)
    heard(ana)

    desk = await server.connect(agent)
    hub.watchers.watch_staff(desk, is_on=True)
    hub.close(desk)

    assert heard(ana) == ["CameOnline agent", "WentOffline agent"]
    assert heard(desk) == []


async def test_whoever_is_gone_watches_nobody(server):
    cast, hub = server.cast, server.services.hub
    ana = await server.connect(cast.ana)
    hub.watchers.watch_staff(ana, is_on=True)
    hub.close(ana)
    hub.watchers.watch_staff(ana, is_on=True)
    heard(ana)

    await server.connect(await cast.account("agent", Role.AGENT))

    assert heard(ana) == []


async def test_everybody_who_is_online_is_counted_once(server):
    await server.connect(server.cast.ana)
    await server.connect(server.cast.ana)
    await server.connect(server.cast.bo)

    assert [person.username for person in server.services.presence.online.values()] == ["ana", "bo"]
