"""Friends at a real server: what they do again and again in tests of the `friends` contract."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.clients import Client, Socket, clients_of, registered
from tests.running import Server

CHAT = "/api/v1/chat"
SOCKET = f"{CHAT}/ws/chat"


async def befriend(one: Client, other: Client) -> str:
    """Have two become friends; the request's UUID."""
    request = await one.post(f"{CHAT}/friends/requests", {"account": other.name})
    accepted = await other.post(f"{CHAT}/friends/requests/{request['request_id']}/accept")
    assert accepted["status"] == "accepted"
    return str(request["request_id"])


@asynccontextmanager
async def friends(server: Server, *nicknames: str) -> AsyncIterator[list[Client]]:
    """New accounts, each friends with the first of them."""
    names = nicknames or ("ana", "bo")
    async with clients_of(server, *(registered(server, name) for name in names)) as clients:
        for other in clients[1:]:
            await befriend(clients[0], other)
        yield clients


async def enter(client: Client, query: str = "", *, online: list[Client] | None = None) -> Socket:
    """A socket that has heard who is online, who must be these."""
    socket = await client.connect(f"{SOCKET}{query}")
    greeting = await socket.hears("connection_established")
    assert greeting["user_id"] == client.uid
    here = (await socket.hears("online_friends"))["friends"]
    if online is not None:
        assert sorted(here) == sorted(friend.uid for friend in online)
    return socket


async def send(sender: Client, receiver: Client, content: str, **fields: Any) -> dict[str, Any]:
    """A message sent over REST, as the answer shows it."""
    body = {"receiver_id": receiver.uid, "content": content, **fields}
    answer: dict[str, Any] = await sender.post(f"{CHAT}/messages/", body)
    return answer


async def history(viewer: Client, friend: Client, **params: Any) -> list[dict[str, Any]]:
    """What two friends wrote, as one of them reads it."""
    page = await viewer.get(f"{CHAT}/messages/history/{friend.uid}", **params)
    found: list[dict[str, Any]] = page["messages"]
    return found
