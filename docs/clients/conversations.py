"""A chat client for one conversation: resumes where it was, sends everything once.

python conversations.py http://127.0.0.1:8000 testuser TestPassword123 1
reads lines from standard input, and prints what is said.
"""

import asyncio
import json
import random
import sys
import uuid

import httpx2
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

COME_BACK = {1001, 1006, 1011, 1012, 1013}


class Client:
    def __init__(self, url, username, password, conversation):
        self.url, self.conversation = url, conversation
        self.login = {"username": username, "password": password}
        self.last_seq = None
        self.unsent = {}  # by client_id, in the order in which they were typed
        self.socket = None

    async def run(self):
        """Stay connected until the server says not to come back."""
        failures = 0
        while True:
            try:
                async with connect(await self.address()) as self.socket:
                    failures = 0
                    await self.listen()
            except ConnectionClosed as end:
                code = end.rcvd.code if end.rcvd else 1006
                if code not in COME_BACK:
                    raise SystemExit(f"closed with {code}: {end.rcvd.reason}") from None
            except (OSError, httpx2.TransportError):
                pass
            self.socket = None
            failures += 1
            await asyncio.sleep(random.uniform(0, min(30, 0.5 * 2**failures)))

    async def address(self):
        async with httpx2.AsyncClient(base_url=self.url) as http:
            keys = (await http.post("/auth/token", data=self.login)).raise_for_status().json()
            bearer = {"Authorization": f"Bearer {keys['access_token']}"}
            answer = await http.post("/auth/ws-ticket", headers=bearer)
            ticket = answer.raise_for_status().json()["ticket"]
        cursor = "" if self.last_seq is None else f"&after_seq={self.last_seq}"
        base = self.url.replace("http", "ws", 1)
        return f"{base}/conversations/{self.conversation}/ws?ticket={ticket}{cursor}"

    async def listen(self):
        async for text in self.socket:
            frame = json.loads(text)
            match frame["type"]:
                case "connection":
                    if self.last_seq is None:
                        self.last_seq = frame["last_seq"]
                    for message in list(self.unsent.values()):
                        await self.socket.send(json.dumps(message))
                case "message":
                    self.unsent.pop(frame.get("client_id"), None)
                    print(f"{frame['sender_name']}: {frame['content']}", flush=True)
                case "error":
                    self.unsent.pop(frame.get("client_id"), None)
                    print(f"! {frame['message']}", flush=True)
            self.last_seq = max(self.last_seq or 0, frame.get("seq", 0))

    async def say(self, content):
        message = {"content": content, "client_id": str(uuid.uuid4())}
        self.unsent[message["client_id"]] = message
        if self.socket is not None:
            try:
                await self.socket.send(json.dumps(message))
            except ConnectionClosed:
                pass  # It is sent again after coming back.


async def main(url, username, password, conversation):
    client = Client(url, username, password, conversation)
    running = asyncio.create_task(client.run())
    while line := await asyncio.to_thread(sys.stdin.readline):
        await client.say(line.strip())
    await running


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
