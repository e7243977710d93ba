"""The servers that are compared: how each is started, found ready, and stopped by its own pid."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from benchmarks import gauge
from benchmarks.cast import CUSTOMER, Cast, hire, name_of
from benchmarks.rest import Rest

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 15
POLL_SECONDS = 0.005
READY = "/readyz"
"""Where folkmoot says that it is ready; the others, which know no such page, are by then."""
NPM = "npm"
"""The contender that Node runs, and the folder with it."""


@dataclass(frozen=True)
class Contender:
    """One server to be measured."""

    name: str
    title: str
    module: tuple[str, ...]
    # Whether accounts and conversations outlive the process, so that they are made only once.
    durable: bool
    contracts: tuple[str, ...] = ("conversations",)

    def command(self, data: Path, port: int) -> list[str]:
        where = ["--host", HOST, "--port", str(port)]
        if self.name == "folkmoot":
            where += ["--data", str(data)]
        if self.name == NPM:
            return ["node", str(data.parent / NPM / "server.mjs"), str(port), HOST]
        return [sys.executable, "-m", *self.module, *where]

    def environment(self, data: Path) -> dict[str, str]:
        """The caller's environment without its folkmoot settings: defaults are what is measured."""
        kept = {key: text for key, text in os.environ.items() if not key.startswith("FOLKMOOT_")}
        # The limits are off because 50 pairs that talk as fast as they can are what limits are for.
        return kept | {
            "FOLKMOOT_LIMITS": "off",
            "PEER_DATABASE": str(data / "chat.sqlite"),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH")))),
        }


def _by_hand(name: str, title: str, app: str, *, durable: bool = False) -> Contender:
    # `--ws` stays at uvicorn's default, which with these packages is websockets.
    settings = ("--loop", "uvloop", "--http", "httptools", "--no-access-log")
    module = ("uvicorn", f"benchmarks.peers.{app}:app", *settings, "--log-level=warning")
    return Contender(name, title, module, durable)


CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender(
            "folkmoot",
            "folkmoot",
            ("folkmoot", "serve"),
            durable=True,
            contracts=("conversations", "sessions", "friends", "assistant", "support"),
        ),
        _by_hand("memory", "FastAPI, in memory", "fastapi_memory"),
        _by_hand("stored", "FastAPI + SQLAlchemy", "fastapi_stored", durable=True),
        replace(
            _by_hand("python-socketio", "python-socketio, in memory", "socketio_python"),
            contracts=("support",),
        ),
        Contender(NPM, "npm's socket.io, in memory", (), durable=False, contracts=("support",)),
    )
}


def is_installed(contender: Contender) -> bool:
    """Whether the contender can be started here at all."""
    if contender.name == NPM:
        return shutil.which("node") is not None and shutil.which("npm") is not None
    if contender.name != "folkmoot":
        return True
    probe = [sys.executable, "-m", *contender.module, "--help"]
    return subprocess.run(probe, capture_output=True, timeout=120, check=False).returncode == 0


@dataclass(frozen=True)
class Server:
    """A contender that is running and answers."""

    pid: int
    rest: Rest
    log: Path
    start: dict[str, float]
    """How long it took to be ready, and what of that the processor was at work."""

    def last_words(self) -> str:
        """The end of what the server printed, for whoever asks why a run is void."""
        return last_words(self.log)


def last_words(log: Path) -> str:
    return log.read_text(errors="replace")[-1500:]


@contextlib.contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """Processes started inside run on that core; with None, wherever the system puts them."""
    if core is None:
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


@contextlib.contextmanager
def running(contender: Contender, data: Path, core: int | None) -> Iterator[Server]:
    """Start the contender on a free port with its data in `data`; stop it on leaving."""
    port = _free_port()
    log = data.with_suffix(".log")
    started_at = time.perf_counter()
    with log.open("wb") as output, on_core(core):
        process = subprocess.Popen(
            contender.command(data, port),
            cwd=data,
            env=contender.environment(data),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        cpu_ms = _cpu_ms_until_it_answers(process, port, log)
        start = {"ready_ms": (time.perf_counter() - started_at) * 1000, "cpu_ms": cpu_ms}
        yield Server(process.pid, Rest(HOST, port), log, start)
    finally:
        _stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _cpu_ms_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> float:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        connection = http.client.HTTPConnection(HOST, port, timeout=2)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", READY)
            if connection.getresponse().status in {200, 404}:
                cpu_ms = gauge.cpu_seconds(process.pid) * 1000
                if _listens(process.pid, port):
                    return cpu_ms
        connection.close()
        time.sleep(POLL_SECONDS)
    raise ConnectionError(f"the server did not start; it said:\n{last_words(log)}")


def _listens(pid: int, port: int) -> bool:
    """Whether it is this process: another may have taken the port since it was found free."""
    connections = psutil.Process(pid).net_connections("tcp")
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in connections)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"a server did not stop within {STOP_SECONDS} s and was killed")
        process.kill()
        process.wait(STOP_SECONDS)


class Stage:
    """Fresh servers with the same cast on every run.

    A durable contender's cast is hired once, and its data folder copied for each run: hashing
    two passwords an account takes folkmoot longer than all that is measured.
    """

    def __init__(self, folder: Path, cast_size: int) -> None:
        self._folder = folder
        self._cast_size = cast_size
        self._hired: dict[str, Cast] = {}
        self._runs = 0

    @contextlib.contextmanager
    def performance(
        self, contender: Contender, core: int | None, staffed: bool
    ) -> Iterator[tuple[Server, Cast]]:
        """A server that has just started, and its cast; everything is removed on leaving."""
        if contender.name == NPM and not (self._folder / NPM).exists():
            _install(self._folder / NPM)
        if contender.durable and contender.name not in self._hired:
            self._prepare(contender)
        self._runs += 1
        data = self._folder / f"run-{self._runs}"
        if contender.durable:
            shutil.copytree(self._folder / contender.name, data)
            if staffed:
                _engage(data)
        else:
            data.mkdir()
        try:
            with running(contender, data, core) as server:
                cast = self._hired.get(contender.name) or self._hire(server, contender)
                yield server, cast
        finally:
            shutil.rmtree(data, ignore_errors=True)

    def _prepare(self, contender: Contender) -> None:
        data = self._folder / contender.name
        # A half-made cast may be there, from an attempt that failed.
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        with running(contender, data, core=None) as server:
            self._hired[contender.name] = self._hire(server, contender)

    def _hire(self, server: Server, contender: Contender) -> Cast:
        return hire(server.rest, self._cast_size, contender.contracts)


def _engage(data: Path) -> None:
    """Make agents of all accounts but the customer's; nobody can sign up as one."""
    with contextlib.closing(sqlite3.connect(data / "folkmoot.db")) as database, database:
        database.execute(
            "UPDATE accounts SET role = 'agent' WHERE username <> ?", (name_of(CUSTOMER),)
        )


def _install(folder: Path) -> None:
    """npm's packages as the lock beside the server has them, and the server."""
    shutil.copytree(ROOT / "benchmarks" / "peers" / NPM, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=folder, check=True, timeout=100)
