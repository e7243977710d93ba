"""What one hostile request costs the server: processor time by input, the goal 15 ms.

python -m benchmarks.hostile [--times 10]
"""

import argparse
import http.client
import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.cast import name_of
from benchmarks.gauge import cpu_seconds
from benchmarks.servers import CONTENDERS, Server, running

GOAL_MS: Final = 15.0
MEGABYTE: Final = 1_000_000
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
SOCKETS: Final = "/socket.io/?EIO=4&transport=polling"
PASSWORD: Final = "correct horse battery"


class Input(NamedTuple):
    """One request, as somebody unknown sends it, or somebody who has logged in."""

    name: str
    method: str
    path: str
    kind: str
    body: bytes
    is_known: bool = False
    cookies: str = ""


def _of_people_unknown() -> Iterator[Input]:
    deep = b'{"x":[' + b",".join([b"[" * 60 + b"]" * 60] * 8000) + b"]}"
    yield Input("8,000 lists 60 deep", "POST", "/auth/register", JSON, deep)
    empty = b"[" + b"[]," * 330_000 + b"[]]"
    yield Input("330,000 empty lists", "POST", "/auth/register", JSON, empty)
    yield Input("the same, to nowhere", "POST", "/nowhere", JSON, empty)
    yield Input("a megabyte of &", "POST", "/auth/token", FORM, b"&" * MEGABYTE)
    yield Input("12 KiB of &", "POST", "/auth/token", FORM, b"&" * 12_000)
    parts = b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 200
    yield Input("200 parts", "POST", "/auth/token", "multipart/form-data; boundary=B", parts)
    keys = json.dumps({str(number): 0 for number in range(1000)}).encode()
    yield Input("1,000 keys", "POST", "/auth/register", JSON, keys)
    yield Input("60 KB of parameters", "GET", "/auth/me?" + "a&" * 30_000, "", b"")
    kind = 'multipart/form-data; "' + ";" * 60_000
    yield Input("a content type of 60 KB", "POST", "/auth/token", kind, b"x")
    yield Input("60 KB of cookies", "GET", "/auth/me", "", b"", cookies="a=b;" * 15_000)


def _of_people_known() -> Iterator[Input]:
    def posted(name: str, body: bytes, path: str = "/conversations") -> Input:
        return Input(name, "POST", path, JSON, body, is_known=True)

    yield posted("330,000 empty lists", b"[" + b"[]," * 330_000 + b"[]]")
    yield posted("4,900 lists", b'{"participant_ids":[' + b"[]," * 2400 + b"[]]}")
    yield posted("500 wrong names", json.dumps({"participant_ids": [1.5] * 500}).encode())
    keys = json.dumps({str(number): 0 for number in range(80_000)}).encode()
    yield posted("80,000 keys", keys)
    yield posted("a megabyte of escapes", b'{"title":"' + b'\\"' * 500_000 + b'"}')
    yield posted("a megabyte of commas", b'{"title":"' + b"," * MEGABYTE + b'"}')
    yield posted("a megabyte of digits", b'{"title":"' + b"9" * MEGABYTE + b'"}')
    yield posted("a megabyte of é", json.dumps({"title": "é" * 170_000}).encode())
    text = json.dumps({"content": "é\u0301" * 250_000}, ensure_ascii=False).encode()
    yield posted("a megabyte of content", text, "/conversations/1/messages")


def _asked(server: Server, one: Input, token: str) -> int:
    headers = {"Content-Type": one.kind} if one.kind else {}
    headers |= {"Authorization": f"Bearer {token}"} if one.is_known else {}
    headers |= {"Cookie": one.cookies} if one.cookies else {}
    connection = http.client.HTTPConnection(server.rest.host, server.rest.port, timeout=60)
    try:
        connection.request(one.method, one.path, one.body, headers)
        response = connection.getresponse()
        response.read()
    except (ConnectionError, http.client.HTTPException):
        return 0  # It was answered and closed before all of it was sent.
    finally:
        connection.close()
    return response.status


def _polled(server: Server, packets: bytes) -> int:
    """A POST of packets on a Socket.IO connection that nobody has joined."""
    connection = http.client.HTTPConnection(server.rest.host, server.rest.port, timeout=60)
    connection.request("GET", SOCKETS)
    sid = json.loads(connection.getresponse().read()[1:])["sid"]
    connection.request("POST", f"{SOCKETS}&sid={sid}", packets)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def _cost(server: Server, times: int, one: Input, token: str) -> tuple[int, float]:
    """The status, and the median milliseconds of the processor."""
    spent = []
    status = 0
    for _ in range(times):
        before = cpu_seconds(server.pid)
        is_poll = one.path == SOCKETS
        status = _polled(server, one.body) if is_poll else _asked(server, one, token)
        spent.append((cpu_seconds(server.pid) - before) * 1000)
    return status, statistics.median(spent)


def _token(server: Server) -> str:
    name, other = name_of(1), name_of(2)
    for one in (name, other):
        account = {"username": one, "email": f"{one}@example.com", "password": PASSWORD}
        server.rest.post("/auth/register", account)
    form = {"username": name, "password": PASSWORD}
    token: str = server.rest.post_form("/auth/token", form)["access_token"]
    server.rest.post("/conversations", {"participant_ids": [other]}, token)
    return token


def main() -> int:
    """Ask, and print what each costs; 1 where one costs more than the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    times = parser.parse_args().times
    packets = b"\x1e".join([b'42["x"]'] * 990)
    polls = [
        Input("990 packets", "POST", SOCKETS, "", packets),
        Input("20,000 lists in one", "POST", SOCKETS, "", b'42["x",' + b"[]," * 20_000 + b"1]"),
    ]
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        with running(CONTENDERS["folkmoot"], data, None) as server:
            token = _token(server)
            for one in [*_of_people_unknown(), *polls, *_of_people_known()]:
                status, spent = _cost(server, times, one, token)
                worst = max(worst, spent)
                who = "known" if one.is_known else "unknown"
                print(f"{spent:7.1f} ms  {status or 'cut':>3}  {who:<7}  {one.name}")
    print(f"the worst costs {worst:.1f} ms, the goal is {GOAL_MS:.0f}")
    return int(worst > GOAL_MS)


if __name__ == "__main__":
    raise SystemExit(main())
