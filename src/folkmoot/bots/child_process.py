"""A process beside the server, for what must not hold it up: told on stdin, heard on stdout."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """One of the server's own modules, run as a process; it is to end when ``orders`` does."""

    process: Process
    orders: asyncio.StreamWriter
    reports: asyncio.StreamReader

    @classmethod
    async def begun(cls, module: str, *, max_line_bytes: int) -> "ChildProcess":
        """The process, begun. A longer line of ``reports`` is a `ValueError` for its reader.

        Raises:
            OSError: there can be no more processes.
        """
        # -I: neither the environment nor the folder it is started in decides what it imports.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-m", module),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=max_line_bytes,
        )
        assert process.stdin is not None  # noqa: S101 - both are pipes, see above
        assert process.stdout is not None  # noqa: S101 - as above
        return cls(process, process.stdin, process.stdout)

    def kill(self) -> None:
        """End it, unless it has ended."""
        if self.process.returncode is None:
            self.process.kill()

    async def end(self) -> int:
        """End it, unless it has ended; its exit code."""
        self.orders.close()
        self.kill()
        return await self.process.wait()
