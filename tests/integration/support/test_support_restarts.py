"""The server is stopped and killed under both official clients: nothing is lost, nothing twice."""

import asyncio
from collections import Counter
from contextlib import suppress

import httpx2
import pytest
import socketio

from tests.clients import clients_of, logged_in, registered
from tests.integration.support.peers import peers

ROUNDS = 2
EACH = 25


async def keep_posting(server, login, session_id, texts, under_way):
    """Post every text until it is acknowledged, as a client that retries by its client_id does."""
    async with clients_of(server, login) as (client,):
        for text in texts:
            body = {"content": text, "client_id": text}
            path = f"/api/v1/chat/sessions/{session_id}/messages"
            while True:
                with suppress(httpx2.TransportError):
                    answer = await client.ask("POST", path, json=body)
                    if answer.status_code == 201:
                        under_way.set()
                        break
                await asyncio.sleep(0.02)  # polls: the server is away, and comes back untold


async def keep_saying(customer, texts):
    """The same through the client's own socket."""
    for text in texts:
        while True:
            with suppress(AssertionError, TimeoutError, socketio.exceptions.SocketIOError):
                await customer.says(text, client_id=text)
                break
            await asyncio.sleep(0.02)  # polls: the server is away, and comes back untold


async def hear_all(customer, count, *, among=None):
    """What the client hears until it has heard so many different texts, or so many of these."""
    heard = []
    while len(set(heard) if among is None else {*heard} & {*among}) < count:
        name, args = await customer.next()
        if name == "receive_message":
            heard.append(args[0]["message_text"])
    return heard


@pytest.mark.fault
@pytest.mark.parametrize("kind", ["npm", "python"])
@pytest.mark.parametrize("way", ["polling", "websocket", "upgrade"])
async def test_nothing_is_lost_and_nothing_comes_twice(own_server, request, kind, way):
    puppets = request.getfixturevalue("puppets") if kind == "npm" else None
    ana = registered(own_server, "ana")
    agent = logged_in(own_server, "agent", "AgentPassword123")
    async with peers(own_server, puppets) as opened:
        customer = await opened(ana, way)
        session = (await customer.says("Begin"))["session_id"]
        theirs = [f"{turn}-{number}" for turn in range(ROUNDS) for number in range(EACH)]
        mine = [f"mine {turn}" for turn in range(ROUNDS)]
        listening = asyncio.create_task(hear_all(customer, len(theirs)))
        for turn in range(ROUNDS):
            texts, under_way = theirs[turn * EACH : (turn + 1) * EACH], asyncio.Event()
            posting = asyncio.create_task(
                keep_posting(own_server, agent, session, texts, under_way)
            )
            saying = asyncio.create_task(keep_saying(customer, mine[turn : turn + 1]))
            await under_way.wait()
            await asyncio.to_thread(own_server.kill if turn % 2 else own_server.stop)
            await asyncio.to_thread(own_server.start)
            await asyncio.gather(posting, saying)
        heard = await listening
        heard += [d["message_text"] for n, d in await customer.heard() if n == "receive_message"]
    twice = [text for text, count in Counter(heard).items() if count > 1]
    assert [text for text in heard if text in theirs] == theirs, twice
    assert not set(twice) - set(mine)
    async with clients_of(own_server, ana) as (client,):
        kept = await client.get("/chat/history/self", limit=200)
    texts = [message["message_text"] for message in kept]
    assert sorted(texts) == sorted(["Begin", *theirs, *mine])


@pytest.mark.fault
@pytest.mark.parametrize("kind", ["python", "npm before 4.6"])
async def test_who_keeps_nothing_is_sent_what_was_posted_before_it_was_back(
    own_server, request, kind
):
    puppets = None if kind == "python" else request.getfixturevalue("puppets")
    ana = registered(own_server, "ana")
    agent = logged_in(own_server, "agent", "AgentPassword123")
    async with peers(own_server, puppets, forget=True) as opened:
        customer = await opened(ana, "upgrade")
        session = (await customer.says("Begin"))["session_id"]
        for turn, end in enumerate((own_server.stop, own_server.kill)):
            await asyncio.to_thread(end)
            await customer.until("disconnect")
            await asyncio.to_thread(own_server.start)
            texts = [f"{turn}-{number}" for number in range(EACH)]
            await keep_posting(own_server, agent, session, texts, asyncio.Event())
            # What was handed in the last moment before a kill may come again, under its old id.
            heard = dict.fromkeys(await hear_all(customer, EACH, among=texts))
            assert [text for text in heard if text in texts] == texts
