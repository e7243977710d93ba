"""npm's client in a page where a customer has logged in, without a word about who they are."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.integration.support.peers import npm_folder

pytestmark = pytest.mark.browser

SCRIPT = """
window.socket = io(location.origin, { path: '/socket.io' });
document.body.innerHTML = '<ul></ul>';
window.show = (text) => {
  document.querySelector('ul').appendChild(document.createElement('li')).textContent = text;
};
socket.on('connect', () => show('connected'));
socket.on('connect_error', (error) => show(`refused: ${error.message}`));
socket.on('receive_message', (data) => show(`${data.sender_name}: ${data.message_text}`));
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = npm_folder(tmp_path_factory.mktemp("npm"))
    return folder / "node_modules" / "socket.io-client" / "dist" / "socket.io.min.js"


@pytest.fixture
def help_page(new_tab, server, client):
    """Opens the page, as the site's own or as one of another origin."""

    def help_page(origin: str = server.url, *, username: str | None = "testuser"):
        page = new_tab(bypass_csp=True).page
        if username is not None:
            body = {"username": username, "password": "TestPassword123", "set_cookie": True}
            login = page.context.request.post(f"{server.url}/api/v1/auth/login", data=body)
            assert login.ok
        # A page that the server really serves, or Chromium takes the server for a private one.
        page.goto(f"{origin}/healthz")
        page.add_script_tag(path=client)
        page.evaluate(f"() => {{ {SCRIPT} }}")
        return page

    return help_page


def items(page):
    return page.get_by_role("listitem")


def test_a_page_of_ours_needs_nothing_but_the_login(help_page, rest):
    page = help_page()
    expect(items(page).first).to_have_text("connected")
    staff = rest("agent", "AgentPassword123")
    agent, me = staff.get("/auth/me").json(), rest("testuser").get("/auth/me").json()

    page.evaluate(
        """([me, agent]) => {
            socket.emit('join_room', { user_id: me });
            socket.emit('send_message', {
                receiver_id: agent, message_text: 'Help me',
                appointment_id: 'a7', service_id: 's1',
            });
            socket.emit('typing', { receiver_id: agent, is_typing: true });
        }""",
        [me["uid"], agent["uid"]],
    )
    expect(items(page).last).to_have_text("testuser: Help me")
    shown = staff.get(f"/chat/history/user/{me['uid']}").json()[-1]
    assert (shown["message_text"], shown["receiver_id"]) == ("Help me", agent["uid"])
    assert (shown["appointment_id"], shown["service_id"]) == ("a7", "s1")
    session = shown["session_id"]
    staff.post(f"/api/v1/chat/sessions/{session}/messages", data={"content": "Here I am"})

    expect(items(page).last).to_have_text("agent: Here I am")
    page.wait_for_function("socket.io.engine.transport.name === 'websocket'")


def test_without_a_login_it_is_told_to_authenticate(help_page):
    page = help_page(username=None)

    expect(items(page).first).to_have_text("refused: authentication required")


def test_a_page_of_another_site_cannot_use_the_login(help_page, server):
    page = help_page(server.url.replace("127.0.0.1", "localhost"))
    page.evaluate(
        """url => { io(url, { withCredentials: true, forceNew: true })
            .on('connect', () => show('let in'))
            .on('connect_error', () => show('kept out')); }""",
        server.url,
    )

    expect(page.get_by_text("kept out").first).to_be_visible()
    expect(page.get_by_text("let in")).to_have_count(0)
