"""A WebSocket client cheaper than any server it loads: it counts frames and reads few.

Just enough of RFC 6455 for the loopback: text, ping and close from the server, no extensions,
no fragments. Whatever else arrives is written down as a problem and makes the run void.
"""

import asyncio
import base64
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
FINAL = 0x80
MASKED = 0x80
# RFC 6455, 5.3: a client masks what it sends. A key of zeros leaves the bytes as they are,
# so that the loader spends nothing on it; the server does its work all the same.
MASK = b"\0\0\0\0"


@dataclass(frozen=True)
class ContractShape:
    """How one contract is spoken, as far as a load needs it.

    `tag` is the field with a frame's kind, `greeting` the kind of the frame after which a socket
    hears everything, `opening` what has to be said before that, with the target's conversation
    for braces. `message` is the kind in which
    listeners get a message, `echo` the one that answers its speaker; `receiver` is the field
    that says where it goes, where the socket does not.
    """

    socket: str
    history: str
    tag: str
    saying: str | None
    greeting: str
    message: str = "message"
    echo: str = "message"
    opening: str = ""
    receiver: str = ""
    # The field with what was said.
    content: str = "content"

    def address(self, target: "SocketTarget") -> str:
        """Where the target's socket is opened, its token included."""
        path = self.socket.format(target.conversation_id)
        return f"{path}{'&' if '?' in path else '?'}token={target.token}"

    def opening_in(self, conversation_id: int | str) -> bytes:
        """What has to be said to hear of a conversation."""
        return self.opening.replace("{}", str(conversation_id)).encode()

    def content_of(self, payload: bytes) -> str:
        """What was said in the message of this frame."""
        frame = json.loads(payload)
        return str(frame.get("message", frame)[self.content])

    @cached_property
    def compact_message(self) -> bytes:
        return f'"{self.tag}":"{self.message}"'.encode()

    @cached_property
    def spaced_message(self) -> re.Pattern[bytes]:
        return re.compile(rf'"{self.tag}"\s*:\s*"({self.message}|{self.echo})"'.encode())

    def said(self, content: str, conversation_id: int | str) -> bytes:
        """The frame that posts one chat message."""
        frame = {self.tag: self.saying} if self.saying else {}
        if self.receiver:
            frame[self.receiver] = str(conversation_id)
        return json.dumps(frame | {"content": content}).encode()


class SupportShape(ContractShape):
    """Socket.IO: the token comes with CONNECT, and an event is an array after its type."""

    def address(self, target: "SocketTarget") -> str:  # noqa: ARG002 - nothing of it is in the address
        return self.socket

    def content_of(self, payload: bytes) -> str:
        return str(json.loads(payload[2:])[1][self.content])

    @cached_property
    def compact_message(self) -> bytes:
        return b'42["receive_message",'


SHAPES = {
    "conversations": ContractShape(
        "/conversations/{}/ws", "/conversations/{}/messages", "type", None, "connection"
    ),
    "sessions": ContractShape(
        "/api/v1/chat/ws/{}",
        "/api/v1/chat/sessions/{}/messages",
        "message_type",
        "text",
        "user_joined",
    ),
    "friends": ContractShape(
        "/api/v1/chat/ws/chat?resume=1",
        "/api/v1/chat/messages/history/{}",
        "type",
        "send_message",
        "resumed",
        message="new_message",
        echo="message_sent",
        opening='{"type":"resume"}',
        receiver="receiver_id",
    ),
    "assistant": ContractShape(
        "/ws/chat",
        # The session's own: it is the same timeline.
        "/api/v1/chat/sessions/{}/messages",
        "type",
        "chat_message",
        "session_joined",
        opening='{"type":"join_session","session_id":"{}"}',
        receiver="session_id",
    ),
    "support": SupportShape(
        "/socket.io/?EIO=4&transport=websocket",
        "/chat/history/self",
        "",
        "send_message",
        "connect",
        content="message_text",
    ),
}
CONVERSATIONS = SHAPES["conversations"]


@dataclass(frozen=True)
class SocketTarget:
    """One socket to open: which conversation, with whose token, through which contract."""

    conversation_id: int | str
    token: str
    contract: str = "conversations"


def encode(opcode: int, payload: bytes) -> bytes:
    """One final, masked frame."""
    size = len(payload)
    if size < 126:
        return bytes((FINAL | opcode, MASKED | size)) + MASK + payload
    if size < 1 << 16:
        return bytes((FINAL | opcode, MASKED | 126)) + size.to_bytes(2) + MASK + payload
    return bytes((FINAL | opcode, MASKED | 127)) + size.to_bytes(8) + MASK + payload


def upgrade_request(host: str, port: int, target: SocketTarget) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {SHAPES[target.contract].address(target)} HTTP/1.1\r\n"
        f"Host: {host}:{port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


class Socket(asyncio.Protocol):
    """One connection in one conversation.

    `messages` counts the message frames that came in; `on_message`, where set, gets each one's
    bytes. `joined` is done when the server has greeted us with the first frame of its contract.
    """

    def __init__(
        self,
        request: bytes,
        problems: list[str],
        contract: ContractShape = CONVERSATIONS,
        conversation_id: int | str = 0,
    ) -> None:
        self.messages = 0
        self.frames = 0
        self.on_message: Callable[[bytes], None] | None = None
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._contract = contract
        self._conversation_id = conversation_id
        self._compact_message = contract.compact_message
        self._problems = problems
        self._upgraded = False
        self._leaving = False
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._transport.write(self._request)

    def say(self, content: str) -> None:
        """Send one chat message."""
        self._transport.write(encode(TEXT, self._contract.said(content, self._conversation_id)))

    def leave(self) -> None:
        self._leaving = True
        self._transport.abort()

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self._leaving:
            self._fail("the server dropped a connection")

    def data_received(self, data: bytes) -> None:
        if self._tail:
            data = self._tail + data
        position = self._read_frames(data, 0) if self._upgraded else self._read_upgrade(data)
        self._tail = data[position:]

    def _read_upgrade(self, data: bytes) -> int:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return 0
        if not data.startswith(b"HTTP/1.1 101"):
            self._fail(f"no upgrade: {data[:80]!r}")
            self.leave()
            return len(data)
        self._upgraded = True
        if self._contract.opening:
            opening = self._contract.opening_in(self._conversation_id)
            self._transport.write(encode(TEXT, opening))
        return self._read_frames(data, end + 4)

    def _read_frames(self, data: bytes, position: int) -> int:
        """Take in the whole frames from `position` on; return where a partial one starts."""
        size, compact_message = len(data), self._compact_message
        # Written out in one piece: this loop is most of what the loader does.
        while size - position >= 2:
            start = position + 2
            length = data[position + 1]
            if length == 126:
                start += 2
                length = int.from_bytes(data[position + 2 : start])
            elif length == 127:
                start += 8
                length = int.from_bytes(data[position + 2 : start])
            end = start + length
            if end > size:
                break
            self.frames += 1
            if data[position] != FINAL | TEXT:
                self._take_control(data[position], data[start:end])
            elif data.find(compact_message, start, end) < 0:
                self._take_text(data[start:end])
            else:
                self.messages += 1
                if self.on_message is not None:
                    self.on_message(data[start:end])
            position = end
        return position

    def _take_text(self, payload: bytes) -> None:
        if self._contract.spaced_message.search(payload):
            self.messages += 1
            if self.on_message is not None:
                self.on_message(payload)
            return
        kind = json.loads(payload).get(self._contract.tag)
        if kind == self._contract.greeting and not self.joined.done():
            self.joined.set_result(None)
        elif kind == "error":
            self._fail(f"an error frame: {payload[:200]!r}")

    def _take_control(self, first_byte: int, payload: bytes) -> None:
        if first_byte == FINAL | PING:
            self._transport.write(encode(PONG, payload))
        elif first_byte == FINAL | CLOSE:
            self._fail(f"closed by the server with {int.from_bytes(payload[:2])}")
            self.leave()
        elif first_byte != FINAL | PONG:
            self._fail(f"an unexpected frame, first byte {first_byte:#x}")

    def _fail(self, problem: str) -> None:
        self._problems.append(problem)
        if not self.joined.done():
            self.joined.set_exception(ConnectionError(problem))


class SocketIo(Socket):
    """The same in the `support` contract: in its target's room, where it has one."""

    _JOIN = 0

    def __init__(self, request: bytes, problems: list[str], target: SocketTarget) -> None:
        super().__init__(request, problems, SHAPES[target.contract])
        self._target = target
        self._asked = self._JOIN

    def say(self, content: str) -> None:
        self._asked += 1
        data = json.dumps(["send_message", {"message_text": content}])
        self._transport.write(encode(TEXT, f"42{self._asked}{data}".encode()))

    def _take_text(self, payload: bytes) -> None:
        match payload[:2]:
            case b"0{":
                self._answer("40" + json.dumps({"token": self._target.token}))
            case b"40" if self._target.conversation_id:
                data = json.dumps(["join_room", {"user_id": self._target.conversation_id}])
                self._answer(f"42{self._JOIN}{data}")
            case b"40":
                self.joined.set_result(None)
            case b"43":
                self._take_ack(payload)
            case b"2":
                self._answer("3")
            case b"42" if not payload.startswith(b'42["error"'):
                pass
            case _:
                self._fail(f"an unexpected packet: {payload[:200]!r}")

    def _take_ack(self, payload: bytes) -> None:
        number, _, answers = payload[2:].partition(b"[")
        if not json.loads(b"[" + answers)[0]["success"]:
            self._fail(f"refused: {payload[:200]!r}")
        elif int(number) == self._JOIN:
            self.joined.set_result(None)
        else:  # its own message, stored
            self.messages += 1
            if self.on_message is not None:
                self.on_message(payload)

    def _answer(self, packet: str) -> None:
        self._transport.write(encode(TEXT, packet.encode()))


async def open_socket(host: str, port: int, target: SocketTarget, problems: list[str]) -> Socket:
    """A socket that the server has greeted, or an error within ten seconds."""
    request, contract = upgrade_request(host, port, target), SHAPES[target.contract]

    def make() -> Socket:
        if target.contract == "support":
            return SocketIo(request, problems, target)
        return Socket(request, problems, contract, target.conversation_id)

    async with asyncio.timeout(10):
        _, socket = await asyncio.get_running_loop().create_connection(make, host, port)
        await socket.joined
    return socket


async def open_sockets(
    host: str, port: int, targets: list[SocketTarget], problems: list[str], at_once: int = 50
) -> list[Socket]:
    """Sockets in the order of their targets, a bounded number being opened at the same time."""
    authenticator = asyncio.Semaphore(at_once)

    async def open_one(target: SocketTarget) -> Socket:
        async with authenticator:
            return await open_socket(host, port, target, problems)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(open_one(target)) for target in targets]
    return [task.result() for task in tasks]
