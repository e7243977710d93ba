"""What the logins notes in the audit trail, and that no secret is part of it."""

import pytest

from folkmoot.auth.audit import NoAudit
from folkmoot.auth.email_changes import EmailTokens
from folkmoot.auth.login_limits import AuthRates, LoginRateLimiter
from folkmoot.auth.logins import Logins
from folkmoot.core.accounts.errors import LoginRevoked, WrongPassword
from tests.auth.services import HOME, PASSWORD, SECRET, AuthServices, open_auth_services
from tests.cast import CountingIds


class Noted:
    """An audit trail that remembers."""

    def __init__(self) -> None:
        self.entries: list[dict[str, object]] = []

    def note(self, what, **facts) -> None:
        NoAudit().note(what, **facts)
        self.entries.append({"what": what, **facts})

    @property
    def said(self) -> list[tuple[object, object, object]]:
        return [(each["what"], each.get("account"), each.get("address")) for each in self.entries]


@pytest.fixture
async def services() -> tuple[AuthServices, Noted]:
    services, noted = await open_auth_services(), Noted()

    async def write(job):
        return await services.storage.write(job)

    services.logins = Logins(
        storage=services.storage,
        write=write,
        accounts=services.accounts,
        clock=services.clock,
        ids=CountingIds(process=1),
        tokens=services.tokens,
        passwords=services.passwords,
        email_tokens=EmailTokens(SECRET, services.clock),
        login_rates=LoginRateLimiter(AuthRates(enabled=False), services.clock.monotonic),
        audit=noted,
    )
    return services, noted


async def test_coming_in_and_failing_to_is_noted_with_the_address(services):
    services, noted = services
    await services.enter()
    for name in ("ana", "ANA@example.com", PASSWORD):
        with pytest.raises(WrongPassword):
            await services.login(name, "not that")
    assert noted.said == [
        ("account registered", "ana", HOME),
        ("login", "ana", HOME),
        ("login failed", "ana", HOME),
        ("login failed", "ana", HOME),
        ("login failed", None, HOME),
    ]
    assert PASSWORD not in str(noted.entries)


async def test_a_stolen_refresh_token_is_noted(services):
    services, noted = services
    keys, _ = await services.enter()
    await services.logins.refresh(keys.refresh_token, address=HOME)
    with pytest.raises(LoginRevoked):
        await services.logins.refresh(keys.refresh_token, address=HOME)
    assert noted.said[-1] == ("refresh token used twice, refused", None, HOME)
    assert keys.refresh_token not in str(noted.entries)


async def test_going_out_and_another_password_are_noted(services):
    services, noted = services
    _, caller = await services.enter()
    await services.logins.change_password(caller, current=PASSWORD, new="quite another phrase")
    await services.logins.logout(caller)
    await services.logins.logout_all(caller)
    assert [what for what, _, _ in noted.said[2:]] == [
        "password changed",
        "logout",
        "logout everywhere",
    ]
