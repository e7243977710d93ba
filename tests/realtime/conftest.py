"""The stage of the realtime tests."""

from collections.abc import AsyncIterator

import pytest

from tests.realtime.stage import Stage, staged


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """Ana and Bo in the LOBBY, Cy outside, and a house that works."""
    async with staged() as stage:
        yield stage
