"""Who answers under which settings, and which settings are refused."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError

from folkmoot.bots.answerer import Answerer
from folkmoot.bots.model.prompt import composed
from folkmoot.cli.doctor import examine
from folkmoot.server.answerers import answerer_of
from folkmoot.server.errors import StartRefused
from folkmoot.server.programs.model_asker import FENCE_CHARS
from folkmoot.server.settings import Settings
from tests.bots.answerers import KEY, at_work, collect, sources
from tests.bots.model_server import ModelServer, obeys
from tests.deadlines import WITHIN_S

URL = "http://127.0.0.1:9/v1"


def answerer(**given: object) -> Answerer:
    return answerer_of(Settings(**given))


def test_without_a_model_the_built_in_one_answers() -> None:
    assert answerer().name == "built-in"


@pytest.mark.program
def test_the_library_of_models_is_never_loaded_into_the_server() -> None:
    code = (
        "import sys, folkmoot.server.wiring, folkmoot.server.answerers as a\n"
        "from folkmoot.server.settings import Settings\n"
        "a.answerer_of(Settings())\n"
        "url = 'http://127.0.0.1:9/v1'\n"
        "a.answerer_of(Settings(assistant_base_url=url, assistant_model='m'))\n"
        "assert 'openai' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=WITHIN_S)


@pytest.mark.program
async def test_the_model_of_the_settings_is_asked_as_they_say() -> None:
    asked = sources("Write a lot, and more than that.")
    tokens = composed(asked, make_fence=lambda: "f" * FENCE_CHARS, max_tokens=4000).tokens
    async with ModelServer() as server:
        model = answerer(
            assistant_base_url=f"{server.url}/",
            assistant_model="small",
            assistant_key=KEY,
            assistant_max_answer_tokens=55,
            assistant_tokens_per_account_a_day=2 * tokens + 60,
            max_content_chars=20,
        )
        server.will(obeys)

        async with at_work(model):
            heard = [await collect(model, asked) for _ in range(3)]

        assert model.name == "small"
        assert [request.path for request in server.requests] == ["/v1/chat/completions"] * 2
        assert server.requests[0].body["max_tokens"] == 55
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
        assert len(heard[0].text) == 20
        assert (heard[2].pieces, "midnight" in (heard[2].failure or "")) == ([], True)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"assistant_key": KEY}, "FOLKMOOT_ASSISTANT_BASE_URL"),
        ({"assistant_model": "small"}, "FOLKMOOT_ASSISTANT_BASE_URL"),
        ({"assistant_model": "small", "assistant_key": KEY}, "FOLKMOOT_ASSISTANT_BASE_URL"),
        ({"assistant_base_url": URL}, "FOLKMOOT_ASSISTANT_MODEL"),
        ({"assistant_base_url": URL, "assistant_key": KEY}, "FOLKMOOT_ASSISTANT_MODEL"),
    ],
)
def test_half_a_model_is_refused_in_one_sentence(given: dict[str, object], named: str) -> None:
    with pytest.raises(StartRefused) as refused:
        answerer(**given)

    assert named in str(refused.value)
    assert str(refused.value).count(". ") == 0
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://models.example/v1", "models.example/v1", "http://", "file:///etc/passwd"),
        *("http://ana:pass-word@models.example/v1", "http://models.example/v1?key=pass-word"),
        *("http://models.example/#pass-word", "http://models.example:99999/", "http://a\nb/"),
        *("http://:pass-word@models.example", "https://" + "a" * 70_000),
    ],
)
def test_an_address_that_is_none_or_holds_a_secret_is_refused_unseen(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(assistant_base_url=url)

    assert "pass-word" not in str([e["msg"] for e in refused.value.errors()])


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel", "\0", "tab\t"])
def test_a_key_that_no_header_can_hold_is_refused_unseen(key: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(assistant_key=key)

    assert key not in str([e["msg"] for e in refused.value.errors()])


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://models.example/v1", True),
        ("https://models.example/v1", False),
        ("http://127.0.0.1:8080/v1", False),
        ("http://[::1]:8080/v1", False),
    ],
)
def test_a_key_that_goes_unencrypted_is_warned_of(
    url: str, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        answerer(assistant_base_url=url, assistant_model="m", assistant_key=KEY)

    assert ("unencrypted" in caplog.text) == warned
    assert KEY not in caplog.text


def test_the_doctor_names_the_model_and_hides_its_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with doctored(tmp_path, assistant_base_url=URL, assistant_model="small", assistant_key=KEY):
        said = capsys.readouterr().out

    assert "ok     assistant: small answers" in said
    assert f"assistant_base_url = {URL}" in said
    assert KEY not in said


def test_the_doctor_finds_half_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with doctored(tmp_path, assistant_key=KEY):
        said = capsys.readouterr().out

    assert "WRONG  assistant: " in said
    assert KEY not in said


@contextmanager
def doctored(data: Path, **given: object) -> Iterator[None]:
    examine(Settings(data=data, port=0, **given))
    yield
