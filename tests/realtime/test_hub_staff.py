"""The hub: who is told when staff come and go, and who overhears what is announced."""

from folkmoot.core.accounts.model import Role
from folkmoot.core.messages.events import MessagePosted
from tests.realtime.stage import heard


async def test_whoever_watches_staff_is_told_of_all_of_them_and_of_nobody_else(stage):
    cast, hub = stage.cast, stage.services.hub
    agent, admin = [await cast.account(role.value, role) for role in (Role.AGENT, Role.ADMIN)]
    ana = await stage.connect(cast.ana)
    hub.watch_staff(ana, is_on=True)
    heard(ana)

    desk = await stage.connect(agent)
    second = await stage.connect(agent)
    await stage.connect(cast.bo)
    hub.close(second)
    hub.close(desk)
    assert heard(ana) == ["CameOnline agent", "WentOffline agent"]
    hub.watch_staff(ana, is_on=False)
    await stage.connect(admin)

    assert heard(ana) == []


async def test_nobody_is_told_twice_or_of_themselves(stage):
    cast, hub = stage.cast, stage.services.hub
    agent = await cast.account("agent", Role.AGENT)
    ana = await stage.connect(cast.ana)
    hub.watch(ana, frozenset({agent.id}))
    hub.watch_staff(ana, is_on=True)
    heard(ana)

    desk = await stage.connect(agent)
    hub.watch_staff(desk, is_on=True)
    hub.close(desk)

    assert heard(ana) == ["CameOnline agent", "WentOffline agent"]
    assert heard(desk) == []


async def test_whoever_is_gone_watches_nobody(stage):
    cast, hub = stage.cast, stage.services.hub
    ana = await stage.connect(cast.ana)
    hub.watch_staff(ana, is_on=True)
    hub.close(ana)
    hub.watch_staff(ana, is_on=True)
    heard(ana)

    await stage.connect(await cast.account("agent", Role.AGENT))

    assert heard(ana) == []


async def test_everybody_who_is_online_is_counted_once(stage):
    await stage.connect(stage.cast.ana)
    await stage.connect(stage.cast.ana)
    await stage.connect(stage.cast.bo)

    assert [person.username for person in stage.services.hub.people()] == ["ana", "bo"]


async def test_what_is_announced_is_overheard_before_anybody_is_sent_it(stage):
    bo = await stage.listen(stage.cast.bo)
    heard(bo)
    overheard = []

    def overhear(event):
        overheard.append((type(event), list(bo.outlet.frames)))

    stage.services.hub.overhearing.append(overhear)
    await stage.say(stage.cast.ana, "Hello")

    assert overheard[0] == (MessagePosted, [])
    assert heard(bo) == ["MessagePosted 1"]
