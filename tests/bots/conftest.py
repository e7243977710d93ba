"""A model's server, and what asks it."""

from collections.abc import AsyncIterator

import pytest

from tests.bots.answerers import ModelSetup
from tests.bots.model_server import ModelServer


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture
def setup() -> ModelSetup:
    return ModelSetup()
