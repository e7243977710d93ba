"""The server of the realtime tests."""

from collections.abc import AsyncIterator

import pytest

from tests.realtime.memory_server import MemoryServer, memory_server


@pytest.fixture
async def server() -> AsyncIterator[MemoryServer]:
    """Ana and Bo in the LOBBY, Cy outside, and a server that works."""
    async with memory_server() as server:
        yield server
