"""Client programs as people write them for this API: a token in the address, and no patience."""

import asyncio
import json
import os
import subprocess

from websockets.asyncio.client import connect

from tests.clients import Client
from tests.deadlines import WITHIN_S
from tests.docs.test_conversation_clients import node
from tests.integration.friends.friendship import SOCKET, enter

# What a page does: it sends as soon as the socket is open, and looks at a message by its type.
PAGE = """
const [address, friend] = process.argv.slice(1);
const ws = new WebSocket(address);
const send = (frame) => ws.send(JSON.stringify(frame));
ws.onopen = () => {
  console.log("open");
  send({ type: "typing", receiver_id: friend, is_typing: true });
  send({ type: "send_message", receiver_id: friend, content: "Hello from the page" });
};
ws.onmessage = (event) => {
  const data = JSON.parse(event.data);
  switch (data.type) {
    case "connection_established":
      console.log("established");
      break;
    case "typing_indicator":
      console.log(`typing ${data.user_id} ${data.is_typing}`);
      break;
    case "new_message":
      console.log(`${data.message.sender.username}: ${data.message.content}`);
      ws.close();
  }
};
"""


def address_of(client: Client) -> str:
    base = client.server.url.replace("http", "ws", 1)
    return f"{base}{SOCKET}?token={client.token}"


def opened_page(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*node(), "--eval", PAGE, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "NODE_NO_WARNINGS": "1"},
    )


async def test_a_program_may_send_before_it_has_heard_anything(pair: list[Client]) -> None:
    ana, bo = pair
    at_bo = await enter(bo)

    async with connect(address_of(ana)) as websocket:
        frame = {"type": "send_message", "receiver_id": bo.uid, "content": "Hello"}
        await websocket.send(json.dumps(frame))
        kinds = []
        while "message_sent" not in kinds:
            data = json.loads(await asyncio.wait_for(websocket.recv(), WITHIN_S))
            kinds.append(data["type"])

    assert kinds == ["connection_established", "online_friends", "message_sent"]
    assert data.keys() >= {"message_id", "status"}
    assert (await at_bo.until("new_message"))["message"]["content"] == "Hello"


async def test_a_page_talks_with_a_friend(pair: list[Client]) -> None:
    ana, bo = pair
    at_bo = await enter(bo)
    page = opened_page(address_of(ana), bo.uid)
    try:
        assert (await at_bo.until("typing_indicator"))["is_typing"]
        heard = await at_bo.until("new_message")
        assert heard["message"]["content"] == "Hello from the page"
        await at_bo.says({"type": "typing", "receiver_id": ana.uid, "is_typing": True})
        await at_bo.says({"type": "send_message", "receiver_id": ana.uid, "content": "Hello, page"})
        said, _ = await asyncio.to_thread(page.communicate, timeout=WITHIN_S)
    finally:
        page.kill()

    assert said.splitlines() == [
        "open",
        "established",
        f"typing {bo.uid} true",
        f"typing {bo.uid} false",
        f"{bo.name}: Hello, page",
    ]
