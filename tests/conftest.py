"""What holds for tests of every kind: which of them start programs, and servers that many share."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.running import Server
from tests.starting import CannotStart, OnceTold

TESTS = Path(__file__).parent
SERVED = {"benchmarks", "browser", "docs", "faults", "generators", "integration", "spec"}
"""The folders whose every test speaks with a server that runs."""
PROGRAMS = {"buckets", "postgres"}
"""What is started for a test that has a fixture or a parameter of this name."""

# How long an example takes says something about the machine, and nothing about what is promised.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Not even import what is left out whole: with the libraries of its clients that takes long."""
    is_left_out = config.option.markexpr == "not program"
    return True if is_left_out and collection_path.name in SERVED else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start programs, and keep those of a module together.

    What the tests of a module share is then started by one worker only.
    """
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in SERVED or PROGRAMS & _asked_for(item):
            item.add_marker(pytest.mark.program)
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


def _asked_for(item: pytest.Item) -> set[str]:
    """The names of a test's fixtures, and what of its parameters are names."""
    if not isinstance(item, pytest.Function):
        return set()
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return {*item.fixturenames, *(each for each in parameters if isinstance(each, str))}


class _Started:
    """Holds `make quick` to what it says: who is not marked `program` starts none."""

    def __init__(self) -> None:
        self.programs: list[object] = []
        sys.addaudithook(self._notice)

    def _notice(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "subprocess.Popen":
            self.programs.append(arguments[1])


_started = _Started()
_once_told = OnceTold()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Of the tests whose program cannot be started one says why, and the others are left out."""
    try:
        return (yield)
    except CannotStart as reason:
        if _once_told.is_new(reason):
            pytest.fail(str(reason), pytrace=False)
        pytest.skip(str(reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    before = len(_started.programs)
    result = yield
    if len(_started.programs) > before and item.get_closest_marker("program") is None:
        pytest.fail(f"starts {_started.programs[before:]}: mark it with pytest.mark.program")
    return result


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all tests of a module, which keep apart by their accounts."""
    with Server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def demo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The same with demo data, for tests that need somebody of staff."""
    with Server(tmp_path_factory.mktemp("server"), "--demo") as server:
        yield server
