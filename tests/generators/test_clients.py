"""Clients that others' programs make of the OpenAPI document, and what they can do with them."""

import shutil
from pathlib import Path

import httpx2
import pytest

from tests.clients import PASSWORD, clients_of, new_lobby, registered
from tests.generators.tools import npm_tools, python_tools, run
from tests.running import Server

WALKS = Path(__file__).parent / "walks"
BYTES_IN_PYTHON = """\
post_hooks: []
content_type_overrides:
  image/webp: application/octet-stream
"""
"""What the pages for authors of clients say that openapi-python-client is to be told."""


@pytest.fixture(scope="module")
def document(shared_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_bytes(httpx2.get(f"{shared_server.url}/openapi.json").raise_for_status().content)
    return path


@pytest.fixture
async def walk(shared_server: Server) -> list[str]:
    """Where a client is to be used, by whom, and in which conversation."""
    ana, bo = registered(shared_server, "ana"), registered(shared_server, "bo")
    async with clients_of(shared_server, ana, bo) as (at_ana, at_bo):
        lobby = await new_lobby(at_ana, at_bo)
    return [shared_server.url, ana.name, PASSWORD, str(lobby)]


def test_a_python_client_is_made_and_used(document: Path, walk: list[str], tmp_path: Path):
    programs = python_tools()
    config = tmp_path / "config.yaml"
    config.write_text(BYTES_IN_PYTHON)
    made = ["--path", str(document), "--output-path", str(tmp_path / "made")]

    said = run(
        [str(programs / "openapi-python-client"), "generate", *made, "--config", str(config)]
    )

    assert "arning" not in said, said
    script = [str(programs / "python"), str(WALKS / "client.py"), *walk]
    run(script, PYTHONPATH=str(tmp_path / "made"))


def test_types_for_typescript_are_made_and_used(document: Path, walk: list[str], tmp_path: Path):
    npm = npm_tools()
    programs = npm / "node_modules" / ".bin"
    (tmp_path / "node_modules").symlink_to(npm / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(WALKS / "client.ts", tmp_path)

    run([str(programs / "openapi-typescript"), str(document), "-o", str(tmp_path / "api.d.ts")])
    strict = [
        "--strict",
        "--noUncheckedIndexedAccess",
        "--target",
        "es2022",
        "--module",
        "nodenext",
    ]
    run([str(programs / "tsc"), *strict, "client.ts"], tmp_path)

    run(["node", "client.js", *walk], tmp_path)


def test_models_for_pydantic_are_made_and_hold_what_the_server_says(
    document: Path, shared_server: Server, tmp_path: Path
):
    programs = python_tools()
    models = tmp_path / "models.py"
    kind = ["--input-file-type", "openapi", "--output-model-type", "pydantic_v2.BaseModel"]

    run([str(programs / "datamodel-codegen"), "--input", str(document), *kind, "--output",
         str(models), "--disable-warnings"])  # fmt: skip

    refusal = httpx2.get(f"{shared_server.url}/auth/me").text
    check = "import sys, models; models.RefusalOut.model_validate_json(sys.argv[1])"
    run([str(programs / "python"), "-c", check, refusal], tmp_path)
