from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.auth.premises import Premises, application, client_of, open_premises


@pytest.fixture
async def premises() -> AsyncIterator[Premises]:
    house = await open_premises()
    yield house
    house.passwords.close()
    await house.storage.close()


@pytest.fixture
async def client(premises: Premises) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(application(premises)) as client:
        yield client
