"""The REST side of the `support` contract: the desk's list, threads as history, and the status."""

import pytest


async def said(rest, customer, *lines, open_new=False):
    """Have the customer (and the agent, where a line says so) say something in one session."""
    begun = await rest[customer].post("/api/v1/chat/sessions", {"title": "Parcel"})
    for line in lines:
        who, _, text = line.rpartition(": ")
        path = f"/api/v1/chat/sessions/{begun['id']}/messages"
        await rest[who or customer].post(path, {"content": text})
    return begun["id"]


def texts(messages):
    return [message["message_text"] for message in messages]


@pytest.mark.parametrize("prefix", ["/chat", "/api/chat"])
@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_open_routes_answer_anybody(rest, opened, ana, prefix, slash):
    await opened(ana)
    http = rest["ana"]._http

    status = (await http.get(f"{prefix}/status{slash}")).json()
    test = (await http.get(f"{prefix}/test{slash}")).json()
    health = (await http.get(f"/websocket/health{slash}")).json()

    assert (status["status"], status["socket_io_path"]) == ("running", "/socket.io")
    assert status["active_connections"] >= 1
    assert {"connect", "disconnect", "join_room", "send_message"} <= set(status["supported_events"])
    assert {"/api/chat/status", "/websocket/health"} <= set(test["available_endpoints"])
    assert {"heartbeat", "get_connection_info"} <= set(test["websocket_events"])
    assert health["active_connections"] >= 1
    assert health["uptime_s"] >= 0


async def test_all_sessions_are_one_thread_in_the_order_of_time(rest, ana):
    one = await said(rest, "ana", "1", "agent: 2")
    two = await said(rest, "ana", "3", "4")
    await rest["agent"].post(f"/api/v1/chat/sessions/{one}/messages", {"content": "5"})
    await rest["ana"].post(f"/api/v1/chat/sessions/{two}/messages", {"content": "6"})

    mine = await rest["ana"].get("/chat/history/self")

    assert texts(mine) == ["1", "2", "3", "4", "5", "6"]
    assert [message["session_id"] for message in mine] == [one, one, two, two, one, two]
    path = f"/chat/history/user/{ana.uid}"
    assert texts(await rest["admin"].get(path)) == texts(mine)
    assert texts(await rest["admin"].get(path, direction="inbound")) == ["1", "3", "4", "6"]
    assert texts(await rest["admin"].get(f"/chat/history/user/{ana.name}", direction="outbound")) \
        == ["2", "5"]  # fmt: skip


async def test_paging_goes_through_a_thread_without_a_gap(rest, ana):
    sessions = [await said(rest, "ana", *(f"{n}.{m}" for m in range(7))) for n in range(3)]
    whole = await rest["ana"].get("/chat/history/self", limit=200)
    assert texts(whole) == [f"{n}.{m}" for n in range(3) for m in range(7)]

    pages = [
        await rest["ana"].get("/chat/history/self", limit=5, offset=offset)
        for offset in range(0, 25, 5)
    ]
    assert [one for page in reversed(pages) for one in texts(page)] == texts(whole)

    back, forward = list(whole[-5:]), list(whole[:5])
    while page := await rest["ana"].get(
        "/chat/history/self", limit=5, before_seq=back[0]["seq"], session_id=back[0]["session_id"]
    ):
        back = page + back
    while page := await rest["ana"].get(
        "/chat/history/self", limit=5, after_seq=forward[-1]["seq"],
        session_id=forward[-1]["session_id"],
    ):  # fmt: skip
        forward += page
    assert back == forward == whole
    assert texts(await rest["ana"].get("/chat/history/self", after_seq=0, limit=3)) == [
        "0.0",
        "0.1",
        "0.2",
    ]
    assert {message["session_id"] for message in whole} == set(sessions)


async def test_history_shows_what_became_of_messages(rest, opened, ana, agent):
    customer, staff = await opened(ana), await opened(agent)
    read = await customer.says("Read me", client_id="1", service_id="s-1")
    gone = await customer.says("Forget me")
    await staff.does("mark_read", {"user_id": ana.uid})
    await staff.does("react", {"message_id": read["_id"], "emoji": "👍"})
    await customer.does("edit_message", {"message_id": read["_id"], "message_text": "Read this"})
    await customer.does("delete_message", {"message_id": gone["_id"]})
    await staff.says("Unread", receiver_id=ana.uid)

    first, second, third = await rest["ana"].get("/chat/history/self")

    assert (first["message_text"], first["client_id"], first["service_id"]) == (
        "Read this",
        "1",
        "s-1",
    )
    assert (first["read"], first["reactions"][0]["user_ids"]) == (True, [agent.uid])
    assert (second["message_text"], second["is_deleted"]) == ("", True)
    assert (third["receiver_id"], third["read"]) == (ana.uid, False)
    shown = await rest["agent"].get(f"/chat/history/user/{ana.uid}")
    assert "client_id" not in shown[0]


async def test_the_desk_lists_whoever_wrote_last_first(rest, opened, ana, bo, agent):
    customer, staff = await opened(ana), await opened(agent)
    await customer.says("One")
    await customer.says("Two")
    await (await opened(bo)).says("Hello")

    async def listed(**params):
        users = await rest["agent"].get("/chat/users", **params)
        return [
            (one["user_name"], one["last_message"], one["unread_count"])
            for one in users
            if one["user_name"] in (ana.name, bo.name)
        ]

    assert await listed() == [(bo.name, "Hello", 1), (ana.name, "Two", 2)]
    assert await listed(q=ana.name.upper()) == [(ana.name, "Two", 2)]
    assert await listed(q="%") == []
    assert (await rest["agent"].get("/chat/users", limit=1, offset=1))[0]["user_name"] == ana.name
    await staff.does("mark_read", {"user_id": ana.uid})
    assert (await listed())[1] == (ana.name, "Two", 0)
    await customer.says("Three")
    assert (await listed())[0] == (ana.name, "Three", 1)
    await staff.says("Yes?", receiver_id=ana.uid)
    assert (await listed())[0] == (ana.name, "Yes?", 0)


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("ana", "/chat/users", 403),
        ("ana", "/chat/history/user/agent", 403),
        ("agent", "/chat/history/user/nobody", 404),
        ("agent", "/chat/history/user/00000000-0000-7000-8000-000000000000", 404),
        ("agent", "/chat/history/user/testuser?direction=sideways", 422),
        ("ana", "/chat/history/self?limit=201", 422),
        ("ana", "/chat/history/self?limit=0", 422),
        ("ana", "/chat/history/self?offset=-1", 422),
        ("agent", "/chat/users?q=%00", 422),
        ("agent", "/chat/users?limit=201", 422),
    ],
)
async def test_what_may_not_be_asked_is_refused(rest, who, path, status):
    answer = await rest[who].ask("GET", path)

    assert answer.status_code == status
    assert set(answer.json()) == {"detail", "code"}


async def test_nobody_reads_anything_without_a_token(rest):
    for path in ("/chat/users", "/chat/history/self", "/api/chat/history/user/testuser"):
        answer = await rest["ana"]._http.get(path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
