"""Two who meet in a place of each kind, at a server with demo data; and Dot, who is in none."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from tests.adapters.adapter import Door, Place, Seat
from tests.adapters.every import new_place
from tests.clients import Keys, Visitor, logged_in, registered, visiting
from tests.running import Server


@dataclass
class Scene:
    """A place, who began it, the other of the two, and somebody who has no business there."""

    place: Place
    one: Visitor
    other: Visitor
    stranger: Visitor
    exits: AsyncExitStack

    async def seat(self, door: Door, visitor: Visitor) -> Seat:
        """A connection that has heard all that ever was said in the place."""
        seat = await self.exits.enter_async_context(door.enter(visitor, self.place, 0))
        while (await seat.hears()).text != "begin 0":
            pass
        return seat


@pytest.fixture(scope="module")
def agent(demo_server: Server) -> Keys:
    return logged_in(demo_server, "agent", "AgentPassword123")


@pytest.fixture
async def scene(request: pytest.FixtureRequest, demo_server: Server) -> AsyncIterator[Scene]:
    """A fresh place of the kind that the test names, and everybody's connections."""
    kind: str = request.param
    ana = registered(demo_server, "ana")
    other = request.getfixturevalue("agent") if kind == "session" else registered(demo_server, "bo")
    dot = registered(demo_server, "dot")
    visit = visiting(demo_server, ana, other, dot)
    async with visit as (one, two, stranger), AsyncExitStack() as exits:
        yield Scene(await new_place(kind, one, two), one, two, stranger, exits)
