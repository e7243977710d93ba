"""The page on other origins is true: what it prints talks from one, in the ways that it says."""

import re
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.deadlines import WITHIN_S
from tests.running import Server

PAGE = Path(__file__).parents[2] / "docs" / "operators" / "other-origins.md"
LISTED, OF_ANOTHER_SITE, UNLISTED = "127.0.0.1", "localhost", "127.0.0.2"
"""Names of the machine that serves the page; the chat server goes by the first."""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """A port on which a folder is served, and the folder."""
    folder = tmp_path_factory.mktemp("pages")
    with ThreadingHTTPServer(("", 0), partial(Quiet, directory=str(folder))) as served:
        Thread(target=served.serve_forever, daemon=True).start()
        yield served.server_port, folder
        served.shutdown()


@pytest.fixture(scope="module")
def demo_server(
    elsewhere: tuple[int, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    port, folder = elsewhere
    origins = ",".join(f"http://{name}:{port}" for name in (LISTED, OF_ANOTHER_SITE))
    data = tmp_path_factory.mktemp("server")
    with Server(data, "--demo", FOLKMOOT_ALLOWED_ORIGINS=origins) as server:
        (html,) = re.findall(r"```html\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
        assert "http://127.0.0.1:8000" in html
        (folder / "index.html").write_text(html.replace("http://127.0.0.1:8000", server.url))
        yield server


@pytest.fixture
def page(chromium: Browser, server: Server) -> Iterator[Page]:
    context = chromium.new_context()
    context.set_default_timeout(WITHIN_S * 1000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("name", "query"), [(LISTED, ""), (LISTED, "?cookie"), (OF_ANOTHER_SITE, "")]
)
def test_a_page_of_a_listed_origin_talks(
    page: Page, elsewhere: tuple[int, Path], name: str, query: str
) -> None:
    page.goto(f"http://{name}:{elsewhere[0]}/{query}")

    expect(page.get_by_role("listitem").first).to_have_text("testuser: Hello from elsewhere")


def test_the_cookie_stays_on_its_site(page: Page, elsewhere: tuple[int, Path]) -> None:
    with page.expect_websocket() as opening:
        page.goto(f"http://{OF_ANOTHER_SITE}:{elsewhere[0]}/?cookie")
    if not opening.value.is_closed():
        opening.value.wait_for_event("close")

    assert page.get_by_role("listitem").count() == 0


@pytest.mark.parametrize("query", ["", "?cookie"])
def test_a_page_that_is_not_listed_is_kept_out_by_the_browser(
    page: Page, elsewhere: tuple[int, Path], query: str
) -> None:
    with page.expect_event("pageerror") as failing:
        page.goto(f"http://{UNLISTED}:{elsewhere[0]}/{query}")

    assert "Failed to fetch" in str(failing.value)
