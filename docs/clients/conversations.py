"""A chat client for one conversation: resumes where it was, sends everything once.

python conversations.py http://127.0.0.1:8000 testuser TestPassword123 1
reads lines from standard input, and prints what is said.
"""

import asyncio
import json
import random
import sys
import uuid
from contextlib import suppress
from threading import Thread

import httpx2
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

COME_BACK = {1001, 1006, 1011, 1012, 1013}
PASSING = {429, 502, 503, 504, 507}


class Client:
    def __init__(self, url, username, password, conversation):
        self.url, self.conversation = url, conversation
        self.login = {"username": username, "password": password}
        self.last_seq = None
        self.unsent = {}  # by client_id, in the order in which they were typed
        self.socket = None
        self.waiting = None

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
            except httpx2.HTTPStatusError as refused:
                if refused.response.status_code not in PASSING:
                    raise SystemExit(refused.response.text) from None
            except (OSError, httpx2.TransportError, InvalidHandshake):
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
                    await self.send_unsent()
                case "message":
                    self.unsent.pop(frame.get("client_id"), None)
                    # An answer to what was sent twice may come after the message itself.
                    if "client_id" not in frame or frame["seq"] > self.last_seq:
                        print(f"{frame['sender_name']}: {frame['content']}", flush=True)
                case "error":
                    self.refused(frame.get("client_id"), frame, frame["message"])
            self.last_seq = max(self.last_seq or 0, frame.get("seq", 0))

    def refused(self, client_id, error, text):
        """Keep a message whose refusal passes, and send it again after the wait."""
        if error.get("passing") and client_id in self.unsent:
            print(f"… {text}", flush=True)
            if self.waiting is None or self.waiting.done():
                self.waiting = asyncio.create_task(self.send_again(error["retry_after"]))
        else:
            self.unsent.pop(client_id, None)
            print(f"! {text}", flush=True)

    async def send_again(self, seconds):
        await asyncio.sleep(seconds)
        await self.send_unsent()

    async def send_unsent(self):
        for message in list(self.unsent.values()):
            await self.send(message)

    async def say(self, content):
        message = {"content": content, "client_id": str(uuid.uuid4())}
        self.unsent[message["client_id"]] = message
        await self.send(message)

    async def send(self, message):
        if self.socket is not None:
            try:
                await self.socket.send(json.dumps(message))
            except ConnectionClosed:
                pass  # It is sent again after coming back.


def read(client, loop):
    with open(
        0, closefd=False
    ) as typed:  # Its own: a thread that waits in sys.stdin holds up the end.
        for line in typed:
            asyncio.run_coroutine_threadsafe(client.say(line.strip()), loop)


async def main(*arguments):
    client = Client(*arguments)
    Thread(target=read, args=(client, asyncio.get_running_loop()), daemon=True).start()
    await client.run()


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    with suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:5]))
