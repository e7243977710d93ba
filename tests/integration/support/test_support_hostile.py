"""What only a broken or a hostile client sends, against a real server, by polling and by WebSocket.

It is refused, costs little, and nobody else notices.
"""

import asyncio
import json

import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.deadlines import WITHIN_S
from tests.integration.support.bare import Bare

WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"
MIB = 1024**2
MOST_GROWTH = 16 * MIB
STANDSTILL_S = 2
TEXT = "My parcel has not come"


class Raw:
    """A WebSocket that says what it is told to, and hears what comes."""

    def __init__(self, websocket):
        self.websocket = websocket

    async def says(self, *frames):
        for frame in frames:
            await self.websocket.send(frame)

    async def hears(self):
        """The next packet that is no ping."""
        while True:
            packet = await asyncio.wait_for(self.websocket.recv(), WITHIN_S)
            if packet != "2":
                return packet
            await self.websocket.send("3")

    async def until(self, start):
        while not (packet := await self.hears()).startswith(start):
            pass
        return packet

    async def lives(self):
        await self.says('429999["heartbeat"]')
        assert '"success":true' in await self.until("439999")

    async def is_closed(self):
        with pytest.raises(ConnectionClosed):
            await self.until("never")


@pytest.fixture
async def raw(server, ana):
    url = server.url.replace("http", "ws") + WEBSOCKET
    async with connect(url, ping_interval=None, compression=None, max_size=None) as websocket:
        raw = Raw(websocket)
        assert (await raw.hears()).startswith("0{")
        await raw.says("40" + json.dumps({"token": ana.token}))
        await raw.until("40{")
        yield raw


@pytest.fixture
async def polling(server, ana):
    async with Bare(server) as bare:
        await bare.open()
        assert (await bare.connect({"token": ana.token}))[0] == "40"
        yield bare


@pytest.fixture
async def bystander(opened, server, bo):
    """Somebody else, who must notice nothing; and the server must not grow."""
    peer = await opened(bo)
    process = psutil.Process(server.pid)
    before = process.memory_info().rss
    yield peer
    await peer.says("I notice nothing")
    assert [name for name, _ in await peer.heard() if not name.startswith("user_")] == []
    streamed = process.memory_info().rss - before
    assert streamed < MOST_GROWTH, f"grown by {streamed / MIB:.1f} MiB"


LIVES = [
    ('42["nonsense",{}]', "event_unknown"),
    ('42["__proto__",{"a":1}]', "event_unknown"),
    ('42["constructor"]', "event_unknown"),
    ('42["send_message"]', "event_malformed"),
    ('42["send_message",{"message_text":{"__proto__":{"x":1}}}]', "event_malformed"),
    ('42["send_message",{"__proto__":{"message_text":"x"}}]', "event_malformed"),
    ('42["send_message",{"message_text":"' + "x" * 10_001 + '"}]', "text_too_long"),
    ('42["join_room",{"user_id":{"$ne":null}}]', "event_malformed"),
    ('42["typing",5]', "event_malformed"),
    ('42["resume",{"after_seq":-1}]', "event_malformed"),
]
FORGED_ACKS = ["430[]", '4399[{"success":true}]', '43123456789["x"]']
CLOSES = [
    "42{}",
    '42abc["heartbeat"]',
    "42[]",
    "42[5]",
    '42["connect"]',
    "47",
    "43",
    "43[]",
    '45-["x"]',
    '4511-["x"]',
    '459999999-["x"]',
    '4510000000000-["x"]',
    '45-1-["x"]',
    '451.5-["x"]',
    '451-["x",{"_placeholder":true,"num":1}]',
    '451-["x",{"_placeholder":true,"num":-1}]',
    '451-["x",{"_placeholder":true,"num":"0"}]',
    '451-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]',
    '451-["x"]',
    '42["x",' + "[" * 70 + "]" * 70 + "]",
    '42["x",NaN]',
    "9",
    "",
]


@pytest.mark.parametrize(("packet", "code"), LIVES)
async def test_an_event_that_is_none_is_refused_and_the_socket_lives(
    bystander, raw, polling, packet, code
):
    await raw.says(packet)
    assert f'"code":"{code}"' in await raw.until('42["error"')
    await raw.lives()

    assert (await polling.post(packet)).status_code == 200
    assert f'"code":"{code}"' in (await polling.poll()).text


@pytest.mark.parametrize("packet", FORGED_ACKS)
async def test_an_ack_of_nothing_is_nothing(bystander, raw, polling, packet):
    await raw.says(packet)
    await raw.lives()

    assert (await polling.post(packet)).status_code == 200
    await polling.post('421["heartbeat"]')
    assert "431[" in (await polling.poll()).text


@pytest.mark.parametrize("packet", CLOSES)
async def test_a_packet_that_is_none_ends_its_connection_alone(bystander, raw, polling, packet):
    await raw.says(packet)
    await raw.is_closed()

    answer = await polling.post(packet)
    assert answer.status_code in (200, 400)
    assert (await polling.poll()).status_code in (200, 400)
    assert (await polling.poll()).status_code == 400


async def test_attachments_that_never_come_are_waited_for_within_bounds(bystander, raw, polling):
    packet = '4510-["x",' + ",".join(f'{{"_placeholder":true,"num":{n}}}' for n in range(10)) + "]"
    await raw.says(packet, *[b"x" * 6_000] * 9)
    assert (await polling.post(packet)).status_code == 200

    # What is not an attachment comes in between.
    await raw.says('42["heartbeat"]')
    await raw.is_closed()
    await polling.post('42["heartbeat"]')
    await polling.poll()
    assert (await polling.poll()).status_code == 400


async def test_attachments_larger_than_a_payload_are_too_large(bystander, raw):
    await raw.says('452-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]')
    await raw.says(b"x" * 60_000, b"x" * 60_000)
    await raw.is_closed()


async def test_a_payload_of_very_many_packets_is_refused(bystander, raw, polling):
    answer = await polling.post("\x1e".join(["3"] * 1_000_000))
    assert (answer.status_code, answer.json()["code"]) == (413, "content_too_large")
    await polling.post('421["heartbeat"]')
    assert "431[" in (await polling.poll()).text

    # As many as fit into a payload are still too many.
    answer = await polling.post("\x1e".join(["3"] * 30_000))
    assert answer.status_code == 400
    assert (await polling.poll()).status_code == 400

    await raw.says("\x1e".join(["3"] * 30_000))
    await raw.is_closed()


async def test_a_huge_text_ends_its_connection(bystander, raw, polling):
    packet = '42["send_message",{"message_text":"' + "x" * 30_000_000 + '"}]'
    assert (await polling.post(packet)).status_code == 413
    await polling.post('421["heartbeat"]')
    assert "431[" in (await polling.poll()).text

    await raw.says(packet[:1_000_000])
    await raw.is_closed()


async def test_a_connection_is_nobody_elses(server, bystander, polling, bo):
    mine = polling.sid
    for sid in ("__proto__", "x" * 5_000, "%00", mine[:-1], mine + "x", "0", ""):
        polling.sid = sid
        assert (await polling.poll()).status_code == 400, sid
        assert (await polling.post("3")).status_code == 400
    polling.sid = mine
    async with Bare(server, f"&token={bo.token}") as thief:
        await thief.open()
        thief.sid = mine
        assert (await thief.poll()).status_code == 400
    await polling.post('421["heartbeat"]')
    assert "431[" in (await polling.poll()).text


async def test_whoever_asks_and_never_reads_is_not_read_either(bystander, raw):
    async def ask_on():
        for _ in range(500_000):
            await asyncio.wait_for(raw.says('421["get_online_users"]'), STANDSTILL_S)

    raw.websocket.transport.pause_reading()
    with pytest.raises((ConnectionClosed, TimeoutError)):
        await ask_on()
    raw.websocket.transport.abort()
