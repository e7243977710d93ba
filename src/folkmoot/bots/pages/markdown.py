"""A page in Markdown: its front matter, headings and text, without what a reader is not shown.

Markdown is meant to be read as it stands, so most of it is kept. It is walked once, line by line.
"""

import html
import re
from collections.abc import Iterator, Sequence
from typing import Final

from folkmoot.bots.pages.page import HelpPage, address_of

MAX_FRONT_LINES: Final = 200
_ADDRESS_KEYS: Final = ("url", "link", "canonical", "canonical_url", "permalink")
_FIELD: Final = re.compile(r"([A-Za-z_]{1,40})\s*[:=]\s*(.{1,2000})")
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING: Final = re.compile(r" {0,3}(#{1,6})[ \t]+(.*)")
_UNDERLINE: Final = re.compile(r" {0,3}(?:={2,}|-{2,})[ \t]*")
_ANCHOR: Final = re.compile(r"\{#([\w.:-]{1,200})\}[ \t]*")
_HIDING: Final = re.compile(r"<!--|<(script|style|template)\b", re.IGNORECASE)
_HIDING_ENDS: Final = {
    "": re.compile("-->"),
    **{
        name: re.compile(rf"</{name}[^<>]{{0,100}}>", re.IGNORECASE)
        for name in ("script", "style", "template")
    },
}
_MARKED: Final = re.compile(r"[\[<&*_]")
_IMAGE: Final = re.compile(r"!\[([^\[\]]{0,300})\]\([^()]{0,2000}\)")
_LINK: Final = re.compile(r"\[([^\[\]]{1,300})\]\(([^()\s]{0,2000})[^()]{0,300}\)")
_AUTOLINK: Final = re.compile(r"<(https?://[^<>\s]{1,2000})>")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,1000}>")
_STRONG: Final = re.compile(r"(\*\*|__)(?=\S)([^*_]{1,300})\1")


def page_of_markdown(text: str) -> HelpPage:
    """The page that this text is."""
    page = HelpPage()
    lines = text.split("\n")
    lines = lines[_front_matter(lines, page) :]
    before = ""
    for line, is_code in _shown(lines):
        heading = None if is_code else _HEADING.fullmatch(line)
        if heading:
            _begin(page, heading[2].rstrip().rstrip("#"))
        elif not is_code and before.strip() and _UNDERLINE.fullmatch(line):
            # What was taken for the last line of a paragraph was a heading.
            page.sections[-1].parts.pop()
            _begin(page, before)
        else:
            page.add(f"{line}\n")
        is_text = not is_code and not heading
        before = line if is_text and not _UNDERLINE.fullmatch(line) else ""
    return page


def _begin(page: HelpPage, heading: str) -> None:
    anchor = _ANCHOR.search(heading)
    if anchor:
        heading = heading[: anchor.start()]
    heading = heading.strip()
    page.title = page.title or heading
    page.begin(heading, anchor[1] if anchor else "")


def _front_matter(lines: Sequence[str], page: HelpPage) -> int:
    """Take the title and the address from it; how many lines it has."""
    if not lines or lines[0].rstrip() not in ("---", "+++"):
        return 0
    for number, line in enumerate(lines[1:MAX_FRONT_LINES], start=1):
        if line.rstrip() in (lines[0].rstrip(), "..."):
            return number + 1
        if found := _FIELD.fullmatch(line.strip()):
            name, value = found[1].lower(), found[2].strip()
            if name == "title":
                page.title = value.strip("\"'")
            elif name in _ADDRESS_KEYS:
                page.address = page.address or address_of(value)
    page.title = page.address = ""
    return 0


def _shown(lines: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """The lines that a reader is shown, and whether each is code, which is shown as it stands."""
    fence = ""
    end: re.Pattern[str] | None = None
    for line in lines:
        if not fence and end is None and (not line or line.isspace()):
            yield "", False
            continue
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            else:
                yield line, True
        elif mark and end is None:
            fence = mark[1]
        else:
            rest, end = _without_hidden(line, end)
            plain = _plain(rest)
            if plain.strip() or not line.strip():
                yield plain, False


def _without_hidden(line: str, end: re.Pattern[str] | None) -> tuple[str, re.Pattern[str] | None]:
    """The line without comments and scripts, and what ends the one that is open after it."""
    shown: list[str] = []
    position = 0
    while True:
        if end is not None:
            found = end.search(line, position)
            if found is None:
                return "".join(shown), end
            position = found.end()
        hiding = _HIDING.search(line, position)
        if hiding is None:
            return "".join([*shown, line[position:]]), None
        shown.append(line[position : hiding.start()])
        end = _HIDING_ENDS[(hiding[1] or "").lower()]
        position = hiding.end()


def _plain(line: str) -> str:
    if not _MARKED.search(line):
        return line
    line = _IMAGE.sub(r"\1", line)
    line = _LINK.sub(lambda found: _linked(found[1], found[2]), line)
    line = _TAG.sub("", _AUTOLINK.sub(r"\1", line))
    return html.unescape(_STRONG.sub(r"\2", line))


def _linked(text: str, target: str) -> str:
    address = address_of(target)
    return f"{text} ({address})" if address and address != text else text
