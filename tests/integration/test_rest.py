"""The REST side of `conversations` at a real server, line by line of the contract."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator

import pytest

from tests.clients import new_lobby

HUGE = ["0", "-1", str(2**53), str(2**63), str(2**64), "9" * 30]
NO_NUMBERS = ["9" * 5000, "abc", "1e3", "%00", "NaN", "1;drop", "'", "\u0661"]
PARTICIPANT = {"id", "username", "full_name", "role", "online"}
CONVERSATION = {
    "id",
    "uid",
    "title",
    "kind",
    "created_at",
    "participants",
    "last_message",
    "last_seq",
    "unread_count",
}


def seqs(messages: list[dict]) -> list[int]:
    return [message["seq"] for message in messages]


async def said(client, lobby: int, *contents: str) -> list[dict]:
    path = f"/conversations/{lobby}/messages"
    return [await client.post(path, {"content": content}) for content in contents]


# -- conversations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_conversation_shows_every_field_of_the_contract(ana, bo, slash):
    body = {"title": " Lunch ", "participant_ids": [bo.name.upper()]}
    answer = await ana.ask("POST", f"/conversations{slash}", json=body)
    assert answer.status_code == 201
    made = answer.json()
    assert made.keys() >= CONVERSATION
    assert made["participants"][0].keys() >= PARTICIPANT
    assert [one["id"] for one in made["participants"]] == [ana.id, bo.id]
    assert (made["title"], made["kind"], made["last_seq"]) == ("Lunch", "group", 0)
    assert made["created_at"].endswith("Z")
    assert await bo.get(f"/conversations/{made['id']}{slash}") == made


async def test_every_route_answers_with_and_without_a_trailing_slash(ana, bo, lobby):
    (message,) = await said(ana, lobby, "Hello")
    one, number = f"/conversations/{lobby}", message["id"]
    routes = [
        ("GET", "/conversations", None, 200),
        ("GET", one, None, 200),
        ("PATCH", one, {"title": "x"}, 200),
        ("POST", f"{one}/participants", {"participant_ids": [bo.id]}, 200),
        ("GET", f"{one}/messages", None, 200),
        ("POST", f"{one}/messages", {"content": "x"}, 201),
        ("PATCH", f"{one}/messages/{number}", {"content": "y"}, 200),
        ("PUT", f"{one}/messages/{number}/reactions/👍", None, 204),
        ("DELETE", f"{one}/messages/{number}/reactions/👍", None, 204),
        ("POST", f"{one}/read", {"up_to_seq": 1}, 200),
        ("GET", "/auth/me", None, 200),
        ("GET", "/healthz", None, 200),
        ("GET", "/openapi.json", None, 200),
    ]
    for method, path, body, status in routes:
        for spelling in (path, f"{path}/"):
            answer = await ana.ask(method, spelling, json=body)
            assert answer.status_code == status, f"{method} {spelling}: {answer.text}"
    assert (await ana.ask("DELETE", f"{one}/messages/{number}/")).status_code == 204
    assert (await bo.ask("DELETE", f"{one}/participants/{bo.id}/")).status_code == 204


async def test_the_list_has_the_newest_activity_first_in_pages(cy, bo):
    made = [await new_lobby(cy, bo, title=f"{number}") for number in range(4)]
    await said(bo, made[1], "news")
    listed = await cy.get("/conversations/")
    assert [one["id"] for one in listed][:4] == [made[1], made[3], made[2], made[0]]
    assert listed[0]["last_message"]["content"] == "news"
    assert listed[0]["unread_count"] == 1
    page = await cy.get("/conversations/", limit=2, offset=1)
    assert [one["id"] for one in page] == [made[3], made[2]]


async def test_only_members_see_change_and_leave_a_conversation(ana, bo, cy, lobby):
    (message,) = await said(ana, lobby, "Hello")
    one, number = f"/conversations/{lobby}", message["id"]
    routes = [
        ("GET", one, None),
        ("PATCH", one, {"title": "mine"}),
        ("POST", f"{one}/participants", {"participant_ids": [cy.id]}),
        ("DELETE", f"{one}/participants/{bo.id}", None),
        ("DELETE", f"{one}/participants/{cy.id}", None),
        ("GET", f"{one}/messages", None),
        ("POST", f"{one}/messages", {"content": "x"}),
        ("PATCH", f"{one}/messages/{number}", {"content": "x"}),
        ("DELETE", f"{one}/messages/{number}", None),
        ("PUT", f"{one}/messages/{number}/reactions/👍", None),
        ("DELETE", f"{one}/messages/{number}/reactions/👍", None),
        ("POST", f"{one}/read", {"up_to_seq": 1}),
    ]
    for method, path, body in routes:
        answer = await cy.ask(method, path, json=body)
        assert answer.status_code == 403, f"{method} {path}: {answer.text}"
        assert answer.json()["code"] == "not_a_participant"
        nobody = await cy.ask(method, path, json=body, headers={"Authorization": ""})
        assert nobody.status_code == 401, f"{method} {path}"
        assert nobody.headers["www-authenticate"] == "Bearer"
        missing = await cy.ask(method, path.replace(f"/{lobby}", "/987654321", 1), json=body)
        assert missing.status_code == 404, f"{method} {path}"
    assert seqs(await ana.get(f"{one}/messages")) == [1]


async def test_a_message_is_not_reached_through_another_conversation(ana, bo, lobby):
    (message,) = await said(ana, lobby, "Hello")
    other = f"/conversations/{await new_lobby(ana, bo)}/messages"
    number = message["id"]
    for method, path, body in (
        ("PATCH", f"{other}/{number}", {"content": "x"}),
        ("DELETE", f"{other}/{number}", None),
        ("PUT", f"{other}/{number}/reactions/👍", None),
        ("POST", other, {"content": "x", "reply_to_id": number}),
    ):
        answer = await ana.ask(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "message_not_found")


async def test_the_members_come_and_go_by_the_rules(ana, bo, cy, lobby):
    path = f"/conversations/{lobby}/participants"
    with_cy = await bo.post(path, {"participant_ids": [cy.name, cy.id, bo.id]})
    assert [one["id"] for one in with_cy["participants"]] == [ana.id, bo.id, cy.id]
    assert (await bo.ask("DELETE", f"{path}/{cy.id}")).status_code == 403
    assert (await ana.ask("DELETE", f"{path}/{cy.name}")).status_code == 204
    assert (await ana.ask("DELETE", f"{path}/{cy.id}")).json()["code"] == "member_not_found"
    assert (await bo.ask("DELETE", f"{path}/{bo.id}")).status_code == 204
    assert (await bo.ask("GET", f"/conversations/{lobby}")).status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"participant_ids": []}, 422),
        ({"participant_ids": ["nobody-here"]}, 404),
        ({"participant_ids": [2**53 - 1]}, 404),
        ({"participant_ids": [2**63]}, 422),
        ({"participant_ids": [10**30]}, 422),
        ({"participant_ids": [-1]}, 404),
        ({"participant_ids": [1.5]}, 422),
        ({"participant_ids": [True]}, 422),
        ({"participant_ids": [None]}, 422),
        ({"participant_ids": [{"$ne": 1}]}, 422),
        ({"participant_ids": ["a\0b"]}, 404),
        ({"participant_ids": ["x" * 100_000]}, 404),
        ({"participant_ids": ["' OR 1=1 --"]}, 404),
        ({"participant_ids": list(range(501))}, 422),
        ({"participant_ids": "bo"}, 422),
        ({"participant_ids": {"0": 1}}, 422),
        ({}, 422),
        ([], 422),
        ("text", 422),
        (None, 422),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_who_cannot_be_a_participant_is_refused(ana, body, status):
    answer = await ana.ask("POST", "/conversations/", json=body)
    assert answer.status_code == status, answer.text
    assert {"detail", "code"} <= answer.json().keys()


@pytest.mark.parametrize("title", ["x" * 201, "a\0b", 7, ["x"], {"a": 1}], ids=repr)
async def test_a_title_that_cannot_be_kept_is_refused(ana, lobby, title):
    answer = await ana.ask("PATCH", f"/conversations/{lobby}", json={"title": title})
    assert answer.status_code == 422
    assert (await ana.get(f"/conversations/{lobby}"))["title"] == "LOBBY"


# -- history ---------------------------------------------------------------------------------------


async def test_pages_are_newest_first_and_oldest_to_newest_inside(ana, lobby):
    await said(ana, lobby, *"abcdefg")
    path = f"/conversations/{lobby}/messages"
    assert seqs(await ana.get(path, limit=3)) == [5, 6, 7]
    assert seqs(await ana.get(path, limit=3, offset=3)) == [2, 3, 4]
    assert seqs(await ana.get(path, limit=3, offset=6)) == [1]
    assert seqs(await ana.get(path, limit=3, before_seq=5)) == [2, 3, 4]
    assert seqs(await ana.get(path, limit=3, after_seq=2)) == [3, 4, 5]
    assert seqs(await ana.get(path, after_seq=7)) == []
    assert seqs(await ana.get(path, before_seq=1)) == []
    assert seqs(await ana.get(path, offset=2**53 - 1)) == []


@pytest.mark.parametrize("path", ["/conversations/", "/conversations/{}/messages"])
@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=abc",
        "limit=1e2",
        "limit=",
        f"limit={2**63}",
        "limit=" + "9" * 5000,
        "offset=-1",
        f"offset={2**63}",
        "offset=NaN",
        "limit=%00",
        "limit=%FF%FE",
        "limit=1%20OR%201=1",
    ],
)
async def test_a_stretch_that_cannot_be_asked_for_is_refused_with_422(ana, lobby, path, query):
    answer = await ana.ask("GET", f"{path.format(lobby)}?{query}")
    assert answer.status_code == 422, answer.text
    assert isinstance(answer.json()["detail"], list)


@pytest.mark.parametrize("query", ["before_seq=-1", "after_seq=x", f"before_seq={2**63}"])
async def test_a_cursor_that_is_no_seq_is_refused_with_422(ana, lobby, query):
    answer = await ana.ask("GET", f"/conversations/{lobby}/messages?{query}")
    assert answer.status_code == 422


@pytest.mark.parametrize("query", ["%", "&&&=", "a=%ZZ", "%00=%00", "x" * 8000, "limit=5&" * 300])
async def test_no_query_breaks_a_request(ana, lobby, query):
    answer = await ana.ask("GET", f"/conversations/{lobby}/messages?{query}")
    assert answer.status_code in {200, 422}


@pytest.mark.parametrize("number", HUGE + NO_NUMBERS, ids=lambda text: text[:12])
async def test_no_number_in_a_path_breaks_a_request(ana, lobby, number):
    for path in (
        f"/conversations/{number}",
        f"/conversations/{number}/messages",
        f"/conversations/{lobby}/messages/{number}",
        f"/conversations/{lobby}/participants/{number}",
    ):
        method = "GET" if path.endswith(("messages", f"conversations/{number}")) else "DELETE"
        answer = await ana.ask(method, path)
        wanted = {404} if number in HUGE else {404, 422}
        assert answer.status_code in wanted, f"{method} {path[:80]}: {answer.text[:200]}"
        assert {"detail", "code"} <= answer.json().keys()


# -- posting ---------------------------------------------------------------------------------------


async def test_an_idempotency_key_stands_for_a_client_id(ana, lobby):
    path, key = f"/conversations/{lobby}/messages", {"Idempotency-Key": uuid.uuid4().hex}
    first = await ana.ask("POST", path, json={"content": "once"}, headers=key)
    again = await ana.ask("POST", path, json={"content": "once"}, headers=key)
    other = await ana.ask("POST", path, json={"content": "other"}, headers=key)
    assert first.json() == again.json()
    assert first.json()["client_id"] == key["Idempotency-Key"]
    assert (other.status_code, other.json()["code"]) == (409, "client_id_reused")
    assert len(await ana.get(path)) == 1


async def test_many_retries_at_once_are_one_message(ana, lobby):
    path, body = f"/conversations/{lobby}/messages", {"content": "x", "client_id": uuid.uuid4().hex}
    answers = await asyncio.gather(*(ana.post(path, body) for _ in range(20)))
    assert {answer["id"] for answer in answers} == {answers[0]["id"]}
    assert len(await ana.get(path)) == 1


async def test_what_a_client_adds_to_a_message_does_not_count(ana, bo, lobby):
    body = {"content": "x", "sender_id": bo.id, "seq": 99, "id": 1, "is_deleted": True}
    posted = await ana.post(f"/conversations/{lobby}/messages", body)
    assert (posted["sender_id"], posted["seq"], posted["is_deleted"]) == (ana.id, 1, False)


async def test_a_client_id_is_shown_to_its_author_only(ana, bo, lobby):
    path = f"/conversations/{lobby}/messages"
    await ana.post(path, {"content": "x", "client_id": f"{lobby}"})
    assert (await ana.get(path))[0]["client_id"] == f"{lobby}"
    assert "client_id" not in (await bo.get(path))[0]
    assert "client_id" not in (await bo.get(f"/conversations/{lobby}"))["last_message"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"content": "\\ud83d"}',
        b'{"content": "a\\u0000b"}',
        b'{"content": NaN}',
        b'{"content": "x", "reply_to_id": Infinity}',
        b'{"content": "x", "other": NaN}',
        b'{"content": "x", "reply_to_id": 1e999}',
        b'{"content": "x", "reply_to_id": ' + b"9" * 10_000 + b"}",
        b"[" * 100_000,
        b'{"content": "x", "y": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"content": "\xff\xfe"}',
        b"\xff\xfe\x00",
        b'{"content": "x"',
        b"",
        b"null",
        b'{"content": ""}',
        b'{"content": " \\t\\n "}',
        b'{"content": {"$ne": 1}}',
        b'{"content": ["x"]}',
        b'{"content": true}',
        b'{"content": 1}',
        b'{"content": "x", "client_id": ""}',
        b'{"content": "x", "client_id": "' + b"y" * 65 + b'"}',
        b'{"content": "x", "client_id": 7}',
        b'{"content": "x", "if_last_seq": -1}',
        json.dumps({"content": "x" * 10_001}).encode(),
    ],
    ids=lambda body: repr(body[:40]),
)
async def test_a_body_that_cannot_be_kept_is_refused_with_422_and_nothing_is_stored(
    ana, lobby, body
):
    path = f"/conversations/{lobby}/messages"
    answer = await ana.ask("POST", path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text[:300]
    assert {"detail", "code"} <= answer.json().keys()
    assert await ana.get(path) == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_json_that_does_not_say_that_it_is_is_refused(ana, lobby, kind):
    path = f"/conversations/{lobby}/messages"
    answer = await ana.ask(
        "POST", path, content=b'{"content": "x"}', headers={"Content-Type": kind}
    )
    assert answer.status_code == 422
    assert await ana.get(path) == []


async def flood(total: int) -> AsyncIterator[bytes]:
    yield b'{"content": "'
    for _ in range(total // 65_536):
        yield b"x" * 65_536


@pytest.mark.parametrize("path", ["/auth/register", "/auth/token", "/conversations/"])
async def test_a_body_of_50_mb_is_refused_with_413_however_it_comes(ana, path):
    size = 50 * 1024 * 1024
    for content in (flood(size), b"x" * size):
        answer = await ana.ask(
            "POST", path, content=content, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 413
        assert answer.json()["code"] == "content_too_large"


async def test_another_method_and_another_path_are_answered_in_the_same_form(ana):
    for method, path, status in (
        ("PUT", "/conversations/", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/static/../../etc/passwd", 404),
        ("GET", "/static/%2e%2e/%2e%2e/pyproject.toml", 404),
        ("TRACE", "/conversations/", 405),
    ):
        answer = await ana.ask(method, path)
        assert answer.status_code == status, f"{method} {path}"
        assert {"detail", "code"} <= answer.json().keys()


async def test_every_answer_protects_whoever_shows_it(ana, lobby):
    for path in (f"/conversations/{lobby}", "/conversations/987654", "/static/chat.html"):
        headers = (await ana.ask("GET", path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "server" not in headers
    assert (await ana.ask("GET", f"/conversations/{lobby}")).headers["cache-control"] == "no-store"
