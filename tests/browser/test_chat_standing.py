"""How a conversation stands on the page: what it is called, who speaks, and whether one may write.

Ana is the demo account `testuser`, in sessions of her own; `agent` is of the staff.
"""

import json
import os
import re
import signal

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

AGENT = "AgentPassword123"


def test_a_command_is_answered_and_what_is_said_after_it_is_sent(enter, session):
    ana = enter("testuser", session("Commands")["conversation_id"])
    ana.say("/help")
    notice = ana.log.get_by_role("listitem").filter(has_text="Commands:")
    expect(notice).to_contain_text("/status: how this session stands")
    expect(notice).to_contain_text("Only you can see this")
    ana.say("Then anything")
    ana.is_sent("Then anything")
    ana.page.reload()
    ana.is_connected()
    expect(ana.message("Then anything")).to_be_visible()
    expect(ana.log).not_to_contain_text("sending…")
    ana.say("/nonsense")
    expect(ana.log).to_contain_text("There is no command /nonsense")
    ana.say("And more")
    ana.is_sent("And more")


def test_a_message_that_nobody_answers_is_sent_again_and_given_up_with_the_reason(new_tab):
    heard, listens = [], []

    def swallow(socket):
        server = socket.connect_to_server()

        def up(text):
            if "Left alone" in text:
                heard.append(json.loads(text)["client_id"])
            if "Left alone" not in text or listens:
                server.send(text)

        socket.on_message(up)

    tab = new_tab()
    tab.page.clock.install()
    tab.page.route_web_socket(re.compile("/ws"), swallow)
    tab.open()
    tab.log_in("testuser")
    tab.is_connected()
    tab.say("Left alone")
    tab.say("Behind it")
    tab.page.clock.run_for(10_000)
    expect(tab.message("Left alone")).to_contain_text("no answer yet")
    tab.page.reload()
    tab.is_connected()
    tab.page.clock.run_for(20_000)
    expect(tab.message("Left alone")).to_contain_text("Not sent: The server gave no answer.")
    tab.is_sent("Behind it")
    assert len(heard) >= 3
    assert len(set(heard)) == 1
    listens.append(True)
    tab.message("Left alone").get_by_role("button", name="Send again").click()
    tab.is_sent("Left alone")


# -- whether the server is there


def test_a_server_that_hangs_is_noticed_within_five_seconds(new_tab, server):
    tab = new_tab()
    tab.page.clock.install()
    tab.open()
    tab.log_in("testuser")
    tab.is_connected()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        tab.page.clock.run_for(5_000)
        expect(tab.connection).to_have_text("No answer from the server")
        tab.say("Said to nobody")
        expect(tab.page.get_by_text("1 message waits and will be sent.")).to_be_visible()
        tab.page.clock.run_for(8_000)
        expect(tab.connection).to_have_text(re.compile("Reconnecting|No answer from the server"))
    finally:
        os.kill(server.pid, signal.SIGCONT)
    tab.page.clock.run_for(60_000)
    tab.try_now()
    tab.is_connected()
    tab.is_sent("Said to nobody")


def test_a_server_that_answers_late_is_believed_again(new_tab, server):
    tab = new_tab()
    tab.page.clock.install()
    tab.open()
    tab.log_in("testuser")
    tab.is_connected()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        tab.page.clock.run_for(5_000)
        expect(tab.connection).to_have_text("No answer from the server")
    finally:
        os.kill(server.pid, signal.SIGCONT)
    tab.is_connected()


def test_a_network_that_goes_is_noticed_within_five_seconds(new_tab):
    gone = []

    def cut(socket):
        server = socket.connect_to_server()
        socket.on_message(lambda text: gone or server.send(text))
        server.on_message(lambda text: gone or socket.send(text))

    tab = new_tab()
    tab.page.clock.install()
    tab.page.route_web_socket(re.compile("/ws"), cut)
    tab.open()
    tab.log_in("testuser")
    tab.is_connected()
    gone.append(True)
    tab.page.context.set_offline(True)
    tab.page.clock.run_for(5_000)
    expect(tab.connection).to_have_text("Offline")
    gone.clear()
    tab.page.context.set_offline(False)
    tab.is_connected()


def test_whoever_waits_for_the_server_sees_when_it_is_tried_again(ana, server):
    server.kill()
    ana.is_away()
    expect(ana.page.locator("#countdown")).to_have_text(re.compile(r"in \d+ s"))
    ana.say("Waits for the server")
    expect(ana.page.get_by_text("1 message waits and will be sent.")).to_be_visible()
    server.start()
    ana.try_now()
    ana.is_sent("Waits for the server")
    expect(ana.page.get_by_text("waits and will be sent")).to_have_count(0)


# -- closed


def test_a_session_that_is_closed_looks_closed_at_once_and_later(enter, session, rest):
    opened = session("To be closed")
    ana = enter("testuser", opened["conversation_id"])
    ana.say("Before the end")
    ana.is_sent("Before the end")
    ana.field.fill("Half a sen")
    rest("agent", AGENT).delete(f"/api/v1/chat/sessions/{opened['id']}")
    expect(ana.field).to_be_disabled()
    expect(ana.page.get_by_text("This conversation was closed.")).to_be_visible()
    expect(ana.page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    expect(ana.page.get_by_role("button", name="Attach files")).to_be_disabled()
    expect(ana.message("Before the end").get_by_role("button", name="Actions")).to_have_count(0)

    ana.page.reload()
    ana.is_connected()
    expect(ana.field).to_be_disabled()
    expect(ana.field).to_have_value("Half a sen")
    expect(ana.page.get_by_text("This conversation was closed.")).to_be_visible()
    expect(ana.message("Before the end").get_by_role("button", name="Actions")).to_have_count(0)
    ana.page.get_by_role("button", name="Change conversation").click()
    ana.page.get_by_label("Conversation id").fill("1")
    ana.page.get_by_role("button", name="Connect", exact=True).click()
    expect(ana.field).to_be_enabled()


def test_whoever_closes_a_session_by_a_command_is_told_so(enter, session):
    ana = enter("testuser", session("Closed by Ana")["conversation_id"])
    ana.say("Thank you, that is all")
    ana.is_sent("Thank you, that is all")
    ana.say("/clear")
    expect(ana.page.get_by_text("This conversation was closed by you.")).to_be_visible()
    expect(ana.log).to_contain_text("This session has ended.")
    expect(ana.log).not_to_contain_text("sending…")


# -- names


def test_a_direct_chat_has_the_name_of_the_other_person(enter, rest):
    alice = rest("alice")
    ana_uid = rest("testuser").get("/auth/me").json()["uid"]
    said = {"receiver_id": ana_uid, "content": "Just between us"}
    alice.post("/api/v1/chat/messages", data=said)
    listed = alice.get("/conversations").json()
    direct = next(each for each in listed if each["kind"] == "direct")
    ana = enter("testuser", direct["id"])
    expect(ana.page.get_by_role("heading", level=1)).to_have_text("Alice Example")
    expect(ana.page).to_have_title(re.compile("Alice Example"))


def test_a_group_without_a_title_has_the_names_of_the_others(enter, rest):
    others = {"participant_ids": ["alice", "agent"]}
    group = rest("testuser").post("/conversations/", data=others).json()
    ana = enter("testuser", group["id"])
    title = ana.page.get_by_role("heading", level=1)
    expect(title).to_have_text("Alice Example and Agnes Agent")


def test_the_assistant_is_named_where_it_types_and_where_it_answers(new_tab, session):
    sockets = []

    def listen(socket):
        socket.connect_to_server()
        sockets.append(socket)

    tab = new_tab()
    tab.page.route_web_socket(re.compile("/ws"), listen)
    tab.open(session("For the assistant", assistant=True)["conversation_id"])
    tab.log_in("testuser")
    tab.is_connected()
    typing = {"type": "typing", "user_id": 0, "username": "assistant", "is_typing": True}
    sockets[0].send(json.dumps(typing))
    expect(tab.page.get_by_text("Assistant is typing…")).to_be_visible()
    tab.say("What do the logs say?")
    answer = tab.log.locator(".message.assistant")
    expect(answer).to_have_count(1)
    expect(answer.locator(".who")).to_have_text("Assistant")
    expect(answer.locator(".text")).to_have_text(re.compile(r"\w+"))
    expect(tab.log).not_to_contain_text("Seen by")
    expect(tab.page.get_by_text("is typing…")).to_have_count(0)


# -- kept out


def test_a_conversation_that_is_not_there_says_so_in_the_page(new_tab):
    tab = new_tab()
    tab.open(987_654)
    tab.log_in("testuser")
    said = tab.page.get_by_role("alert").filter(has_text="There is no such conversation.")
    expect(said.get_by_role("heading")).to_have_text("Not found")
    expect(tab.field).to_be_hidden()
    said.get_by_role("button", name="Choose another conversation").click()
    expect(tab.page.get_by_label("Conversation id")).to_be_focused()


def test_whoever_is_removed_while_they_look_is_told_so_and_comes_back_when_they_may(enter, rest):
    ana_rest = rest("testuser")
    body = {"title": "Come and go", "participant_ids": ["alice", "agent"]}
    group = ana_rest.post("/conversations/", data=body).json()
    alice = enter("alice", group["id"])
    alice.say("Still here")
    alice.is_sent("Still here")
    alice.field.fill("A draft")
    ana_rest.delete(f"/conversations/{group['id']}/participants/alice")
    said = alice.page.get_by_role("alert").filter(has_text="You are not a participant")
    expect(said).to_be_visible()
    expect(alice.message("Still here")).to_be_visible()
    expect(alice.field).to_be_hidden()
    again = {"participant_ids": ["alice"]}
    ana_rest.post(f"/conversations/{group['id']}/participants", data=again)
    said.get_by_role("button", name="Try again").click()
    alice.is_connected()
    expect(alice.field).to_have_value("A draft")
    expect(said).to_be_hidden()
