"""Every storage there is, empty, and with the cast in it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from folkmoot.core.work import Storage
from folkmoot.storage import migrate
from tests.cast import Cast, enter
from tests.patience import opened_patiently
from tests.postgres import (
    ONE_WORKER,
    database,
    emptied_postgres_url,
    migrated_postgres,
    postgres,
    postgres_url,
)

__all__ = ["database", "emptied_postgres_url", "migrated_postgres", "postgres", "postgres_url"]

DATABASES = ["sqlite", pytest.param("postgres", marks=ONE_WORKER)]


@pytest.fixture(params=["memory", *DATABASES])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty storage is, of each kind."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "folkmoot.db")
    return _url(request, tmp_path, "emptied_postgres_url")


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a database without tables is, of each kind."""
    return _url(request, tmp_path, "postgres_url")


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables and nothing in them, to be copied: the migrations cost more."""
    path = tmp_path_factory.mktemp("migrated") / "folkmoot.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    return tmp_path / "folkmoot.db"


@pytest.fixture
async def storage(url: str) -> AsyncIterator[Storage]:
    storage = await opened_patiently(url)
    yield storage
    await storage.close()


@pytest.fixture
async def cast(storage: Storage) -> Cast:
    return await enter(storage)


def _url(request: pytest.FixtureRequest, tmp_path: Path, fixture: str) -> str:
    if request.param == "memory":
        return "memory://"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'folkmoot.db'}"
    url: str = request.getfixturevalue(fixture)
    return url
