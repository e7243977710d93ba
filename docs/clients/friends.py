"""A chat client for one friend: resumes where it was, sends everything once, says what was read.

python friends.py http://127.0.0.1:8000 testuser TestPassword123 alice
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
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

COME_BACK = {1001, 1006, 1011, 1012, 1013}
PASSING = {429, 502, 503, 504, 507}


class Client:
    def __init__(self, url, username, password, friend):
        self.url, self.friend = url, friend
        self.login = {"username": username, "password": password}
        self.after = None  # the last seq seen, by friend
        self.shown = set()  # what was printed, by message_id
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
            except InvalidStatus as refused:
                if refused.response.status_code in {401, 403}:
                    raise SystemExit(refused.response.body.decode()) from None
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
            if self.after is None:
                friends = await http.get("/api/v1/chat/friends", headers=bearer)
                known = friends.raise_for_status().json()["friends"]
                self.after = {one["account_id"]: one["last_seq"] for one in known}
            answer = await http.post("/auth/ws-ticket", headers=bearer)
            ticket = answer.raise_for_status().json()["ticket"]
        base = self.url.replace("http", "ws", 1)
        return f"{base}/api/v1/chat/ws/chat?resume=1&ticket={ticket}"

    async def listen(self):
        async for text in self.socket:
            frame = json.loads(text)
            match frame["type"]:
                case "connection_established":
                    self.me = frame["user_id"]
                case "online_friends":
                    await self.say({"type": "resume", "after": self.after})
                case "resumed":
                    await self.send_unsent()
                case "new_message":
                    await self.show(frame["message"])
                case "message_sent":
                    self.unsent.pop(frame.get("client_id"), None)
                    print(f"({frame['status']})", flush=True)
                case "error":
                    self.refused(frame.get("client_id"), frame, frame["message"])
            if "seq" in frame:
                known = self.after.get(frame["friend_id"], 0)
                self.after[frame["friend_id"]] = max(known, frame["seq"])

    async def show(self, message):
        if message["message_id"] in self.shown or message["is_deleted"]:
            return
        self.shown.add(message["message_id"])
        print(f"{message['sender']['username']}: {message['content']}", flush=True)
        if message["sender_id"] != self.me:
            await self.say({"type": "mark_read", "message_id": message["message_id"]})

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
            await self.say(message)

    async def write(self, content):
        message = {
            "type": "send_message",
            "receiver_id": self.friend,
            "content": content,
            "client_id": str(uuid.uuid4()),
        }
        self.unsent[message["client_id"]] = message
        await self.say(message)

    async def say(self, frame):
        if self.socket is not None:
            try:
                await self.socket.send(json.dumps(frame))
            except ConnectionClosed:
                pass  # What matters is said again after coming back.


def read(client, loop):
    with open(
        0, closefd=False
    ) as typed:  # Its own: a thread that waits in sys.stdin holds up the end.
        for line in typed:
            asyncio.run_coroutine_threadsafe(client.write(line.strip()), loop)


async def main(*arguments):
    client = Client(*arguments)
    Thread(target=read, args=(client, asyncio.get_running_loop()), daemon=True).start()
    await client.run()


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    with suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:5]))
