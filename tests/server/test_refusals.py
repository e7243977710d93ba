import importlib
import json
import logging
import pkgutil
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, field_validator

import folkmoot
from folkmoot.core.accounts.errors import (
    AccountInactive,
    NoSuchAccount,
    PasswordTooWeak,
    TokenMissing,
    UsernameTaken,
)
from folkmoot.core.shared.refusals import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    StorageFull,
    TooMany,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from folkmoot.server.http.refusals import answer_to, install, status_of

KINDS = (Invalid, Unauthenticated, Forbidden, NotFound, Conflict, TooMany)
PASSWORD = "hunter2 hunter2"


class Body(BaseModel):
    name: str
    password: str = ""
    age: int = 0

    @field_validator("password")
    @classmethod
    def _never(cls, value: str) -> str:
        if value:
            raise ValueError("no")
        return value


FAULTS: dict[str, Exception] = {
    "invalid": PasswordTooWeak(field="password"),
    "unauthenticated": TokenMissing(),
    "forbidden": AccountInactive(),
    "absent": NoSuchAccount(account="\ud800"),
    "conflict": UsernameTaken(),
    "too-many": TooManyRequests(retry_after=2.2),
    "unavailable": Unavailable(),
    "full": StorageFull(),
    "bug": RuntimeError(PASSWORD),
    "teapot": HTTPException(418, "short \ud800 stout", {"X-Tea": "yes"}),
    "unmodified": HTTPException(304),
}


def application() -> FastAPI:
    app = FastAPI()

    @app.post("/fault/{name}")
    @app.post("/old/fault/{name}")
    async def fail(name: str) -> None:
        raise FAULTS[name]

    @app.post("/body")
    async def take(body: Body) -> str:
        return body.name

    install(app, {"/old": {"password_too_weak": 400, "token_missing": 403}})
    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(application(), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://chat.example") as client:
        yield client


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("unauthenticated", 401, "token_missing"),
        ("forbidden", 403, "account_inactive"),
        ("absent", 404, "account_not_found"),
        ("conflict", 409, "username_taken"),
        ("too-many", 429, "rate_limited"),
        ("unavailable", 503, "unavailable"),
        ("full", 507, "storage_full"),
        ("teapot", 418, "im_a_teapot"),
    ],
)
async def test_a_fault_has_a_status_a_sentence_and_a_code(
    client: httpx2.AsyncClient, name: str, status: int, code: str
):
    answer = await client.post(f"/fault/{name}")

    assert answer.status_code == status
    more = {"passing", "retry_after"} if status in {429, 503, 507} else set()
    assert answer.json().keys() == {"detail", "code"} | more
    assert answer.json()["code"] == code
    assert answer.json()["detail"]


async def test_a_value_that_cannot_be_is_told_like_fastapi_tells_it(client: httpx2.AsyncClient):
    answer = await client.post("/fault/invalid")

    (problem,) = answer.json()["detail"]
    assert (answer.status_code, answer.json()["code"]) == (422, "password_too_weak")
    assert (problem["type"], problem["loc"]) == ("password_too_weak", ["body", "password"])
    assert "too easy to guess" in problem["msg"]


async def test_a_value_of_the_query_is_told_to_be_there(client: httpx2.AsyncClient):
    answer = await client.post("/fault/invalid?password=1")

    (problem,) = answer.json()["detail"]
    assert problem["loc"] == ["query", "password"]


async def test_headers_say_how_to_go_on(client: httpx2.AsyncClient):
    headers = {name: (await client.post(f"/fault/{name}")).headers for name in FAULTS}

    assert headers["unauthenticated"]["www-authenticate"] == "Bearer"
    assert headers["too-many"]["retry-after"] == "3"
    assert int(headers["unavailable"]["retry-after"]) >= 1
    assert headers["teapot"]["x-tea"] == "yes"
    assert "retry-after" not in headers["conflict"]


async def test_a_contract_may_have_statuses_of_its_own(client: httpx2.AsyncClient):
    weak = await client.post("/old/fault/invalid")
    missing = await client.post("/old/fault/unauthenticated")
    other = await client.post("/old/fault/conflict")

    assert weak.status_code == 400
    assert weak.json()["code"] == "password_too_weak"
    assert isinstance(weak.json()["detail"], str)
    assert missing.status_code == 403
    assert other.status_code == 409


def every(kind: type[Exception]) -> set[type[Exception]]:
    found = set(kind.__subclasses__())
    return found.union(*(every(one) for one in found))


def test_every_refusal_has_a_status_and_a_code_of_its_own():
    for module in pkgutil.walk_packages(folkmoot.__path__, "folkmoot."):
        if ".errors" in module.name or ".refusals" in module.name:
            importlib.import_module(module.name)
    concrete = [
        one for one in every(Refusal) | every(Unavailable) | {Unavailable} if one not in KINDS
    ]

    for one in concrete:
        assert one.__module__.startswith("folkmoot")
        assert 400 <= status_of(one.__new__(one)) < 600
        assert one.code == one.code.lower()
        assert one.sentence
    assert len(concrete) > 20


def test_a_status_can_be_told_apart_by_code():
    assert status_of(TokenMissing(), {"token_missing": 400}) == 400
    assert status_of(TokenMissing(), {"other": 400}) == 401
    assert answer_to(TokenMissing(), {"token_missing": 400}).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"name": "\ud800", "age": PASSWORD, "password": PASSWORD},
        {"name": {"\ud800": "\ud800"}, "password": PASSWORD},
        {"name": [PASSWORD], "password": PASSWORD},
        {"\ud800": 1, "password": PASSWORD},
        {"name": "a", "age": 10**400, "password": PASSWORD},
        [PASSWORD],
        PASSWORD,
        None,
    ],
)
async def test_what_a_client_sent_is_never_repeated(client: httpx2.AsyncClient, body: Any):
    answer = await client.post(
        "/body", content=json.dumps(body), headers={"content-type": "application/json"}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert PASSWORD not in answer.text
    for problem in answer.json()["detail"]:
        assert problem.keys() == {"type", "loc", "msg"}


@pytest.mark.parametrize("body", [b"{", b'{"name": }', b"\xff\xfe", b"nul"])
async def test_a_body_that_is_no_json_is_refused_by_the_same_form(
    client: httpx2.AsyncClient, body: bytes
):
    answer = await client.post("/body", content=body, headers={"content-type": "application/json"})

    assert answer.status_code in {400, 422}
    assert answer.json().keys() == {"detail", "code"}


async def test_a_path_or_method_that_is_not_there_is_told_in_the_same_form(
    client: httpx2.AsyncClient,
):
    absent, wrong = await client.get("/nowhere"), await client.get("/body")

    assert (absent.status_code, absent.json()["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "POST"


async def test_an_answer_that_has_no_body_gets_none(client: httpx2.AsyncClient):
    answer = await client.post("/fault/unmodified")

    assert (answer.status_code, answer.content) == (304, b"")


async def test_a_bug_tells_a_number_and_the_log_tells_it_too(
    client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.ERROR):
        answer = await client.post("/fault/bug")

    (record,) = [one for one in caplog.records if one.name == "folkmoot.server.http.refusals"]
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert PASSWORD not in answer.text
    assert "Traceback" not in answer.text
    assert record.request_id in answer.json()["detail"]
    assert answer.headers["x-request-id"] == record.request_id
    assert PASSWORD not in record.getMessage()
