"""Ana, Bo and Cy at a real server; every test has a LOBBY of its own, with Ana and Bo in it."""

from collections.abc import AsyncIterator

import pytest

from tests.clients import Keys, Visitor, new_lobby, registered, visiting
from tests.running import Server


@pytest.fixture(scope="module")
def people(shared_server: Server) -> list[Keys]:
    return [registered(shared_server, name) for name in ("ana", "bo", "cy")]


@pytest.fixture
async def visitors(shared_server: Server, people: list[Keys]) -> AsyncIterator[list[Visitor]]:
    async with visiting(shared_server, *people) as visitors:
        yield visitors


@pytest.fixture
def ana(visitors: list[Visitor]) -> Visitor:
    return visitors[0]


@pytest.fixture
def bo(visitors: list[Visitor]) -> Visitor:
    return visitors[1]


@pytest.fixture
def cy(visitors: list[Visitor]) -> Visitor:
    return visitors[2]


@pytest.fixture
async def lobby(ana: Visitor, bo: Visitor) -> int:
    return await new_lobby(ana, bo)
