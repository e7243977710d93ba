"""A chat client for the desk: resumes where it was, sends everything once.

python support.py http://127.0.0.1:8000 testuser TestPassword123
python support.py http://127.0.0.1:8000 agent AgentPassword123 testuser
reads lines from standard input, and prints what is said. Staff name the customer last.
"""

import asyncio
import random
import sys
import uuid
from contextlib import suppress
from threading import Thread

import httpx2
import socketio

PASSING = {429, 502, 503, 504, 507}


class Client:
    def __init__(self, url, username, password, customer=None):
        self.url, self.customer = url, customer
        self.login = {"username": username, "password": password}
        self.cursor = None
        self.unsent = {}  # by client_id, in the order in which they were typed
        self.again = {}  # what will send them again, by the same
        self.io = socketio.AsyncClient(reconnection=False)  # `run` does it, with a fresh token
        self.io.on("connect", self.arrive)
        self.io.on("receive_message", self.hear)
        self.io.on("connect_error", self.fail)

    async def run(self):
        """Stay connected until the server says not to come back."""
        failures = 0
        while True:
            try:
                await self.io.connect(self.url, auth=await self.auth(), wait_timeout=10)
                failures = 0
                await self.io.wait()
            except httpx2.HTTPStatusError as refused:
                if refused.response.status_code not in PASSING:
                    raise SystemExit(refused.response.text) from None
            except (httpx2.TransportError, socketio.exceptions.ConnectionError):
                pass
            failures += 1
            await asyncio.sleep(random.uniform(0, min(30, 0.5 * 2**failures)))

    async def auth(self):
        """What the server is told on every connection: a fresh token, and how far we have come."""
        async with httpx2.AsyncClient(base_url=self.url) as http:
            keys = (await http.post("/auth/token", data=self.login)).raise_for_status().json()
        cursor = {} if self.cursor is None or self.customer else {"cursor": self.cursor}
        return {"token": keys["access_token"], **cursor}

    async def arrive(self):
        if self.customer:
            cursor = {} if self.cursor is None else {"cursor": self.cursor}
            await self.io.emit("join_room", {"user_id": self.customer, **cursor})
        for message in list(self.unsent.values()):
            await self.send(message)

    async def hear(self, message):
        self.cursor = message["cursor"]
        # Our own come back this way when their ack was lost.
        self.unsent.pop(message.get("client_id"), None)
        print(f"{message['sender_name']}: {message['message_text']}", flush=True)

    async def fail(self, error):
        if isinstance(error, dict):  # else nobody was reached
            print(f"! {error['message']}", file=sys.stderr, flush=True)

    async def say(self, text):
        message = {"message_text": text, "client_id": str(uuid.uuid4())}
        if self.customer:
            message["receiver_id"] = self.customer
        self.unsent[message["client_id"]] = message
        if self.io.connected:
            await self.send(message)

    async def send(self, message):
        def acknowledged(answer):
            self.cursor = answer.get("cursor", self.cursor)
            if message["client_id"] not in self.unsent:
                return
            if answer["success"]:
                print(f"{answer['sender_name']}: {answer['message_text']}", flush=True)
            elif answer["error"].get("passing"):
                print(f"… {answer['error']['message']}", flush=True)
                self.again[message["client_id"]] = asyncio.create_task(
                    self.send_again(message, answer["error"]["retry_after"])
                )
                return
            else:
                print(f"! {answer['error']['message']}", flush=True)
            del self.unsent[message["client_id"]]

        try:
            await self.io.emit("send_message", message, callback=acknowledged)
        except socketio.exceptions.SocketIOError:
            pass  # It is sent again after coming back.

    async def send_again(self, message, seconds):
        await asyncio.sleep(seconds)
        if self.io.connected and message["client_id"] in self.unsent:
            await self.send(message)


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
