"""The stage of the kit tests."""

from collections.abc import AsyncIterator

import pytest

from tests.realtime.stage import Stage, staged


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """Ana and Bo in the LOBBY, Cy outside, and a server that works."""
    async with staged() as stage:
        yield stage
