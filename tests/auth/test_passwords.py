import asyncio
import threading

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from folkmoot.auth.common_passwords import common_passwords
from folkmoot.auth.errors import TooManyPasswords
from folkmoot.auth.passwords import HashCost, Passwords, check_password
from folkmoot.core.accounts.errors import PasswordTooLong, PasswordTooWeak
from folkmoot.core.shared.texts import TextHasNul, TextNotUnicode
from tests.auth.services import CHEAP

NAMES = ("Ana.Example", "ana@example.com")


@pytest.fixture
def passwords():
    made = Passwords(cost=CHEAP)
    yield made
    made.close()


async def test_a_password_matches_its_own_hash_and_no_other_does(passwords: Passwords):
    hashed = await passwords.hashed("correct horse")

    assert await passwords.matches("correct horse", hashed)
    assert not await passwords.matches("correct horsf", hashed)
    assert not await passwords.matches("", hashed)


async def test_the_same_password_has_another_hash_each_time(passwords: Passwords):
    assert await passwords.hashed("correct horse") != await passwords.hashed("correct horse")


async def test_by_default_a_hash_is_as_costly_as_owasp_advises():
    passwords = Passwords()

    parameters = extract_parameters(await passwords.hashed("correct horse"))

    passwords.close()
    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) >= (19_456, 2, 1)
    assert parameters.salt_len >= 16


async def test_nobody_is_checked_at_the_same_cost_as_somebody(passwords: Passwords):
    somebody = extract_parameters(await passwords.hashed("correct horse"))

    assert extract_parameters(passwords._nobody) == somebody
    assert not await passwords.matches("correct horse", None)


@pytest.mark.parametrize("password", ["ä" * 32, "🐎" * 64, "é" * 128, "x" * 1024])
async def test_a_long_password_counts_to_its_last_byte(passwords: Passwords, password: str):
    hashed = await passwords.hashed(password)

    assert await passwords.matches(password, hashed)
    assert not await passwords.matches(password[:-1] + "~", hashed)


async def test_a_password_is_the_same_from_a_keyboard_that_decomposes(passwords: Passwords):
    hashed = await passwords.hashed("caf\u00e9 au lait")

    assert await passwords.matches("cafe\u0301 au lait", hashed)


def test_what_leaks_count_most_is_among_the_common_passwords():
    assert len(common_passwords()) > 10_000
    assert {"bigbird1", "iloveyou", "welcome1!"} <= common_passwords()


@pytest.mark.parametrize("password", ["x" * 1025, "ü" * 600, "x" * 1_000_000, "abcdefgh\ud800"])
async def test_what_no_account_can_have_is_wrong_without_any_work(password: str):
    passwords = Passwords(cost=CHEAP, workers=1, max_waiting=0)
    passwords._pending = 1  # no room to work on anything

    assert not await passwords.matches(password, "$argon2id$whatever")
    passwords.close()


async def test_a_hash_that_is_damaged_matches_nothing(passwords: Passwords):
    assert not await passwords.matches("correct horse", "not a hash")


async def test_a_hash_of_lesser_parameters_is_outdated(passwords: Passwords):
    hashed = await passwords.hashed("correct horse")
    stronger = Passwords(cost=HashCost(memory_kib=16, passes=1, lanes=1))

    assert not passwords.is_outdated(hashed)
    assert stronger.is_outdated(hashed)
    stronger.close()


async def test_beyond_the_queue_callers_are_refused_at_once_and_the_loop_goes_on():
    passwords = Passwords(cost=CHEAP, workers=1, max_waiting=2)
    authenticator = threading.Event()
    working = [asyncio.ensure_future(passwords._work(authenticator.wait)) for _ in range(3)]
    await asyncio.sleep(0)

    with pytest.raises(TooManyPasswords):
        await passwords.hashed("correct horse")
    authenticator.set()

    assert await asyncio.gather(*working) == [True] * 3
    await passwords.hashed("correct horse")
    passwords.close()


async def test_two_hundred_logins_at_once_do_not_hold_up_the_loop():
    passwords = Passwords(cost=HashCost(memory_kib=1024, passes=1, lanes=1))
    hashed = await passwords.hashed("correct horse")
    checks = [asyncio.ensure_future(passwords.matches("correct horse", hashed)) for _ in range(200)]
    turns_with_work_left = 0
    while not all(check.done() for check in checks):
        await asyncio.sleep(0)
        turns_with_work_left += 1

    # Were one of them done by the loop itself, there would be fewer turns than checks.
    assert turns_with_work_left > len(checks)
    assert all(check.result() for check in checks)
    passwords.close()


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "seven77",
        "password1",
        "PassWord1",
        "12345678",
        "qwertyuiop",
        "trustno1",
        "jennifer1",
        "Arsenal1",
        "butterfly",
        "bigdaddy",
        "aaaaaaaaaaaa",
        "abababababab",
        "ana.example",
        "ANA.EXAMPLE",
        "ana@example.com",
        " password1 ",
        "\uff50assword1",
    ],
)
def test_a_password_that_is_guessed_first_is_refused(password: str):
    with pytest.raises(PasswordTooWeak) as caught:
        check_password(password, field="new_password", names=NAMES)
    assert caught.value.field == "new_password"


@pytest.mark.parametrize("password", ["x" * 1025, "ü" * 513, "y" * 10_000_000])
def test_a_password_of_more_than_1024_bytes_is_refused(password: str):
    with pytest.raises(PasswordTooLong):
        check_password(password, field="password", names=NAMES)


@pytest.mark.parametrize(
    ("password", "refusal"), [("long enough\0", TextHasNul), ("long enough\ud800", TextNotUnicode)]
)
def test_a_password_that_is_no_text_is_refused(password: str, refusal: type[Exception]):
    with pytest.raises(refusal):
        check_password(password, field="password", names=NAMES)


@pytest.mark.parametrize(
    "password", ["TestPassword123", "AdminPassword123", "пароль мой", "a b c d e f g"]
)
def test_a_password_of_eight_unusual_characters_will_do(password: str):
    check_password(password, field="password", names=NAMES)
