"""A model's server, and an office that asks it."""

from collections.abc import AsyncIterator

import pytest

from tests.bots.asking import Office
from tests.bots.model_server import ModelServer


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture
def office() -> Office:
    return Office()
