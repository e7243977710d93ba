"""What is known of one page: its title, its own address, and its text by headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MAX_PASSAGE_CHARS: Final = 600
MAX_TITLE_CHARS: Final = 120
_PARAGRAPH_ENDS: Final = re.compile(r"\n[ \t]*\n\s*")
_ADDRESS: Final = re.compile(r"https?://[^\s\"'<>()\[\]\\`|]{1,2000}")


@dataclass(slots=True)
class Section:
    """What stands below one heading; ``anchor`` is its name within the page, if it has one."""

    heading: str = ""
    anchor: str = ""
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.parts)


@dataclass(slots=True)
class HelpPage:
    """A page; ``address`` is where it says that it is published."""

    title: str = ""
    address: str = ""
    sections: list[Section] = field(default_factory=lambda: [Section()])

    def begin(self, heading: str, anchor: str = "") -> None:
        """Begin a section."""
        self.sections.append(Section(heading, anchor))

    def add(self, text: str) -> None:
        """Add to the section that was begun last."""
        self.sections[-1].parts.append(text)


def address_of(text: str) -> str:
    """The text, if it is a web address and nothing else, or nothing."""
    text = text.strip().strip("\"'")
    return text if _ADDRESS.fullmatch(text) else ""


def passages_of(text: str) -> Iterator[str]:
    """The text in passages of a bounded length, which end where paragraphs do if they can."""
    gathered = ""
    for paragraph in _PARAGRAPH_ENDS.split(text.strip()):
        for part in _parts(paragraph.strip()):
            if gathered and len(gathered) + len(part) + 2 > MAX_PASSAGE_CHARS:
                yield gathered
                gathered = ""
            gathered = f"{gathered}\n\n{part}" if gathered else part
    if gathered:
        yield gathered


def _parts(paragraph: str) -> Iterator[str]:
    start = 0
    while len(paragraph) - start > MAX_PASSAGE_CHARS:
        end = _good_end(paragraph, start, start + MAX_PASSAGE_CHARS)
        yield paragraph[start:end].rstrip()
        start = end
    if rest := paragraph[start:].strip():
        yield rest


def _good_end(text: str, start: int, end: int) -> int:
    """Where to cut: after a line, a sentence or a word, in the second half of what there is."""
    half = start + (end - start) // 2
    for sign in ("\n", ". ", " "):
        found = text.rfind(sign, half, end)
        if found > 0:
            return found + len(sign)
    return end
