"""Ana and Bo are customers, the agent is of staff; a model answers that does as the test says."""

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.bots.model_server import ModelServer
from tests.clients import Client, LoggedIn, clients_of, logged_in, registered
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
    with Server(
        tmp_path_factory.mktemp("server"),
        "--demo",
        **model_settings(model_port),
    ) as server:
        yield server


@pytest.fixture
async def model(model_port: int) -> AsyncIterator[ModelServer]:
    async with ModelServer(model_port) as model:
        yield model


@pytest.fixture(scope="module")
def people(server: Server) -> list[LoggedIn]:
    staff = [logged_in(server, name, password) for name, password in STAFF_PASSWORDS.items()]
    return [registered(server, "ana"), registered(server, "bo"), *staff]


@pytest.fixture
async def clients(
    server: Server, model: ModelServer, people: list[LoggedIn]
) -> AsyncIterator[dict[str, Client]]:
    names = ("ana", "bo", *STAFF_PASSWORDS)
    async with clients_of(server, *people) as clients:
        yield dict(zip(names, clients, strict=True))


@pytest.fixture
def ana(clients: dict[str, Client]) -> Client:
    return clients["ana"]


@pytest.fixture
def bo(clients: dict[str, Client]) -> Client:
    return clients["bo"]


@pytest.fixture
def agent(clients: dict[str, Client]) -> Client:
    return clients["agent"]


@pytest.fixture
def analyst(clients: dict[str, Client]) -> Client:
    return clients["analyst"]


@pytest.fixture
def admin(clients: dict[str, Client]) -> Client:
    return clients["admin"]


@pytest.fixture
async def desks(server: Server) -> AsyncIterator[Opener]:
    """Opens Socket.IO clients of the `support` contract."""
    async with peers(server) as open_peer:
        yield open_peer


@pytest.fixture
async def impatient(tmp_path: Path, model_port: int, model: ModelServer) -> AsyncIterator[Client]:
    """A customer at a server that gives a model two seconds for an answer."""
    with Server(tmp_path, FOLKMOOT_ASSISTANT_SECONDS="2", **model_settings(model_port)) as server:
        async with clients_of(server, registered(server, "ana")) as [client]:
            yield client
