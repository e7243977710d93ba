"""Help pages at a real server: cited by title and link, for everybody, read once they change."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from folkmoot.server.system import SystemClock
from tests.clients import Client, LoggedIn, clients_of, logged_in, registered
from tests.integration.assistant.chats import CHAT, chat, contents
from tests.integration.assistant.conftest import STAFF_PASSWORDS
from tests.integration.assistant.test_audiences import opened, through_assistant
from tests.integration.assistant.test_logs import reload
from tests.running import Server

DOCUMENT = Path("docs/operators/help-pages.md").read_text()
AT = f"{SystemClock().now() - timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}"
CANARY = "gearbox-4711"


def blocks(language: str) -> list[str]:
    """The examples of the page for operators that are in this language."""
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages as the page for operators has them, and a log that is for staff."""
    folder = tmp_path_factory.mktemp("sources")
    (folder / "help").mkdir()
    (folder / "help" / "refunds.md").write_text(blocks("markdown")[0])
    (folder / "help" / "opening-hours.html").write_text(blocks("html")[0])
    (folder / "staff.log").write_text(f"{AT} ERROR {CANARY} lost its oil\n")
    return folder


@pytest.fixture(scope="module")
def example() -> dict[str, str]:
    """The settings of the example."""
    return dict(re.findall(r"(FOLKMOOT_\w+)=(\S+)", blocks("sh")[0]))


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, folder: Path, example: dict[str, str]
) -> Iterator[Server]:
    pages = {"FOLKMOOT_ASSISTANT_PAGES": str(folder / example["FOLKMOOT_ASSISTANT_PAGES"])}
    logs = {
        "FOLKMOOT_ASSISTANT_LOGS": str(folder / "staff.log"),
        "FOLKMOOT_ASSISTANT_LOGS_FOR": "staff",
    }
    with Server(tmp_path_factory.mktemp("server"), "--demo", **(example | pages | logs)) as server:
        yield server


@pytest.fixture(scope="module")
def people(server: Server) -> list[LoggedIn]:
    staff = [logged_in(server, name, word) for name, word in STAFF_PASSWORDS.items()]
    return [registered(server, "ana"), registered(server, "bo"), *staff]


@pytest.fixture
async def clients(server: Server, people: list[LoggedIn]) -> AsyncIterator[dict[str, Client]]:
    async with clients_of(server, *people) as clients:
        yield dict(zip(("ana", "bo", *STAFF_PASSWORDS), clients, strict=True))


async def test_the_example_of_the_page_for_operators_is_true(ana):
    question, answer = blocks("text")
    assert await through_assistant(ana, await opened(ana), question.strip()) == answer.strip()


async def test_a_question_that_no_page_answers_is_left_to_people(ana):
    told = await through_assistant(ana, await opened(ana), "Do you sell umbrellas?")
    assert "A person will answer here." in told


async def test_a_page_of_html_is_cited_by_its_title(ana):
    told = await through_assistant(ana, await opened(ana), "When is the shop open on Sundays?")
    assert "    Opening hours\n    https://help.example.com/opening-hours\n" in told


async def test_pages_are_read_once_they_change(ana, folder):
    session, page = await opened(ana), folder / "help" / "parcels.md"
    question = "How heavy may a parcel be?"
    page.write_text("# Parcels\n\nA parcel may be 20 kg heavy.")
    assert "20 kg" in await through_assistant(ana, session, question)
    page.write_text("# Parcels\n\nA parcel may be 31.5 kg heavy.")
    assert "31.5 kg" in await through_assistant(ana, session, question)
    page.unlink()
    assert "kg" not in await through_assistant(ana, session, question)


async def test_the_context_shows_the_pages_that_would_be_used(ana):
    session = await ana.post(f"{CHAT}/sessions", {"title": "LOBBY"})
    path = f"{CHAT}/sessions/{session['id']}"
    await ana.post(f"{path}/messages", {"content": "How long does a refund take?"})
    context = await ana.get(f"{path}/context")
    (page, *_) = context["pages"]
    assert page["title"] == "Refunds: How long a refund takes"
    assert page["link"] == "https://help.example.com/refunds"
    assert "five working days" in page["text"]


async def test_reading_anew_tells_of_pages_too(admin):
    socket = await chat(admin)
    done = await reload(socket, (await socket.joins())["session_id"])
    assert re.search(r"Read \d+ pages: \d+ passages", done.report)


class TestLogsForStaff:
    """What an operator names for staff, staff alone are told, each alone."""

    @pytest.mark.parametrize("name", ["agent", "analyst", "admin"])
    async def test_staff_are_told_alone(self, clients, ana, admin, name):
        socket = await chat(admin)
        await reload(socket, (await socket.joins())["session_id"])
        session = await opened(clients[name], ana)
        told = await through_assistant(clients[name], session, f"What is with {CANARY}?")
        assert "lost its oil" in told
        assert "lost its oil" not in repr(await contents(ana, session["id"]))

    async def test_a_customer_is_told_nothing(self, ana, admin):
        socket = await chat(admin)
        await reload(socket, (await socket.joins())["session_id"])
        told = await through_assistant(ana, await opened(ana), f"What is with {CANARY}?")
        assert "lost its oil" not in told


async def test_nothing_of_it_is_a_fault_of_ours(server):
    assert "Traceback" not in server.output
