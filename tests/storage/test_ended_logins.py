"""A login that was revoked is remembered for as long as its token would have been good."""

from datetime import timedelta

from folkmoot.core.accounts.model import Login
from folkmoot.core.work import UnitOfWork
from tests.cast import NOON, Cast

HOUR = timedelta(hours=1)


async def test_a_revoked_login_is_forgotten_when_it_would_have_expired(cast: Cast) -> None:
    login = Login(cast.ids.uid(), cast.ana.id, NOON, NOON + 2 * HOUR)
    revoked_at = NOON + timedelta(minutes=1)

    async def forgotten(work: UnitOfWork) -> list[object]:
        await work.logins.add(login)
        await work.logins.revoke([login.id], revoked_at)
        return [
            await work.logins.forget_ended(NOON + HOUR),
            await work.logins.get(login.id),
            await work.logins.forget_ended(NOON + 3 * HOUR),
            await work.logins.get(login.id),
        ]

    before, known, after, gone = await cast.storage.write(forgotten)

    assert (before, after, gone) == (0, 1, None)
    assert isinstance(known, Login)
    assert known.revoked_at == revoked_at
