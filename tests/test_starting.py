"""What cannot be started costs one error, and PostgreSQL is started wherever it can be."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.deadlines import WITHIN_S
from tests.postgres import PostgresServer
from tests.starting import CannotStart

pytestmark = pytest.mark.program
ROOT = Path(__file__).parents[1]
NOWHERE = """
import sys
import pytest
import tests.postgres
tests.postgres._FOLDERS.clear()
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "tests/storage/test_postgres_lock.py"]))
"""


def test_one_test_says_why_postgresql_does_not_start_and_the_others_end(tmp_path):
    folder = tmp_path / "with spaces"
    folder.mkdir()
    end = subprocess.run(
        [sys.executable, "-c", NOWHERE],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=2 * WITHIN_S,
    )
    summary = end.stdout.splitlines()
    sentence = "PostgreSQL does not start for these tests: no folder for temporary files"
    assert end.returncode == 1
    assert len([line for line in summary if line.startswith("ERROR ")]) == 1
    assert any(line.startswith("SKIPPED") and sentence in line for line in summary)
    assert "Traceback" not in end.stdout
    assert summary[-1].split(" in ")[0].endswith("1 error")


@pytest.mark.parametrize("name", ["private", "with spaces", "größer", "deep" * 20])
def test_postgresql_starts_whatever_the_folder_of_temporary_files_is_like(
    name, tmp_path, monkeypatch
):
    folder = tmp_path / name
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    server = PostgresServer()
    server.start()
    try:
        assert server.sql("SELECT 1").strip() == "1"
    finally:
        server.stop()
    assert list(folder.iterdir()) == []


def test_why_it_cannot_be_started_is_what_it_says_itself(monkeypatch):
    monkeypatch.setattr("tests.postgres._OPTIONS", {"no_such_setting": "1"})
    with pytest.raises(CannotStart, match="unrecognized configuration parameter") as said:
        PostgresServer().start()
    assert "\n" not in str(said.value)
