"""A server, a Chromium, and the people in front of it, for tests that drive a page."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil
import pytest
from playwright.sync_api import (
    APIRequestContext,
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from tests.deadlines import WITHIN_S
from tests.running import Server

PASSWORD = "TestPassword123"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def server(demo_server: Server) -> Iterator[Server]:
    """The module's server with its demo data, up again after a test that took it down."""
    yield demo_server
    if not psutil.pid_exists(demo_server.pid):
        demo_server.start()


def chromium_path() -> str | None:
    """Where a Chromium is: the one that ``CHROMIUM`` names, else the first on PATH."""
    names = ["chromium", "chromium-browser", "google-chrome"]
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=WITHIN_S * 1000)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium: install one (Debian: apt install chromium), or set CHROMIUM=path")
    browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def rest(playwright: Playwright, server) -> Iterator[Callable[..., APIRequestContext]]:
    """REST calls in the name of an account: ``rest("alice").get("/auth/me")``."""
    opened = []

    def rest(username: str, password: str = PASSWORD) -> APIRequestContext:
        anonymous = playwright.request.new_context(base_url=server.url)
        form = {"username": username, "password": password}
        token = anonymous.post("/auth/token", form=form, fail_on_status_code=True).json()[
            "access_token"
        ]
        caller = playwright.request.new_context(
            base_url=server.url,
            extra_http_headers={"Authorization": f"Bearer {token}"},
            fail_on_status_code=True,
        )
        opened.extend([anonymous, caller])
        return caller

    yield rest
    for context in opened:
        context.dispose()


@dataclass(frozen=True)
class Tab:
    """One tab of the chat page, with the words in which a person would describe it."""

    page: Page
    url: str

    @property
    def field(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message", exact=True)

    @property
    def connection(self) -> Locator:
        return self.page.get_by_role("status", name="Connection")

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log")

    def open(self, conversation_id: int = 1) -> None:
        self.page.goto(f"{self.url}/static/chat.html?conversation={conversation_id}")

    def log_in(self, username: str, password: str = PASSWORD) -> None:
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in and connect").click()

    def say(self, text: str) -> None:
        self.field.fill(text)
        self.field.press("Enter")

    def message(self, text: str) -> Locator:
        """The one message whose text is exactly this."""
        exactly = self.page.get_by_text(text, exact=True)
        return self.log.get_by_role("listitem").filter(has=exactly)

    def is_sent(self, text: str) -> None:
        """The one message whose text this is stands in the log, and waits for nothing."""
        expect(self.message(text)).to_have_count(1)
        expect(self.message(text)).not_to_contain_text("sending…")

    def act(self, text: str, *actions: str) -> None:
        """Open the actions of a message and press these buttons, one after the other."""
        self.message(text).get_by_role("button", name="Actions for message").click()
        for action in actions:
            self.page.get_by_role("toolbar").get_by_role("button", name=action).click()

    def keep_away(self) -> None:
        """From now on this tab cannot open a socket, though the server may be there."""
        self.page.route("**/auth/ws-ticket", lambda route: route.abort())

    def let_back(self) -> None:
        """Undo ``keep_away``, and have the tab try at once."""
        self.page.unroute("**/auth/ws-ticket")
        self.try_now()

    def try_now(self) -> None:
        """Tell the page that the network is back."""
        self.page.evaluate("window.dispatchEvent(new Event('online'))")

    def is_connected(self) -> None:
        expect(self.connection).to_have_text("Connected")

    def is_away(self) -> None:
        expect(self.connection).to_have_text("Reconnecting")


@pytest.fixture
def new_tab(chromium: Browser, server) -> Iterator[Callable[..., Tab]]:
    """Opens a tab that shares nothing with the others; no tab may break a rule of its CSP."""
    contexts, complaints = [], []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(message.text)

    def new_tab(**settings) -> Tab:
        context = chromium.new_context(reduced_motion="reduce", **settings)
        contexts.append(context)
        context.set_default_timeout(WITHIN_S * 1000)
        page = context.new_page()
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return Tab(page, server.url)

    yield new_tab
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def enter(new_tab) -> Callable[..., Tab]:
    """Someone with a connected tab in a conversation."""

    def enter(username: str, conversation_id: int = 1, password=PASSWORD, **settings) -> Tab:
        tab = new_tab(**settings)
        tab.open(conversation_id)
        tab.log_in(username, password)
        tab.is_connected()
        return tab

    return enter


@pytest.fixture
def session(rest) -> Callable[..., dict]:
    """Opens a session of Ana's, the assistant silent unless it is asked for."""

    def session(title: str, **body) -> dict:
        body = {"title": title, "assistant": False, **body}
        return rest("testuser").post("/api/v1/chat/sessions", data=body).json()

    return session


@pytest.fixture
def ana(enter) -> Tab:
    return enter("testuser")


@pytest.fixture
def bo(enter) -> Tab:
    return enter("alice")
