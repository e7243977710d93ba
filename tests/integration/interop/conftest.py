"""Two who share a conversation of each kind, on a server with demo data; and Dot, in none."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from tests.adapters.adapter import ContractClient, ContractConnection, SharedConversation
from tests.adapters.every import new_conversation
from tests.clients import Client, LoggedIn, clients_of, logged_in, registered
from tests.running import Server


@dataclass
class Scene:
    """A conversation, who began it, the other of the two, and a stranger."""

    conversation: SharedConversation
    one: Client
    other: Client
    stranger: Client
    exits: AsyncExitStack

    async def connection(self, contract: ContractClient, client: Client) -> ContractConnection:
        """A connection that has heard all that ever was said in the conversation."""
        connection = await self.exits.enter_async_context(
            contract.enter(client, self.conversation, 0)
        )
        while (await connection.hears()).text != "begin 0":
            pass
        return connection


@pytest.fixture(scope="module")
def agent(demo_server: Server) -> LoggedIn:
    return logged_in(demo_server, "agent", "AgentPassword123")


@pytest.fixture(scope="module")
def people(demo_server: Server) -> dict[str, LoggedIn]:
    """The staff of the demo data, by their roles."""
    return {
        role: logged_in(demo_server, role, f"{role.capitalize()}Password123")
        for role in ("agent", "analyst", "admin")
    }


@pytest.fixture
async def scene(request: pytest.FixtureRequest, demo_server: Server) -> AsyncIterator[Scene]:
    """A fresh conversation of the kind that the test names, and everybody's connections."""
    kind: str = request.param
    ana = registered(demo_server, "ana")
    other = request.getfixturevalue("agent") if kind == "session" else registered(demo_server, "bo")
    dot = registered(demo_server, "dot")
    visit = clients_of(demo_server, ana, other, dot)
    async with visit as (one, two, stranger), AsyncExitStack() as exits:
        yield Scene(await new_conversation(kind, one, two), one, two, stranger, exits)
