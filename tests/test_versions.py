"""What may be installed: floors below which known holes are, and packages that are never used.

The floors are those of the assurance programme, section (e). npm's packages are the peers of tests
and benchmarks; nothing of them is in the server.
"""

import json
import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))

FLOORS = {
    "fastapi": "0.109.1",
    "h11": "0.16",
    "python-multipart": "0.0.32",
    "starlette": "1.3.1",
    "uvicorn": "0.54",
    "websockets": "10",
}
FLOORS_WHERE_USED = {
    "pyjwt": "2.4",
    "python-socketio": "5.14",  # the release that brought JSON for pickle on its bus
}
NPM_LOCKS = sorted(
    [*ROOT.glob("tests/**/package-lock.json"), *ROOT.glob("benchmarks/**/package-lock.json")]
)
NPM_FLOORS = {"engine.io": "6.6.10", "socket.io-parser": "4.2.7"}
FORBIDDEN = [
    "apscheduler",
    "arq",
    "fastapi-users",
    "granian",  # panics on SIGTERM with open sockets
    "litellm",
    "motor",
    "python-jose",  # algorithm confusion; joserfc instead
    "slowapi",
]


def pinned(lock: Path) -> dict[str, Version]:
    """Name to version, of every package in a lock."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", lock.read_text(), re.MULTILINE)
    return {canonicalize_name(name): Version(pin) for name, pin in pins}


def installed(name: str) -> Version | None:
    try:
        return Version(version(name))
    except PackageNotFoundError:
        return None


def asked_for(*groups: str) -> list[Requirement]:
    """What pyproject.toml asks for: the project's own dependencies and those of the groups."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = list(table["project"]["dependencies"])
    for group in groups:
        lines += table["dependency-groups"][group]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize(("name", "floor"), FLOORS.items())
def test_what_is_installed_is_above_the_known_holes(name, floor):
    found = installed(name)

    assert found is not None
    assert found >= Version(floor)


@pytest.mark.parametrize(("name", "floor"), FLOORS.items())
@pytest.mark.parametrize("lock", ["run", "dev"])
def test_what_is_pinned_is_above_the_known_holes(lock, name, floor):
    assert pinned(ROOT / "requirements" / f"{lock}.txt")[name] >= Version(floor)


@pytest.mark.parametrize(("name", "floor"), FLOORS_WHERE_USED.items())
def test_what_need_not_be_there_is_above_the_known_holes_where_it_is(name, floor):
    found = [installed(name), *(pinned(lock).get(name) for lock in LOCKS)]

    assert all(each >= Version(floor) for each in found if each is not None)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_forbidden_package_is_in_no_lock(name):
    assert [lock.name for lock in LOCKS if name in pinned(lock)] == []


@pytest.mark.parametrize(
    ("lock", "groups"), [("run", ["build"]), ("dev", ["build", "test", "gates", "bench"])]
)
def test_the_lock_holds_what_pyproject_asks_for(lock, groups):
    pins = pinned(ROOT / "requirements" / f"{lock}.txt")
    stale = [
        str(wanted)
        for wanted in asked_for(*groups)
        if (pin := pins.get(canonicalize_name(wanted.name))) is None or pin not in wanted.specifier
    ]

    assert stale == [], "run `make lock`"


def test_both_locks_agree():
    run, dev = (pinned(ROOT / "requirements" / f"{name}.txt") for name in ("run", "dev"))

    assert run.items() <= dev.items(), "run `make lock`"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_pin_of_a_lock_has_a_hash(lock):
    blocks = re.split(r"^(?=[A-Za-z0-9])", lock.read_text(), flags=re.MULTILINE)[1:]

    names = {canonicalize_name(re.split(r"[\[=]", block, maxsplit=1)[0]) for block in blocks}
    assert names == pinned(lock).keys()
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_names_no_registry_and_no_path_on_a_machine(lock):
    assert re.findall(r"\S*://\S*|(?<=[ =])/\S*|--\w*index\S*", lock.read_text()) == []


def test_the_floors_of_npm_are_held_by_what_is_pinned():
    pinned = [name for lock in NPM_LOCKS for name in json.loads(lock.read_text())["packages"]]
    assert "node_modules/socket.io-parser" in pinned


def test_there_is_no_uv_lock():
    assert not (ROOT / "uv.lock").exists(), "it prints the registry's address"


@pytest.mark.parametrize("lock", NPM_LOCKS, ids=lambda lock: lock.parent.name)
def test_what_npm_pins_is_above_the_known_holes_and_names_no_registry(lock):
    packages = json.loads(lock.read_text())["packages"]
    found = {
        (path.rpartition("node_modules/")[2], package["version"])
        for path, package in packages.items()
        if path
    }

    assert found
    for name, pin in found:
        assert Version(pin) >= Version(NPM_FLOORS.get(name, "0")), name
    assert not [path for path, package in packages.items() if "resolved" in package]
