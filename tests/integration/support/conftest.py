"""Ana is a customer, Bo another; the agent and the admin of the demo data serve at the desk."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.clients import Client, LoggedIn, clients_of, logged_in, registered
from tests.integration.support.peers import Opener, Wire, npm_folder, peers
from tests.running import Server


@pytest.fixture(scope="module")
def server(demo_server: Server) -> Server:
    return demo_server


@pytest.fixture(scope="session")
def puppets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return npm_folder(tmp_path_factory.mktemp("npm"))


@pytest.fixture
async def opened(server: Server) -> AsyncIterator[Opener]:
    """Opens python-socketio's clients."""
    async with peers(server) as open_peer:
        yield open_peer


@pytest.fixture
async def opened_by_npm(server: Server, puppets: Path) -> AsyncIterator[Opener]:
    """Opens npm's clients."""
    async with peers(server, puppets) as open_peer:
        yield open_peer


@pytest.fixture
async def wire(server: Server) -> AsyncIterator[Wire]:
    async with Wire(server.port) as wire:
        yield wire


@pytest.fixture
def ana(server: Server) -> LoggedIn:
    return registered(server, "ana")


@pytest.fixture
def bo(server: Server) -> LoggedIn:
    return registered(server, "bo")


@pytest.fixture(scope="module")
def agent(server: Server) -> LoggedIn:
    return logged_in(server, "agent", "AgentPassword123")


@pytest.fixture(scope="module")
def admin(server: Server) -> LoggedIn:
    return logged_in(server, "admin", "AdminPassword123")


@pytest.fixture
async def rest(
    server: Server, ana: LoggedIn, bo: LoggedIn, agent: LoggedIn, admin: LoggedIn
) -> AsyncIterator[dict[str, Client]]:
    """The same four by REST."""
    async with clients_of(server, ana, bo, agent, admin) as clients:
        yield dict(zip(("ana", "bo", "agent", "admin"), clients, strict=True))


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server that a test may stop and kill."""
    with Server(tmp_path, "--demo") as server:
        yield server
