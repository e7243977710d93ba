import json
from collections.abc import AsyncIterator, Mapping, Sequence
from email.message import Message
from types import MappingProxyType
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Form, Request
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, StrictInt

from folkmoot.realtime.intentions import OPEN_BYTES
from folkmoot.server.http import refusals
from folkmoot.server.http.bodies import (
    BODY_BYTES,
    MAX_COOKIES,
    MAX_FORM_BYTES,
    MAX_FORM_FIELDS,
    BodyLimit,
    BodyTooLarge,
    HeadLimit,
    JsonFault,
    SmallForms,
    StrictJson,
    is_json_type,
    plain_json,
)
from folkmoot.wire.json_bounds import MAX_DEPTH, MAX_VALUES

BOUND = 1000
JSON = {"content-type": "application/json"}


class Body(BaseModel):
    content: Any


class Known(BaseModel):
    content: str
    count: StrictInt = 0


def is_refused(text: bytes) -> bool:
    try:
        plain_json(text)
    except JsonFault:
        return True
    return False


def application() -> FastAPI:
    app = FastAPI()

    @app.post("/known")
    async def know(body: Known) -> str:
        return "known"

    @app.post("/json")
    async def take(body: Body) -> dict[str, Any]:
        return {"content": body.content}

    @app.post("/form")
    async def fill(content: str = Form()) -> dict[str, Any]:
        return {"content": content}

    @app.post("/raw")
    @app.post("/uploads/raw")
    async def read(request: Request) -> int:
        return len(await request.body())

    @app.post("/unread")
    async def ignore() -> str:
        return "done"

    refusals.install(app)
    app.add_middleware(StrictJson)
    app.add_middleware(SmallForms, uploads=["/uploads/"])
    app.add_middleware(HeadLimit)
    app.add_middleware(BodyLimit, max_bytes=BOUND, exceptions={"/uploads/": 5000})
    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(application(), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://chat.example") as client:
        yield client


async def played(
    path: str, *chunks: bytes, length: int | str | None = None, kind: str = "application/json"
) -> tuple[int, bytes, int]:
    """Status and body of the answer to a request in chunks, and how many of them were read."""
    messages = [
        {"type": "http.request", "body": chunk, "more_body": index < len(chunks) - 1}
        for index, chunk in enumerate(chunks)
    ]
    read = 0
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        return messages[read - 1] if read <= len(messages) else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"content-type", kind.encode())]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("192.0.2.1", 5000),
        "server": ("chat.example", 80),
        "state": {},
    }
    await application()(scope, receive, send)
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:]), read


# Size


@pytest.mark.parametrize("path", ["/json", "/form", "/raw", "/unread", "/nowhere"])
async def test_a_body_that_announces_too_much_is_refused_unread(path: str):
    status, body, read = await played(path, b"x" * 10, length=BOUND + 1)

    assert (status, read) == (413, 0)
    assert json.loads(body).keys() == {"detail", "code"}
    assert json.loads(body)["code"] == "content_too_large"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/json", "application/json"),
        ("/json", "text/plain"),
        ("/form", "application/x-www-form-urlencoded"),
        ("/raw", "application/json"),
        ("/raw", "application/octet-stream"),
    ],
)
@pytest.mark.parametrize("length", [None, 5])
async def test_a_body_is_refused_as_soon_as_it_passes_the_bound(
    path: str, kind: str, length: int | None
):
    """With no length at all, or with one that lies."""
    chunks = [b"content=" + b"x" * 392, *[b"x" * 400] * 9]

    status, body, read = await played(path, *chunks, length=length, kind=kind)

    assert (status, json.loads(body)["code"]) == (413, "content_too_large")
    assert read == 3


async def test_a_body_of_just_the_bound_is_taken(client: httpx2.AsyncClient):
    assert (await client.post("/raw", content=b"x" * BOUND)).json() == BOUND
    assert (await client.post("/raw", content=b"x" * (BOUND + 1))).status_code == 413


async def test_a_path_may_have_a_bound_of_its_own(client: httpx2.AsyncClient):
    assert (await client.post("/uploads/raw", content=b"x" * 5000)).json() == 5000
    assert (await client.post("/uploads/raw", content=b"x" * 5001)).status_code == 413


async def test_what_is_open_to_anybody_reads_less_however_much_is_taken_elsewhere():
    async def read(_scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    app = BodyLimit(read, exceptions={"/": 10**6})

    for size, status in ((12_288, 200), (12_289, 413)):
        answered, _ = await passed(app, b"x" * size, None, state={BODY_BYTES: OPEN_BYTES})
        assert answered == status


@pytest.mark.parametrize("length", ["-1", "many", "1e9", "\u00b2", "0" * 5000 + "7"])
async def test_a_length_that_is_none_is_counted_instead(length: str):
    small = await played("/raw", b"x" * 10, length=length, kind="a/b")
    large = await played("/raw", b"x" * 10, b"x" * BOUND, length=length, kind="a/b")

    assert (small[0], large[0]) == (200, 413)


async def test_a_length_of_ten_thousand_digits_is_too_much():
    assert (await played("/raw", b"x", length="9" * 10_000))[0] == 413


async def test_the_answer_says_that_the_connection_ends(client: httpx2.AsyncClient):
    answer = await client.post("/raw", content=b"x" * 2000)

    assert answer.headers["connection"] == "close"
    assert answer.headers["content-type"] == "application/json"


async def test_other_than_http_passes_untouched():
    seen: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["type"])

    for kind in ("lifespan", "websocket"):
        await BodyLimit(HeadLimit(SmallForms(StrictJson(app))))({"type": kind}, None, None)

    assert seen == ["lifespan", "websocket"]


# JSON


@pytest.mark.parametrize(
    "content",
    [
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b'"\\ud800"',
        b'"\\udc00 and more of it"',
        b'"\\ud83d\\u0041"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\xc0\xaf"',
        b'"\x01"',
        b"[" * 400 + b"]" * 400,
        b"[" * 900,
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b"01",
        b"1,",
        b"'a'",
        b"undefined",
        b"",
    ],
)
async def test_json_that_cannot_be_kept_is_refused_and_not_repeated(
    client: httpx2.AsyncClient, content: bytes
):
    answer = await client.post("/json", content=b'{"content": ' + content + b"}", headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (422, "json_invalid")
    assert [one.keys() for one in answer.json()["detail"]] == [{"type", "loc", "msg"}]


@pytest.mark.parametrize(
    "content",
    [
        "text",
        "\0",
        "\u202e\ufeff\u200d",
        "🐎" * 50,
        9223372036854775807,
        -9223372036854775808,
        0.1,
        1e308,
        9007199254740991,
        None,
        [[[[[1]]]]],
        {"a": {"b": [True, False, None]}},
        "9" * 100,
        "[" * 100,
    ],
)
async def test_json_that_can_be_kept_arrives_as_it_was(client: httpx2.AsyncClient, content: Any):
    answer = await client.post("/json", json={"content": content})

    assert answer.status_code == 200
    assert answer.json() == {"content": content}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1.0", 1),
        ("-1.50e1", -15),
        ("[1e0, 0.0]", [1, 0]),
        ("9007199254740991.0", 9007199254740991),
        ("1.5", 1.5),
        ('"1.0"', "1.0"),
        (r'"\"1.0, 1e400"', '"1.0, 1e400'),
    ],
)
async def test_a_whole_number_is_one_however_it_is_written(
    client: httpx2.AsyncClient, written: str, read: Any
):
    body = f'{{"content": {written}}}'

    answer = await client.post("/json", content=body, headers=JSON)

    assert (answer.status_code, answer.json()) == (200, {"content": read})
    assert type(answer.json()["content"]) is type(read)


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 700, "-" + "9" * 20])
async def test_a_number_that_nobody_holds_refuses_nothing_unless_it_is_asked_for(
    client: httpx2.AsyncClient, number: str
):
    unknown = f'{{"content": "x", "unknown": [{{"n": {number}}}]}}'
    asked_for = f'{{"content": "x", "count": {number}}}'

    ignored = await client.post("/known", content=unknown, headers=JSON)
    read = await client.post("/known", content=asked_for, headers=JSON)

    assert (ignored.status_code, read.status_code) == (200, 422)
    assert number[:30] not in read.text


async def test_json_in_chunks_arrives_whole():
    text = json.dumps({"content": "ü" * 20}, ensure_ascii=False).encode()

    status, body, _ = await played("/json", *(text[n : n + 1] for n in range(len(text))))

    assert (status, json.loads(body)) == (200, {"content": "ü" * 20})


@pytest.mark.parametrize(
    "kind",
    ["application/json", "APPLICATION/JSON; charset=utf-16", "application/vnd.folkmoot+json"],
)
async def test_every_kind_of_json_is_checked(client: httpx2.AsyncClient, kind: str):
    for body in (b'{"content": NaN}', '{"content": 1}'.encode("utf-16")):
        answer = await client.post("/json", content=body, headers={"content-type": kind})
        assert answer.status_code == 422


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", None])
async def test_json_by_another_name_is_no_json(client: httpx2.AsyncClient, kind: str | None):
    headers = {} if kind is None else {"content-type": kind}
    answer = await client.post("/json", content=b'{"content": 1}', headers=headers)

    assert answer.status_code == 422


async def test_forms_are_not_touched(client: httpx2.AsyncClient):
    assert (await client.post("/form", data={"content": "NaN"})).json() == {"content": "NaN"}


async def test_a_client_that_leaves_in_the_middle_gets_no_answer():
    sent: list[Any] = []
    messages = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    async def never(*_: Any) -> None:
        raise AssertionError("nobody is there to be answered")

    scope = {"type": "http", "path": "/", "headers": [(b"content-type", b"application/json")]}
    await BodyLimit(StrictJson(never))(scope, receive, send)

    assert sent == []


@pytest.mark.parametrize("depth", [1, MAX_DEPTH, MAX_DEPTH + 1, 500, 100_000])
def test_depth_is_counted_exactly(depth: int):
    text = b"[" * depth + b"]" * depth

    assert is_refused(text) == (depth > MAX_DEPTH)


def test_breadth_is_no_depth():
    assert not is_refused(b"[" + b"[]," * (MAX_VALUES // 2 - 1) + b"[]]")
    assert not is_refused(b'{"a": {"b": ["' + b"[" * 1000 + b'"]}}')


@pytest.mark.parametrize(
    "kind",
    [
        "application/~+json",
        "application/+json",
        "application/JSON",
        " application/json ",
        "application/a b+json",
        "application/\u00e9+json;x",
        "application/x/y+json",
        "application/json,text/plain",
        "text/json",
        "json",
    ],
)
async def test_what_fastapi_reads_as_json_is_read_strictly(kind: str):
    """Whatever the type is spelled like: NaN never gets to where a value is made of it."""
    status, body, _ = await played("/json", b'{"content": NaN}', kind=kind)

    assert status == 422
    assert b"content" not in body or json.loads(body)["code"] != "json_invalid"
    assert json.loads(body)["detail"][0]["type"] in {"json_invalid", "model_attributes_type"}


@settings(deadline=None)
@given(st.text(alphabet='application/jsonJSON+;~ =.\t"x', max_size=30))
def test_no_spelling_of_a_type_is_json_for_fastapi_alone(rest: str):
    for kind in (
        rest,
        "application/" + rest,
        f"application/{rest}+json",
        f"application/json{rest}",
    ):
        message = Message()
        message["content-type"] = kind
        subtype = message.get_content_subtype()
        theirs = message.get_content_maintype() == "application" and (
            subtype == "json" or subtype.endswith("+json")
        )
        assert is_json_type(kind) or not theirs


# Forms, queries and cookies


@pytest.mark.parametrize(
    "kind",
    ["application/x-www-form-urlencoded", "Multipart/Form-Data; boundary=B", "multipart/form-data"],
)
@pytest.mark.parametrize(
    ("content", "status"),
    [(b"&" * MAX_FORM_FIELDS, 422), (b"--B\r\n" * 1000, 422), (b"x" * (MAX_FORM_BYTES + 1), 413)],
)
async def test_a_form_larger_than_any_is_not_read(kind: str, content: bytes, status: int):
    async def never(*_: Any) -> None:
        raise AssertionError("this form was to be read")

    answered, body = await passed(SmallForms(never), content, kind)

    assert (answered, set(json.loads(body))) == (status, {"detail", "code"})


async def test_where_files_are_taken_the_form_is_their_readers(client: httpx2.AsyncClient):
    answer = await client.post("/uploads/raw", files={"file": b"\n" * 2000})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        (b"&".join([b"a=1"] * 100), [], 200),
        (b"&" * 100, [], 422),
        (b"", [(b"cookie", b"a=1;" * (MAX_COOKIES - 1))], 200),
        (b"", [(b"cookie", b"a=1;" * (MAX_COOKIES // 2))] * 2, 422),
        (b"", [(b"content-type", b'a/b; "' + b";" * 60_000)], 422),
    ],
)
async def test_a_head_in_too_many_pieces_is_refused_unread(
    query: bytes, headers: list[tuple[bytes, bytes]], status: int
):
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    answered, _ = await passed(HeadLimit(app), b"", None, query=query, headers=headers)

    assert answered == status


async def passed(
    app: Any,
    content: bytes,
    kind: str | None,
    *,
    query: bytes = b"",
    headers: Sequence[tuple[bytes, bytes]] = (),
    state: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[int, bytes]:
    """Status and body of what one layer answers to a request."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    given = [] if kind is None else [(b"content-type", kind.encode())]
    scope = {
        "type": "http",
        "path": "/",
        "query_string": query,
        "headers": [*given, *headers],
        "state": dict(state),
    }
    try:
        await app(scope, receive, send)
    except BodyTooLarge:
        return 413, b'{"detail": "", "code": ""}'
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize("offset", range(20))
def test_a_number_out_of_range_is_found_wherever_it_stands(offset: int):
    for number in (10**20, -(10**20), 10**18, 2**63 - 1):
        text = b" " * offset + b'{"x": [%d]}' % number
        (read,) = json.loads(plain_json(text))["x"]
        assert (read == number) == (abs(number) < 2**63)
