"""How much an account may say in a time is counted once, whichever contracts it says it through."""

from collections.abc import Iterator

import pytest

from tests.adapters.adapter import ContractClient, ContractConnection, RequestRefused, ShownEvent
from tests.adapters.every import KINDS, contracts_for
from tests.clients import LoggedIn, logged_in
from tests.integration.interop.conftest import Scene
from tests.running import Server

BURST = 6
STRICT = {
    "FOLKMOOT_LIMITS": "on",
    "FOLKMOOT_SEND_PER_MINUTE": "1",
    "FOLKMOOT_SEND_BURST": str(BURST),
    "FOLKMOOT_REGISTER_PER_MINUTE": "600",
    "FOLKMOOT_LOGIN_PER_MINUTE": "600",
    "FOLKMOOT_CONNECT_PER_MINUTE": "6000",
}


@pytest.fixture(scope="module")
def demo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), "--demo", **STRICT) as server:
        yield server


@pytest.fixture(scope="module")
def agent(demo_server: Server) -> LoggedIn:
    return logged_in(demo_server, "agent", "AgentPassword123")


async def says_too_much(connection: ContractConnection, said: list[ShownEvent]) -> str | None:
    """Say one thing more; the code if it is refused."""
    try:
        said.append(await connection.says(f"Message {len(said)}"))
    except RequestRefused as refusal:
        return str(refusal)
    return None


@pytest.mark.parametrize(
    ("scene", "contract"),
    [
        pytest.param(kind, contract, id=f"{kind}-{contract.name}")
        for kind in KINDS
        for contract in contracts_for(kind)
    ],
    indirect=["scene"],
)
async def test_who_said_enough_through_one_contract_is_refused_through_all(
    scene: Scene, contract: ContractClient
) -> None:
    everywhere = [
        await scene.connection(there, scene.one) for there in contracts_for(scene.conversation.kind)
    ]
    connection = await scene.connection(contract, scene.one)
    # Beginning the conversation has taken some of the burst.
    said = [await connection.says("Enough")]
    while (refusal := await says_too_much(connection, said)) is None:
        assert len(said) < BURST
    assert refusal == "rate_limited"

    refusals = [await says_too_much(other, said) for other in everywhere]
    with pytest.raises(RequestRefused, match="rate_limited"):
        await connection.edits(said[0], "Too much as well")

    assert set(refusals) == {"rate_limited"}
    assert len(await contract.history(scene.other, scene.conversation)) == 1 + len(said)
