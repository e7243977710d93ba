"""A real folkmoot process for tests: started, asked, stopped, killed, and started again."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.deadlines import WITHIN_S
from tests.programs import forked

PATIENT = {"FOLKMOOT_LIMITS": "off", "FOLKMOOT_ANSWER_SECONDS": str(WITHIN_S)}
"""How servers of tests are set: a busy machine is given time."""


class Server:
    """A folkmoot process; it comes back on the same port with the same data.

    ``prepare`` is called in it before it does anything. As a context it runs, and is killed.
    """

    def __init__(
        self,
        folder: Path,
        *flags: str,
        prepare: Callable[[], object] | None = None,
        **settings: str,
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = folder / "data"
        self._output = folder / "output.txt"
        self._flags = flags
        self._settings = settings
        self._prepare = prepare

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def output(self) -> str:
        """Everything that it has printed and logged."""
        return self._output.read_text()

    def start(self) -> None:
        """Start it, and return once it is well."""
        self.launch()
        deadline = monotonic() + WITHIN_S
        while not self._is_well():
            assert monotonic() < deadline, f"not well in time:\n{self.output}"

    def launch(self) -> None:
        """Start it, and return at once."""
        command = ["serve", *self._flags, "--port", str(self.port), "--data", str(self.data)]
        environment = {**os.environ, **PATIENT, **self._settings}
        self._process = forked(command, environment, self._output, self._output, self._prepare)

    def stop(self) -> int:
        """Ask it to end, as a restart would; its exit code."""
        self._process.terminate()
        return self.wait()

    def kill(self) -> None:
        """End it without a warning."""
        self._process.kill()
        self.wait()

    def wait(self) -> int:
        """Its exit code, once it has ended by itself or was told to."""
        self._process.join(WITHIN_S)
        assert self._process.exitcode is not None, "it does not end"
        return self._process.exitcode

    def _is_well(self) -> bool:
        self._process.join(0.05)
        if self._process.exitcode is not None:
            pytest.fail(f"the server ended at once:\n{self.output}")
        try:
            with urlopen(f"{self.url}/healthz", timeout=WITHIN_S):
                return True
        except (URLError, OSError):
            return False
