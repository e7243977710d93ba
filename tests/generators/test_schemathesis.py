"""Schemathesis asks for all that the document has, as each role: no fault, nothing undocumented.

Bounded by examples and a seed, so that a run is the same each time and takes seconds.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients import Client, clients_of, logged_in, registered
from tests.files.pictures import picture
from tests.generators.tools import python_tools, run
from tests.running import Server

PASSWORDS = {
    "user": ("testuser", "TestPassword123"),
    "agent": ("agent", "AgentPassword123"),
    "analyst": ("analyst", "AnalystPassword123"),
    "admin": ("admin", "AdminPassword123"),
}
ENDS_THE_LOGIN = "^/auth/(logout|logout-all|password)$"
# What only the server can judge: a weak password, a stranger's name, an emoji.
UNTOLD = "positive_data_acceptance"
TOO_LARGE_IS_REFUSED = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]
"""
MUST_SUCCEED = {
    "GET /api/v1/chat/files/{file_id}",
    "GET /api/v1/chat/files/{file_id}/thumbnail",
    "GET /api/v1/chat/sessions/{session_id}/messages",
    "GET /conversations/{conversation_id}/messages",
    "POST /api/v1/chat/friends/requests/{request_id}/accept",
    "GET /api/v1/chat/messages/history/{friend_id}",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, "--demo") as server:
        yield server


async def names_for(role: Client, friend: Client, other: Client) -> dict[str, Any]:
    """By the beginning of a path, what stands in it, so that something is there."""
    chat = "/api/v1/chat"
    form = {"file": ("a.png", picture())}
    file = (await role.ask("POST", f"{chat}/files", files=form)).raise_for_status().json()
    for one in (friend, other):
        await one.post(f"{chat}/friends/requests", {"account": role.name})
    asked = (await role.get(f"{chat}/friends/requests"))["incoming"]
    by_name = {one["from"]["username"]: one["request_id"] for one in asked}
    await role.post(f"{chat}/friends/requests/{by_name[friend.name]}/accept")
    session = (await role.post(f"{chat}/sessions", {"title": "Parcel"}))["id"]
    await role.post(f"{chat}/sessions/{session}/messages", {"content": "Where is it?"})
    lobby = await role.post("/conversations", {"participant_ids": [friend.name]})
    await role.post(f"/conversations/{lobby['id']}/messages", {"content": "Hello"})
    return {
        f"{chat}/files/": {"path.file_id": file["attachment_id"]},
        f"{chat}/friends/requests/": {"path.request_id": by_name[other.name]},
        f"{chat}/messages/history/": {"path.friend_id": friend.uid},
        f"{chat}/sessions/": {"path.session_id": session},
        "/conversations/[{]": {"path.conversation_id": lobby["id"]},
    }


def config_of(names: dict[str, Any]) -> str:
    """A configuration by which Schemathesis puts these names into paths."""
    lines = []
    for path, values in names.items():
        lines += ["[[operations]]", f'include-path-regex = "^{path}"', "[operations.parameters]"]
        lines += [f"{json.dumps(name)} = {json.dumps(value)}" for name, value in values.items()]
    return "\n".join(lines)


def succeeded(report: Path) -> set[str]:
    """The operations that were answered with what they are there for."""
    found = set()
    for line in report.read_text().splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for name, interaction in recorder.get("interactions", {}).items():
            case, response = recorder["cases"][name]["value"], interaction["response"] or {}
            if 200 <= response.get("status_code", 0) < 300:
                found.add(f"{case['method']} {case['path']}")
    return found


async def asked(server: Server, folder: Path, config: str, *options: str) -> set[str]:
    """What succeeded of all that was asked for; fails where the answers are not as documented."""
    report = folder / "report.ndjson"
    (folder / "schemathesis.toml").write_text(config)
    command = [str(python_tools() / "schemathesis"), "--config-file", "schemathesis.toml", "run"]
    bounds = ["--seed", "1", "--no-shrink", "--continue-on-failure", "--request-timeout", "60",
              "--exclude-path-regex", ENDS_THE_LOGIN, "--report", "ndjson",
              "--report-ndjson-path", str(report)]  # fmt: skip
    whole = [*command, f"{server.url}/openapi.json", *bounds, *options]
    await asyncio.to_thread(run, whole, folder)
    assert "Traceback" not in server.output
    return succeeded(report)


@pytest.mark.parametrize("role", PASSWORDS)
async def test_whoever_asks_is_answered_as_documented(server: Server, role: str, tmp_path: Path):
    login = logged_in(server, *PASSWORDS[role])
    others = [registered(server, name) for name in ("bo", "cy")]
    async with clients_of(server, login, *others) as (asker, friend, other):
        config = config_of(await names_for(asker, friend, other))

    token = f"Authorization: Bearer {login.token}"
    right = ["--mode", "positive", "--max-examples", "3", "--exclude-checks", UNTOLD]
    found = await asked(server, tmp_path, config, "--header", token, *right)

    assert found >= MUST_SUCCEED


async def test_a_stranger_is_answered_as_documented(server: Server, tmp_path: Path):
    found = await asked(
        server,
        tmp_path,
        "",
        "--mode",
        "positive",
        "--max-examples",
        "1",
        "--exclude-checks",
        UNTOLD,
    )

    assert "GET /healthz" in found


async def test_what_the_document_refuses_the_server_refuses(server: Server, tmp_path: Path):
    login = logged_in(server, *PASSWORDS["user"])
    token = f"Authorization: Bearer {login.token}"
    wrong = ["--mode", "negative", "--phases", "coverage,fuzzing", "--max-examples", "2"]

    await asked(server, tmp_path, TOO_LARGE_IS_REFUSED, "--header", token, *wrong)
