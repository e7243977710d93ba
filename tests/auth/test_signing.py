import secrets
import stat
import threading
from pathlib import Path

import pytest

from folkmoot.auth.signing import WeakSecret, digest, load_secret


def test_a_secret_is_made_once_and_kept_for_its_owner_only(tmp_path: Path):
    first = load_secret(tmp_path)

    assert load_secret(tmp_path) == first
    assert len(first) >= 48
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_two_servers_have_different_secrets(tmp_path: Path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()

    assert load_secret(tmp_path / "one") != load_secret(tmp_path / "other")


def test_many_starters_at_once_agree_on_one_secret(tmp_path: Path):
    found: list[bytes] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        barrier.wait()
        found.append(load_secret(tmp_path))

    starters = [threading.Thread(target=start) for _ in range(8)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()

    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_secret_that_others_could_read_is_closed_to_them(tmp_path: Path):
    load_secret(tmp_path)
    (tmp_path / "secret").chmod(0o644)

    load_secret(tmp_path)

    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_secret_that_was_cut_short_is_refused(tmp_path: Path):
    (tmp_path / "secret").write_bytes(b"")

    with pytest.raises(WeakSecret, match="secret"):
        load_secret(tmp_path)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "secret",
        "x" * 31,
        "x" * 64,
        "ab" * 32,
        "0123456789abcdef" * 4,
        "your-256-bit-secret-your-256-bit-secret",
        "a-string-secret-at-least-256-bits-long",
        "your-secret-key-change-in-production",
        "CHANGE_ME_CHANGE_ME_please_change_me!",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    ],
)
def test_a_weak_secret_set_by_hand_is_refused_in_one_sentence(tmp_path: Path, given: str):
    with pytest.raises(WeakSecret) as caught:
        load_secret(tmp_path, given)

    text = str(caught.value)
    assert text.startswith("FOLKMOOT_SECRET is too weak")
    assert not given or given not in text
    assert list(tmp_path.iterdir()) == []


def test_random_secrets_of_every_usual_form_are_taken(tmp_path: Path):
    forms = (secrets.token_hex, secrets.token_urlsafe)
    for given in [form(32) for form in forms for _ in range(200)]:
        assert load_secret(tmp_path, given) == given.encode()


def test_a_digest_tells_nothing_and_is_always_the_same():
    assert digest("secret-1") == digest("secret-1") != digest("secret-2")
    assert len(digest("\ud800")) == 32
