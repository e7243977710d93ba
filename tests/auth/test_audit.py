"""What the door notes in the audit trail, and that no secret is part of it."""

import pytest

from folkmoot.auth.audit import NoAudit
from folkmoot.auth.login_limits import AuthRates, LoginRateLimiter
from folkmoot.auth.logins import Logins
from folkmoot.core.accounts.errors import LoginRevoked, WrongPassword
from tests.auth.components import HOME, PASSWORD, Premises, open_premises
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
async def services() -> tuple[Premises, Noted]:
    components, noted = await open_premises(), Noted()

    async def write(job):
        return await components.storage.write(job)

    components.door = Logins(
        storage=components.storage,
        write=write,
        accounts=components.accounts,
        clock=components.clock,
        ids=CountingIds(services=1),
        tokens=components.tokens,
        passwords=components.passwords,
        login_rates=LoginRateLimiter(AuthRates(enabled=False), components.clock.monotonic),
        audit=noted,
    )
    return components, noted


async def test_coming_in_and_failing_to_is_noted_with_the_address(services):
    components, noted = services
    await components.enter()
    for name in ("ana", "ANA@example.com", PASSWORD):
        with pytest.raises(WrongPassword):
            await components.login(name, "not that")
    assert noted.said == [
        ("account registered", "ana", HOME),
        ("login", "ana", HOME),
        ("login failed", "ana", HOME),
        ("login failed", "ana", HOME),
        ("login failed", None, HOME),
    ]
    assert PASSWORD not in str(noted.entries)


async def test_a_stolen_refresh_token_is_noted(services):
    components, noted = services
    keys, _ = await components.enter()
    await components.door.refresh(keys.refresh_token, address=HOME)
    with pytest.raises(LoginRevoked):
        await components.door.refresh(keys.refresh_token, address=HOME)
    assert noted.said[-1] == ("refresh token used twice, refused", None, HOME)
    assert keys.refresh_token not in str(noted.entries)


async def test_going_out_and_another_password_are_noted(services):
    components, noted = services
    _, caller = await components.enter()
    await components.door.change_password(caller, current=PASSWORD, new="quite another phrase")
    await components.door.logout(caller)
    await components.door.logout_all(caller)
    assert [what for what, _, _ in noted.said[2:]] == [
        "password changed",
        "logout",
        "logout everywhere",
    ]
