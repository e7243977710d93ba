"""A flood of frames ends its connection, through every contract, and nobody else's."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.adapters.adapter import ConnectionGone, ContractClient, RequestRefused
from tests.adapters.every import KINDS, contracts_for
from tests.clients import LoggedIn, registered
from tests.integration.interop.conftest import Scene
from tests.integration.support.bare import Bare
from tests.running import Server

STRICT = {
    "FOLKMOOT_LIMITS": "on",
    "FOLKMOOT_FRAME_PER_MINUTE": "60",
    "FOLKMOOT_REGISTER_PER_MINUTE": "600",
    "FOLKMOOT_LOGIN_PER_MINUTE": "600",
}
MANY = 2000


@pytest.fixture(scope="module")
def demo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"), "--demo", **STRICT)
    server.start()
    yield server
    server.kill()


@pytest.mark.parametrize(
    ("scene", "contract"),
    [
        pytest.param(kind, contract, id=f"{kind}-{contract.name}")
        for kind in KINDS
        for contract in contracts_for(kind)
    ],
    indirect=["scene"],
)
async def test_a_flood_ends_its_connection_and_nobody_elses(
    scene: Scene, contract: ContractClient, demo_server: Server
) -> None:
    flooding = await scene.connection(contract, scene.one)
    waiting = await scene.connection(contract, scene.one)
    theirs = await scene.connection(contract, scene.other)

    with suppress(ConnectionGone):
        for _ in range(MANY):
            await flooding.floods(1)

    assert await flooding.ended() in {1008, "gone"}
    with pytest.raises(RequestRefused, match="rate_limited") as refused:
        await waiting.says("One too many")
    assert refused.value.facts["retry_after"] > 0
    said = await theirs.says("Undisturbed")
    assert (await waiting.until("message", said.uid)).text == "Undisturbed"
    trail = (demo_server.data / "logs" / "audit.log").read_text().splitlines()
    assert any("flood refused" in line and scene.one.name in line for line in trail)


@pytest.fixture
def cy(demo_server: Server) -> LoggedIn:
    return registered(demo_server, "cy")


async def test_a_flood_through_polling_is_put_out_and_its_session_is_gone(
    demo_server: Server, cy: LoggedIn
) -> None:
    async with Bare(demo_server) as client:
        await client.open()
        await client.connect({"token": cy.token})
        events = "\x1e".join(['42["heartbeat"]'] * 100)
        answers = [(await client.post(events)).status_code for _ in range(5)]
        heard: list[str] = []
        while (answer := await client.poll()).status_code == 200:
            heard += answer.text.split("\x1e")
        assert answers[0] == 200
        assert '"connection_ended"' in heard[-3]
        assert heard[-2:] == ["41", "1"]
