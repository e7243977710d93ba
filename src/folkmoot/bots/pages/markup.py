"""A page in HTML: its title, address and text, without what a reader is not shown.

A tokenizer that walks the text once, however broken it is: what is not closed ends the page.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from folkmoot.bots.pages.page import HelpPage, address_of

MAX_HEADING_CHARS: Final = 500
_TAG: Final = re.compile(
    r"<(/?)([A-Za-z][A-Za-z0-9-]{0,40})"
    r"((?:[^<>\"']{1,1000}+|\"[^\"]{0,1000}\"|'[^']{0,1000}'){0,100}+)>"
)
_ATTRIBUTE: Final = re.compile(
    r"([A-Za-z_:@][\w:.@-]{0,60})(?:\s{0,9}=\s{0,9}(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?"
)
_NOT_SHOWN: Final = frozenset(
    (
        *("template", "noscript", "svg", "math", "nav", "footer", "aside", "form", "button"),
        *("select", "iframe", "object", "canvas", "audio", "video", "dialog"),
    )
)
_RAW: Final = {
    name: re.compile(rf"</{name}", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "xmp")
}
"""In these there are no tags; of all but a title nothing is shown."""
_VOID: Final = frozenset(
    (
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param"),
        *("source", "track", "wbr"),
    )
)
_BLOCKS: Final = frozenset(
    (
        *("address", "article", "blockquote", "body", "dd", "div", "dl", "dt", "fieldset"),
        *("figcaption", "figure", "header", "hr", "html", "main", "ol", "p", "pre", "section"),
        *("table", "tbody", "tfoot", "thead", "tr", "ul"),
    )
)
_HEADINGS: Final = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_SPACE: Final = re.compile(r"[ \t\r\n\f]+")
_INVISIBLE_STYLE: Final = re.compile(
    r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag as it stands in a page."""

    name: str
    is_end: bool
    attributes: str

    def attribute(self, name: str) -> str | None:
        """What an attribute says; empty if it says nothing, ``None`` if it is not there."""
        for found in _ATTRIBUTE.finditer(self.attributes):
            if found[1].lower() == name:
                return html.unescape(found[2] or found[3] or found[4] or "")
        return None


class _Builder:
    """Makes a page of tokens."""

    def __init__(self) -> None:
        self.page = HelpPage()
        self._title = self._heading = ""
        self._anchor = ""
        self._inside = ""
        """The heading, or the title, that is being read."""
        self._hidden = ""
        self._depth = 0
        """How many elements of the kind that is not shown are open."""
        self._preformatted = 0

    def take_text(self, text: str) -> None:
        """Take in what stands between two tags."""
        if self._hidden:
            return
        text = html.unescape(text)
        if not self._preformatted or self._inside:
            text = _SPACE.sub(" ", text)
        if self._inside == "title":
            self._title = (self._title + text)[:MAX_HEADING_CHARS]
        elif self._inside:
            self._heading = (self._heading + text)[:MAX_HEADING_CHARS]
        else:
            self.page.add(text)

    def take_tag(self, tag: Tag) -> None:
        """Take in a tag."""
        if self._hidden:
            if tag.name == self._hidden:
                self._depth += -1 if tag.is_end else 1
                self._hidden = self._hidden if self._depth else ""
        elif not tag.is_end and _is_hidden(tag):
            if tag.name not in _VOID:
                self._hidden, self._depth = tag.name, 1
        elif tag.name in _HEADINGS:
            self._turn_heading(tag)
        elif tag.name == "title":
            self._inside = "" if tag.is_end else "title"
        elif tag.name == "link" and (tag.attribute("rel") or "").lower() == "canonical":
            self.page.address = self.page.address or address_of(tag.attribute("href") or "")
        elif not self._inside:
            self._take_layout(tag)

    def finished(self) -> HelpPage:
        """The page; its title is the one that it has, or its first heading."""
        self.page.title = " ".join(self._title.split()) or self.page.title
        return self.page

    def _turn_heading(self, tag: Tag) -> None:
        if not tag.is_end:
            self._inside, self._heading = tag.name, ""
            self._anchor = tag.attribute("id") or ""
        elif self._inside in _HEADINGS:
            self._inside = ""
            heading = " ".join(self._heading.split())
            self.page.title = self.page.title or heading
            self.page.begin(heading, self._anchor)

    def _take_layout(self, tag: Tag) -> None:
        if tag.name in _BLOCKS:
            self.page.add("\n\n")
            if tag.name == "pre":
                self._preformatted = max(0, self._preformatted + (-1 if tag.is_end else 1))
        elif tag.name == "li" and not tag.is_end:
            self.page.add("\n- ")
        elif tag.name == "br":
            self.page.add("\n")
        elif tag.name in ("td", "th") and tag.is_end:
            self.page.add(" ")


def page_of_html(text: str) -> HelpPage:
    """The page that this text is."""
    builder = _Builder()
    for token in _tokens(text):
        if isinstance(token, str):
            builder.take_text(token)
        else:
            builder.take_tag(token)
    return builder.finished()


def _is_hidden(tag: Tag) -> bool:
    return (
        tag.name in _NOT_SHOWN
        or tag.attribute("hidden") is not None
        or (tag.attribute("aria-hidden") or "").lower() == "true"
        or _INVISIBLE_STYLE.search(tag.attribute("style") or "") is not None
    )


def _tokens(text: str) -> Iterator[str | Tag]:
    """Texts and tags, in their order."""
    position = 0
    while position < len(text):
        start = text.find("<", position)
        if start < 0:
            yield text[position:]
            return
        if start > position:
            yield text[position:start]
        if text.startswith("<!--", start):
            position = _after(text, "-->", start + 4)
        elif text.startswith(("<!", "<?"), start):
            position = _after(text, ">", start)
        elif found := _TAG.match(text, start):
            tag = Tag(found[2].lower(), bool(found[1]), found[3])
            yield tag
            position = found.end()
            if tag.name in _RAW and not tag.is_end:
                close = _RAW[tag.name].search(text, position)
                end = close.start() if close else len(text)
                if tag.name == "title":
                    yield text[position:end]
                position = _after(text, ">", end)
                yield Tag(tag.name, is_end=True, attributes="")
        else:
            yield "<"
            position = start + 1


def _after(text: str, sign: str, start: int) -> int:
    end = text.find(sign, start)
    return len(text) if end < 0 else end + len(sign)
