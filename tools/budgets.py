"""The budgets that no linter knows, one line a finding: ``path:line: rule: what``.

What is counted, and how, stands on each rule. Import cycles are import-linter's, style is ruff's.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

SOURCES = ("src", "tools", "benchmarks")
TESTS = ("tests",)
SUFFIXES = {".py", ".js", ".css", ".html"}

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
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.what}"


@dataclass(frozen=True)
class Module:
    """One Python file, read once and taken apart when first asked."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def tokens(self) -> list[tokenize.TokenInfo]:
        return list(tokenize.generate_tokens(io.StringIO(self.text).readline))

    @cached_property
    def comments(self) -> dict[int, str]:
        return {t.start[0]: t.string for t in self.tokens if t.type == tokenize.COMMENT}

    @cached_property
    def code_lines(self) -> set[int]:
        """The lines that hold more than a comment; each line of a string counts."""
        lines: set[int] = set()
        for token in self.tokens:
            if token.type not in LAYOUT:
                lines.update(range(token.start[0], token.end[0] + 1))
        return lines

    @cached_property
    def functions(self) -> list[Function]:
        """Every function with a body of its own: a port's ``...`` is a promise, not code."""
        found = [n for n in ast.walk(self.tree) if isinstance(n, Function)]
        return [function for function in found if not is_promise(function)]

    @cached_property
    def imported(self) -> dict[str, str]:
        """Local name to full name, of everything that the file imports."""
        names: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                names.update({a.asname: a.name for a in node.names if a.asname})
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
        return names

    def length(self, function: Function) -> int:
        """Code lines of the body: no docstring, no blank line, no line that is only a comment.

        A function inside counts for both, and so does each line of a call that is spread out.
        """
        body = function.body[1:] if ast.get_docstring(function) is not None else function.body
        if not body:
            return 0
        first = min(line_of(statement) for statement in body)
        return len(self.code_lines.intersection(range(first, (function.end_lineno or first) + 1)))

    def full_name(self, node: ast.expr) -> str:
        """``a.b.c`` as the imports spell it, or an empty string."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            owner = self.full_name(node.value)
            return f"{owner}.{node.attr}" if owner else node.attr
        return ""


def line_of(statement: ast.stmt) -> int:
    """Where a statement begins, its decorators included."""
    if isinstance(statement, Function | ast.ClassDef) and statement.decorator_list:
        return statement.decorator_list[0].lineno
    return statement.lineno


def is_promise(function: Function) -> bool:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return all(
        isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant) and s.value.value is ...
        for s in body
    )


@dataclass
class Side:
    """The project's own code, or its tests: the shares are reckoned for each."""

    name: str
    modules: list[Module] = field(default_factory=list)
    others: list[tuple[str, str]] = field(default_factory=list)
    broken: list[Finding] = field(default_factory=list)

    @classmethod
    def read(cls, root: Path, folders: Sequence[str]) -> "Side":
        side = cls(folders[0])
        for folder in folders:
            for file in sorted((root / folder).rglob("*")):
                path = file.relative_to(root)
                if file.suffix in SUFFIXES and file.is_file() and "vendor" not in path.parts:
                    side.add(path.as_posix(), file.read_text(encoding="utf-8"))
        return side

    def add(self, path: str, text: str) -> None:
        if not path.endswith(".py"):
            self.others.append((path, text))
            return
        module = Module(path, text)
        try:
            _ = module.tree, module.tokens
        except (SyntaxError, tokenize.TokenError) as error:
            line = getattr(error, "lineno", None) or 1
            self.broken.append(Finding(path, line, "syntax", "this does not parse"))
            return
        self.modules.append(module)

    @property
    def texts(self) -> list[tuple[str, str]]:
        return [*((module.path, module.text) for module in self.modules), *self.others]


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
    places = [(m.path, line, text) for m in side.modules for line, text in prose(m)]
    places += [
        (p, n, line) for p, text in side.others for n, line in enumerate(text.splitlines(), 1)
    ]
    for path, line, text in places:
        if found := LEFT_TO_DO.search(text):
            yield Finding(path, line, "left-to-do", f"{found[1]}: write an issue instead")


def prose(module: Module) -> Iterator[tuple[int, str]]:
    yield from module.comments.items()
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield from enumerate(node.value.value.splitlines(), node.lineno)


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
    lines = [place for module in tests.modules for place in mock_lines(module)]
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
    found += [*bare_excuses(code), *left_to_do(code), *sleeps(tests), *mocks(tests)]
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
