"""A chat client for all of one's sessions on one socket, with an assistant that answers in them.

python assistant.py http://127.0.0.1:8000 testuser TestPassword123 [SESSION …]
reads lines from standard input, and prints what is said, answers as they are written. Without a
session it opens one. Lines are said in the first; "#2 text" goes to the second, and so on.
"""

import asyncio
import json
import random
import re
import sys
import uuid
from contextlib import suppress
from threading import Thread

import httpx2
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

COME_BACK = {1001, 1006, 1011, 1012, 1013}
PASSING = {429, 502, 503, 504, 507}


class Screen:
    """Lines, the last of which may be an answer that still grows."""

    def __init__(self):
        self.growing = {}  # what there is of each answer, by the message that it will be
        self.open = None  # the one whose line is not finished

    def line(self, text):
        self.end_line()
        print(text, flush=True)

    def grow(self, name, speaker, position, delta):
        before = self.growing.get(name, "")[:position]
        self.growing[name] = before + delta
        if position == 0 or self.open != name:
            self.end_line()
            print(f"{speaker}: {before}", end="")
        print(delta, end="", flush=True)
        self.open = name

    def finish(self, name, speaker, text):
        shown = self.growing.pop(name, None)
        if self.open == name and text.startswith(shown):
            print(text[len(shown) :], flush=True)
            self.open = None
        else:
            self.line(f"{speaker}: {text}")

    def drop(self, name):
        self.growing.pop(name, None)
        self.line("* never mind: a person answers")

    def end_line(self):
        if self.open is not None:
            print(flush=True)
            self.open = None


class Client:
    def __init__(self, url, username, password, sessions):
        self.url = url
        self.login = {"username": username, "password": password}
        self.sessions = sessions  # their ids, in the order in which they are numbered here
        self.last_seq = {}  # by session: how far we have come
        self.unsent = {}  # by client_id, in the order in which they were typed
        self.ready = set()  # the sessions that this socket has joined
        self.socket = None
        self.waiting = None
        self.screen = Screen()

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
            answer = await http.post("/auth/ws-ticket", headers=bearer)
        ticket = answer.raise_for_status().json()["ticket"]
        return f"{self.url.replace('http', 'ws', 1)}/ws/chat?ticket={ticket}"

    async def listen(self):
        self.ready.clear()
        await self.join_all()
        async for text in self.socket:
            await self.hear(json.loads(text))

    async def join_all(self):
        for session in self.sessions or [None]:
            if session not in self.ready:
                await self.join(session)

    async def join(self, session):
        frame = {"type": "join_session", "stream": True}
        if session is not None:
            frame["session_id"] = session
        if session in self.last_seq:
            frame["after_seq"] = self.last_seq[session]
        await self.send(frame)

    async def hear(self, frame):
        session = frame.get("session_id")
        match frame["type"]:
            case "session_joined":
                await self.joined(frame)
            case "message":
                self.heard(frame)
            case "message_delta":
                name, speaker = frame["message_id"], f"{self.number(session)} assistant"
                self.screen.grow(name, speaker, frame["position"], frame["delta"])
            case "message_dropped":
                self.screen.drop(frame["message_id"])
            case "session_closed":
                self.screen.line(f"{self.number(session)} * closed")
            case "error":
                self.refused(frame)
        if session in self.last_seq:
            self.last_seq[session] = max(self.last_seq[session], frame.get("seq", 0))

    async def joined(self, frame):
        session = frame["session_id"]
        if session not in self.sessions:
            self.sessions.append(session)
        self.last_seq.setdefault(session, frame["last_seq"])
        self.ready.add(session)
        self.screen.line(f"{self.number(session)} * {frame['title']}")
        await self.send_unsent(session)

    def refused(self, frame):
        """Keep what was refused in passing, and ask again after the wait."""
        if frame.get("passing"):
            self.screen.line(f"… {frame['message']}")
            if self.waiting is None or self.waiting.done():
                self.waiting = asyncio.create_task(self.ask_again(frame["retry_after"]))
        else:
            self.unsent.pop(frame.get("client_id"), None)
            self.screen.line(f"! {frame['message']}")

    async def ask_again(self, seconds):
        await asyncio.sleep(seconds)
        await self.join_all()
        for session in list(self.ready):
            await self.send_unsent(session)

    async def send_unsent(self, session):
        for message in list(self.unsent.values()):
            if message.get("session_id", self.sessions[0]) == session:
                await self.send(message | {"session_id": session})

    def heard(self, frame):
        facts = frame["metadata"]
        self.unsent.pop(facts.get("client_id"), None)
        # An answer to what was sent twice may come after the message itself.
        is_own = frame["role"] == "user" and "client_id" in facts
        if is_own and frame["seq"] <= self.last_seq[frame["session_id"]]:
            return
        speaker = f"{self.number(frame['session_id'])} {facts['sender_name']}"
        self.screen.finish(frame["id"], speaker, frame["content"])

    def number(self, session):
        return f"[{self.sessions.index(session) + 1}]"

    async def say(self, line):
        number, content = re.fullmatch(r"(?:#(\d+) )?(.*)", line).groups()
        index = int(number or 1) - 1
        message = {"type": "chat_message", "content": content, "client_id": str(uuid.uuid4())}
        if index < len(self.sessions):
            message["session_id"] = self.sessions[index]
        self.unsent[message["client_id"]] = message
        if message.get("session_id") in self.ready:
            await self.send(message)

    async def send(self, frame):
        if self.socket is not None:
            try:
                await self.socket.send(json.dumps(frame))
            except ConnectionClosed:
                pass  # It is sent again after coming back.


def read(client, loop):
    with open(
        0, closefd=False
    ) as typed:  # Its own: a thread that waits in sys.stdin holds up the end.
        for line in typed:
            asyncio.run_coroutine_threadsafe(client.say(line.strip()), loop)


async def main(*arguments):
    client = Client(*arguments[:3], list(arguments[3:]))
    Thread(target=read, args=(client, asyncio.get_running_loop()), daemon=True).start()
    await client.run()


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    with suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:]))
