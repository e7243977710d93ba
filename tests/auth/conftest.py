from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.auth.components import Premises, application, client_of, open_premises


@pytest.fixture
async def components() -> AsyncIterator[Premises]:
    services = await open_premises()
    yield services
    services.passwords.close()
    await services.storage.close()


@pytest.fixture
async def client(components: Premises) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(application(components)) as client:
        yield client
