"""The page `/static/chat.html` in a real browser, before a real server.

Ana and Bo are the demo accounts `testuser` and `alice`, each with a tab in conversation 1. Other
tests may have written there too, so messages are found by their text.
"""

import json
import re
import sqlite3

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PAYLOADS = [
    "<script>window.pwned = 1</script>",
    "<img src=x onerror='window.pwned = 1'>",
    "<svg onload=alert(1)></svg>",
    "\"><iframe srcdoc='<script>parent.pwned = 1</script>'></iframe>",
    "<a href='javascript:window.pwned = 1'>click</a>",
    "[click](javascript:window.pwned=1)",
    "</p></li></ol><h1>owned</h1>",
    "&lt;b&gt;not bold&lt;/b&gt; {{7*7}} ${7*7}",
    "</script><style>*{display:none}</style>",
]
MARKUP = ":is(script, img, svg, iframe, a, style, h1)"


def texts(tab, prefix):
    """The texts in a tab's log that begin so, from top to bottom."""
    every = tab.log.get_by_role("listitem").locator(".text").all_inner_texts()
    return [text for text in every if text.startswith(prefix)]


def stored(caller, prefix):
    """The messages of conversation 1 that begin so, as the server tells its history."""
    page = caller.get("/conversations/1/messages?limit=100").json()
    return [message["content"] for message in page if message["content"].startswith(prefix)]


def is_sent(tab, text):
    expect(tab.message(text)).to_have_count(1)
    expect(tab.message(text)).not_to_contain_text("sending…")


# -- talking


def test_two_tabs_talk_at_once(ana, bo):
    ana.say("Is the bread ready?")
    expect(bo.message("Is the bread ready?")).to_contain_text("testuser")
    bo.say("Nearly.")
    expect(ana.message("Nearly.")).to_contain_text("alice")
    is_sent(ana, "Is the bread ready?")


def test_typing_is_shown_to_the_other_until_the_message_is_there(ana, bo):
    ana.field.press_sequentially("I am th")
    expect(bo.page.get_by_text("testuser is typing…")).to_be_visible()
    expect(ana.page.get_by_text("testuser is typing…")).to_have_count(0)
    ana.say("I am thinking")
    expect(bo.message("I am thinking")).to_be_visible()
    expect(bo.page.get_by_text("testuser is typing…")).to_have_count(0)


def test_who_is_here_follows_who_comes_and_goes(ana, enter):
    people = ana.page.get_by_role("complementary", name="People")
    expect(people.get_by_role("listitem").filter(has_text="alice")).to_contain_text("away")
    bo = enter("alice")
    expect(people.get_by_role("listitem").filter(has_text="alice")).to_contain_text("here")
    bo.page.close()
    expect(people.get_by_role("listitem").filter(has_text="alice")).to_contain_text("away")


def test_a_message_that_the_other_has_seen_says_so(ana, bo):
    ana.say("Look at this")
    expect(ana.message("Look at this")).to_contain_text("Seen by alice")
    expect(bo.message("Look at this")).not_to_contain_text("Seen by")


def test_edits_deletions_and_reactions_are_shown_to_the_other(ana, bo):
    ana.say("Frist")
    bo.act("Frist", "React with party")
    expect(ana.message("Frist").get_by_role("button", name="🎉 1: alice")).to_be_visible()
    bo.message("Frist").get_by_role("button", name="🎉 1: you").click()
    expect(ana.message("Frist").get_by_role("button", name="🎉")).to_have_count(0)

    ana.act("Frist", "Edit")
    ana.say("First")
    expect(bo.message("First")).to_contain_text("edited")
    ana.act("First", "Delete", "Delete for everyone?")
    expect(bo.page.get_by_text("This message was deleted").last).to_be_visible()
    expect(bo.message("First")).to_have_count(0)


def test_only_the_author_is_offered_to_edit_and_delete(ana, bo):
    ana.say("Mine alone")
    bo.act("Mine alone")
    expect(bo.page.get_by_role("toolbar").get_by_role("button", name="React")).to_have_count(6)
    expect(bo.page.get_by_role("toolbar").get_by_role("button", name="Edit")).to_have_count(0)
    expect(bo.page.get_by_role("toolbar").get_by_role("button", name="Delete")).to_have_count(0)


def test_a_refused_message_says_why_and_can_be_taken_back(ana, bo):
    ana.say("long " * 2500)
    refused = ana.log.get_by_role("listitem").filter(has_text="Not sent:")
    expect(refused).to_be_visible()
    ana.say("After the refusal")
    expect(bo.message("After the refusal")).to_be_visible()
    refused.get_by_role("button", name="Take back").click()
    expect(refused).to_have_count(0)
    expect(ana.field).to_have_value(re.compile("^long long"))


def by_button(tab):
    tab.page.get_by_role("button", name="Load older messages").dispatch_event("click")


def by_scrolling(tab):
    tab.log.press("Home")


@pytest.mark.parametrize("load_older", [by_button, by_scrolling])
def test_older_messages_come_each_once_and_what_is_read_stays_in_sight(load_older, rest, new_tab):
    caller, way = rest("testuser"), load_older.__name__
    for number in range(70):
        message = {"content": f"{way} {number}"}
        caller.post("/conversations/1/messages", data=message)
    tab = new_tab()
    tab.open()
    tab.log_in("alice")
    expect(tab.message(f"{way} 69")).to_be_in_viewport()
    expect(tab.message(f"{way} 5")).to_have_count(0)
    load_older(tab)
    expect(tab.message(f"{way} 5")).to_have_count(1)
    expect(tab.message(f"{way} 5")).not_to_be_in_viewport()
    assert texts(tab, way) == [f"{way} {number}" for number in range(70)]


# -- losing the server and coming back


def test_a_message_that_cannot_be_stored_now_waits_and_is_sent_exactly_once(ana, bo, server, rest):
    ana.say("Before the lock")
    is_sent(ana, "Before the lock")
    other = sqlite3.connect(server.data / "folkmoot.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    ana.say("While it is locked")
    expect(ana.message("While it is locked")).to_contain_text("The server cannot do this right now")
    other.close()
    expect(bo.message("While it is locked")).to_be_visible()
    is_sent(ana, "While it is locked")
    assert stored(rest("testuser"), "While it is locked") == ["While it is locked"]


def test_a_message_typed_while_the_server_is_down_is_sent_exactly_once(ana, bo, server, rest):
    server.stop()
    ana.is_away()
    expect(ana.page.get_by_role("button", name="Try now")).to_be_visible()
    ana.say("Typed in the dark")
    expect(ana.message("Typed in the dark")).to_contain_text("sending…")
    server.start()
    expect(bo.message("Typed in the dark")).to_be_visible()
    is_sent(ana, "Typed in the dark")
    expect(bo.message("Typed in the dark")).to_have_count(1)
    assert stored(rest("alice"), "Typed in") == ["Typed in the dark"]


def test_an_unsent_message_survives_a_reload(ana, bo, server, rest):
    ana.keep_away()
    server.kill()
    ana.is_away()
    server.start()
    ana.say("Kept over a reload")
    ana.field.fill("a draft")
    ana.page.reload()
    expect(ana.message("Kept over a reload")).to_contain_text("sending…")
    expect(ana.field).to_have_value("a draft")
    ana.let_back()
    is_sent(ana, "Kept over a reload")
    expect(bo.message("Kept over a reload")).to_have_count(1)
    assert stored(rest("alice"), "Kept over") == ["Kept over a reload"]


def test_after_a_crash_a_tab_shows_what_it_missed_once_and_in_order(ana, bo, server):
    ana.say("storm 0")
    expect(bo.message("storm 0")).to_be_visible()
    bo.keep_away()
    server.kill()
    ana.is_away()
    server.start()
    ana.is_connected()
    for number in range(1, 6):
        ana.say(f"storm {number}")
        is_sent(ana, f"storm {number}")
    ana.act("storm 3", "Edit")
    ana.say("storm 3 mended")
    expect(ana.message("storm 3 mended")).to_be_visible()
    bo.let_back()
    expect(bo.message("storm 5")).to_be_visible()
    expected = ["storm 0", "storm 1", "storm 2", "storm 3 mended", "storm 4", "storm 5"]
    expect(bo.message("storm 3 mended")).to_have_count(1)
    assert texts(bo, "storm") == expected


def test_messages_on_their_way_when_the_server_is_killed_arrive_once_in_order(
    ana, bo, server, rest
):
    expected = [f"burst {number:02}" for number in range(30)]
    for number, text in enumerate(expected):
        ana.say(text)
        if number == 15:
            server.kill()
    server.start()
    for tab in (ana, bo):
        # A slow start makes its next wait a long one; that it ends by itself, others show.
        tab.try_now()
        expect(tab.message(expected[-1])).to_be_visible()
        expect(tab.log).not_to_contain_text("sending…")
        assert texts(tab, "burst") == expected
    assert stored(rest("alice"), "burst") == expected


def test_a_message_whose_acknowledgement_was_lost_is_sent_again_and_counts_once(new_tab, rest):
    client_ids, lost = [], []

    def lose_the_first_echo(socket):
        server = socket.connect_to_server()

        def up(text):
            if "Said once" in text:
                client_ids.append(json.loads(text)["client_id"])
            server.send(text)

        def down(text):
            if "Said once" in text and not lost:
                lost.append(text)
                socket.close(code=1012)
            else:
                socket.send(text)

        socket.on_message(up)
        server.on_message(down)

    tab = new_tab()
    tab.page.route_web_socket(re.compile("/ws"), lose_the_first_echo)
    tab.open()
    tab.log_in("testuser")
    tab.is_connected()
    tab.say("Said once")
    is_sent(tab, "Said once")
    tab.say("Said after")
    is_sent(tab, "Said after")
    assert client_ids == [client_ids[0]] * 2
    assert texts(tab, "Said") == ["Said once", "Said after"]
    assert stored(rest("alice"), "Said") == ["Said once", "Said after"]


def test_an_access_token_that_has_ended_is_renewed_once(ana, server):
    renewals = []
    refusal = {"status": 401, "json": {"detail": "The token has expired.", "code": "token_expired"}}
    ana.page.on("request", lambda each: "/auth/refresh" in each.url and renewals.append(each))
    ana.keep_away()
    server.kill()
    ana.is_away()
    server.start()
    with ana.page.expect_response("**/auth/refresh") as renewal:
        # Within: the page tries by itself as well, and its renewal may come before ours.
        ana.page.route("**/auth/ws-ticket", lambda route: route.fulfill(**refusal), times=1)
        ana.try_now()
    assert renewal.value.ok
    ana.let_back()
    ana.is_connected()
    assert len(renewals) == 1


def test_a_login_that_was_ended_elsewhere_leads_back_to_the_login_form(ana, rest):
    rest("testuser").post("/auth/logout-all")
    expect(ana.page.get_by_role("alert")).to_be_visible()
    expect(ana.connection).to_have_text("Signed out")
    expect(ana.page.get_by_label("Username")).to_have_value("testuser")
    expect(ana.page.get_by_label("Password")).to_be_focused()


# -- logging in


def test_a_wrong_password_shows_the_refusal(new_tab):
    tab = new_tab()
    tab.open()
    tab.log_in("testuser", "not the password")
    expect(tab.page.get_by_role("alert")).to_have_text(re.compile(r"\w+"))
    expect(tab.connection).to_have_text("Signed out")
    expect(tab.field).to_be_hidden()


def test_a_conversation_that_is_not_there_says_so_and_stops(new_tab):
    tab = new_tab()
    tab.open(987_654)
    tab.log_in("testuser")
    expect(tab.connection).to_have_text("Not connected: There is no such conversation.")
    expect(tab.page.get_by_role("button", name="Try now")).to_be_hidden()
    tab.page.get_by_role("button", name="Change conversation").click()
    tab.page.get_by_label("Conversation id").fill("1")
    tab.page.get_by_role("button", name="Connect", exact=True).click()
    tab.is_connected()


def test_a_conversation_of_others_says_so_and_stops(new_tab, rest):
    invited = {"title": "Not for Ana", "participant_ids": ["agent"]}
    theirs = rest("alice").post("/conversations/", data=invited).json()
    tab = new_tab()
    tab.open(theirs["id"])
    tab.log_in("testuser")
    words = "Not connected: You are not a participant in this conversation."
    expect(tab.connection).to_have_text(words)


def test_a_new_account_registers_and_may_then_be_invited(new_tab, rest):
    tab = new_tab()
    tab.open(1)
    tab.page.get_by_label("Username").fill("cy")
    tab.page.get_by_label("Password").fill("A long enough phrase 1")
    tab.page.get_by_text("No account yet?").click()
    tab.page.get_by_label("Email").fill("cy@example.org")
    tab.page.get_by_role("button", name="Register and connect").click()
    expect(tab.connection).to_contain_text("You are not a participant")
    rest("alice").post("/conversations/1/participants", data={"participant_ids": ["cy"]})
    tab.page.reload()
    tab.is_connected()


def test_the_socket_is_opened_without_a_token_in_its_address(new_tab):
    addresses = []
    tab = new_tab()
    tab.page.on("websocket", lambda socket: addresses.append(socket.url))
    tab.open()
    tab.log_in("testuser")
    tab.is_connected()
    assert len(addresses) == 1
    assert "ticket=" in addresses[0]
    assert "token=" not in addresses[0]


def test_two_tabs_of_one_browser_are_two_people(ana):
    second = ana.page.context.new_page()
    second.goto(ana.page.url)
    expect(second.get_by_label("Username")).to_be_visible()


# -- safety


def test_hostile_text_stays_text(ana, bo):
    dialogs = []
    bo.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for payload in PAYLOADS:
        ana.say(payload)
    for payload in PAYLOADS:
        expect(bo.message(payload)).to_be_visible()
    assert bo.page.locator(f"#messages {MARKUP}").count() == 0
    bo.page.reload()
    expect(bo.message(PAYLOADS[-1])).to_be_visible()
    assert bo.page.locator(f"#messages {MARKUP}").count() == 0
    assert bo.page.evaluate("window.pwned") is None
    assert dialogs == []


def test_a_hostile_title_stays_text(enter, rest):
    title = "<img src=x onerror='window.pwned = 1'>"
    invited = {"title": title, "participant_ids": ["alice"]}
    conversation = rest("testuser").post("/conversations/", data=invited).json()
    tab = enter("testuser", conversation["id"])
    expect(tab.page.get_by_role("heading", level=1)).to_have_text(title)
    assert tab.page.locator("img").count() == 0
    assert tab.page.evaluate("window.pwned") is None


def test_the_page_is_served_under_a_strict_policy(new_tab):
    tab = new_tab()
    answer = tab.page.goto(f"{tab.url}/static/chat.html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    sources = dict(each.split(maxsplit=1) for each in policy.split("; "))
    made_here = {kind for kind, allowed in sources.items() if "blob:" in allowed}
    assert made_here == {"img-src", "media-src"}
    for path in ("/docs", "/static/chat.js", "/healthz"):
        other = tab.page.request.get(f"{tab.url}{path}")
        assert "blob:" not in other.headers["content-security-policy"], path


# -- for everyone


def test_everything_can_be_done_with_the_keyboard(new_tab, bo):
    tab = new_tab()
    tab.open()
    press = tab.page.keyboard.press
    expect(tab.page.get_by_label("Username")).to_be_focused()
    tab.page.keyboard.type("testuser")
    press("Tab")
    tab.page.keyboard.type("TestPassword123")
    press("Enter")
    expect(tab.field).to_be_focused()
    tab.is_connected()

    tab.page.keyboard.type("two")
    press("Shift+Enter")
    tab.page.keyboard.type("lines")
    press("Enter")
    expect(bo.message("two lines").locator(".text")).to_have_text("two\nlines", use_inner_text=True)

    is_sent(tab, "two lines")
    press("ArrowUp")
    expect(tab.page.get_by_role("button", name="Cancel editing")).to_be_visible()
    press("End")
    tab.page.keyboard.type(" more")
    press("Enter")
    expect(bo.message("two lines more")).to_contain_text("edited")
    expect(tab.field).to_be_focused()

    press("Shift+Tab")
    expect(tab.message("two lines more").get_by_role("button", name="Actions")).to_be_focused()
    press("Enter")
    expect(tab.page.get_by_role("button", name="React with thumbs up")).to_be_focused()
    press("ArrowRight")
    press("Enter")
    expect(bo.message("two lines more").get_by_role("button", name="1: testuser")).to_be_visible()
    expect(tab.message("two lines more").get_by_role("button", name="Actions")).to_be_focused()
    press("Enter")
    press("Escape")
    expect(tab.page.get_by_role("toolbar")).to_be_hidden()

    tab.page.get_by_role("button", name="Sign out").press("Enter")
    expect(tab.page.get_by_label("Password")).to_be_focused()


FAINT_TEXT = """() => {
  const parse = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  const over = ([r, g, b, a], under) =>
    [r, g, b].map((part, index) => part * a + under[index] * (1 - a));
  const behind = (element) => {
    if (!element) return [255, 255, 255];
    return over(parse(getComputedStyle(element).backgroundColor), behind(element.parentElement));
  };
  const shows = (element) =>
    element ? Number(getComputedStyle(element).opacity) * shows(element.parentElement) : 1;
  const light = (colour) => {
    const [r, g, b] = colour.map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const faint = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    const paper = behind(element);
    const [r, g, b, a] = parse(getComputedStyle(element).color);
    const ink = over([r, g, b, a * shows(element)], paper);
    const [low, high] = [light(paper), light(ink)].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${walker.currentNode.data.trim()}`);
  }
  return faint;
}"""


NAMED_ROLES = {
    "button", "complementary", "form", "log", "status", "textbox", "toolbar",
}  # fmt: skip


def nameless(page):
    """What has no name, and which landmarks are not there once, as the browser itself sees it."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    seen = [
        (node["role"]["value"], node.get("name", {}).get("value", "").strip())
        for node in nodes
        if not node["ignored"]
    ]
    roles = [role for role, _ in seen]
    lacking = [f"a nameless {role}" for role, name in seen if role in NAMED_ROLES and not name]
    return lacking + [role for role in ("banner", "main") if roles.count(role) != 1]


OUTLINE_FAULTS = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const levels = all("h1, h2, h3").filter((each) => each.checkVisibility()).map((e) => e.tagName);
  const ids = all("[id]").map((each) => each.id);
  const faults = {
    "the first heading is not the only h1": levels.lastIndexOf("H1") !== 0,
    "an id is used twice": new Set(ids).size !== ids.length,
    "the language is not given": !document.documentElement.lang,
    "the natural order is changed": all("[tabindex]").some((each) => each.tabIndex > 0),
  };
  return Object.keys(faults).filter((fault) => faults[fault]);
}"""


def test_every_control_has_a_name_and_the_page_has_landmarks(new_tab, bo):
    tab = new_tab()
    tab.open()
    tab.page.get_by_text("No account yet?").click()
    assert nameless(tab.page) == []
    assert tab.page.evaluate(OUTLINE_FAULTS) == []
    tab.log_in("testuser")
    tab.is_connected()
    tab.say("Something to act on")
    bo.act("Something to act on", "React with heart")
    expect(tab.message("Something to act on").get_by_role("button", name="alice")).to_be_visible()
    tab.act("Something to act on")
    assert nameless(tab.page) == []
    assert tab.page.evaluate(OUTLINE_FAULTS) == []
    expect(tab.page.get_by_role("log", name="Messages")).to_have_count(1)
    expect(tab.page.get_by_role("status", name="Connection")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in(scheme, new_tab, bo, server):
    tab = new_tab(color_scheme=scheme)
    tab.open()
    tab.log_in("testuser", "wrong")
    expect(tab.page.get_by_role("alert")).to_be_visible()
    assert tab.page.evaluate(FAINT_TEXT) == []
    tab.log_in("testuser")
    tab.is_connected()
    bo.say(f"From Bo, for {scheme}")
    expect(tab.message(f"From Bo, for {scheme}")).to_be_visible()
    tab.say(f"From Ana, in {scheme}")
    tab.say("too long " * 2000)
    expect(tab.log).to_contain_text("Not sent:")
    tab.act(f"From Ana, in {scheme}")
    assert tab.page.evaluate(FAINT_TEXT) == []
    tab.keep_away()
    server.kill()
    tab.is_away()
    tab.say(f"Waits, in {scheme}")
    expect(tab.message(f"Waits, in {scheme}")).to_contain_text("sending…")
    assert tab.page.evaluate(FAINT_TEXT) == []


@pytest.mark.parametrize("width", [320, 640])
def test_nothing_is_cut_off_in_a_window_of_width(width, enter):
    tab = enter("testuser", viewport={"width": width, "height": 480})
    long_word = f"{width}-px-and-not-one-place-to-break-at-" * 10
    tab.say(long_word)
    is_sent(tab, long_word)
    tab.act(long_word)
    for area in ("html", "#log"):
        wider = "each => each.scrollWidth - each.clientWidth"
        assert tab.page.locator(area).evaluate(wider) == 0
    expect(tab.page.get_by_role("button", name="Sign out")).to_be_in_viewport(ratio=1)
    expect(tab.page.get_by_role("button", name="Send", exact=True)).to_be_in_viewport(ratio=1)
