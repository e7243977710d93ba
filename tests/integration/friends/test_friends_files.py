"""Files and answers between friends: attached and seen in this contract's own style."""

from typing import Any

import pytest

from tests.clients import Client
from tests.files.pictures import picture
from tests.integration.friends.friendship import CHAT, enter, history, send

NOWHERE = "00000000-0000-7000-8000-000000000000"


async def upload(client: Client, content: bytes, name: str) -> dict[str, Any]:
    answer = await client.ask("POST", f"{CHAT}/files", files={"file": (name, content, "x/y")})
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


@pytest.mark.parametrize("way", ["socket", "rest"])
async def test_a_file_is_seen_by_the_friend_and_by_nobody_else(
    cast: list[Client], way: str
) -> None:
    ana, bo, _ = cast
    file = await upload(ana, picture(), "tea.png")
    at_bo, at_ana = await enter(bo), await enter(ana)
    named = {"attachment_id": file["attachment_id"]}
    if way == "rest":
        await send(ana, bo, "Look", **named)
    else:
        body = {"receiver_id": bo.uid, "content": "Look", **named}
        await at_ana.says({"type": "send_message", **body})
        await at_ana.until("message_sent")

    shown = (await at_bo.until("new_message"))["message"]

    assert (shown["kind"], shown["content"]) == ("image", "Look")
    wanted = {"file_name": "tea.png", "file_type": "image/png", "file_url": file["file_url"]}
    assert wanted.items() <= shown["attachment"].items()
    (kept,) = await history(bo, ana)
    assert kept["attachment"] == shown["attachment"]
    seen = [(await one.ask("GET", file["file_url"])).status_code for one in cast]
    assert seen == [200, 200, 404]


async def test_a_message_answers_another_of_the_same_two(cast: list[Client]) -> None:
    ana, bo, cy = cast
    asked = await send(ana, bo, "Tea?")
    at_ana = await enter(ana)

    answered = await send(bo, ana, "Yes", reply_to_id=asked["message_id"])

    assert answered["reply_to_id"] == asked["message_id"]
    heard = await at_ana.until("new_message")
    assert heard["message"]["reply_to_id"] == asked["message_id"]
    elsewhere = await send(ana, cy, "Coffee?")
    for name in (elsewhere["message_id"], NOWHERE, "x", ""):
        body = {"receiver_id": ana.uid, "content": "Yes", "reply_to_id": name}
        answer = await bo.ask("POST", f"{CHAT}/messages", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "message_not_found")


async def test_a_file_of_somebody_else_or_of_nobody_cannot_be_attached(
    cast: list[Client],
) -> None:
    ana, bo, cy = cast
    foreign = (await upload(cy, b"x", "a.txt"))["attachment_id"]
    at_ana = await enter(ana)
    for name in (foreign, NOWHERE, "x", "../x", ""):
        body = {"receiver_id": bo.uid, "content": "Mine", "attachment_id": name}
        answer = await ana.ask("POST", f"{CHAT}/messages", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "attachment_not_found")
        await at_ana.says({"type": "send_message", "client_id": "mine", **body})
        error = await at_ana.until("error")
        assert (error["code"], error["client_id"]) == ("attachment_not_found", "mine")
    assert await history(ana, bo) == []
