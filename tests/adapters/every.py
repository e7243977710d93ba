"""Every contract, the conversations where their clients meet, and which of them meet where."""

from collections.abc import Iterator

from tests.adapters.adapter import ContractClient, SharedConversation
from tests.adapters.assistant import Assistant
from tests.adapters.conversations import Conversations
from tests.adapters.friends import Friends
from tests.adapters.sessions import Sessions
from tests.adapters.support import Support
from tests.clients import Client, LoggedIn
from tests.integration.friends.friendship import befriend

CONTRACTS: tuple[ContractClient, ...] = (
    Conversations(),
    Friends(),
    Sessions(),
    Assistant(),
    Support(),
)
KINDS = ("group", "direct", "session")


def contracts_for(kind: str) -> list[ContractClient]:
    """Every contract that opens conversations of this kind."""
    return [contract for contract in CONTRACTS if kind in contract.opens]


def pairs() -> Iterator[tuple[str, ContractClient, ContractClient]]:
    """A kind of conversation, whom it is written through, and whom it is seen through."""
    for kind in KINDS:
        for here in contracts_for(kind):
            for there in contracts_for(kind):
                yield kind, here, there


async def new_conversation(kind: str, one: Client, other: Client) -> SharedConversation:
    """A conversation in which the first has said ``"begin 0"``. The other of a session serves.

    Accounts that have a direct conversation already cannot have another.
    """
    people: tuple[LoggedIn, LoggedIn] = (one.login, other.login)
    match kind:
        case "group":
            body = {"title": "LOBBY", "participant_ids": [other.id]}
            found = await one.post("/conversations/", body)
            number, uid = found["id"], found["uid"]
            await one.post(f"/conversations/{number}/messages", {"content": "begin 0"})
        case "session":
            body = {"title": "LOBBY", "assigned_agent_id": other.uid}
            found = await one.post("/api/v1/chat/sessions", body)
            number, uid = found["conversation_id"], found["id"]
            path = f"/api/v1/chat/sessions/{uid}/messages"
            await one.post(path, {"content": "begin 0"})
        case _:
            await befriend(one, other)
            body = {"receiver_id": other.uid, "content": "begin 0"}
            await one.post("/api/v1/chat/messages/", body)
            theirs = await one.get("/conversations/", limit=100)
            (found,) = [
                shown
                for shown in theirs
                if shown["kind"] == "direct"
                and other.id in {person["id"] for person in shown["participants"]}
            ]
            number, uid = found["id"], found["uid"]
    return SharedConversation(kind, number, uid, people)
