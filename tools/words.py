"""The words of the tree: the field's own, one for each idea.

The first build of folkmoot had a charming vocabulary that a newcomer could not guess. What it was
replaced by stands here, so that no old word comes back and none is found for what has a name.
"""

import re
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.sources import Finding, Module, Side, prose

INSTEAD: Mapping[str, str] = {
    "attend": "handle, serve or subscribe",
    "attendant": "handler",
    "circle": "contacts",
    "dialect": "contract",
    "door": "contract, or logins",
    "doorkeeper": "authenticator",
    "errand": "task, or control request",
    "footing": "snapshot",
    "grounds": "sources",
    "guest": "client, or handler",
    "house": "server, or services",
    "manners": "the name of what is meant",
    "overhear": "consume",
    "parrot": "echo",
    "parting": "close reason, or rejection",
    "premises": "services",
    "reception": "socket endpoint",
    "seat": "connection, or subscription",
    "talker": "handler",
    "turnstile": "rate limiter",
    "visitor": "client",
    "whisper": "ephemeral notice",
    "witness": "audit",
}
"""What a newcomer could not guess, and what the field says. Inflections count too."""

ONLY_AS_A_NAME: Mapping[str, str] = {
    "newcomer": "external account",
    "place": "conversation_id, seq, index or location: whichever it is",
}
"""Good English in a sentence, but no name for anything."""

THIS_LIST = "tools/words.py"

OUTSIDE_WORDS = {"storage": {"dialect", "dialects"}}
"""Words that a library has for something of its own, by the folder where it is used."""

_FORMS = re.compile(
    r"\b(" + "|".join(sorted(INSTEAD, key=len, reverse=True)) + r")(?:s|es|ed|ing|er|ers)?\b",
    re.IGNORECASE,
)
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def private_words(side: Side) -> Iterator[Finding]:
    """No word of `INSTEAD` in a name, a comment, a docstring, or a text of the program."""
    for module in side.modules:
        if module.path == THIS_LIST:
            continue
        seen: set[tuple[int, str]] = set()
        for line, word, better in [*_in_names(module), *_in_sentences(module, side.name)]:
            if (line, word) not in seen and not _is_outside(module.path, word):
                seen.add((line, word))
                yield Finding(module.path, line, "word", f"{word}: say {better}")


def private_words_in_pages(root: Path) -> Iterator[Finding]:
    """The same for what people read: the pages beside the code."""
    pages = [*root.glob("*.md"), *(root / "docs").rglob("*.md"), *(root / "spec").rglob("*.md")]
    for page in sorted(pages):
        path = page.relative_to(root).as_posix()
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            for found in _FORMS.finditer(line):
                better = INSTEAD[found[1].lower()]
                yield Finding(path, number, "word", f"{found[0]}: say {better}")


def _in_names(module: Module) -> Iterator[tuple[int, str, str]]:
    for token in module.tokens:
        if token.type != tokenize.NAME:
            continue
        for part in (found[0].lower() for found in _PARTS.finditer(token.string)):
            if form := _FORMS.fullmatch(part):
                yield token.start[0], part, INSTEAD[form[1]]
        whole = token.string.strip("_").lower()
        if better := ONLY_AS_A_NAME.get(whole) or ONLY_AS_A_NAME.get(whole.removesuffix("s")):
            yield token.start[0], whole, better


def _in_sentences(module: Module, side: str) -> Iterator[tuple[int, str, str]]:
    """In comments and docstrings; of the program itself also in whatever it says."""
    lines = list(prose(module))
    if side == "src":
        lines += [
            (token.start[0] + offset, line)
            for token in module.tokens
            if token.type == tokenize.STRING
            for offset, line in enumerate(token.string.splitlines())
        ]
    for number, line in lines:
        for found in _FORMS.finditer(line):
            yield number, found[0].lower(), INSTEAD[found[1].lower()]


def _is_outside(path: str, word: str) -> bool:
    folders = Path(path).parts
    return any(folder in folders and word in words for folder, words in OUTSIDE_WORDS.items())
