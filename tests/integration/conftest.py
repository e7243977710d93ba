"""Ana, Bo and Cy at a real server; every test has a LOBBY of its own, with Ana and Bo in it."""

from collections.abc import AsyncIterator

import pytest

from tests.clients import Client, LoggedIn, clients_of, logged_in, new_lobby, registered
from tests.running import Server


@pytest.fixture(scope="module")
def people(shared_server: Server) -> list[LoggedIn]:
    return [registered(shared_server, name) for name in ("ana", "bo", "cy")]


@pytest.fixture
async def clients(shared_server: Server, people: list[LoggedIn]) -> AsyncIterator[list[Client]]:
    async with clients_of(shared_server, *people) as clients:
        yield clients


@pytest.fixture
def ana(clients: list[Client]) -> Client:
    return clients[0]


@pytest.fixture
def bo(clients: list[Client]) -> Client:
    return clients[1]


@pytest.fixture
def cy(clients: list[Client]) -> Client:
    return clients[2]


@pytest.fixture
async def agent(shared_server: Server) -> AsyncIterator[Client]:
    """Of staff, at a server with demo data."""
    login = logged_in(shared_server, "agent", "AgentPassword123")
    async with clients_of(shared_server, login) as clients:
        yield clients[0]


@pytest.fixture
async def lobby(ana: Client, bo: Client) -> int:
    return await new_lobby(ana, bo)
