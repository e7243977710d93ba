"""The tree as the budgets read it: files taken apart once, and what is found in them."""

import ast
import io
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

SUFFIXES = {".py", ".js", ".css", ".html"}
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


def prose(module: Module) -> Iterator[tuple[int, str]]:
    yield from module.comments.items()
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield from enumerate(node.value.value.splitlines(), node.lineno)
