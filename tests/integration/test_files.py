"""Files at a real server that keeps them in a folder, and at one that keeps them in a bucket."""

import asyncio
import gzip
import hashlib
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tests.clients import Client, clients_of, registered
from tests.deadlines import WITHIN_S
from tests.files.bucket import buckets
from tests.files.pictures import (
    GPS_IFD,
    ON_ITS_SIDE,
    ORIENTATION,
    SECRET_PLACE,
    bomb,
    holiday_picture,
    noise,
    picture,
)
from tests.running import Server

__all__ = ["buckets"]

# One worker, and so one pair of servers.
pytestmark = pytest.mark.xdist_group("files")

FILES = "/api/v1/chat/files"
MAX_BYTES = 25 * 1024 * 1024
SAVED_ONLY = "sandbox; default-src 'none'"


@pytest.fixture(scope="module", params=["folder", "bucket"])
def shared_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    settings = {}
    if request.param == "bucket":
        found = request.getfixturevalue("buckets")
        settings = {"FOLKMOOT_FILES_URL": found.new(), **found.variables}
    with Server(tmp_path_factory.mktemp("server"), **settings) as server:
        yield server


async def upload(client: Client, content: bytes, name: str = "a.bin", kind: str = "x/y") -> dict:
    answer = await client.ask("POST", FILES, files={"file": (name, content, kind)})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def posted(client: Client, lobby: int, file: dict, **fields: object) -> dict:
    body = {"content": "Look", "attachment_id": file["attachment_id"], **fields}
    return await client.post(f"/conversations/{lobby}/messages", body)


def left_over(server: Server) -> list[Path]:
    """Everything in the data folder that belongs to uploads on their way."""
    return list((server.data / "files" / "incoming").iterdir())


def rows(server: Server) -> int:
    with sqlite3.connect(f"file:{server.data / 'folkmoot.db'}?mode=ro", uri=True) as database:
        return database.execute("SELECT count(*) FROM uploads").fetchone()[0]


async def clean(server: Server) -> None:
    """Return when nothing is left of any upload that did not end well."""
    async with asyncio.timeout(WITHIN_S):
        while left_over(server):  # noqa: ASYNC110 - another process cannot set an event here
            await asyncio.sleep(0.01)  # polls: the folder of another process tells nobody


# -- in and out ------------------------------------------------------------------------------------


async def test_a_file_is_described_kept_and_given_back(ana):
    content = noise(1_000_000)
    file = await upload(ana, content, "Bericht März.bin")
    assert file["file_url"] == f"{FILES}/{file['attachment_id']}"
    assert (file["file_name"], file["file_size"]) == ("Bericht März.bin", len(content))
    assert file["file_type"] == "application/octet-stream"
    answer = await ana.ask("GET", file["file_url"])
    assert answer.content == content
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["cache-control"].startswith("private")
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"Bericht M_rz.bin\"; filename*=UTF-8''Bericht%20M%C3%A4rz.bin"
    )


async def test_a_picture_is_shown_inline_and_has_a_thumbnail_that_tells_nothing(ana):
    file = await upload(ana, holiday_picture(), "holiday.png", "text/html")
    assert file["file_type"] == "image/jpeg"
    assert file["thumbnail_url"] == f"{file['file_url']}/thumbnail"
    whole = await ana.ask("GET", file["file_url"])
    assert whole.headers["content-type"] == "image/jpeg"
    assert whole.headers["content-disposition"].startswith("inline")
    small = await ana.ask("GET", file["thumbnail_url"])
    assert small.headers["content-type"] == "image/webp"
    assert small.headers["x-content-type-options"] == "nosniff"
    assert SECRET_PLACE.encode() not in small.content


async def test_a_photo_does_not_say_where_it_was_made(ana):
    content = holiday_picture()
    file = await upload(ana, content, "holiday.jpg")
    whole = await ana.ask("GET", file["file_url"])
    assert whole.headers["etag"] == f'"{hashlib.sha256(whole.content).hexdigest()}"'
    kept = Image.open(BytesIO(whole.content)).getexif()
    assert (GPS_IFD in kept, kept[ORIENTATION]) == (False, ON_ITS_SIDE)
    assert len(whole.content) == file["file_size"] == len(content)


async def test_an_operator_may_let_photos_say_where_they_were_made(tmp_path):
    content = holiday_picture()
    with Server(tmp_path, "--photo-location", "keep") as server:
        async with clients_of(server, registered(server, "ana")) as (ana,):
            file = await upload(ana, content, "holiday.jpg")
            assert (await ana.ask("GET", file["file_url"])).content == content


async def test_a_picture_of_today_is_shown_as_one(ana):
    file = await upload(ana, picture("AVIF"), "today.avif", "image/png")
    assert file["file_type"] == "image/avif"
    assert file["thumbnail_url"]
    shown = await ana.ask("GET", file["file_url"])
    assert shown.headers["content-disposition"].startswith("inline")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.html", b"<!doctype html><script>alert(1)</script>"),
        ("a.png", b"<html><script>alert(1)</script>"),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("a.xml", b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"),
        ("a.xhtml", b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>"),
        ("a.js", b"alert(1)"),
        ("a.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj <</S/JavaScript/JS(app.alert(1))>>"),
        ("a.gif", b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)"),
        ("42.zip", b"PK\x03\x04" + bytes(100)),
    ],
)
async def test_what_a_browser_might_run_is_only_ever_saved(ana, name, content):
    file = await upload(ana, content, name, "image/png")
    assert file["thumbnail_url"] is None
    answer = await ana.ask("GET", file["file_url"])
    assert answer.content == content
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == SAVED_ONLY
    served = answer.headers["content-type"]
    assert not any(part in served for part in ("html", "xml", "svg", "script"))


@pytest.mark.parametrize(
    "name",
    [
        "../../x",
        "..\\x",
        "%2e%2e%2fx",
        "/etc/x",
        "a\0x",
        "CON",
        "x" * 300,
        ".htaccess",
        "\u202egnp",
    ],
)
async def test_a_hostile_name_is_made_harmless_and_decides_nothing(ana, shared_server, name):
    boundary = b"edge"
    body = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\nx'
    answer = await ana.ask(
        "POST",
        FILES,
        content=body % name.encode() + b"\r\n--edge--\r\n",
        headers={"Content-Type": f"multipart/form-data; boundary={boundary.decode()}"},
    )
    assert answer.status_code == 201, answer.text
    shown = answer.json()["file_name"]
    assert 1 <= len(shown) <= 120
    assert not set("/\\\0\u202e%") & set(shown)
    assert not shown.startswith(".")
    assert not left_over(shared_server)


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=-5", 206, 999_995, 1_000_000),
        ("bytes=300000-", 206, 300_000, 1_000_000),
        ("bytes=1000000-", 416, 0, 0),
        ("bytes=5-2", 200, 0, 1_000_000),
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(3000)), 200, 0, 1_000_000),
    ],
)
async def test_one_stretch_of_a_file_is_served(ana, asked, status, start, end):
    content = noise(1_000_000)
    file = await upload(ana, content)
    answer = await ana.ask("GET", file["file_url"], headers={"Range": asked})
    assert answer.status_code == status
    assert answer.content == content[start:end]
    if status != 200:
        shown = "*" if status == 416 else f"{start}-{end - 1}"
        assert answer.headers["content-range"] == f"bytes {shown}/1000000"


async def test_what_a_client_has_already_is_not_sent_again(ana):
    file = await upload(ana, picture())
    for url in (file["file_url"], file["thumbnail_url"]):
        etag = (await ana.ask("GET", url)).headers["etag"]
        again = await ana.ask("GET", url, headers={"If-None-Match": f'"x", W/{etag}'})
        assert (again.status_code, again.content) == (304, b"")
    stale = {"Range": "bytes=0-0", "If-Range": '"another"'}
    assert (await ana.ask("GET", file["file_url"], headers=stale)).status_code == 200


# -- who may ---------------------------------------------------------------------------------------


async def test_nobody_uploads_or_fetches_without_a_right(ana, shared_server):
    file = await upload(ana, b"x")
    async with clients_of(shared_server, ana.login) as (client,):
        bare = {"Authorization": ""}
        answers = [
            await client.ask("GET", file["file_url"], headers=bare),
            await client.ask("GET", f"{file['file_url']}/thumbnail", headers=bare),
            await client.ask("POST", FILES, files={"file": ("a", b"x")}, headers=bare),
        ]
        assert [answer.status_code for answer in answers] == [401] * 3
        by_token = f"{file['file_url']}?token={ana.token}"
        assert (await client.ask("GET", by_token, headers=bare)).content == b"x"


async def test_a_file_is_for_those_who_can_open_a_conversation_that_holds_it(ana, bo, cy, lobby):
    file = await upload(ana, picture())
    urls = [file["file_url"], file["thumbnail_url"]]

    async def seen(client: Client) -> list[int]:
        return [(await client.ask("GET", url)).status_code for url in urls]

    assert [await seen(one) for one in (ana, bo, cy)] == [[200] * 2, [404] * 2, [404] * 2]
    message = await posted(ana, lobby, file)
    assert [await seen(one) for one in (ana, bo, cy)] == [[200] * 2, [200] * 2, [404] * 2]
    await ana.ask("DELETE", f"/conversations/{lobby}/messages/{message['id']}")
    assert [await seen(one) for one in (ana, bo)] == [[200] * 2, [404] * 2]
    await posted(ana, lobby, file)
    assert await seen(bo) == [200] * 2
    await bo.ask("DELETE", f"/conversations/{lobby}/participants/{bo.id}")
    assert await seen(bo) == [404] * 2


async def test_a_file_that_is_not_there_looks_like_one_that_may_not_be_seen(ana, cy):
    file = await upload(ana, b"x")
    foreign = await cy.ask("GET", file["file_url"])
    missing = await cy.ask("GET", f"{FILES}/00000000-0000-7000-8000-000000000000")
    assert (foreign.status_code, foreign.json()) == (missing.status_code, missing.json())


@pytest.mark.parametrize(
    "path",
    [
        "..%2f..%2fetc%2fpasswd",
        "../../etc/passwd",
        "/etc/passwd",
        "%00",
        "%5c..%5c",
        "%252e%252e",
        "incoming",
        "a/b/c",
        "%2e%2e/thumbnail",
        "'",
        "%ff",
        "x" * 5000,
    ],
)
async def test_no_address_leads_anywhere_else(ana, shared_server, path):
    def asked() -> int:
        http = HTTPConnection("127.0.0.1", shared_server.port, timeout=WITHIN_S)
        http.putrequest("GET", f"{FILES}/{path}", skip_host=False)
        http.putheader("Authorization", f"Bearer {ana.token}")
        http.endheaders()
        status = http.getresponse().status
        http.close()
        return status

    assert await asyncio.to_thread(asked) == 404


# -- attachments in `conversations` ----------------------------------------------------------------


async def test_a_message_shows_its_file_to_everybody_live_and_in_history(ana, bo, lobby):
    file = await upload(ana, picture(), "a.png")
    listener = await bo.enter(lobby)
    message = await posted(ana, lobby, file, client_id="one")
    assert message["kind"] == "image"
    assert message["attachment"] == {
        "id": file["attachment_id"],
        "url": file["file_url"],
        "name": "a.png",
        "size": len(picture()),
        "media_type": "image/png",
        "thumbnail_url": file["thumbnail_url"],
    }
    assert (await listener.hears("message"))["attachment"] == message["attachment"]
    (shown,) = await bo.get(f"/conversations/{lobby}/messages")
    assert (shown["kind"], shown["attachment"]) == ("image", message["attachment"])
    assert (await posted(ana, lobby, file, client_id="one"))["id"] == message["id"]


async def test_a_file_is_attached_through_the_socket_too(ana, lobby):
    file = await upload(ana, b"Hello", "a.txt")
    writer = await ana.enter(lobby)
    await writer.says({"content": "Read", "attachment_id": file["attachment_id"]})
    message = await writer.hears("message")
    assert (message["kind"], message["attachment"]["media_type"]) == ("file", "text/plain")
    assert message["attachment"]["thumbnail_url"] is None


async def test_a_file_of_somebody_else_or_of_nobody_cannot_be_attached(ana, cy, lobby):
    foreign = (await upload(cy, b"x"))["attachment_id"]
    writer = await ana.enter(lobby)
    for given in (foreign, "00000000-0000-7000-8000-000000000000", "x", "\0", ""):
        body = {"content": "Mine", "attachment_id": given}
        answer = await ana.ask("POST", f"/conversations/{lobby}/messages", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "attachment_not_found")
        await writer.says(body)
        assert (await writer.hears("error"))["code"] == "attachment_not_found"


# -- too much --------------------------------------------------------------------------------------


async def test_the_largest_file_is_taken_and_one_byte_more_is_not(ana, shared_server):
    file = await upload(ana, bytes(MAX_BYTES))
    assert file["file_size"] == MAX_BYTES
    before = rows(shared_server)
    answer = await ana.ask("POST", FILES, files={"file": ("a", bytes(MAX_BYTES + 1))})
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    assert await asyncio.to_thread(announced, shared_server, ana.token, 10**9) == 413
    await clean(shared_server)
    assert rows(shared_server) == before


async def test_a_body_of_unknown_length_has_the_same_bound(ana, shared_server):
    async def endless() -> AsyncIterator[bytes]:
        yield b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(30):
            yield bytes(1024 * 1024)

    kind = {"Content-Type": "multipart/form-data; boundary=edge"}
    answer = await ana.ask("POST", FILES, content=endless(), headers=kind)
    assert answer.status_code == 413
    await clean(shared_server)


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"files": {"file": ("a", b"")}}, 422, "file_empty"),
        ({"files": {"file": ("a.png", bomb())}}, 422, "image_too_large"),
        ({"files": {"other": ("a", b"x")}}, 400, "form_malformed"),
        ({"files": [("file", ("a", b"x")), ("file", ("b", b"y"))]}, 400, "form_malformed"),
        ({"files": [(f"f{n}", ("a", b"x")) for n in range(1000)]}, 400, "form_malformed"),
        ({"data": {"file": "x"}}, 400, "form_malformed"),
        ({"json": {"file": "x"}}, 400, "form_malformed"),
        ({"content": b""}, 400, "form_malformed"),
        ({"content": b"{" + b" " * 2_000_000 + b"}"}, 413, "content_too_large"),
    ],
)
async def test_a_refused_upload_says_why_and_leaves_nothing(
    ana, shared_server, options, status, code
):
    before = rows(shared_server)
    if options.get("content"):
        options = {**options, "headers": {"Content-Type": "application/json"}}
    answer = await ana.ask("POST", FILES, **options)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    await clean(shared_server)
    assert rows(shared_server) == before


async def test_a_compressed_body_is_not_unpacked(ana):
    body = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    packed = gzip.compress(body + bytes(100_000_000) + b"\r\n--edge--\r\n")
    kind = {"Content-Type": "multipart/form-data; boundary=edge", "Content-Encoding": "gzip"}
    answer = await ana.ask("POST", FILES, content=packed, headers=kind)
    assert (answer.status_code, answer.json()["code"]) == (400, "form_malformed")


async def test_what_an_account_may_keep_is_bounded(tmp_path):
    with Server(
        tmp_path,
        FOLKMOOT_MAX_FILES_PER_ACCOUNT="3",
        FOLKMOOT_MAX_FILE_BYTES_PER_ACCOUNT="1000",
        FOLKMOOT_MAX_FILE_BYTES="900",
    ) as server:
        logins = [await asyncio.to_thread(registered, server, name) for name in ("ana", "bo")]
        async with clients_of(server, *logins) as (ana, bo):
            await upload(ana, bytes(900))
            too_many_bytes = await ana.ask("POST", FILES, files={"file": ("a", bytes(101))})
            for _ in range(3):
                await upload(bo, b"x")
            too_many_files = await bo.ask("POST", FILES, files={"file": ("a", b"x")})
            for answer in (too_many_bytes, too_many_files):
                assert (answer.status_code, answer.json()["code"]) == (413, "quota_reached")
        assert len(list((server.data / "files").iterdir())) == 5
        assert not left_over(server)


async def test_how_often_an_account_uploads_is_bounded(tmp_path):
    with Server(tmp_path, FOLKMOOT_LIMITS="on", FOLKMOOT_UPLOAD_PER_MINUTE="6") as server:
        login = await asyncio.to_thread(registered, server, "ana")
        async with clients_of(server, login) as (ana,):
            answers = [await ana.ask("POST", FILES, files={"file": ("a", b"x")}) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [201] * 5 + [429]
        assert int(answers[-1].headers["retry-after"]) >= 1


# -- clients that stop in the middle, and those that do not wait -----------------------------------


def stopped(server: Server, token: str, body: bytes, announced: int, sent: int) -> None:
    """Send a part of a request, and go."""
    head = (
        f"POST {FILES} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: {announced}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), WITHIN_S) as client:
        client.sendall((head.encode() + body)[:sent])


def announced(server: Server, token: str, length: int) -> int:
    """The status for a body of which nothing was sent yet."""
    http = HTTPConnection("127.0.0.1", server.port, timeout=WITHIN_S)
    http.putrequest("POST", FILES)
    http.putheader("Authorization", f"Bearer {token}")
    http.putheader("Content-Type", "multipart/form-data; boundary=edge")
    http.putheader("Content-Length", str(length))
    http.endheaders()
    status = http.getresponse().status
    http.close()
    return status


async def test_an_upload_that_is_cut_off_anywhere_leaves_nothing(ana, shared_server):
    body = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    body += noise(900_000) + b"\r\n--edge--\r\n"
    before = rows(shared_server)
    for step in range(20):
        sent = (len(body) + 800) * step // 20
        await asyncio.to_thread(
            stopped, shared_server, ana.token, body, len(body) + 10, max(sent, 1)
        )
    async with asyncio.timeout(WITHIN_S):
        # Until the server has noticed of the last ones that they are gone.
        while (await ana.ask("POST", FILES, files={"file": ("a", b"")})).status_code == 429:
            pass
    await clean(shared_server)
    assert rows(shared_server) == before
    assert "Traceback" not in shared_server.output


async def test_a_large_upload_takes_no_memory_and_nobody_waits_for_it(
    ana, bo, lobby, shared_server
):
    listener, writer = await bo.enter(lobby), await ana.enter(lobby)
    process = psutil.Process(shared_server.pid)
    await upload(ana, bytes(6_000_000))
    before, highest, slowest = process.memory_info().rss, 0, 0.0
    content = noise(MAX_BYTES)
    uploads = asyncio.gather(*(upload(one, content) for one in (ana, bo)))
    count, started = 0, time.monotonic()
    while not uploads.done():
        begun = time.monotonic()
        await writer.says({"content": "Hello"})
        await listener.until("message")
        slowest = max(slowest, time.monotonic() - begun)
        highest = max(highest, process.memory_info().rss)
        count += 1
    file, _ = await uploads
    lasted = time.monotonic() - started
    assert (await ana.ask("GET", file["file_url"])).content == content
    highest = max(highest, process.memory_info().rss)
    assert count > 3
    # To a bucket each goes in parts of 5 MiB, of which two may be in memory.
    assert highest - before < 32 * 1024 * 1024
    # Whoever waited for an upload would wait for most of it, on whatever machine.
    assert slowest < lasted / 2
