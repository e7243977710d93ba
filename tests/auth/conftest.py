from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.auth.services import AuthServices, application, client_of, open_auth_services


@pytest.fixture
async def services() -> AsyncIterator[AuthServices]:
    services = await open_auth_services()
    yield services
    services.passwords.close()
    await services.storage.close()


@pytest.fixture
async def client(services: AuthServices) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(application(services)) as client:
        yield client
