"""What becomes of tests whose program does not start: one of them says why, and the others end."""

import os
import shutil

import pytest


class CannotStart(Exception):
    """A program that tests need cannot be started on this machine; the sentence says why."""


class OnceTold:
    """The sentences that were told already."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def is_new(self, reason: CannotStart) -> bool:
        """Whether nobody was told this before; asked once for each test."""
        sentence = str(reason)
        is_new = sentence not in self._told
        self._told.add(sentence)
        return is_new


def program(name: str, *, package: str) -> str:
    """Where a program is that Debian has; without it, the test that needs it is skipped.

    Raises:
        CannotStart: this is CI, which installs what the tests need.
    """
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if path is not None:
        return path
    sentence = f"no {name}: install one (Debian: apt install {package})"
    if os.environ.get("CI"):
        raise CannotStart(sentence)
    pytest.skip(sentence)
