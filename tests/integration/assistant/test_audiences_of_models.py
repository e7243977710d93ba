"""A model that tells all that it was told: what it may be told of is what its readers may read."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from folkmoot.server.system import SystemClock
from tests.bots.model_server import Exchange, ModelServer, chunk
from tests.integration.assistant.chats import CHAT, chat, contents
from tests.integration.assistant.conftest import model_settings
from tests.integration.assistant.test_audiences import opened, through_assistant
from tests.running import Server

AT = f"{SystemClock().now() - timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}"
CANARY = "gearbox-4711"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model_port: int) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("sources")
    (folder / "help").mkdir()
    (folder / "help" / "refunds.md").write_text("# Refunds\n\nA refund takes five working days.\n")
    (folder / "staff.log").write_text(f"{AT} ERROR {CANARY} lost its oil\n")
    with Server(
        tmp_path_factory.mktemp("server"),
        "--demo",
        FOLKMOOT_ASSISTANT_PAGES=str(folder / "help"),
        FOLKMOOT_ASSISTANT_LOGS=str(folder / "staff.log"),
        FOLKMOOT_ASSISTANT_LOGS_FOR="staff",
        **model_settings(model_port),
    ) as server:
        yield server


async def test_what_is_stored_was_made_of_what_everybody_may_read(ana, analyst, model):
    model.will(tells_all)
    session = await opened(ana, analyst)
    live = await chat(ana)
    await live.joins(session["id"], stream=True)
    question = f"Is {CANARY} under refund, how long does a refund take?"

    alone = await through_assistant(analyst, session, question)
    await live.until("message", role="assistant")

    private, public = model.requests[-2:]
    assert "lost its oil" in private.prompt
    assert "lost its oil" in alone
    assert "five working days" in public.prompt
    assert "lost its oil" not in public.prompt
    for reader in (ana, analyst):
        kept = repr(await contents(reader, session["id"]))
        assert "five working days" in kept
        assert "lost its oil" not in kept


async def test_where_the_model_finds_nothing_it_is_said_once(ana, model: ModelServer):
    model.will(knows_of_refunds)
    session = await opened(ana)
    told = await through_assistant(ana, session, "Do you sell umbrellas?")
    assert "A person will answer here." in told
    path = f"{CHAT}/sessions/{session['id']}/messages"
    await ana.post(path, {"content": "And parasols?"})
    said = await through_assistant(ana, session, "How long does a refund take?")
    assert "five working days" in said
    assert await contents(ana, session["id"]) == [
        "Do you sell umbrellas?",
        told,
        "And parasols?",
        "How long does a refund take?",
        said,
    ]


async def tells_all(exchange: Exchange) -> None:
    await said_by(exchange, exchange.request.prompt[-9_000:])


async def knows_of_refunds(exchange: Exchange) -> None:
    if exchange.request.prompt.rpartition("begins: the question")[2].count("refund"):
        await tells_all(exchange)
        return
    (line,) = re.findall(r"^\[.* has no answer\]$", exchange.request.prompt, re.MULTILINE)
    await said_by(exchange, line[:5], line[5:])


async def said_by(exchange: Exchange, *pieces: str) -> None:
    await exchange.head()
    for piece in pieces:
        await exchange.piece(piece)
    await exchange.event(chunk(None, "stop"))
    await exchange.event("[DONE]")


async def test_nothing_of_it_is_a_fault_of_ours(server):
    assert "Traceback" not in server.output
