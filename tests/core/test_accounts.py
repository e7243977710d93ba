"""Rules of accounts and logins."""

from datetime import timedelta

import pytest

from folkmoot.core.accounts.errors import (
    AccountInactive,
    EmailInvalid,
    EmailTaken,
    LastAdmin,
    LoginRevoked,
    NoSuchAccount,
    UsernameInvalid,
)
from folkmoot.core.accounts.events import AccountChanged, AccountDeactivated, LoginsEnded
from folkmoot.core.accounts.model import AccountName, Login, Role, username_key
from folkmoot.core.shared.ids import Uid
from folkmoot.core.shared.refusals import Refusal
from folkmoot.core.shared.texts import TextEmpty, TextHasNul, TextNotUnicode, TextTooLong
from tests.cast import NOON, Cast

DAY = timedelta(days=1)


async def login(cast: Cast) -> Login:
    return await cast.do(cast.accounts.start_login, cast.ana, lasting=DAY)


@pytest.mark.parametrize("username", ["ana", "Ana_B", "a.b-c", "x1", "a" * 64, " trimmed "])
def test_a_username_has_letters_digits_and_a_little_more(cast: Cast, username: str) -> None:
    assert cast.accounts.draft(username=username, email="x@y.org").username == username.strip()


@pytest.mark.parametrize(
    ("username", "refusal"),
    [
        ("a", UsernameInvalid),
        ("", TextEmpty),
        ("a" * 65, TextTooLong),
        ("12345", UsernameInvalid),
        ("00000000-0000-7000-8000-000000000001", UsernameInvalid),
        ("ana b", UsernameInvalid),
        (".ana", UsernameInvalid),
        ("ana-", UsernameInvalid),
        ("аna", UsernameInvalid),  # noqa: RUF001 - the first letter is Cyrillic
        ("assistant", UsernameInvalid),
        ("System", UsernameInvalid),
        ("ana\0", TextHasNul),
        ("ana\ud800", TextNotUnicode),
    ],
)
def test_a_username_that_could_be_mistaken_is_refused(
    cast: Cast, username: str, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        cast.accounts.draft(username=username, email="x@y.org")


@pytest.mark.parametrize(
    "email", ["ana", "ana@", "@example.com", "a b@example.com", "a@b..c", "a@b@c", "<a>@b.c"]
)
def test_what_has_not_the_form_of_an_email_is_refused(cast: Cast, email: str) -> None:
    with pytest.raises(EmailInvalid):
        cast.accounts.draft(username="dot", email=email)


def test_a_username_has_one_key_in_every_spelling() -> None:
    assert username_key("ANA") == username_key("ana") == username_key("ａｎａ")  # noqa: RUF001 - wide is meant


def test_a_secret_is_in_no_representation(cast: Cast) -> None:
    new = cast.accounts.draft(username="dot", email="x@y.org", password_hash="a hash")

    assert "a hash" not in repr(new)


async def test_accounts_are_found_by_number_uid_and_username_in_the_order_asked(
    cast: Cast,
) -> None:
    names = [cast.bo.id, cast.ana.uid.upper(), "BO", cast.cy.id]

    found = await cast.do(cast.accounts.find, [AccountName(name) for name in names])

    assert found == [cast.bo, cast.ana, cast.bo, cast.cy]


async def test_the_first_name_that_means_nobody_is_named(cast: Cast) -> None:
    with pytest.raises(NoSuchAccount) as refused:
        await cast.do(cast.accounts.find, [AccountName("ana"), AccountName("x"), AccountName(7)])

    assert refused.value.facts == {"account": "x"}


async def test_a_profile_changes_as_far_as_it_says_and_others_are_told(cast: Cast) -> None:
    changed = await cast.do(
        cast.accounts.change_profile, cast.ana.id, full_name=" Ana Banana ", avatar="/a.png"
    )

    assert (changed.full_name, changed.avatar, changed.email) == (
        "Ana Banana",
        "/a.png",
        "ana@example.com",
    )
    assert cast.events == [AccountChanged(changed.person)]


async def test_an_email_of_somebody_else_is_refused(cast: Cast) -> None:
    with pytest.raises(EmailTaken):
        await cast.do(cast.accounts.change_profile, cast.ana.id, email="BO@example.com")


async def test_a_new_role_ends_the_logins_that_carry_the_old_one(cast: Cast) -> None:
    before = await login(cast)

    changed = await cast.do(cast.accounts.set_role, cast.ana.id, Role.AGENT)

    assert changed.role is Role.AGENT
    assert cast.events == [
        AccountChanged(changed.person),
        LoginsEnded(cast.ana.id, frozenset({before.id})),
    ]
    with pytest.raises(LoginRevoked):
        await cast.do(cast.accounts.holder, before.id)


async def test_an_account_that_is_switched_off_is_out_and_stays_out(cast: Cast) -> None:
    before = await login(cast)

    off = await cast.do(cast.accounts.deactivate, cast.ana.id)

    assert not off.is_active
    assert cast.events == [
        LoginsEnded(cast.ana.id, frozenset({before.id})),
        AccountDeactivated(cast.ana.id),
    ]
    with pytest.raises(AccountInactive):
        await cast.do(cast.accounts.start_login, off, lasting=DAY)


async def test_the_last_admin_stays_one(cast: Cast) -> None:
    dot = await cast.account("dot", Role.ADMIN)

    with pytest.raises(LastAdmin):
        await cast.do(cast.accounts.set_role, dot.id, Role.USER)
    with pytest.raises(LastAdmin):
        await cast.do(cast.accounts.deactivate, dot.id)

    await cast.account("eve", Role.ADMIN)
    await cast.do(cast.accounts.set_role, dot.id, Role.USER)


async def test_an_account_that_is_not_there_cannot_be_switched_off(cast: Cast) -> None:
    with pytest.raises(NoSuchAccount):
        await cast.do(cast.accounts.deactivate, 404)


async def test_a_new_password_ends_every_login_but_the_one_that_asked(cast: Cast) -> None:
    asking, other = await login(cast), await login(cast)

    await cast.do(cast.accounts.set_password, cast.ana.id, "fresh hash", keep=asking.id)

    assert cast.events == [LoginsEnded(cast.ana.id, frozenset({other.id}))]
    account, found = await cast.do(cast.accounts.holder, asking.id)
    assert (account, found) == (cast.ana, asking)
    assert await cast.see(lambda work: work.accounts.password_hash(cast.ana.id)) == "fresh hash"


async def test_ending_no_login_is_told_to_nobody(cast: Cast) -> None:
    await cast.do(cast.accounts.end_logins, cast.ana.id)

    assert cast.events == []


async def test_a_login_holds_until_its_time_is_over(cast: Cast) -> None:
    started = await login(cast)
    assert (started.created_at, started.expires_at) == (NOON, NOON + DAY)

    cast.clock.pass_by(DAY - timedelta(microseconds=1))
    await cast.do(cast.accounts.holder, started.id)
    cast.clock.pass_by(timedelta(microseconds=1))

    with pytest.raises(LoginRevoked):
        await cast.do(cast.accounts.holder, started.id)


async def test_a_login_that_never_was_holds_nothing(cast: Cast) -> None:
    with pytest.raises(LoginRevoked):
        await cast.do(cast.accounts.holder, Uid("no such"))
