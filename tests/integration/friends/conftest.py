"""Friends at the server of a module: two of them, or three, new for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.clients import Client
from tests.integration.friends.friendship import friends
from tests.running import Server


@pytest.fixture
async def cast(shared_server: Server) -> AsyncIterator[list[Client]]:
    """Ana, and her friends Bo and Cy, who do not know each other."""
    async with friends(shared_server, "ana", "bo", "cy") as clients:
        yield clients


@pytest.fixture
async def pair(shared_server: Server) -> AsyncIterator[list[Client]]:
    async with friends(shared_server) as clients:
        yield clients


@pytest.fixture
def ana(pair: list[Client]) -> Client:
    return pair[0]


@pytest.fixture
def bo(pair: list[Client]) -> Client:
    return pair[1]
