"""Another e-mail address: asked for with the password, confirmed from there, telling nothing."""

from datetime import timedelta

import httpx2

from tests.auth.services import PASSWORD, AuthServices

ANA = {"username": "ana", "email": "ana@example.com", "password": PASSWORD}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def enter(client: httpx2.AsyncClient) -> dict[str, str]:
    """Ana's keys, her account made first."""
    await client.post("/auth/register", json=ANA)
    answer = await client.post("/auth/token", data={"username": "ana", "password": PASSWORD})
    tokens: dict[str, str] = answer.json()
    return tokens


async def test_another_address_is_had_once_it_was_confirmed_from_there(
    client: httpx2.AsyncClient, services: AuthServices
):
    own = bearer((await enter(client))["access_token"])
    body = {"email": "new@example.com", "current_password": PASSWORD, "full_name": "Ana II"}

    asked = await client.patch("/auth/me", json=body, headers=own)
    before = (await client.get("/auth/me", headers=own)).json()
    ((to, token),) = services.letters
    confirmed = await client.post("/auth/email", json={"token": token})
    again = await client.post("/auth/email", json={"token": token})

    assert (asked.status_code, asked.json()["pending_email"]) == (200, "new@example.com")
    assert (before["email"], before["full_name"], to) == (ANA["email"], "Ana II", "new@example.com")
    assert (confirmed.status_code, confirmed.json()["email"]) == (200, "new@example.com")
    assert (again.status_code, again.json()["code"]) == (401, "token_invalid")
    assert (await services.login("new@example.com")).access_token


async def test_another_address_asks_for_the_password(
    client: httpx2.AsyncClient, services: AuthServices
):
    own = bearer((await enter(client))["access_token"])

    for given in ({}, {"current_password": "a wrong phrase"}, {"current_password": ""}):
        body = {"email": "new@example.com", "full_name": "Ana II", **given}
        answer = await client.patch("/auth/me", json=body, headers=own)
        assert (answer.status_code, answer.json()["code"]) == (422, "current_password_wrong")
    assert services.letters == []
    assert (await client.get("/auth/me", headers=own)).json()["full_name"] == ""


async def test_nobody_learns_whether_others_have_an_address(
    client: httpx2.AsyncClient, services: AuthServices
):
    """The answer is the same, and so is what the server does for it."""
    own = bearer((await enter(client))["access_token"])
    await services.register("bo")
    answers, costs = [], []

    for email in ("BO@example.com", "no@example.com"):
        before = services.storage.reads, services.storage.writes
        body = {"email": email, "current_password": PASSWORD}
        answer = await client.patch("/auth/me", json=body, headers=own)
        answers.append((answer.status_code, {**answer.json(), "pending_email": "?"}))
        costs.append((services.storage.reads - before[0], services.storage.writes - before[1]))

    assert answers[0] == answers[1]
    assert answers[0][0] == 200
    assert costs[0] == costs[1]
    taken = await client.post("/auth/email", json={"token": services.letters[0][1]})
    assert (taken.status_code, taken.json()["code"]) == (409, "email_taken")


async def test_a_token_of_another_kind_or_out_of_time_confirms_nothing(
    client: httpx2.AsyncClient, services: AuthServices
):
    tokens = await enter(client)
    own = bearer(tokens["access_token"])
    body = {"email": "new@example.com", "current_password": PASSWORD}
    await client.patch("/auth/me", json=body, headers=own)
    token = services.letters[0][1]

    for wrong in (tokens["access_token"], tokens["refresh_token"], token[:-2], "", "a.b.c"):
        answer = await client.post("/auth/email", json={"token": wrong})
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert (await client.get("/auth/me", headers=bearer(token))).status_code == 401
    services.clock.pass_by(timedelta(hours=25))
    late = await client.post("/auth/email", json={"token": token})
    assert (late.status_code, late.json()["code"]) == (401, "token_expired")
