"""A model's server, and what asks it."""

import platform
from collections.abc import AsyncIterator

import pytest

from tests.bots.answerers import ModelSetup
from tests.bots.model_server import ModelServer

# The library that asks models wants to know this once, and the machine tells it by a program.
platform.processor()


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture
def setup() -> ModelSetup:
    return ModelSetup()
