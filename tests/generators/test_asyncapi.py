"""The AsyncAPI document, as the official parser reads it."""

import re
import shutil
from pathlib import Path

import httpx2

from tests.generators.tools import npm_tools, run
from tests.running import Server

WALK = Path(__file__).parent / "walks" / "asyncapi.mjs"


def test_the_official_parser_finds_nothing_wrong_and_no_schema_without_a_name(
    shared_server: Server, tmp_path: Path
):
    document = tmp_path / "asyncapi.json"
    document.write_bytes(httpx2.get(f"{shared_server.url}/asyncapi.json").content)
    (tmp_path / "node_modules").symlink_to(npm_tools() / "node_modules")
    shutil.copy(WALK, tmp_path)

    said = run(["node", WALK.name, str(document)], tmp_path)

    assert re.fullmatch(r"\d{3,} schemas, \d{2,} messages\n", said), said
