"""Friends over REST: what is answered, and what is refused."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.clients import Client, clients_of, registered
from tests.integration.friends.friendship import CHAT, befriend, enter, friends, history, send
from tests.running import Server

PERSON = {"account_id", "username", "full_name", "avatar"}


@pytest.fixture
async def cy(shared_server: Server) -> AsyncIterator[Client]:
    """Somebody who is nobody's friend."""
    async with clients_of(shared_server, registered(shared_server, "cy")) as (client,):
        yield client


def refused(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.json().keys() == {"detail", "code"}
    return answer.status_code, answer.json()["code"]


async def test_a_message_is_answered_in_full(ana: Client, bo: Client) -> None:
    answer = await ana.ask(
        "POST", f"{CHAT}/messages/", json={"receiver_id": bo.uid, "content": " Hello! "}
    )

    message = answer.json()
    assert answer.status_code == 201
    assert message["sender"].keys() == message["receiver"].keys() == PERSON
    assert (message["sender_id"], message["receiver_id"]) == (ana.uid, bo.uid)
    assert message["receiver"]["username"] == bo.name
    assert (message["content"], message["status"], message["seq"]) == ("Hello!", "sent", 1)
    assert (message["is_deleted"], message["read_at"]) == (False, None)
    assert message["created_at"] == message["updated_at"]
    assert message["created_at"][10] == "T"
    assert message["created_at"].endswith("Z")


async def test_a_message_to_a_connected_friend_is_delivered(ana: Client, bo: Client) -> None:
    await enter(bo)

    assert (await send(ana, bo, "one"))["status"] == "delivered"
    assert (await send(ana, bo, "two"))["status"] == "delivered"


async def test_a_retry_gets_the_first_message_back(ana: Client, bo: Client) -> None:
    first = await send(ana, bo, "once", client_id="k")
    again = await send(ana, bo, "once", client_id="k")
    body = {"receiver_id": bo.name, "content": "once"}
    by_header = await ana.ask(
        "POST", f"{CHAT}/messages", json=body, headers={"Idempotency-Key": "k"}
    )
    other = await ana.ask(
        "POST", f"{CHAT}/messages", json={**body, "content": "x"} | {"client_id": "k"}
    )

    assert again == first
    assert (by_header.status_code, by_header.json()) == (201, first)
    assert refused(other) == (409, "client_id_reused")


async def test_the_history_pages_newest_first_and_reads_oldest_to_newest(
    ana: Client, bo: Client
) -> None:
    for number in range(5):
        await send(ana, bo, f"{number}")

    page = await bo.get(f"{CHAT}/messages/history/{ana.uid}/", skip=1, limit=2)

    assert (page["total"], page["skip"], page["limit"]) == (5, 1, 2)
    assert [message["content"] for message in page["messages"]] == ["2", "3"]
    assert {message["status"] for message in page["messages"]} == {"delivered"}
    assert [m["content"] for m in await bo_reads(bo, ana, before_seq=3)] == ["0", "1"]
    assert [m["content"] for m in await bo_reads(bo, ana, after_seq=3)] == ["3", "4"]
    assert [m["content"] for m in await bo_reads(bo, ana, skip=9)] == []


async def bo_reads(bo: Client, ana: Client, **params: int) -> list[dict[str, object]]:
    return await history(bo, ana, **params)


async def test_fetching_the_history_delivers_and_the_sender_is_told(
    ana: Client, bo: Client
) -> None:
    at_ana = await enter(ana)
    sent = await send(ana, bo, "one")
    assert sent["status"] == "sent"

    (seen,) = await history(bo, ana)

    assert seen["status"] == "delivered"
    delivered = await at_ana.until("message_delivered")
    assert delivered["message_id"] == sent["message_id"]
    assert [message["status"] for message in await history(ana, bo)] == ["delivered"]


async def test_reading_sets_the_time_once(ana: Client, bo: Client) -> None:
    one, two = await send(ana, bo, "one"), await send(ana, bo, "two")

    read = (await bo.ask("PUT", f"{CHAT}/messages/{two['message_id']}/read")).json()
    again = (await bo.ask("PUT", f"{CHAT}/messages/{one['message_id']}/read/")).json()

    assert (read["message_id"], read["status"]) == (two["message_id"], "read")
    assert read["read_at"].endswith("Z")
    assert again["read_at"] == read["read_at"]
    assert [message["read_at"] for message in await history(ana, bo)] == [read["read_at"]] * 2


async def test_unread_messages_are_counted_in_all_and_by_friend(shared_server: Server) -> None:
    async with friends(shared_server, "ana", "bo", "cy") as (ana, bo, cy):
        await send(bo, ana, "one")
        gone = await send(bo, ana, "two")
        await send(cy, ana, "three")
        await bo.ask("DELETE", f"{CHAT}/messages/{gone['message_id']}")

        unread = await ana.get(f"{CHAT}/messages/unread-count")

        by_friend = {bo.uid: 1, cy.uid: 1}
        assert unread == {"unread_count": 2, "by_friend": by_friend}
        listed = (await ana.get(f"{CHAT}/friends"))["friends"]
        assert [(friend["account_id"], friend["unread_count"]) for friend in listed] == list(
            by_friend.items()
        )
        assert [friend["last_seq"] for friend in listed] == [3, 1]
        await send(ana, bo, "an answer reads")
        assert (await ana.get(f"{CHAT}/messages/unread-count"))["unread_count"] == 1


async def test_a_deleted_message_stays_in_place_and_the_friend_is_told(
    ana: Client, bo: Client
) -> None:
    at_bo = await enter(bo)
    sent = await send(ana, bo, "regretted")
    await at_bo.hears("new_message")

    deleted = await ana.ask("DELETE", f"{CHAT}/messages/{sent['message_id']}")

    assert deleted.status_code == 200
    assert (deleted.json()["is_deleted"], deleted.json()["content"]) == (True, "")
    assert (await at_bo.hears("message_deleted"))["message_id"] == sent["message_id"]
    page = await bo.get(f"{CHAT}/messages/history/{ana.name}")
    assert (page["total"], page["messages"][0]["is_deleted"]) == (1, True)
    assert page["messages"][0]["updated_at"] >= page["messages"][0]["created_at"]


async def test_only_friends_write_to_each_other(ana: Client, cy: Client) -> None:
    async def post(receiver: str, content: object = "hey") -> httpx2.Response:
        body = {"receiver_id": receiver, "content": content}
        return await ana.ask("POST", f"{CHAT}/messages/", json=body)

    assert refused(await post(cy.uid)) == (403, "not_friends")
    assert refused(await post(ana.uid)) == (400, "self_request")
    assert refused(await post("00000000-0000-7000-8000-000000000000")) == (404, "account_not_found")
    assert refused(await post("nobody-by-this-name")) == (404, "account_not_found")
    assert refused(await post(cy.uid, "  "))[0] == 422
    assert refused(await post(cy.uid, 7)) == (422, "validation_failed")
    for path, status in (
        (f"history/{cy.name}", 403),
        (f"history/{ana.name}", 400),
        ("history/nobody-by-this-name", 404),
    ):
        assert (await ana.ask("GET", f"{CHAT}/messages/{path}")).status_code == status


async def test_what_others_wrote_looks_like_what_is_not_there(
    ana: Client, bo: Client, cy: Client
) -> None:
    sent = await send(ana, bo, "private")
    path = f"{CHAT}/messages/{sent['message_id']}"

    assert refused(await cy.ask("PUT", f"{path}/read")) == (404, "message_not_found")
    assert refused(await cy.ask("DELETE", path)) == (404, "message_not_found")
    assert refused(await cy.ask("DELETE", f"{CHAT}/messages/none")) == (404, "message_not_found")
    assert refused(await ana.ask("PUT", f"{path}/read")) == (403, "not_the_receiver")
    assert refused(await bo.ask("DELETE", path)) == (403, "not_the_author")


async def test_messages_of_other_kinds_of_conversations_are_not_for_this_contract(
    ana: Client, bo: Client
) -> None:
    lobby = (await ana.post("/conversations", {"participant_ids": [bo.id]}))["id"]
    said = await ana.post(f"/conversations/{lobby}/messages", {"content": "in the lobby"})

    answer = await bo.ask("PUT", f"{CHAT}/messages/{said['uid']}/read")

    assert refused(answer) == (404, "message_not_found")
    assert (await bo.get(f"{CHAT}/messages/unread-count"))["unread_count"] == 0


async def test_the_direct_conversation_is_one_in_every_contract(ana: Client, bo: Client) -> None:
    at_bo = await enter(bo)
    await send(ana, bo, "through this door")
    await at_bo.hears("new_message")
    (conversation,) = await ana.get("/conversations")
    assert conversation["kind"] == "direct"

    said = {"content": "through the other"}
    await ana.post(f"/conversations/{conversation['id']}/messages", said)

    shown = await at_bo.hears("new_message")
    assert shown["message"]["content"] == "through the other"
    assert shown["friend_id"] == ana.uid
    theirs = await bo.ask("DELETE", f"/conversations/{conversation['id']}/messages/1")
    assert theirs.status_code in {403, 404}
    await bo.ask("DELETE", f"{CHAT}/friends/{ana.name}")
    late = await ana.ask("POST", f"/conversations/{conversation['id']}/messages", json=said)
    assert refused(late) == (403, "not_friends")


async def test_an_owner_of_a_direct_conversation_deletes_nothing_of_the_other(
    ana: Client, bo: Client
) -> None:
    await send(ana, bo, "begun by ana")
    answer = await send(bo, ana, "by bo")
    (conversation,) = await ana.get("/conversations")
    messages = await ana.get(f"/conversations/{conversation['id']}/messages")

    refusal = await ana.ask(
        "DELETE", f"/conversations/{conversation['id']}/messages/{messages[1]['id']}"
    )

    assert messages[1]["uid"] == answer["message_id"]
    assert refused(refusal) == (403, "not_the_author")


async def test_a_request_is_made_seen_declined_and_made_again(ana: Client, cy: Client) -> None:
    made = await ana.ask("POST", f"{CHAT}/friends/requests/", json={"account": cy.name})
    request = made.json()
    assert made.status_code == 201
    assert request["from"].keys() == PERSON
    assert (request["from"]["username"], request["to"]["username"]) == (ana.name, cy.name)
    assert request["status"] == "pending"
    again = await ana.post(f"{CHAT}/friends/requests", {"account": cy.uid})
    assert again == request
    assert (await cy.get(f"{CHAT}/friends/requests"))["incoming"] == [request]
    assert (await ana.get(f"{CHAT}/friends/requests"))["outgoing"] == [request]
    path = f"{CHAT}/friends/requests/{request['request_id']}"
    assert refused(await ana.ask("POST", f"{path}/accept")) == (404, "request_not_found")

    declined = await cy.post(f"{path}/decline")

    assert declined["status"] == "declined"
    assert (await cy.get(f"{CHAT}/friends/requests")) == {"incoming": [], "outgoing": []}
    await ana.post(f"{CHAT}/friends/requests", {"account": cy.name})
    crossed = await cy.post(f"{CHAT}/friends/requests", {"account": ana.name})
    assert crossed["status"] == "accepted"
    assert refused(
        await cy.ask("POST", f"{CHAT}/friends/requests", json={"account": ana.name})
    ) == (409, "already_friends")


async def test_requests_are_refused_to_oneself_to_nobody_and_over_a_block(
    ana: Client, cy: Client
) -> None:
    async def ask(account: object) -> httpx2.Response:
        return await ana.ask("POST", f"{CHAT}/friends/requests", json={"account": account})

    assert refused(await ask(ana.name)) == (400, "self_request")
    assert refused(await ask("nobody-by-this-name")) == (404, "account_not_found")
    assert refused(await ask(5)) == (422, "validation_failed")
    assert refused(await ana.ask("POST", f"{CHAT}/friends/requests/none/accept"))[0] == 404
    assert refused(await ana.ask("DELETE", f"{CHAT}/friends/{cy.name}")) == (403, "not_friends")
    await cy.ask("POST", f"{CHAT}/block", json={"user_id": ana.uid})
    assert refused(await ask(cy.name)) == (403, "blocked")


async def test_every_path_answers_without_a_token_with_401(shared_server: Server) -> None:
    async with httpx2.AsyncClient(base_url=shared_server.url) as http:
        for method, path in (
            ("POST", "messages"),
            ("GET", "messages/history/x"),
            ("PUT", "messages/x/read"),
            ("DELETE", "messages/x"),
            ("GET", "messages/unread-count"),
            ("GET", "friends"),
            ("GET", "friends/online/"),
            ("GET", "friends/requests"),
            ("DELETE", "friends/x"),
        ):
            answer = await http.request(method, f"{CHAT}/{path}")
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    "params", [{"limit": 0}, {"limit": 101}, {"skip": -1}, {"limit": "all"}, {"after_seq": -1}]
)
async def test_a_page_out_of_bounds_is_refused(
    ana: Client, bo: Client, params: dict[str, object]
) -> None:
    answer = await ana.ask("GET", f"{CHAT}/messages/history/{bo.name}", params=params)

    assert refused(answer) == (422, "validation_failed")


async def test_a_friend_of_whom_nothing_is_written_yet_has_an_empty_history(
    ana: Client, bo: Client
) -> None:
    page = await ana.get(f"{CHAT}/messages/history/{bo.uid.upper()}")

    assert page == {"messages": [], "total": 0, "skip": 0, "limit": 50}
    assert await ana.get("/conversations") == []


async def test_who_writes_without_having_seen_all_is_told_what(ana: Client, bo: Client) -> None:
    await send(bo, ana, "news")
    body = {"receiver_id": bo.uid, "content": "late", "if_last_seq": 0}

    answer = await ana.ask("POST", f"{CHAT}/messages", json=body)
    at_ana = await enter(ana)
    await at_ana.says({"type": "send_message", **body, "client_id": "c"})
    frame = await at_ana.until("error")

    assert (answer.status_code, answer.json()["code"]) == (409, "not_up_to_date")
    assert (frame["code"], frame["client_id"]) == ("not_up_to_date", "c")
    for shown in (answer.json(), frame):
        assert shown["last_seq"] == 1
        (missed,) = shown["missed"]
        assert missed["message"]["content"] == "news"
    assert await befriended(ana, bo)


async def befriended(ana: Client, bo: Client) -> bool:
    listed = (await ana.get(f"{CHAT}/friends"))["friends"]
    return [friend["account_id"] for friend in listed] == [bo.uid]


async def test_a_friendship_ended_closes_the_history(ana: Client, bo: Client) -> None:
    sent = await send(ana, bo, "while friends")
    await bo.ask("DELETE", f"{CHAT}/friends/{ana.uid}/")

    for path in (f"messages/history/{bo.name}", f"messages/history/{bo.uid}"):
        assert refused(await ana.ask("GET", f"{CHAT}/{path}")) == (403, "not_friends")
    read = await bo.ask("PUT", f"{CHAT}/messages/{sent['message_id']}/read")
    assert refused(read) == (403, "not_friends")
    assert (await bo.get(f"{CHAT}/messages/unread-count"))["unread_count"] == 0
    await befriend(ana, bo)
    assert len(await history(ana, bo)) == 1
