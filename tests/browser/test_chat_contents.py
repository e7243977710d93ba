"""What hangs on messages and what stands in them: pictures, files, sounds, links, any script."""

import io
import wave

import pytest
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def picture():
    image = io.BytesIO()
    Image.effect_noise((900, 600), 40).save(image, "PNG")
    return {"name": "sea.png", "mimeType": "image/png", "buffer": image.getvalue()}


def sound(name="tone.wav"):
    recorded = io.BytesIO()
    with wave.open(recorded, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(1)
        written.setframerate(8000)
        written.writeframes(bytes(range(256)) * 60)
    return {"name": name, "mimeType": "audio/wav", "buffer": recorded.getvalue()}


def paper(name, text):
    return {"name": name, "mimeType": "text/plain", "buffer": text.encode()}


def attach(tab, *files):
    with tab.page.expect_file_chooser() as chooser:
        tab.page.get_by_role("button", name="Attach files").click()
    chooser.value.set_files(list(files))


def with_file(tab, name):
    """The messages that a file of this name hangs on."""
    link = tab.page.get_by_role("link", name=name, exact=True)
    return tab.log.get_by_role("listitem").filter(has=link)


def waiting(tab):
    return tab.page.get_by_role("list", name="Files to send").get_by_role("listitem")


# -- files


def test_a_picture_is_shown_small_and_as_a_whole_to_who_may_see_it(ana, bo):
    asked = []
    bo.page.on("request", lambda request: "/files/" in request.url and asked.append(request))
    attach(ana, picture())
    expect(waiting(ana)).to_contain_text("ready")
    ana.say("The sea this morning")
    ana.is_sent("The sea this morning")
    shown = bo.message("The sea this morning")
    button = shown.get_by_role("button", name="Show sea.png as a whole")
    small = button.locator("img")
    bo.page.wait_for_function("image => image.naturalWidth > 0", arg=small.element_handle())
    assert small.evaluate("image => image.naturalWidth") < 900
    button.click()
    whole = bo.page.get_by_role("dialog", name="sea.png").get_by_role("img")
    bo.page.wait_for_function("image => image.naturalWidth === 900", arg=whole.element_handle())
    bo.page.keyboard.press("Escape")
    expect(bo.page.get_by_role("dialog")).to_be_hidden()
    expect(bo.page.get_by_role("alert")).to_have_count(0)
    assert [request.url.endswith("/thumbnail") for request in asked] == [True, False]
    assert all("authorization" in request.headers for request in asked)
    assert not any("token" in request.url for request in asked)


def test_a_file_is_saved_under_its_name_as_it_was(ana, bo, tmp_path):
    page_of_html = "<script>window.pwned = 1</script>" * 40
    attach(ana, paper("répört & more.html", page_of_html))
    expect(waiting(ana)).to_contain_text("ready")
    ana.page.get_by_role("button", name="Send", exact=True).click()
    sent = with_file(bo, "répört & more.html")
    expect(sent).to_contain_text("HTML, 1 kB, not scanned")
    expect(sent.locator(".text")).to_be_hidden()
    with bo.page.expect_download() as download:
        sent.get_by_role("link").click()
    assert download.value.suggested_filename.startswith("répört & more")
    download.value.save_as(tmp_path / "saved")
    assert (tmp_path / "saved").read_text() == page_of_html
    assert bo.page.evaluate("window.pwned") is None


def test_a_sound_and_a_voice_message_can_be_played(enter, session, rest):
    opened = session("For the voice")
    form = {"file": sound("spoken.wav")}
    caller = rest("testuser")
    told = caller.post("/api/v1/chat/files", multipart=form).json()
    voice = {"message_type": "voice", "file_url": told["file_url"], "content": "Listen"}
    caller.post(f"/api/v1/chat/sessions/{opened['id']}/messages", data=voice)
    ana = enter("testuser", opened["conversation_id"])
    attach(ana, sound())
    expect(waiting(ana)).to_contain_text("ready")
    ana.say("A tone")
    expect(ana.message("Listen")).to_contain_text("Voice message")
    for text in ("Listen", "A tone"):
        player = ana.message(text).locator("audio[controls]")
        ana.page.wait_for_function("audio => audio.duration > 1", arg=player.element_handle())


def test_several_files_go_at_once_and_are_kept_over_a_reload_until_then(ana, bo):
    attach(ana, paper("one.txt", "1"), paper("two.txt", "2"), paper("three.txt", "333"))
    expect(waiting(ana).filter(has_text="ready")).to_have_count(3)
    ana.field.fill("All but the second")
    waiting(ana).get_by_role("button", name="Remove two.txt").click()
    ana.page.reload()
    ana.is_connected()
    expect(waiting(ana)).to_have_count(2)
    expect(waiting(ana)).to_contain_text(["1 byte, ready", "3 bytes, ready"])
    expect(ana.field).to_have_value("All but the second")
    ana.field.press("Enter")
    ana.is_sent("All but the second")
    expect(waiting(ana)).to_have_count(0)
    expect(with_file(bo, "one.txt")).to_contain_text("All but the second")
    expect(with_file(bo, "three.txt")).to_have_count(1)
    expect(with_file(bo, "two.txt")).to_have_count(0)


def test_a_file_that_cannot_be_uploaded_says_why_and_is_tried_again(ana):
    full = {"status": 413, "json": {"detail": "Your files are full.", "code": "quota_reached"}}
    ana.page.route("**/chat/files", lambda route: route.fulfill(**full), times=1)
    attach(ana, paper("late.txt", "late"))
    expect(waiting(ana)).to_contain_text("Your files are full.")
    ana.say("With a file")
    expect(ana.page.get_by_role("alert")).to_contain_text("A file was not uploaded.")
    expect(ana.field).to_have_value("With a file")
    waiting(ana).get_by_role("button", name="Try again").click()
    expect(waiting(ana)).to_contain_text("ready")
    ana.field.press("Enter")
    expect(with_file(ana, "late.txt")).to_contain_text("With a file")


def test_what_is_pasted_goes_along(ana):
    ana.field.evaluate(
        """field => {
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File(["pasted"], "pasted.txt"));
            field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
        }"""
    )
    expect(waiting(ana)).to_contain_text("pasted.txt")


@pytest.mark.parametrize("status", [403, 404])
def test_a_file_that_may_not_be_seen_says_so_where_it_hangs(status, new_tab, ana):
    refusal = {"status": status, "json": {"detail": "No.", "code": "no"}}
    attach(ana, picture() | {"name": f"lost-{status}.png"})
    expect(waiting(ana)).to_contain_text("ready")
    ana.say(f"Lost {status}")
    ana.is_sent(f"Lost {status}")
    bo = new_tab()
    bo.page.route("**/chat/files/**", lambda route: route.fulfill(**refusal))
    bo.open()
    bo.log_in("alice")
    lost = bo.message(f"Lost {status}")
    expect(lost).to_contain_text("This file is not here any more, or not for you.")


# -- links

LINKED = {
    "See https://example.org/a_(b), or http://127.0.0.1:8000/x?y=1#z.": [
        "https://example.org/a_(b)",
        "http://127.0.0.1:8000/x?y=1#z",
    ],
    "(https://example.org/)": ["https://example.org/"],
    "<https://example.org/q?a=b&c=d>": ["https://example.org/q?a=b&c=d"],
    "https://example.org/路径。": ["https://example.org/%E8%B7%AF%E5%BE%84"],
    "HTTPS://EXAMPLE.ORG": ["https://example.org/"],
    "mailto:bo@example.org!": ["mailto:bo@example.org"],
    "https://bücher.example": ["https://xn--bcher-kva.example/"],
    "https://example.org/'onmouseover='alert(1)": ["https://example.org/'onmouseover='alert(1)"],
    "https://example.org/\"onmouseover='alert(1)'": ["https://example.org/"],
    "javascript:alert(1)": [],
    "javascript://example.org/%0aalert(1)": [],
    "data:text/html,hello vbscript:x file:///etc/passwd ftp://example.org": [],
    "xhttps://example.org mailto: https:// http://": [],
    "https://bank.example@evil.example/": [],
    "https://example.org/\u202egpj.exe": [],
}
FACTS = """async text => {
  const { linked } = await import("/static/links.js");
  const nodes = linked(text);
  return {
    text: nodes.map(node => node.textContent ?? node).join(""),
    links: nodes.filter(node => node.href).map(node => node.href),
    others: nodes.filter(node => typeof node !== "string").map(node => [
      node.tagName, node.target, node.rel.includes("noopener"), ...node.getAttributeNames(),
    ]),
  };
}"""


def test_addresses_are_links_and_nothing_else_is(new_tab):
    tab = new_tab()
    tab.open()
    for text, links in LINKED.items():
        facts = tab.page.evaluate(FACTS, text)
        assert (text, facts["links"]) == (text, links)
        assert facts["text"] == text
        for tag, target, is_alone, *names in facts["others"]:
            assert (tag, target, is_alone) == ("A", "_blank", True)
            assert set(names) <= {"href", "target", "rel", "dir", "title"}


def test_a_link_in_a_message_opens_elsewhere(ana, bo, server):
    ana.say(f"The documents: {server.url}/healthz?from=a-message.")
    link = bo.page.get_by_role("link", name=f"{server.url}/healthz?from=a-message", exact=True)
    with bo.page.expect_popup() as opened:
        link.click()
    assert opened.value.evaluate("window.opener") is None
    assert opened.value.url == f"{server.url}/healthz?from=a-message"


# -- any script, any length


def test_each_text_has_its_own_direction(ana):
    ana.field.fill("مرحبا")
    expect(ana.field).to_have_css("direction", "rtl")
    ana.field.press("Enter")
    expect(ana.message("مرحبا").locator(".text")).to_have_css("direction", "rtl")
    ana.say("Hello there")
    expect(ana.message("Hello there").locator(".text")).to_have_css("direction", "ltr")


def test_among_two_hundred_messages_the_readers_place_is_kept(enter, rest):
    caller = rest("testuser")
    body = {"title": "Long", "participant_ids": ["alice"]}
    group = caller.post("/conversations/", data=body).json()["id"]
    for number in range(200):
        words = {"content": f"Line {number}"}
        caller.post(f"/conversations/{group}/messages", data=words)
    bo = enter("alice", group)
    expect(bo.message("Line 199")).to_be_in_viewport()
    caller.post(f"/conversations/{group}/messages", data={"content": "New one"})
    expect(bo.message("New one")).to_be_in_viewport()

    bo.message("Line 170").evaluate("line => line.scrollIntoView()")
    jump = bo.page.get_by_role("button", name="New messages below")
    before = bo.message("Line 170").bounding_box()
    caller.post(f"/conversations/{group}/messages", data={"content": "New two"})
    expect(jump).to_be_visible()
    assert bo.message("Line 170").bounding_box() == before

    for first in (101, 51, 1):
        bo.log.evaluate("log => log.scrollTo(0, 0)")
        expect(bo.message(f"Line {first}")).to_have_count(1)
    bo.log.evaluate("log => log.scrollTo(0, 0)")
    expect(bo.message("Line 0")).to_be_in_viewport()
    jump.click()
    expect(bo.message("New two")).to_be_in_viewport()
    expect(jump).to_be_hidden()
    texts = bo.log.locator(".text").all_inner_texts()
    assert texts == [*(f"Line {number}" for number in range(200)), "New one", "New two"]


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_files_and_what_waits_fit_into_a_window_of_width(width, enter):
    ana = enter("testuser", viewport={"width": width, "height": 640})
    name = f"{width}-a-name-without-one-place-to-break-at-" * 2 + ".txt"
    attach(ana, paper(name, "x"))
    expect(waiting(ana)).to_contain_text("ready")
    wider = "each => each.scrollWidth - each.clientWidth"
    assert ana.page.locator("html").evaluate(wider) == 0
    ana.say(f"At {width} https://example.org/{'long' * 60}")
    expect(with_file(ana, name)).to_be_visible()
    for area in ("html", "#log"):
        assert ana.page.locator(area).evaluate(wider) == 0
    expect(ana.page.get_by_role("button", name="Send", exact=True)).to_be_in_viewport(ratio=1)
    expect(ana.page.get_by_role("button", name="Attach files")).to_be_in_viewport(ratio=1)
