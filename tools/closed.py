"""Events and refusals are closed lists: whoever tells them apart names every one of them.

A `match` that ends in `assert_never` lets mypy name all the places that a new event needs; one with
a bare ``case _`` swallows it.
"""

import ast
import re
from collections.abc import Iterator

from tools.sources import Finding, Module, Side

CLOSED = re.compile(r"^folkmoot\.core\.(?:\w+\.)*(?:events|refusals|errors)\.")


def loose_events(side: Side) -> Iterator[Finding]:
    """No ``event: object``, nor a list of them: events have types."""
    for module in side.modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.arg | ast.AnnAssign):
                name, annotation = _annotated(node)
                if annotation and name.rstrip("s") == "event" and "object" in annotation:
                    what = f"{name}: {annotation}: use a union of folkmoot.core.events"
                    yield Finding(module.path, node.lineno, "loose-event", what)


def open_matches(side: Side) -> Iterator[Finding]:
    """No bare ``case _`` in a match over events or refusals, but for one that asserts never."""
    for module in side.modules:
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Match) or not _is_closed(module, node):
                continue
            for case in node.cases:
                if _is_bare(case) and "assert_never" not in ast.unparse(case):
                    what = "name what is left out, and end in assert_never"
                    yield Finding(module.path, case.pattern.lineno, "open-match", what)


def _annotated(node: ast.arg | ast.AnnAssign) -> tuple[str, str]:
    if isinstance(node, ast.arg):
        return node.arg, ast.unparse(node.annotation) if node.annotation else ""
    return ast.unparse(node.target).rsplit(".", 1)[-1], ast.unparse(node.annotation)


def _is_closed(module: Module, match: ast.Match) -> bool:
    """Whether a case of it is a class of events or refusals of the core."""
    patterns = (p for case in match.cases for p in ast.walk(case.pattern))
    classes = (p.cls for p in patterns if isinstance(p, ast.MatchClass))
    return any(CLOSED.match(module.full_name(cls)) for cls in classes)


def _is_bare(case: ast.match_case) -> bool:
    pattern = case.pattern
    return case.guard is None and isinstance(pattern, ast.MatchAs) and pattern.pattern is None
