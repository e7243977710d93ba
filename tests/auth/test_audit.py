"""What the door notes in the audit trail, and that no secret is part of it."""

import pytest

from folkmoot.auth.audit import NoAudit
from folkmoot.auth.door import Door
from folkmoot.auth.limits import AuthRates, Turnstile
from folkmoot.core.accounts.errors import LoginRevoked, WrongPassword
from tests.auth.premises import HOME, PASSWORD, Premises, open_premises
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
async def house() -> tuple[Premises, Noted]:
    premises, noted = await open_premises(), Noted()

    async def write(job):
        return await premises.storage.write(job)

    premises.door = Door(
        storage=premises.storage,
        write=write,
        accounts=premises.accounts,
        clock=premises.clock,
        ids=CountingIds(house=1),
        tokens=premises.tokens,
        passwords=premises.passwords,
        turnstile=Turnstile(AuthRates(enabled=False), premises.clock.monotonic),
        audit=noted,
    )
    return premises, noted


async def test_coming_in_and_failing_to_is_noted_with_the_address(house):
    premises, noted = house
    await premises.enter()
    for name in ("ana", "ANA@example.com", PASSWORD):
        with pytest.raises(WrongPassword):
            await premises.login(name, "not that")
    assert noted.said == [
        ("account registered", "ana", HOME),
        ("login", "ana", HOME),
        ("login failed", "ana", HOME),
        ("login failed", "ana", HOME),
        ("login failed", None, HOME),
    ]
    assert PASSWORD not in str(noted.entries)


async def test_a_stolen_refresh_token_is_noted(house):
    premises, noted = house
    keys, _ = await premises.enter()
    await premises.door.refresh(keys.refresh_token, address=HOME)
    with pytest.raises(LoginRevoked):
        await premises.door.refresh(keys.refresh_token, address=HOME)
    assert noted.said[-1] == ("refresh token used twice, refused", None, HOME)
    assert keys.refresh_token not in str(noted.entries)


async def test_going_out_and_another_password_are_noted(house):
    premises, noted = house
    _, caller = await premises.enter()
    await premises.door.change_password(caller, current=PASSWORD, new="quite another phrase")
    await premises.door.logout(caller)
    await premises.door.logout_all(caller)
    assert [what for what, _, _ in noted.said[2:]] == [
        "password changed",
        "logout",
        "logout everywhere",
    ]
