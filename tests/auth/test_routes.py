import json
from datetime import timedelta

import httpx2
import pytest

from folkmoot.auth.authenticator import Credentials
from folkmoot.auth.login_limits import AuthRates
from folkmoot.core.accounts.errors import TokenInvalid
from tests.auth.services import PASSWORD, AuthServices, application, client_of, open_auth_services

ANA = {"username": "ana", "email": "ana@example.com", "password": PASSWORD}
ACCOUNT_FIELDS = {
    "id",
    "uid",
    "username",
    "email",
    "full_name",
    "avatar",
    "role",
    "is_active",
    "created_at",
}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def enter(client: httpx2.AsyncClient) -> dict[str, str]:
    """Ana's keys, her account made first."""
    await client.post("/auth/register", json=ANA)
    answer = await client.post("/auth/token", data={"username": "ana", "password": PASSWORD})
    assert answer.status_code == 200
    return answer.json()


# Registering


async def test_registering_answers_with_the_account(client: httpx2.AsyncClient):
    answer = await client.post("/auth/register", json={**ANA, "full_name": "Ana"})

    account = answer.json()
    assert answer.status_code == 201
    assert account.keys() == ACCOUNT_FIELDS
    assert isinstance(account["id"], int)
    assert (account["username"], account["full_name"], account["avatar"]) == ("ana", "Ana", None)
    assert (account["role"], account["is_active"]) == ("user", True)
    assert account["created_at"] == "2026-03-01T12:00:00Z"


PRIVILEGES = {
    "role": "admin",
    "is_admin": True,
    "isAdmin": True,
    "is_active": False,
    "id": 999,
    "uid": "8d3c1a52-5e0f-4f0e-9d1b-3a7e6c1f2b90",
    "tenant": 1,
    "verified": True,
    "created_at": "1970-01-01",
    "password_hash": "$argon2id$",
    "permissions": ["*"],
    "balance": 10**6,
    "account": {"role": "admin"},
    "accounts": [{"role": "admin"}],
}


async def test_no_privilege_can_be_asked_for(client: httpx2.AsyncClient):
    registered = await client.post("/auth/register?role=admin", json={**ANA, **PRIVILEGES})
    keys = (await client.post("/auth/token", data={**ANA, "role": "admin"})).json()
    changed = await client.patch(
        "/auth/me?role=admin",
        json={"full_name": "A", **PRIVILEGES},
        headers=bearer(keys["access_token"]),
    )

    assert registered.status_code == 201
    for account in (registered.json(), changed.json()):
        assert (account["role"], account["is_active"]) == ("user", True)
        assert account["id"] != 999
        assert account["created_at"].startswith("2026-03-01")


async def test_registering_as_a_form_is_refused(client: httpx2.AsyncClient):
    answer = await client.post("/auth/register", data={**ANA, "role": "admin"})

    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"username": "ANA", "email": "other@example.com"}, 409, "username_taken"),
        ({"username": "other", "email": "ANA@example.com"}, 409, "email_taken"),
        ({"username": "-"}, 422, "username_invalid"),
        ({"username": "\u0430na"}, 422, "username_invalid"),
        ({"username": "a\0na"}, 422, "text_has_nul"),
        ({"email": "nonsense"}, 422, "email_invalid"),
        ({"password": "short"}, 422, "password_too_weak"),
        ({"password": "password1"}, 422, "password_too_weak"),
        ({"password": "x" * 1_000_000}, 422, "password_too_long"),
    ],
)
async def test_a_registration_that_cannot_be_is_refused_by_a_code(
    client: httpx2.AsyncClient, changed: dict[str, str], status: int, code: str
):
    await client.post("/auth/register", json=ANA)

    other = {"username": "cy", "email": "cy@example.com", "password": PASSWORD}
    answer = await client.post("/auth/register", json={**other, **changed})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if status == 422:
        assert answer.json()["detail"][0]["loc"] == ["body", next(iter(changed))]


@pytest.mark.parametrize("value", [{"$ne": 1}, ["ana"], True, 5, None, 1.5])
@pytest.mark.parametrize("field", ["username", "email", "password"])
async def test_what_is_no_text_is_refused_and_never_repeated(
    client: httpx2.AsyncClient, field: str, value: object
):
    for path in ("/auth/register", "/api/v1/auth/login"):
        answer = await client.post(path, json={**ANA, field: value})

        if path.endswith("login") and field != "password" and value is None:
            assert answer.status_code == 401
            continue
        assert answer.status_code == 422
        assert answer.json()["code"] == "validation_failed"
        assert answer.json()["detail"][0]["loc"] == ["body", field]
        assert PASSWORD not in answer.text


# Logging in


async def test_both_login_routes_answer_with_the_same_body(client: httpx2.AsyncClient):
    await client.post("/auth/register", json=ANA)
    answers = [
        await client.post("/auth/token", data={"username": "ana", "password": PASSWORD}),
        await client.post(
            "/auth/token",
            data={"username": "Ana@Example.com", "password": PASSWORD, "grant_type": "password"},
        ),
        await client.post("/api/v1/auth/login", json={"email": ANA["email"], "password": PASSWORD}),
        await client.post("/api/v1/auth/login", json={"username": "ANA", "password": PASSWORD}),
        await client.post("/api/v1/auth/login", json={"email": "ana", "password": PASSWORD}),
    ]

    for answer in answers:
        body = answer.json()
        assert answer.status_code == 200
        assert body.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert (body["token_type"], body["expires_in"]) == ("bearer", 180_000)
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        me = await client.get("/auth/me", headers=bearer(body["access_token"]))
        assert me.json()["username"] == "ana"


async def test_an_unknown_account_and_a_wrong_password_look_the_same(client: httpx2.AsyncClient):
    await client.post("/auth/register", json=ANA)
    tries = [("ana", "wrong password"), ("nobody", "wrong password"), ("nobody", PASSWORD)]
    forms = [
        await client.post("/auth/token", data={"username": name, "password": password})
        for name, password in tries
    ]
    bodies = [
        await client.post("/api/v1/auth/login", json={"username": name, "password": password})
        for name, password in tries
    ]

    answers = [*forms, *bodies]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.text for answer in answers} == {
        '{"detail":"The username or the password is wrong.","code":"wrong_credentials"}'
    }
    assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1
    assert answers[0].headers["www-authenticate"] == "Bearer"


async def test_a_deactivated_account_is_told_so_once_it_has_proven_itself(
    client: httpx2.AsyncClient, services: AuthServices
):
    await services.deactivate(await services.register())

    right = await client.post("/auth/token", data={"username": "ana", "password": PASSWORD})
    wrong = await client.post("/auth/token", data={"username": "ana", "password": "wrong"})

    assert (right.status_code, right.json()["code"]) == (403, "account_inactive")
    assert wrong.status_code == 401


async def test_a_login_without_a_name_is_refused(client: httpx2.AsyncClient):
    answer = await client.post("/api/v1/auth/login", json={"password": PASSWORD})

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert PASSWORD not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b'{"username": "ana", "password": "\\ud800"}',
        b'{"username": "ana", "password": NaN}',
        b'{"username": "\xff", "password": "x"}',
        b'{"username": ' + b"[" * 50_000,
        b'{"username": ' + b"9" * 10_000 + b"}",
        b"{",
        b"",
        b"null",
        b"[]",
        b'"ana"',
    ],
)
async def test_a_malformed_body_is_422_and_never_500(client: httpx2.AsyncClient, body: bytes):
    for path in ("/auth/register", "/api/v1/auth/login", "/auth/refresh"):
        answer = await client.post(path, content=body, headers={"content-type": "application/json"})

        assert answer.status_code == 422
        assert answer.json()["code"] in {"json_invalid", "validation_failed"}


@pytest.mark.parametrize("name", ["%00", "%ED%A0%80", "%FF", "a%00b", "%F0%9F%90%8E"])
async def test_a_form_with_odd_bytes_is_a_wrong_name(client: httpx2.AsyncClient, name: str):
    answer = await client.post(
        "/auth/token",
        content=f"username={name}&password={name}".encode(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )

    assert answer.status_code == 401


async def test_json_that_says_it_is_text_is_refused(client: httpx2.AsyncClient):
    """So no form of a foreign page can send it without a preflight."""
    body = json.dumps({"username": "ana", "password": PASSWORD})
    await client.post("/auth/register", json=ANA)

    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        headers = {"content-type": kind} if kind else {}
        answer = await client.post("/api/v1/auth/login", content=body, headers=headers)
        assert answer.status_code == 422


async def test_too_many_attempts_are_told_when_to_come_back():
    services = await open_auth_services(rates=AuthRates())
    app = application(services)
    async with client_of(app) as client, client_of(app, address="198.51.100.7") as elsewhere:
        await client.post("/auth/register", json=ANA)
        wrong = {"username": "ana", "password": "wrong password"}
        right = {"username": "ana", "password": PASSWORD}
        spoofed = [{"X-Forwarded-For": f"10.0.0.{n}", "X-Real-IP": "10.1.1.1"} for n in range(20)]
        statuses = [
            (await client.post("/auth/token", data=wrong, headers=one)).status_code
            for one in spoofed
        ]

        refused = await client.post("/auth/token", data=right)

        assert statuses == [401] * 10 + [429] * 10
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert (await elsewhere.post("/auth/token", data=right)).status_code == 200


async def test_when_the_password_threads_are_busy_one_is_asked_to_come_back(
    client: httpx2.AsyncClient, services: AuthServices
):
    services.passwords._most = 0

    answer = await client.post("/auth/token", data={"username": "ana", "password": PASSWORD})

    assert (answer.status_code, answer.json()["code"]) == (503, "too_busy")
    assert "retry-after" in answer.headers


# Cookies


async def test_a_cookie_is_set_on_request_only_and_no_script_can_read_it(
    client: httpx2.AsyncClient,
):
    await client.post("/auth/register", json=ANA)
    form = {"username": "ana", "password": PASSWORD}
    answers = [
        await client.post("/api/v1/auth/login", json={**form, "set_cookie": True}),
        await client.post("/api/v1/auth/login?cookie=1", json=form),
        await client.post("/auth/token?cookie=1", data=form),
        await client.post("/auth/token", data={**form, "set_cookie": "true"}),
    ]

    for answer in answers:
        name, *attributes = answer.headers["set-cookie"].split("; ")
        assert name == f"folkmoot_login={answer.json()['access_token']}"
        assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=180000"} <= set(attributes)
        assert not any(one.startswith("Domain") for one in attributes)


async def test_over_https_the_cookie_is_bound_to_this_host(services: AuthServices):
    await services.register()
    async with client_of(application(services), base_url="https://chat.example") as client:
        form = {"username": "ana", "password": PASSWORD, "set_cookie": True}
        answer = await client.post("/api/v1/auth/login", json=form)

    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("__Host-folkmoot_login=")
    assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= set(attributes)


async def test_with_the_cookie_one_may_look_and_do_from_the_same_origin_only(
    client: httpx2.AsyncClient,
):
    await enter(client)
    await client.post("/auth/token?cookie=1", data={"username": "ana", "password": PASSWORD})
    body = {"full_name": "Ana II"}
    own, evil = {"Origin": "http://chat.example"}, {"Origin": "http://evil.example"}

    looked = await client.get("/auth/me")
    unsaid = await client.patch("/auth/me", json=body)
    foreign = await client.patch("/auth/me", json=body, headers=evil)
    from_null = await client.post("/auth/logout-all", headers={"Origin": "null"})
    done = await client.patch("/auth/me", json=body, headers=own)

    assert looked.status_code == 200
    for refused in (unsaid, foreign, from_null):
        assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")
    assert done.json()["full_name"] == "Ana II"


async def test_no_foreign_page_logs_its_reader_in(client: httpx2.AsyncClient):
    await client.post("/auth/register", json=ANA)
    form = {"username": "ana", "password": PASSWORD}
    evil = {"Origin": "https://evil.example"}

    refused = await client.post("/auth/token?cookie=1", data=form, headers=evil)
    without = await client.post("/auth/token", data=form, headers=evil)

    assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)
    assert without.status_code == 200


async def test_logging_out_takes_the_cookie_away(client: httpx2.AsyncClient):
    await enter(client)
    await client.post("/auth/token?cookie=1", data={"username": "ana", "password": PASSWORD})

    answer = await client.post("/auth/logout", headers={"Origin": "http://chat.example"})

    assert answer.status_code == 204
    assert "folkmoot_login" not in client.cookies
    assert (await client.get("/auth/me")).status_code == 401


# Being in


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/auth/me"),
        ("PATCH", "/auth/me"),
        ("POST", "/auth/logout"),
        ("POST", "/auth/logout-all"),
        ("POST", "/auth/password"),
        ("POST", "/auth/ws-ticket"),
    ],
)
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "token_missing"),
        (bearer("nonsense"), "token_invalid"),
        (bearer("eyJhbGciOiJub25lIn0.e30."), "token_invalid"),
        ({"Authorization": "Basic dTpw"}, "token_missing"),
    ],
)
async def test_without_a_good_token_everything_else_is_401(
    client: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str], code: str
):
    body = {"current_password": "x", "new_password": "y"}
    answer = await client.request(method, path, json=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_one_changes_how_one_is_shown(client: httpx2.AsyncClient):
    own = bearer((await enter(client))["access_token"])
    pieces = [
        {"full_name": "  Ana  II "},
        {"avatar": "https://example.com/a.png"},
        {"email": "Ana@Example.com"},
        {},
    ]
    for piece in pieces:
        assert (await client.patch("/auth/me", json=piece, headers=own)).status_code == 200
    whole = (await client.get("/auth/me", headers=own)).json()
    cleared = await client.patch("/auth/me", json={"full_name": None, "avatar": None}, headers=own)

    assert (whole["full_name"], whole["avatar"]) == ("Ana  II", "https://example.com/a.png")
    assert whole["email"] == "Ana@Example.com"
    assert (cleared.json()["full_name"], cleared.json()["avatar"]) == ("", None)
    assert cleared.json()["email"] == "Ana@Example.com"


async def test_a_profile_that_cannot_be_is_refused(
    client: httpx2.AsyncClient, services: AuthServices
):
    own = bearer((await enter(client))["access_token"])
    await services.register("bo")

    for body, status, code in (
        ({"email": "BO@example.com"}, 422, "current_password_wrong"),
        ({"email": "nonsense"}, 422, "email_invalid"),
        ({"email": None}, 422, "text_empty"),
        ({"full_name": "x" * 201}, 422, "text_too_long"),
        ({"full_name": "a\0"}, 422, "text_has_nul"),
        ({"full_name": "\u2800"}, 422, "text_empty"),
        ({"full_name": "\u202e\u200b"}, 422, "text_empty"),
        ({"avatar": "x" * 2001}, 422, "text_too_long"),
        ({"avatar": {"url": "x"}}, 422, "validation_failed"),
        ({"avatar": "javascript:alert(1)"}, 422, "avatar_invalid"),
        ({"avatar": "data:text/html,x"}, 422, "avatar_invalid"),
        ({"avatar": "//example.com/a.png"}, 422, "avatar_invalid"),
        ({"avatar": "https:///a.png"}, 422, "avatar_invalid"),
        ({"avatar": "https://example.com/a b"}, 422, "avatar_invalid"),
        ({"avatar": "https://example.com@evil.example/a"}, 422, "avatar_invalid"),
        ({"avatar": "https://example.com\\@evil.example/a"}, 422, "avatar_invalid"),
    ):
        answer = await client.patch("/auth/me", json=body, headers=own)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_logging_out_ends_this_login_at_once(client: httpx2.AsyncClient):
    first, second = await enter(client), await enter(client)

    answer = await client.post("/auth/logout", headers=bearer(first["access_token"]))

    assert (answer.status_code, answer.content) == (204, b"")
    refused = await client.get("/auth/me", headers=bearer(first["access_token"]))
    assert (refused.status_code, refused.json()["code"]) == (401, "login_revoked")
    assert (await client.get("/auth/me", headers=bearer(second["access_token"]))).is_success


async def test_logging_out_everywhere_ends_all_of_them(client: httpx2.AsyncClient):
    first, second = await enter(client), await enter(client)

    await client.post("/auth/logout-all", headers=bearer(first["access_token"]))

    for keys in (first, second):
        assert (
            await client.get("/auth/me", headers=bearer(keys["access_token"]))
        ).status_code == 401
        body = {"refresh_token": keys["refresh_token"]}
        assert (await client.post("/auth/refresh", json=body)).status_code == 401


async def test_a_refresh_token_works_once_and_its_reuse_ends_the_login(client: httpx2.AsyncClient):
    keys = await enter(client)
    body = {"refresh_token": keys["refresh_token"]}

    renewed = await client.post("/auth/refresh", json=body)
    reused = await client.post("/auth/refresh", json=body)

    assert renewed.json().keys() == keys.keys()
    assert (reused.status_code, reused.json()["code"]) == (401, "login_revoked")
    token = renewed.json()["access_token"]
    assert (await client.get("/auth/me", headers=bearer(token))).status_code == 401


async def test_an_expired_token_can_be_refreshed(
    client: httpx2.AsyncClient, services: AuthServices
):
    keys = await enter(client)
    services.clock.pass_by(timedelta(minutes=3000))

    expired = await client.get("/auth/me", headers=bearer(keys["access_token"]))
    renewed = await client.post("/auth/refresh", json={"refresh_token": keys["refresh_token"]})

    assert (expired.status_code, expired.json()["code"]) == (401, "token_expired")
    assert (await client.get("/auth/me", headers=bearer(renewed.json()["access_token"]))).is_success


async def test_one_changes_the_password_by_knowing_it(client: httpx2.AsyncClient):
    own = bearer((await enter(client))["access_token"])
    new = "another long phrase"

    wrong = await client.post(
        "/auth/password", json={"current_password": "x", "new_password": new}, headers=own
    )
    weak = await client.post(
        "/auth/password", json={"current_password": PASSWORD, "new_password": "x"}, headers=own
    )
    done = await client.post(
        "/auth/password", json={"current_password": PASSWORD, "new_password": new}, headers=own
    )

    assert (wrong.status_code, wrong.json()["code"]) == (422, "current_password_wrong")
    assert (weak.status_code, weak.json()["code"]) == (422, "password_too_weak")
    assert done.status_code == 204
    assert (await client.post("/auth/token", data={"username": "ana", "password": new})).is_success


async def test_a_ticket_is_given_for_a_minute_and_counts_for_sockets_only(
    client: httpx2.AsyncClient, services: AuthServices
):
    own = bearer((await enter(client))["access_token"])

    answer = await client.post("/auth/ws-ticket", headers=own)

    assert answer.json().keys() == {"ticket", "expires_in"}
    assert answer.json()["expires_in"] == 60
    shown = {"ticket": answer.json()["ticket"]}
    for call in ("GET /auth/me", "POST /auth/ws-ticket", "POST /auth/logout"):
        refused = await client.request(*call.split(), params=shown)
        assert (refused.status_code, refused.json()["code"]) == (401, "token_missing")
    await services.authenticator.caller(Credentials(**shown, is_socket=True))
    with pytest.raises(TokenInvalid):
        await services.authenticator.caller(Credentials(**shown, is_socket=True))


async def test_a_fault_of_ours_tells_nothing(client: httpx2.AsyncClient, services: AuthServices):
    await enter(client)
    await services.storage.close()

    answer = await client.post("/auth/token", data={"username": "ana", "password": PASSWORD})

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


# The document


async def test_every_route_is_described_with_its_refusals(client: httpx2.AsyncClient):
    document = (await client.get("/openapi.json")).json()
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]

    assert len(operations) == 11
    for path, method, operation in operations:
        call = f"{method} {path}"
        assert operation["summary"], call
        assert operation["description"], call
        assert "429" in operation["responses"], call
        for status, answer in operation["responses"].items():
            examples = answer.get("content", {}).get("application/json", {}).get("examples", {})
            assert status < "400" or examples or "HTTPValidationError" in str(answer), call
            for code, example in examples.items():
                assert example["value"]["code"] == code
                assert "{" not in str(example["value"]["detail"]).replace("{'", ""), code
