"""The `sessions` contract at a real server, live and over REST, line by line of the contract."""

import asyncio
import json

import pytest

from tests.integration.desks import CHAT, enter, history, new_session, open_socket
from tests.running import Server

SOURCE_PATHS = {
    "/api/v1/chat/block",
    "/api/v1/chat/sessions",
    "/api/v1/chat/sessions/{session_id}",
    "/api/v1/chat/sessions/{session_id}/close",
    "/api/v1/chat/sessions/{session_id}/mark-read",
    "/api/v1/chat/sessions/{session_id}/messages",
    "/api/v1/chat/sessions/{session_id}/participants",
    "/api/v1/chat/unblock",
    "/api/v1/chat/ws",
    "/api/v1/chat/ws-stats",
}


@pytest.fixture(scope="module")
def shared_server(demo_server: Server) -> Server:
    """The one with demo data, in which there is an agent."""
    return demo_server


# -- documents -------------------------------------------------------------------------------------


async def test_the_ten_paths_of_the_source_are_in_the_openapi_document(ana):
    document = await ana.get("/openapi.json")
    assert set(document["paths"]) >= SOURCE_PATHS
    described = [
        operation
        for path, operations in document["paths"].items()
        if path.startswith(CHAT)
        for operation in operations.values()
    ]
    assert all(one.get("summary") and one.get("description") for one in described)


async def test_every_schema_that_a_route_names_is_there(ana):
    document = await ana.get("/openapi.json")
    text = json.dumps(document["paths"])
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(document["components"]["schemas"])


async def test_the_asyncapi_document_says_the_same_as_the_rest_description(ana):
    document, offer = await ana.get("/asyncapi.json"), await ana.get(f"{CHAT}/ws")
    channel = document["channels"]["sessions"]
    assert channel["address"] == offer["address"]
    for side, tags in (("client", offer["client_messages"]), ("server", offer["server_messages"])):
        for tag in tags:
            assert f"sessions.{side}.{tag}" in channel["messages"]
    assert {"text", "file", "image", "typing"} <= set(offer["client_messages"])
    text = document["components"]["schemas"]["SessionsClientText"]
    assert text["properties"]["message_type"]["const"] == "text"


async def test_the_description_of_the_socket_is_for_everybody(ana):
    answer = await ana.ask("GET", f"{CHAT}/ws", headers={"Authorization": ""})
    assert answer.status_code == 200


# -- staff -----------------------------------------------------------------------------------------


async def test_staff_look_in_without_a_trace_and_join_by_writing(ana, agent):
    session = await new_session(ana)
    await ana.post(f"{CHAT}/sessions/{session['id']}/messages", {"content": "Help"})
    assert [one["content"] for one in await history(agent, session)] == ["Help"]
    path = f"{CHAT}/sessions/{session['id']}/participants"
    assert [one["user_id"] for one in await ana.get(path)] == [ana.uid]
    posted = await agent.post(f"{CHAT}/sessions/{session['id']}/messages", {"content": "Coming"})
    assert posted["seq"] == 3
    assert [one["role"] for one in await ana.get(path)] == ["user", "agent"]
    [mine] = [one for one in await agent.get(f"{CHAT}/sessions") if one["id"] == session["id"]]
    assert (mine["total_messages"], mine["unread_count"]) == (2, 0)


async def test_staff_who_are_blocked_cannot_join_by_writing(ana, agent):
    session = await new_session(ana)
    await ana.post(f"{CHAT}/block", {"user_id": agent.uid})
    socket = await enter(agent, session)
    await socket.text("Let me in", client_id="x")
    refusal = await socket.hears("error")
    assert (refusal["metadata"]["code"], refusal["metadata"]["client_id"]) == ("blocked", "x")
    path = f"{CHAT}/sessions/{session['id']}"
    answer = await agent.ask("POST", f"{path}/messages", json={"content": "Let me in"})
    assert answer.status_code == 403
    assert (await ana.get(path))["participant_count"] == 1
    await ana.post(f"{CHAT}/unblock", {"user_id": agent.uid})


async def test_staff_whose_message_is_refused_have_not_joined_by_it(ana, agent):
    session = await new_session(ana)
    path = f"{CHAT}/sessions/{session['id']}"
    nothing = session["id"]
    to_nothing = {"content": "What?", "reply_to_id": nothing}
    answer = await agent.ask("POST", f"{path}/messages", json=to_nothing)
    assert answer.status_code == 404
    socket = await enter(agent, session)
    await socket.text("And?", reply_to_id=nothing)
    assert (await socket.hears("error"))["metadata"]["code"] == "message_not_found"
    shown = await ana.get(path)
    assert (shown["participant_count"], shown["last_seq"]) == (1, 0)


async def test_staff_do_not_become_participants_of_a_closed_session(ana, agent):
    session = await new_session(ana)
    socket = await enter(agent, session)
    await ana.post(f"{CHAT}/sessions/{session['id']}/close")
    await socket.hears("session_closed")
    await socket.text("Too late")
    assert (await socket.hears("error"))["metadata"]["code"] == "conversation_closed"
    assert (await ana.get(f"{CHAT}/sessions/{session['id']}"))["participant_count"] == 1


async def test_what_staff_say_at_once_after_looking_in_keeps_its_order(ana, agent):
    session = await new_session(ana)
    socket = await enter(agent, session)
    for number in range(20):
        await socket.text(f"{number}")
    for number in range(20):
        assert (await socket.until("message"))["content"] == f"{number}"
    assert [one["seq"] for one in await history(ana, session)] == list(range(2, 22))


# -- live ------------------------------------------------------------------------------------------


async def test_typing_ends_by_itself_and_is_not_shown_to_the_typist(ana, bo):
    session = await new_session(ana, bo)
    theirs, mine = await enter(bo, session), await enter(ana, session)
    await theirs.hears("user_joined")
    await mine.says({"message_type": "typing", "content": "true"})
    assert (await theirs.hears("typing_indicator"))["metadata"]["is_typing"] is True
    stats = (await ana.get(f"{CHAT}/ws-stats"))["sessions"][session["id"]]
    assert stats == {"user_count": 2, "typing_count": 1}
    assert (await theirs.hears("typing_indicator"))["metadata"]["is_typing"] is False
    assert await mine.frames() == []


async def test_the_count_of_users_is_of_accounts_not_of_sockets(ana, bo):
    session = await new_session(ana, bo)
    first = await enter(ana, session)
    second = await open_socket(ana, session)
    assert (await second.hears("user_joined"))["metadata"]["total_users"] == 1
    theirs = await open_socket(bo, session)
    assert (await theirs.hears("user_joined"))["metadata"]["total_users"] == 2
    assert (await first.hears("user_joined"))["metadata"]["total_users"] == 2
    await second.connection.close()
    assert await theirs.frames() == []
    await first.connection.close()
    assert (await theirs.hears("user_left"))["metadata"]["total_users"] == 1


async def test_stats_show_a_user_their_own_sessions_and_staff_all(ana, bo, cy, agent):
    session = await new_session(ana, bo)
    await enter(ana, session)
    assert session["id"] in (await bo.get(f"{CHAT}/ws-stats"))["sessions"]
    others = await cy.get(f"{CHAT}/ws-stats")
    assert session["id"] not in others["sessions"]
    assert others["total_sessions"] >= 1
    assert others["total_connections"] >= 1
    assert others["average_users_per_session"] > 0
    assert session["id"] in (await agent.get(f"{CHAT}/ws-stats"))["sessions"]


async def test_a_resuming_client_gets_each_missed_event_once_while_others_write(ana, bo):
    session = await new_session(ana, bo)
    writer = await enter(ana, session)

    async def write() -> None:
        for number in range(300):
            await writer.text(f"{number}")

    writing = asyncio.create_task(write())
    for _ in range(30):
        await writer.until("message")
    reader = await open_socket(bo, session, "?after_seq=5")
    seqs = [(await reader.until("message"))["metadata"]["seq"] for _ in range(296)]
    await writing
    assert seqs == list(range(6, 302))


async def test_a_message_sent_over_and_over_is_stored_once(ana, bo):
    session = await new_session(ana, bo)
    one, other = await enter(ana, session), await enter(ana, session)
    for _ in range(25):
        await one.text("Once", client_id="same")
        await other.text("Once", client_id="same")
    ids = {(await one.until("message"))["metadata"]["message_id"] for _ in range(25)}
    assert len(ids) == 1
    assert [one["id"] for one in await history(bo, session)] == list(ids)


# -- bad input -------------------------------------------------------------------------------------

BAD = [b"\x00\xff", "[" * 30_000, '{"message_type": "text"}', "{}", "\u0000", '{"message_type": 1}']


async def test_bad_frames_are_answered_and_nobody_else_notices(ana, bo):
    session = await new_session(ana, bo)
    theirs, mine = await enter(bo, session), await enter(ana, session)
    await theirs.hears("user_joined")
    for bad in BAD:
        await mine.says(bad)
        assert (await mine.hears("error"))["metadata"]["code"] == "frame_malformed"
    assert await theirs.frames() == []


async def test_a_frame_beyond_the_bound_closes_the_socket_and_no_other(ana, bo):
    session = await new_session(ana, bo)
    theirs, mine = await enter(bo, session), await enter(ana, session)
    await mine.text("x" * 70_000)
    assert (await mine.end())[0] == 1009
    assert [frame["message_type"] for frame in await theirs.frames()][-1] == "user_left"


@pytest.mark.parametrize("path", ["sessions", "block", "unblock", "sessions/cleanup"])
async def test_a_body_that_is_no_json_is_malformed(ana, path):
    headers = {"Content-Type": "application/json"}
    answer = await ana.ask("POST", f"{CHAT}/{path}", content=b'{"title', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "json_invalid")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("sessions", {"title": 7}, 422),
        ("sessions", {"title": "x" * 201}, 422),
        ("sessions", {"title": "\u2800"}, 422),
        ("sessions", {"title": "x", "assistant": "yes"}, 422),
        ("block", {}, 422),
        ("block", {"user_id": "nobody-of-that-name"}, 404),
        ("sessions/{id}/messages", {"content": "x" * 10_001}, 422),
        ("sessions/{id}/messages", {"message_type": "system", "content": "x"}, 422),
        ("sessions/{id}/messages", {"message_type": "file", "content": "x"}, 422),
        ("sessions/{id}/messages", {"content": "x", "mentions": ["ana"]}, 422),
        ("sessions/{id}/messages", {"content": "x", "reply_to_id": "no"}, 404),
        ("sessions/{id}/mark-read", {"up_to_message_id": 7}, 422),
    ],
)
async def test_a_value_that_can_never_be_right_is_refused(ana, path, body, status):
    session = await new_session(ana)
    answer = await ana.ask("POST", f"{CHAT}/{path.format(id=session['id'])}", json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["code"]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "offset=-1", "after_seq=x", "before_seq=-1", "limit=" + "9" * 40],
)
async def test_a_page_beyond_the_bounds_is_refused(ana, query):
    session = await new_session(ana)
    answer = await ana.ask("GET", f"{CHAT}/sessions/{session['id']}/messages?{query}")
    assert answer.status_code == 422


@pytest.mark.parametrize("name", ["7", "x" * 3000, "%00", "..%2f..", "'; drop table messages"])
async def test_a_strange_session_id_names_nothing(ana, name):
    assert (await ana.ask("GET", f"{CHAT}/sessions/{name}")).status_code == 404


# -- search ----------------------------------------------------------------------------------------


async def test_search_finds_what_one_may_read_and_nothing_else(ana, bo, cy, agent):
    session = await new_session(ana, bo)
    path = f"{CHAT}/sessions/{session['id']}/messages"
    posted = await ana.post(path, {"content": "The marzipan has arrived"})
    await bo.post(path, {"content": "Which marzipan?"})
    [hit] = await bo.get(f"{CHAT}/search", q="marzipan arrived")
    assert (hit["message_id"], hit["seq"]) == (posted["id"], posted["seq"])
    assert hit["chat_session_id"] == session["id"]
    assert [hit["snippet"][start:end] for start, end in hit["marks"]] == ["marzipan", "arrived"]
    assert await cy.get(f"{CHAT}/search", q="marzipan") == []
    assert len(await agent.get(f"{CHAT}/search", q="marzipan", conversation=session["id"])) == 2
    number = session["conversation_id"]
    assert len(await bo.get(f"{CHAT}/search", q="marzipan", conversation=number, limit=1)) == 1
    assert await cy.get(f"{CHAT}/search", q="marzipan", conversation=session["id"]) == []


async def test_search_takes_other_forms_and_signs_and_refuses_what_cannot_match(ana, bo):
    session = await new_session(ana, bo)
    path = f"{CHAT}/sessions/{session['id']}/messages"
    await ana.post(path, {"content": "These saffron deliveries are in C++ ❤\ufe0f"})
    for question, marked in (("delivery saffron", 2), ("saffron C++", 2), ("saffron ❤", 2)):
        [hit] = await bo.get(f"{CHAT}/search", q=question)
        assert len(hit["marks"]) == marked
    for question in (",", "? !"):
        refused = await bo.ask("GET", f"{CHAT}/search", params={"q": question})
        assert (refused.status_code, refused.json()["code"]) == (422, "nothing_to_look_for")


async def test_search_by_author_and_by_time(ana, bo):
    session = await new_session(ana, bo)
    path = f"{CHAT}/sessions/{session['id']}/messages"
    await ana.post(path, {"content": "nutmeg from Ana"})
    await bo.post(path, {"content": "nutmeg from Bo"})

    async def found(**params: str) -> list[str]:
        hits = await ana.get(f"{CHAT}/search", q="nutmeg", **params)
        return sorted(hit["sender_name"] for hit in hits)

    assert await found() == sorted([ana.name, bo.name])
    assert await found(**{"from": bo.name}) == [bo.name]
    assert await found(**{"from": bo.uid}) == [bo.name]
    assert await found(**{"from": "2020-01-01T00:00:00Z"}) == sorted([ana.name, bo.name])
    assert await found(**{"from": "9999-01-01"}) == []
    assert await found(before="2020-01-01T00:00:00Z") == []
    assert await found(before="9999-12-31T23:59:59-12:00") == sorted([ana.name, bo.name])


async def test_a_deleted_message_is_found_no_more(ana):
    session = await new_session(ana)
    socket = await enter(ana, session)
    await socket.text("cardamom")
    posted = await socket.hears("message")
    name = posted["metadata"]["message_id"]
    await socket.says({"message_type": "delete", "message_id": name})
    await socket.hears("message_deleted")
    assert await ana.get(f"{CHAT}/search", q="cardamom") == []


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 422),
        ({"q": " "}, 422),
        ({"q": "x" * 201}, 422),
        ({"q": "a\x00b"}, 422),
        ({"q": "x", "limit": "51"}, 422),
        ({"q": "x", "before": "soon"}, 422),
        ({"q": "x", "from": "nobody-of-that-name"}, 404),
        ({"q": '"( NEAR * ^ :', "conversation": "none"}, 200),
        ({"q": "x", "before": "0001-01-01T00:00:00+14:00"}, 200),
    ],
)
async def test_no_search_breaks_anything(ana, params, status):
    answer = await ana.ask("GET", f"{CHAT}/search", params=params)
    assert answer.status_code == status, answer.text
