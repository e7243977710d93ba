"""The budgets that no linter knows, one line a finding: ``path:line: rule: what``.

What is counted, and how, stands on each rule. Import cycles are import-linter's, style is ruff's.
"""

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools import closed, names, words
from tools.sources import Finding, Module, Side, prose

SOURCES = ("src", "tools", "benchmarks")
TESTS = ("tests",)

MOST_FILE_LINES = 600
MOST_FUNCTION_LINES = 60
SHORT_FUNCTION_LINES = 25
SHORT_FUNCTIONS_SHARE = 0.9
MOCK_LINES_PER_TEST = 0.05

EXCUSE = re.compile(
    r"#\s*(?:type:\s*ignore|(?:ruff:\s*)?noqa)(?P<codes>\[[^\]]+\]|:(?:[\s,]*[A-Z]+[0-9]+)+)?"
)
WORD = re.compile(r"[A-Za-z]{3}")
POLLS = re.compile(r"#\s*polls:.*[A-Za-z]{3}")
LEFT_TO_DO = re.compile(r"\b(TODO|FIXME|XXX)\b")
SLEEPS = {"time.sleep", "asyncio.sleep", "anyio.sleep", "trio.sleep"}


def long_files(side: Side) -> Iterator[Finding]:
    """Files under 600 lines, all lines counted; a folder ``vendor`` is not ours and left out."""
    for path, text in side.texts:
        lines = len(text.splitlines())
        if lines >= MOST_FILE_LINES:
            yield Finding(
                path, lines, "file-length", f"{lines} lines, to be under {MOST_FILE_LINES}"
            )


def long_functions(side: Side) -> Iterator[Finding]:
    """No function over 60 code lines, and nine in ten under 25."""
    sizes = [(m.length(f), m, f) for m in side.modules for f in m.functions]
    sizes.sort(key=lambda size: -size[0])
    for lines, module, function in sizes:
        if lines > MOST_FUNCTION_LINES:
            what = f"{function.name} has {lines} code lines, {MOST_FUNCTION_LINES} at most"
            yield Finding(module.path, function.lineno, "function-length", what)
    longer = [size for size in sizes if size[0] >= SHORT_FUNCTION_LINES]
    if len(longer) > len(sizes) * (1 - SHORT_FUNCTIONS_SHARE) + 1e-9:
        _, module, function = longer[0]
        what = (
            f"{len(longer)} of {len(sizes)} in {side.name} have {SHORT_FUNCTION_LINES} code lines "
            f"or more, one in ten at most: {', '.join(f'{f.name} {n}' for n, _, f in longer[:5])}"
        )
        yield Finding(module.path, function.lineno, "function-share", what)


def bare_excuses(side: Side) -> Iterator[Finding]:
    """``type: ignore`` and ``noqa`` name their code, and a reason stands after them on the line."""
    for module in side.modules:
        for line, comment in module.comments.items():
            found = list(EXCUSE.finditer(comment))
            if any(excuse["codes"] is None for excuse in found):
                yield Finding(module.path, line, "excuse", f"name the code: {comment}")
            elif found and not WORD.search(EXCUSE.sub("", comment)):
                yield Finding(module.path, line, "excuse", f"give the reason after it: {comment}")


def left_to_do(side: Side) -> Iterator[Finding]:
    """A thing to do is an issue: none in comments and docstrings, nor in a page or script."""
    texts = [(m.path, line, text) for m in side.modules for line, text in prose(m)]
    texts += [
        (p, n, line) for p, text in side.others for n, line in enumerate(text.splitlines(), 1)
    ]
    for path, line, text in texts:
        if found := LEFT_TO_DO.search(text):
            yield Finding(path, line, "left-to-do", f"{found[1]}: write an issue instead")


def sleeps(tests: Side) -> Iterator[Finding]:
    """No test sleeps, ``asyncio.sleep(0)`` apart.

    Where only asking again can tell (is another program up?), ``# polls: why`` on the line
    allows it.
    """
    for module in tests.modules:
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call) or POLLS.search(module.comments.get(node.lineno, "")):
                continue
            name = module.full_name(node.func)
            if (name in SLEEPS and not is_zero(node)) or name.endswith(".wait_for_timeout"):
                what = f"{name}: wait for an event with a deadline, or say '# polls: why'"
                yield Finding(module.path, node.lineno, "sleep", what)


def is_zero(call: ast.Call) -> bool:
    return [a.value for a in call.args if isinstance(a, ast.Constant)] == [0]


def mocks(tests: Side) -> Iterator[Finding]:
    """Under 0.05 lines of unittest.mock, pytest-mock or monkeypatch.setattr a test."""
    lines = [found for module in tests.modules for found in mock_lines(module)]
    count = sum(f.name.startswith("test_") for module in tests.modules for f in module.functions)
    if lines and len(lines) >= MOCK_LINES_PER_TEST * count:
        path, line = lines[0]
        what = (
            f"{len(lines)} lines for {count} tests, to be under {MOCK_LINES_PER_TEST} a test; "
            f"write a fake: {', '.join(f'{p}:{n}' for p, n in lines[:5])}"
        )
        yield Finding(path, line, "mocks", what)


def mock_lines(module: Module) -> list[tuple[str, int]]:
    lines: set[int] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            mocking = any(is_mock(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            mocking = any(is_mock(f"{node.module}.{alias.name}") for alias in node.names)
        else:
            mocking = isinstance(node, ast.Name | ast.Attribute) and is_mock(module.full_name(node))
        if mocking:
            lines.add(getattr(node, "lineno", 1))
    return [(module.path, line) for line in sorted(lines)]


def is_mock(name: str) -> bool:
    if name in {"monkeypatch.setattr", "monkeypatch.setitem", "monkeypatch.delattr"}:
        return True
    return f"{name}.".startswith(("unittest.mock.", "mock.", "pytest_mock.", "mocker."))


def findings(root: Path) -> list[Finding]:
    """Everything in the tree under ``root`` that is over budget, in the order of the files."""
    code, tests = Side.read(root, SOURCES), Side.read(root, TESTS)
    found = [*code.broken, *tests.broken]
    for side in (code, tests):
        found += [*long_files(side), *long_functions(side)]
        found += [*names.names_that_say_nothing(side), *words.private_words(side)]
    found += [*names.names_twice(code)]
    found += [*closed.loose_events(code), *closed.open_matches(code)]
    found += [*words.private_words_in_pages(root)]
    found += [
        *bare_excuses(code),
        *bare_excuses(tests),
        *left_to_do(code),
        *sleeps(tests),
        *mocks(tests),
    ]
    return sorted(found)


def main(arguments: Sequence[str]) -> int:
    """Print the findings; the exit code says whether there was one."""
    found = findings(Path(arguments[0]) if arguments else Path.cwd())
    for finding in found:
        print(finding)
    print("budgets: kept" if not found else f"budgets: {len(found)} over")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
