"""Friends at their sockets: what is sent, delivered and read, by whom it is heard, and when."""

from tests.clients import Client
from tests.integration.friends.friendship import CHAT, befriend, enter, friends, history, send
from tests.running import Server


def said(to: Client, content: str, **fields: object) -> dict[str, object]:
    return {"type": "send_message", "receiver_id": to.uid, "content": content, **fields}


async def test_who_connects_is_greeted_and_told_who_is_online(ana: Client, bo: Client) -> None:
    await enter(ana, online=[])

    await enter(bo, online=[ana])


async def test_a_message_reaches_the_friend_and_is_acknowledged(ana: Client, bo: Client) -> None:
    at_ana, at_bo = await enter(ana), await enter(bo)
    await at_ana.hears("friend_online")

    await at_ana.says(said(bo, "  Hello, Bo! ", client_id="1"))

    new = await at_bo.hears("new_message")
    sent = await at_ana.hears("message_sent")
    message = new["message"]
    assert (message["content"], message["status"]) == ("Hello, Bo!", "delivered")
    assert message["sender_id"] == message["sender"]["account_id"] == ana.uid
    assert message["receiver_id"] == bo.uid
    assert message["created_at"].endswith("Z")
    assert (message["seq"], new["friend_id"]) == (1, ana.uid)
    assert (sent["message_id"], sent["client_id"]) == (message["message_id"], "1")
    assert (sent["status"], sent["seq"], sent["friend_id"]) == ("delivered", 1, bo.uid)


async def test_a_message_to_an_absent_friend_is_sent_and_delivered_when_they_come(
    ana: Client, bo: Client
) -> None:
    at_ana = await enter(ana)
    await at_ana.says(said(bo, "one"))
    await at_ana.says(said(bo, "two"))
    sent = [await at_ana.hears("message_sent") for _ in range(2)]
    assert [each["status"] for each in sent] == ["sent", "sent"]

    at_bo = await enter(bo)

    waited = [(await at_bo.hears("new_message"))["message"] for _ in range(2)]
    assert [each["content"] for each in waited] == ["one", "two"]
    assert {each["status"] for each in waited} == {"delivered"}
    delivered = await at_ana.until("message_delivered")
    assert (delivered["message_id"], delivered["delivered_to"]) == (
        sent[1]["message_id"],
        bo.uid,
    )
    again = await enter(bo)
    assert await again.frames() == []


async def test_reading_a_message_reads_all_earlier_ones_and_the_sender_is_told(
    ana: Client, bo: Client
) -> None:
    at_ana, at_bo = await enter(ana), await enter(bo)
    for content in ("one", "two", "three"):
        await at_ana.says(said(bo, content))
    ids = [(await at_bo.hears("new_message"))["message"]["message_id"] for _ in range(3)]

    await at_bo.says({"type": "mark_read", "message_id": ids[1]})

    read = await at_ana.until("message_read")
    assert (read["message_id"], read["read_by"]) == (ids[1], bo.uid)
    statuses = [message["status"] for message in await history(ana, bo)]
    assert statuses == ["read", "read", "delivered"]
    assert (await bo.get(f"{CHAT}/messages/unread-count"))["unread_count"] == 1


async def test_a_status_is_never_less_than_was_said_before(ana: Client, bo: Client) -> None:
    at_ana, _ = await enter(ana), await enter(bo)

    for number in range(20):
        await at_ana.says(said(bo, f"message {number}"))
        sent = await at_ana.until("message_sent")
        (last,) = await history(ana, bo, limit=1)
        assert (sent["status"], last["status"]) == ("delivered", "delivered")


async def test_who_was_told_at_once_that_a_message_was_delivered_is_not_told_again(
    ana: Client, bo: Client
) -> None:
    at_ana, at_bo = await enter(ana), await enter(bo)
    await at_ana.hears("friend_online")
    await at_ana.says(said(bo, "one"))
    assert (await at_ana.hears("message_sent"))["status"] == "delivered"

    new = await at_bo.hears("new_message")
    await at_bo.says({"type": "mark_read", "message_id": new["message"]["message_id"]})

    assert (await at_ana.hears("message_read"))["read_by"] == bo.uid


async def test_a_retry_is_acknowledged_with_the_first_message_and_what_became_of_it(
    ana: Client, bo: Client
) -> None:
    at_ana = await enter(ana)
    await at_ana.says(said(bo, "once", client_id="c1"))
    first = await at_ana.hears("message_sent")
    at_bo = await enter(bo)
    new = await at_bo.hears("new_message")
    await bo.ask("PUT", f"{CHAT}/messages/{new['message']['message_id']}/read")
    await at_ana.until("message_read")

    await at_ana.says(said(bo, "once", client_id="c1"))

    again = await at_ana.hears("message_sent")
    assert again == {**first, "status": "read"}
    await at_ana.says(said(bo, "other", client_id="c1"))
    assert (await at_ana.hears("error"))["code"] == "client_id_reused"
    assert len(await history(bo, ana)) == 1


async def test_both_sides_other_devices_are_kept_in_step(ana: Client, bo: Client) -> None:
    phone, laptop, at_bo = await enter(ana), await enter(ana), await enter(bo)
    await phone.hears("friend_online")
    await laptop.hears("friend_online")

    await phone.says(said(bo, "from the phone", client_id="p"))

    shown = await laptop.hears("new_message")
    assert (shown["message"]["status"], shown["message"]["client_id"]) == ("delivered", "p")
    assert shown["friend_id"] == bo.uid
    heard = await at_bo.hears("new_message")
    assert "client_id" not in heard["message"]
    await phone.hears("message_sent")
    kinds = {frame["type"] for frame in await phone.frames()}
    assert "new_message" not in kinds


async def test_answering_reads_what_the_friend_wrote(ana: Client, bo: Client) -> None:
    at_ana = await enter(ana)
    sent = await send(ana, bo, "a question")

    await send(bo, ana, "an answer")

    shown = await at_ana.hears("new_message")
    assert shown["message"]["content"] == "a question"
    read = await at_ana.hears("message_read")
    assert (read["message_id"], read["read_by"]) == (sent["message_id"], bo.uid)
    assert (await at_ana.hears("new_message"))["message"]["content"] == "an answer"
    (question, _) = await history(ana, bo)
    assert (question["status"], question["read_at"]) == ("read", read["read_at"])


async def test_typing_is_shown_to_the_friend_even_before_the_first_word(
    ana: Client, bo: Client
) -> None:
    at_ana, at_bo = await enter(ana), await enter(bo)
    await at_ana.hears("friend_online")
    await at_bo.frames()  # Who is only about to listen may miss a sign.

    await at_ana.says({"type": "typing", "receiver_id": bo.uid, "is_typing": True})

    typing = await at_bo.hears("typing_indicator")
    assert typing == {"type": "typing_indicator", "user_id": ana.uid, "is_typing": True}
    # A conversation begins with a word, for clients of every contract.
    for somebody in (ana, bo):
        assert await somebody.get("/conversations/") == []
    await at_ana.says(said(bo, "done"))
    assert not (await at_bo.hears("typing_indicator"))["is_typing"]
    await at_bo.hears("new_message")
    assert [frame["type"] for frame in await at_ana.frames()][:1] == ["message_sent"]


async def test_typing_ends_by_itself(ana: Client, bo: Client) -> None:
    at_ana, at_bo = await enter(ana), await enter(bo)
    await at_bo.frames()
    await at_ana.says({"type": "typing", "receiver_id": bo.uid, "is_typing": True})
    while not (await at_bo.hears("typing_indicator"))["is_typing"]:
        pass  # The end of what another test had begun.

    assert not (await at_bo.hears("typing_indicator"))["is_typing"]


async def test_edits_reactions_and_deletions_are_told_live_and_take_places(
    ana: Client, bo: Client
) -> None:
    at_ana, at_bo = await enter(ana), await enter(bo)
    await at_ana.says(said(bo, "tpyo"))
    message_id = (await at_bo.hears("new_message"))["message"]["message_id"]

    await at_ana.says({"type": "edit_message", "message_id": message_id, "content": "typo"})
    edited = await at_bo.hears("message_edited")
    await at_bo.says({"type": "react", "message_id": message_id, "emoji": "👍"})
    reacted = await at_ana.until("message_reaction")
    await at_ana.says({"type": "delete_message", "message_id": message_id})
    deleted = await at_bo.until("message_deleted")

    assert (edited["content"], edited["seq"], edited["friend_id"]) == ("typo", 2, ana.uid)
    assert (reacted["emoji"], reacted["user_id"], reacted["seq"]) == ("👍", bo.uid, 3)
    assert (reacted["friend_id"], reacted["removed"]) == (bo.uid, False)
    assert (deleted["message_id"], deleted["seq"]) == (message_id, 4)
    (left,) = await history(bo, ana)
    assert (left["message_id"], left["is_deleted"], left["content"]) == (message_id, True, "")


async def test_only_the_sender_can_delete_and_only_the_receiver_can_read(
    ana: Client, bo: Client
) -> None:
    sent = await send(ana, bo, "mine")
    at_ana, at_bo = await enter(ana), await enter(bo)

    for socket, frame, code in (
        (at_bo, "delete_message", "not_the_author"),
        (at_bo, "edit_message", "not_the_author"),
        (at_ana, "mark_read", "not_the_receiver"),
    ):
        await socket.says({"type": frame, "message_id": sent["message_id"], "content": "x"})
        assert (await socket.until("error"))["code"] == code


async def test_a_friendship_that_begins_while_connected_needs_no_new_socket(
    shared_server: Server,
) -> None:
    async with friends(shared_server, "ana", "bo", "cy") as (ana, bo, cy):
        at_bo, at_cy = await enter(bo, online=[]), await enter(cy, online=[])

        await befriend(bo, cy)

        assert (await at_cy.hears("friend_request"))["from"]["account_id"] == bo.uid
        for socket, friend in ((at_bo, cy), (at_cy, bo)):
            accepted = await socket.until("friend_accepted")
            assert accepted["to"]["username"] == cy.name
            assert (await socket.hears("friend_online"))["user_id"] == friend.uid
        await at_bo.says(said(cy, "now we can"))
        assert (await at_cy.hears("new_message"))["message"]["content"] == "now we can"
        del ana


async def test_an_ended_friendship_ends_what_both_hear_and_a_new_one_begins_it_again(
    ana: Client, bo: Client
) -> None:
    at_ana, at_bo = await enter(ana), await enter(bo)
    await at_ana.hears("friend_online")
    await at_ana.says(said(bo, "while friends"))
    await at_bo.hears("new_message")
    await at_ana.hears("message_sent")

    answer = await ana.ask("DELETE", f"{CHAT}/friends/{bo.name}")

    assert answer.status_code == 204
    removed = await at_bo.hears("friend_removed")
    assert (removed["user_id"], removed["by"]) == (ana.uid, ana.uid)
    assert (await at_bo.hears("friend_offline"))["user_id"] == ana.uid
    assert (await at_ana.until("friend_removed"))["user_id"] == bo.uid
    await at_ana.says(said(bo, "no more"))
    assert (await at_ana.until("error"))["code"] == "not_friends"
    await at_ana.says({"type": "typing", "receiver_id": bo.uid, "is_typing": True})
    assert await at_bo.frames() == []
    await befriend(bo, ana)
    await at_ana.until("friend_accepted")
    await at_ana.says(said(bo, "again"))
    assert (await at_bo.until("new_message"))["message"]["content"] == "again"


async def test_a_block_silences_both_sides_through_this_contract(ana: Client, bo: Client) -> None:
    at_ana, at_bo = await enter(ana), await enter(bo)
    await at_ana.hears("friend_online")
    sent = await send(ana, bo, "before")
    await at_bo.hears("new_message")
    await at_ana.hears("new_message")

    assert (await bo.ask("POST", f"{CHAT}/block", json={"user_id": ana.uid})).is_success

    assert (await at_ana.until("friend_offline"))["user_id"] == bo.uid
    assert (await at_bo.until("friend_offline"))["user_id"] == ana.uid
    refused = await ana.ask(
        "POST", f"{CHAT}/messages", json={"receiver_id": bo.uid, "content": "hey"}
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "blocked")
    await at_ana.says(said(bo, "hey"))
    assert (await at_ana.until("error"))["code"] == "blocked"
    await at_ana.says({"type": "typing", "receiver_id": bo.uid, "is_typing": True})
    await at_bo.says({"type": "mark_read", "message_id": sent["message_id"]})
    assert (await at_bo.hears("message_read"))["read_by"] == bo.uid
    await ana.ask("DELETE", f"{CHAT}/messages/{sent['message_id']}")
    assert await at_bo.frames() == []
    assert {frame["type"] for frame in await at_ana.frames()} <= {"message_deleted"}
    assert (await ana.get(f"{CHAT}/friends/online"))["online_friends"] == []
    assert (await bo.ask("POST", f"{CHAT}/unblock", json={"user_id": ana.uid})).is_success
    assert (await at_ana.until("friend_online"))["user_id"] == bo.uid


async def test_presence_is_that_of_friends_through_any_contract(ana: Client, bo: Client) -> None:
    at_ana = await enter(ana, online=[])
    body = {"participant_ids": [ana.id], "title": "elsewhere"}
    lobby = (await bo.post("/conversations", body))["id"]

    elsewhere = await bo.connect(f"/conversations/{lobby}/ws")
    await elsewhere.hears("connection")

    assert (await at_ana.hears("friend_online"))["user_id"] == bo.uid
    assert (await ana.get(f"{CHAT}/friends/online"))["online_friends"] == [bo.uid]
    await elsewhere.connection.close()
    assert (await at_ana.hears("friend_offline"))["user_id"] == bo.uid


async def test_a_logout_closes_the_socket_with_the_contracts_code(ana: Client) -> None:
    at_ana = await enter(ana)

    await ana.ask("POST", "/auth/logout")

    assert (await at_ana.end())[0] == 1008
