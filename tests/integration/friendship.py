"""Friends at a real server: what they do again and again in tests of the `friends` contract."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.clients import Socket, Visitor, registered, visiting
from tests.running import Server

CHAT = "/api/v1/chat"
SOCKET = f"{CHAT}/ws/chat"


async def befriend(one: Visitor, other: Visitor) -> str:
    """Have two become friends; the request's UUID."""
    request = await one.post(f"{CHAT}/friends/requests", {"account": other.name})
    accepted = await other.post(f"{CHAT}/friends/requests/{request['request_id']}/accept")
    assert accepted["status"] == "accepted"
    return str(request["request_id"])


@asynccontextmanager
async def friends(server: Server, *nicknames: str) -> AsyncIterator[list[Visitor]]:
    """New accounts, each friends with the first of them."""
    names = nicknames or ("ana", "bo")
    async with visiting(server, *(registered(server, name) for name in names)) as visitors:
        for other in visitors[1:]:
            await befriend(visitors[0], other)
        yield visitors


async def enter(
    visitor: Visitor, query: str = "", *, online: list[Visitor] | None = None
) -> Socket:
    """A socket that has heard who is online, who must be these."""
    socket = await visitor.connect(f"{SOCKET}{query}")
    greeting = await socket.hears("connection_established")
    assert greeting["user_id"] == visitor.keys.uid
    here = (await socket.hears("online_friends"))["friends"]
    if online is not None:
        assert sorted(here) == sorted(friend.keys.uid for friend in online)
    return socket


async def send(sender: Visitor, receiver: Visitor, content: str, **fields: Any) -> dict[str, Any]:
    """A message sent over REST, as the answer shows it."""
    body = {"receiver_id": receiver.keys.uid, "content": content, **fields}
    answer: dict[str, Any] = await sender.post(f"{CHAT}/messages/", body)
    return answer


async def history(viewer: Visitor, friend: Visitor, **params: Any) -> list[dict[str, Any]]:
    """What two friends wrote, as one of them reads it."""
    page = await viewer.get(f"{CHAT}/messages/history/{friend.keys.uid}", **params)
    found: list[dict[str, Any]] = page["messages"]
    return found
