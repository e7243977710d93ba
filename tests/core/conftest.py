"""The cast, on the storage that keeps nothing."""

import pytest

from folkmoot.storage import open_storage
from tests.cast import Cast, enter


@pytest.fixture
async def cast() -> Cast:
    return await enter(await open_storage("memory://"))
