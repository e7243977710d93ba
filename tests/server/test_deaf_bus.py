"""A process that may have missed something of others says that it is not ready."""

import json

from folkmoot.bus.memory import MemoryBus, MemoryNetwork
from folkmoot.core.shared.health import Health
from folkmoot.server.http.health import readyz
from folkmoot.server.ops.health import Readiness
from folkmoot.storage.reporting import ReportingStorage
from tests.realtime.memory_server import memory_server


async def test_whoever_hears_others_no_more_is_not_ready_until_it_has_recovered():
    network = MemoryNetwork(max_waiting=1)
    bus, other = MemoryBus(network, "here"), MemoryBus(network, "there")
    async with memory_server(bus=bus) as server:
        health = Health()
        readiness = Readiness(ReportingStorage(server.cast.storage, health), health, checks={})
        assert (await readyz(server.services, readiness)).status_code == 200

        other.publish([])
        other.publish([])
        deaf = await readyz(server.services, readiness)
        bus.recover()

        assert deaf.status_code == 503
        assert json.loads(deaf.body)["detail"] == "Other processes are not heard."
        assert (await readyz(server.services, readiness)).status_code == 200
