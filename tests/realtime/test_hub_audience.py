"""The hub: who is sent an event of a conversation, member, blocker, staff who look on, outsider."""

from dataclasses import replace
from typing import get_args

import pytest

from folkmoot.core.accounts.model import Role
from folkmoot.core.conversations.events import Durable, MemberLeft
from folkmoot.core.events import TimelineEvent
from folkmoot.core.presence.events import Typing
from folkmoot.realtime.connection import Connection
from tests.events import ANA, EVENTS
from tests.realtime.memory_server import heard

IN_LOBBY = [event for event in EVENTS
            if isinstance(event, (*get_args(TimelineEvent), Typing))]  # fmt: skip
SAID = {"MessagePosted", "MessageEdited", "MessageDeleted", "ReactionAdded", "ReactionRemoved",
        "Typing"}  # fmt: skip


def told(connection: Connection) -> list[str]:
    """The kinds of events it was sent; who is taken out of a conversation has gone from it too."""
    return [one.split()[0] for one in heard(connection) if not one.startswith("Exited")]


@pytest.mark.parametrize("event", IN_LOBBY, ids=lambda event: type(event).__name__)
async def test_an_event_of_a_conversation_reaches_whom_it_concerns_and_nobody_else(server, event):
    cast, hub = server.cast, server.services.hub
    await server.do(cast.conversations.add_members, cast.ana.id, cast.lobby.id, [cast.cy])
    ana, bo, cy = [await server.listen(account) for account in (cast.ana, cast.bo, cast.cy)]
    cy.blocked = frozenset({ANA.id})
    staff = await server.connect(await cast.account("agent", Role.AGENT))
    hub.hold(staff, cast.lobby.id)
    hub.admit(staff, await cast.head(), is_member=False)
    outsider = await server.connect(await cast.account("di"))
    for connection in (ana, bo, cy, staff, outsider):
        heard(connection)

    if isinstance(event, Durable):
        event = replace(event, seq=server.bus.timelines.position(cast.lobby.id) + 1)
    server.services.publish([event])

    name = type(event).__name__
    assert told(bo) == [name]
    assert told(staff) == [name]
    assert told(cy) == ([] if name in SAID else [name])
    assert heard(outsider) == []
    if not isinstance(event, Typing | MemberLeft):
        assert [one.split()[-1] for one in heard(ana)] == ["own"]
