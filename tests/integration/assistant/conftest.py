"""Ana and Bo are customers, the agent is of staff; a model answers that does as the test says."""

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.bots.model_server import ModelServer
from tests.clients import Keys, Visitor, logged_in, registered, visiting
from tests.integration.support.peers import Opener, peers
from tests.running import Server

STAFF_PASSWORDS = {
    "agent": "AgentPassword123",
    "analyst": "AnalystPassword123",
    "admin": "AdminPassword123",
}


@pytest.fixture(scope="module")
def model_port() -> int:
    """Where the model of all tests of a module listens, each in its own loop."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def model_settings(port: int) -> dict[str, str]:
    return {
        "FOLKMOOT_ASSISTANT_BASE_URL": f"http://127.0.0.1:{port}/v1",
        "FOLKMOOT_ASSISTANT_MODEL": "a-model",
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model_port: int) -> Iterator[Server]:
    server = Server(
        tmp_path_factory.mktemp("server"),
        "--demo",
        **model_settings(model_port),
    )
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def model(model_port: int) -> AsyncIterator[ModelServer]:
    async with ModelServer(model_port) as model:
        yield model


@pytest.fixture(scope="module")
def people(server: Server) -> list[Keys]:
    staff = [logged_in(server, name, password) for name, password in STAFF_PASSWORDS.items()]
    return [registered(server, "ana"), registered(server, "bo"), *staff]


@pytest.fixture
async def visitors(
    server: Server, model: ModelServer, people: list[Keys]
) -> AsyncIterator[dict[str, Visitor]]:
    names = ("ana", "bo", *STAFF_PASSWORDS)
    async with visiting(server, *people) as visitors:
        yield dict(zip(names, visitors, strict=True))


@pytest.fixture
def ana(visitors: dict[str, Visitor]) -> Visitor:
    return visitors["ana"]


@pytest.fixture
def bo(visitors: dict[str, Visitor]) -> Visitor:
    return visitors["bo"]


@pytest.fixture
def agent(visitors: dict[str, Visitor]) -> Visitor:
    return visitors["agent"]


@pytest.fixture
def analyst(visitors: dict[str, Visitor]) -> Visitor:
    return visitors["analyst"]


@pytest.fixture
def admin(visitors: dict[str, Visitor]) -> Visitor:
    return visitors["admin"]


@pytest.fixture
async def desks(server: Server) -> AsyncIterator[Opener]:
    """Opens Socket.IO clients of the `support` contract."""
    async with peers(server) as open_peer:
        yield open_peer


@pytest.fixture
async def impatient(tmp_path: Path, model_port: int, model: ModelServer) -> AsyncIterator[Visitor]:
    """A customer at a server that gives a model two seconds for an answer."""
    server = Server(tmp_path, FOLKMOOT_ASSISTANT_SECONDS="2", **model_settings(model_port))
    server.start()
    try:
        async with visiting(server, registered(server, "ana")) as [visitor]:
            yield visitor
    finally:
        server.kill()
