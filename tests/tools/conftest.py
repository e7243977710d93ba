"""A small project in a folder, and what is over budget in it."""

from pathlib import Path
from textwrap import dedent

import pytest

from tools import budgets


class Tree:
    """A project in a folder: ``write`` its files, ask what is over budget."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")

    def found(self) -> list[str]:
        """``path:line: rule`` of each finding."""
        return [str(f).rsplit(f": {f.what}", 1)[0] for f in budgets.findings(self.root)]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)
