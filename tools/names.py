"""Names that tell: no class name twice in the program, and no file that any other could be."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tools.sources import Finding, Side

SAYS_NOTHING = {"base", "common", "core", "helper", "helpers", "manager", "misc", "util", "utils"}
"""Names of files that tell nobody what is in them; folders may be called so."""


def names_twice(side: Side) -> Iterator[Finding]:
    """No two classes of the program have one name, private ones included."""
    classes: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for module in (module for module in side.modules if module.path.startswith("src/")):
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef):
                classes[node.name].append((module.path, node.lineno))
    for name, where in sorted(classes.items()):
        for path, line in where[1:]:
            first = "{}:{}".format(*where[0])
            yield Finding(path, line, "class-twice", f"{name} is a class in {first} already")


def names_that_say_nothing(side: Side) -> Iterator[Finding]:
    """A file's name tells its purpose."""
    for path, _ in side.texts:
        stem = Path(path).stem.strip("_")
        if stem in SAYS_NOTHING:
            yield Finding(path, 1, "file-name", f"{stem} does not tell what is in it")
