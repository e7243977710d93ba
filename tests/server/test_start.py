"""A start does what its settings ask for, and leaves the rest until somebody asks for it."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from folkmoot.server.http.documents import DocumentPage
from folkmoot.storage import migrate
from tests.deadlines import WITHIN_S

UNASKED = {
    "PIL": "there is no picture, and they are seen to by a process of their own",
    "alembic": "the tables are as they should be",
    "asyncpg": "the database is SQLite",
    "folkmoot.storage.memory.storage": "the database is SQLite",
    "httpx2": "there is neither an issuer nor a model",
    "openai": "there is no model",
    "prometheus_client": "nobody asks for metrics",
    "puremagic": "there is no file",
    "sqlalchemy.orm": "the tables are as they should be",
}
START = """
import asyncio, sys
from pathlib import Path
from folkmoot.cli import main
from folkmoot.server.running import opened
from folkmoot.server.settings import load_settings

async def start():
    async with opened(load_settings(None, data=Path(sys.argv[1])), serves=True):
        print(*sys.modules)

asyncio.run(start())
"""


@pytest.mark.program
def test_a_start_loads_no_library_that_its_settings_have_no_use_for(tmp_path: Path) -> None:
    asyncio.run(migrate(f"sqlite:///{tmp_path / 'folkmoot.db'}"))

    started = subprocess.run(
        [sys.executable, "-c", START, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=WITHIN_S,
    )

    loaded = set(started.stdout.split())
    assert "folkmoot.storage.sqlite" in loaded
    assert not loaded & UNASKED.keys()


async def test_a_document_is_made_once_and_beside_the_loop_however_many_ask_at_once() -> None:
    made_by: list[threading.Thread] = []

    def make() -> bytes:
        made_by.append(threading.current_thread())
        return b"document"

    page = DocumentPage(make)
    assert not made_by

    contents = await asyncio.gather(*(page.content() for _ in range(10)))

    assert contents == [b"document"] * 10
    assert len(made_by) == 1
    assert made_by[0] is not threading.current_thread()
