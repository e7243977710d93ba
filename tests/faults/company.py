"""People who write to each other through every contract at once, while a fault is made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from websockets.exceptions import InvalidHandshake

from tests.adapters.adapter import (
    ConnectionGone,
    ContractClient,
    ContractConnection,
    RequestRefused,
    SharedConversation,
    ShownEvent,
)
from tests.adapters.every import KINDS, contracts_for, new_conversation
from tests.clients import Client, clients_of, logged_in, registered
from tests.deadlines import WITHIN_S
from tests.running import Server

RESEND_AFTER_S = 2.0
GONE = (ConnectionGone, InvalidHandshake, OSError, TimeoutError)
UNAVAILABLE = "unavailable"


@dataclass
class Writer:
    """Posts one message after the other; what is not acknowledged is sent again, on and on.

    One that ``changes`` edits and deletes some of them, and reacts to others.
    """

    name: str
    contract: ContractClient
    client: Client
    conversation: SharedConversation
    changes: bool = False
    resend_after_s: float = RESEND_AFTER_S
    acknowledged: list[ShownEvent] = field(default_factory=list)
    unavailable: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever it is told that the server cannot right now."""
    is_done: bool = False

    async def run(self) -> None:
        while not self.is_done:
            try:
                async with self.contract.enter(self.client, self.conversation) as connection:
                    while not self.is_done:
                        await self._write(connection, f"{self.name} {len(self.acknowledged)}")
            except GONE:
                await asyncio.sleep(0.02)  # polls: nothing tells when a killed server is back

    async def says_last(self, text: str) -> ShownEvent:
        """One more message, sent until it is acknowledged."""
        self.changes, count = False, len(self.acknowledged)
        async with self.contract.enter(self.client, self.conversation) as connection:
            while len(self.acknowledged) == count:
                await self._write(connection, text)
        return self.acknowledged[-1]

    async def _write(self, connection: ContractConnection, text: str) -> None:
        try:
            async with asyncio.timeout(self.resend_after_s):
                self.acknowledged.append(await connection.says(text, client_id=text))
                if self.changes:
                    await self._change(connection, self.acknowledged[-1])
        except RequestRefused as refusal:
            if str(refusal) != UNAVAILABLE:
                raise
            self.unavailable.set()
            await asyncio.sleep(0.02)  # polls: nothing tells when it can again

    async def _change(self, connection: ContractConnection, message: ShownEvent) -> None:
        match len(self.acknowledged) % 4:
            case 1:
                await connection.edits(message, f"{message.text} edited")
            case 2:
                await connection.reacts(message, "👍")
            case 3:
                await connection.deletes(message)
            case _:
                pass


@dataclass
class Reader:
    """Reads along and, after every crash, asks for what it missed."""

    name: str
    contract: ContractClient
    client: Client
    conversation: SharedConversation
    heard: list[ShownEvent] = field(default_factory=list)
    times_connected: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)
    is_done: bool = False

    async def run(self) -> None:
        while not self.is_done:
            after = self.heard[-1].cursor if self.heard else 0
            try:
                async with self.contract.enter(self.client, self.conversation, after) as connection:
                    self.times_connected += 1
                    while not self.is_done:
                        self.heard.append(await connection.hears())
                        self.news.set()
            except GONE:
                await asyncio.sleep(0.02)  # polls: nothing tells when a killed server is back

    async def heard_up_to(self, seq: int) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not self.heard or self.heard[-1].seq < seq:
                self.news.clear()
                await self.news.wait()


@dataclass
class Company:
    """Everybody who writes and reads: one of each for each contract, conversation and person."""

    server: Server
    writers: list[Writer]
    readers: list[Reader]
    writing: list[asyncio.Task[None]] = field(default_factory=list)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Everybody writes and reads, until they are to `finish` or the end."""
        async with asyncio.TaskGroup() as tasks:
            reading = [tasks.create_task(reader.run()) for reader in self.readers]
            try:
                for reader in self.readers:
                    await reader.heard_up_to(1)
                self.writing = [tasks.create_task(writer.run()) for writer in self.writers]
                yield
            finally:
                for one in (*self.writers, *self.readers):
                    one.is_done = True
                for task in reading:
                    task.cancel()

    async def finish(self) -> None:
        """Have everything acknowledged that was begun, and begin no more."""
        for writer in self.writers:
            writer.is_done = True
        await asyncio.wait_for(asyncio.gather(*self.writing), WITHIN_S)

    @property
    def conversations(self) -> dict[str, SharedConversation]:
        """Where they meet, by the kind of conversation."""
        return {reader.conversation.kind: reader.conversation for reader in self.readers}

    def told(self, conversation: SharedConversation) -> list[ShownEvent]:
        """What was acknowledged in a conversation."""
        told = [
            message
            for w in self.writers
            if w.conversation == conversation
            for message in w.acknowledged
        ]
        assert told
        return told


@asynccontextmanager
async def company(
    server: Server, *, changes: bool = False, resend_after_s: float = RESEND_AFTER_S
) -> AsyncIterator[Company]:
    """Ana, with Bo in a group and as a friend, and as a customer with the agent."""
    logins = [registered(server, name) for name in ("ana", "bo")]
    logins.append(logged_in(server, "agent", "AgentPassword123"))
    async with clients_of(server, *logins) as (ana, bo, agent):
        others = {"group": bo, "direct": bo, "session": agent}
        parts: list[tuple[str, ContractClient, Client, SharedConversation]] = []
        for kind in KINDS:
            conversation = await new_conversation(kind, ana, others[kind])
            for contract in contracts_for(kind):
                for client in (ana, others[kind]):
                    name = f"{client.name.partition('_')[0]}-by-{contract.name}-in-{kind}"
                    parts.append((name, contract, client, conversation))
        writers = [Writer(*part, changes, resend_after_s) for part in parts]
        yield Company(server, writers, [Reader(*part) for part in parts])
