"""Every contract, the places where their clients meet, and which of them meet where."""

from collections.abc import Iterator

from tests.adapters.adapter import Door, Place
from tests.adapters.assistant import Assistant
from tests.adapters.conversations import Conversations
from tests.adapters.friends import Friends
from tests.adapters.sessions import Sessions
from tests.adapters.support import Support
from tests.clients import Keys, Visitor
from tests.integration.friendship import befriend

DOORS: tuple[Door, ...] = (
    Conversations(),
    Friends(),
    Sessions(),
    Assistant(),
    Support(),
)
KINDS = ("group", "direct", "session")


def doors_to(kind: str) -> list[Door]:
    """Every contract that opens conversations of this kind."""
    return [door for door in DOORS if kind in door.opens]


def pairs() -> Iterator[tuple[str, Door, Door]]:
    """A kind of conversation, whom it is written through, and whom it is seen through."""
    for kind in KINDS:
        for here in doors_to(kind):
            for there in doors_to(kind):
                yield kind, here, there


async def new_place(kind: str, one: Visitor, other: Visitor) -> Place:
    """A place of the two, in which the first has said ``"begin 0"``. The other of a session serves.

    Accounts that have a direct conversation already cannot have another.
    """
    people: tuple[Keys, Keys] = (one.keys, other.keys)
    match kind:
        case "group":
            body = {"title": "LOBBY", "participant_ids": [other.id]}
            found = await one.post("/conversations/", body)
            number, uid = found["id"], found["uid"]
            await one.post(f"/conversations/{number}/messages", {"content": "begin 0"})
        case "session":
            body = {"title": "LOBBY", "assigned_agent_id": other.keys.uid}
            found = await one.post("/api/v1/chat/sessions", body)
            number, uid = found["conversation_id"], found["id"]
            path = f"/api/v1/chat/sessions/{uid}/messages"
            await one.post(path, {"content": "begin 0"})
        case _:
            await befriend(one, other)
            body = {"receiver_id": other.keys.uid, "content": "begin 0"}
            await one.post("/api/v1/chat/messages/", body)
            theirs = await one.get("/conversations/", limit=100)
            (found,) = [
                shown
                for shown in theirs
                if shown["kind"] == "direct"
                and other.id in {person["id"] for person in shown["participants"]}
            ]
            number, uid = found["id"], found["uid"]
    return Place(kind, number, uid, people)
