"""A chat client for one session with the desk: resumes where it was, sends everything once.

python sessions.py http://127.0.0.1:8000 testuser TestPassword123 [SESSION]
reads lines from standard input, and prints what is said. Without a session it takes one's newest
open one, or opens one; staff name the session that they look into.
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
    def __init__(self, url, username, password, session=None):
        self.url, self.session = url, session
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
            keys = (await http.post("/api/v1/auth/login", json=self.login)).raise_for_status()
            bearer = {"Authorization": f"Bearer {keys.json()['access_token']}"}
            if self.session is None:
                self.session = await self.own_session(http, bearer)
            answer = await http.post("/auth/ws-ticket", headers=bearer)
            ticket = answer.raise_for_status().json()["ticket"]
        cursor = "" if self.last_seq is None else f"&after_seq={self.last_seq}"
        base = self.url.replace("http", "ws", 1)
        return f"{base}/api/v1/chat/ws/{self.session}?ticket={ticket}{cursor}"

    async def own_session(self, http, bearer):
        path, query = "/api/v1/chat/sessions", {"status": "active", "limit": 1}
        found = (await http.get(path, params=query, headers=bearer)).raise_for_status().json()
        if found:
            return found[0]["id"]
        new = await http.post(path, json={"title": "A question"}, headers=bearer)
        return new.raise_for_status().json()["id"]

    async def listen(self):
        async for text in self.socket:
            frame = json.loads(text)
            facts = frame["metadata"]
            match frame["message_type"]:
                case "user_joined" if "last_seq" in facts:  # ourselves, on this socket
                    if self.last_seq is None:
                        self.last_seq = facts["last_seq"]
                    print(f"* {facts['total_users']} here", flush=True)
                    await self.send_unsent()
                case "message":
                    self.unsent.pop(facts.get("client_id"), None)
                    # An answer to what was sent twice may come after the message itself.
                    if "client_id" not in facts or facts["seq"] > self.last_seq:
                        print(f"{facts['sender_name']}: {frame['content']}", flush=True)
                case "session_closed":
                    print("* closed", flush=True)
                case "error":
                    self.refused(facts.get("client_id"), facts, frame["content"])
            self.last_seq = max(self.last_seq or 0, facts.get("seq", 0))

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
        client_id = str(uuid.uuid4())
        message = {"message_type": "text", "content": content, "client_id": client_id}
        self.unsent[client_id] = message
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
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    with suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:5]))
