"""How much an account may say in a time is counted once, whichever contracts it says it through."""

from collections.abc import Iterator

import pytest

from tests.adapters.adapter import Door, Heard, Refused, Seat
from tests.adapters.every import KINDS, doors_to
from tests.clients import Keys, logged_in
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
    server = Server(tmp_path_factory.mktemp("server"), "--demo", **STRICT)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def agent(demo_server: Server) -> Keys:
    return logged_in(demo_server, "agent", "AgentPassword123")


async def says_too_much(seat: Seat, said: list[Heard]) -> str | None:
    """Say one thing more; the code if it is refused."""
    try:
        said.append(await seat.says(f"Message {len(said)}"))
    except Refused as refusal:
        return str(refusal)
    return None


@pytest.mark.parametrize(
    ("scene", "door"),
    [
        pytest.param(kind, door, id=f"{kind}-{door.name}")
        for kind in KINDS
        for door in doors_to(kind)
    ],
    indirect=["scene"],
)
async def test_who_said_enough_through_one_contract_is_refused_through_all(
    scene: Scene, door: Door
) -> None:
    everywhere = [await scene.seat(there, scene.one) for there in doors_to(scene.place.kind)]
    seat = await scene.seat(door, scene.one)
    # Beginning the place has taken some of the burst.
    said = [await seat.says("Enough")]
    while (refusal := await says_too_much(seat, said)) is None:
        assert len(said) < BURST
    assert refusal == "rate_limited"

    refusals = [await says_too_much(other, said) for other in everywhere]
    with pytest.raises(Refused, match="rate_limited"):
        await seat.edits(said[0], "Too much as well")

    assert set(refusals) == {"rate_limited"}
    assert len(await door.history(scene.other, scene.place)) == 1 + len(said)
