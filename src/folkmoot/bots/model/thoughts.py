"""What a model thinks before it answers, taken out of what it says.

Some servers send thoughts apart; behind others they stand in the text, between tags that differ
by model, and where a template has begun the thought, without the first of them. The rule is in
docs/operators/assistant.md; no I/O here, and no clock.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

_NAMES: Final = (
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "scratchpad",
    "seed:think",
    "mm:think",
    "antthinking",
)
_TAGS: Final = {
    **{f"<{name}>": f"</{name}>" for name in _NAMES},
    "[think]": "[/think]",
    "\u25c1think\u25b7": "\u25c1/think\u25b7",
    "<|start_thinking|>": "<|end_thinking|>",
    "<|channel>thought": "<channel|>",
    "<unused94>thought": "<unused95>",
}
"""What opens a thought, and what closes it, in small letters; models write both in any."""
_CHANNELS: Final = {
    f"<|channel|>{name}": "<|message|>" for name in ("analysis", "commentary", "final")
}
"""The format of gpt-oss (harmony): every message names its channel, and one alone is the answer."""
_FINAL: Final = ("<|channel|>final<|message|>", "<|channel|>final <|message|>")
_ENDS: Final = ("<|end|>", "<|return|>", "<|call|>")
_AT_FIRST: Final = {
    "here is my thought process:": "here is my response:",
    "here's my thought process:": "here's my response:",
}
"""What opens and closes a thought in plain words (Granite), at the very beginning alone."""
_MARKS: Final = ("<|start|>assistant", *_FINAL, *_ENDS)
"""What frames an answer, and is no part of it."""
_OPENING: Final = {**_TAGS, **{one: "" for one in _CHANNELS if not one.endswith("final")}}
_CLOSING: Final = tuple(dict.fromkeys(_TAGS.values()))
_SPELLINGS: Final = (*_OPENING, *_CLOSING, *_MARKS)
_LONGEST: Final = max(map(len, (*_SPELLINGS, *_AT_FIRST, *_AT_FIRST.values())))
_STARTS: Final = "<[\u25c1"
_TOKEN: Final = re.compile(
    "|".join(re.escape(one) for one in sorted(_SPELLINGS, key=len, reverse=True))
    + r"|(?P<ticks>`+|~{3,})|(?P<line>\n)",
    re.IGNORECASE,
)
_HARMONY_CLOSE: Final = re.compile(
    "|".join(re.escape(one) for one in (*_FINAL, *_ENDS)), re.IGNORECASE
)
_MAX_MENTION_CHARS: Final = 20_000
_FENCE: Final = 3
_THINKERS: Final = re.compile(
    r"deepseek-?r1|(?:^|[^a-z0-9])r1(?:[^a-z0-9]|$)|qwq|qwen-?3|thinking|reason|magistral"
    r"|minimax-?m[12]|glm-?(?:4\.[5-9]|z1)|nemotron|exaone",
    re.IGNORECASE,
)


class Habit(Enum):
    """Whether a model begins its text with a thought that has no opening tag, as far as is known.

    By its name alone it is ``UNSURE`` or ``LIKELY``, by what it has sent one of the others.
    """

    PLAIN = "plain"
    UNSURE = "unsure"
    LIKELY = "likely"
    THINKS_FIRST = "thinks first"


def habit_by_name(model: str) -> Habit:
    """What the name of a model tells of its habit, before it has said anything."""
    return Habit.LIKELY if _THINKERS.search(model) else Habit.UNSURE


@dataclass(frozen=True, slots=True)
class Heard:
    """What is to be handed on; ``retracts``: what was before is no part of the answer."""

    pieces: tuple[str, ...] = ()
    retracts: bool = False


@dataclass(slots=True)
class _Code:
    """Whether what comes stands in code, as Markdown marks it: there, tags are letters."""

    fence: str = ""
    inline: int = 0

    @property
    def is_open(self) -> bool:
        return bool(self.fence or self.inline)

    def ticks(self, run: str, *, starts_line: bool) -> None:
        if self.fence:
            if starts_line and run.startswith(self.fence):
                self.fence = ""
        elif starts_line and len(run) >= _FENCE:
            self.fence = run
        elif run[0] == "`":
            self.inline = 0 if self.inline == len(run) else self.inline or len(run)

    def line(self) -> None:
        self.inline = 0


class Thoughts:
    """Takes the thoughts out of one answer, which comes in pieces of any size.

    Unless the model is ``PLAIN``, an answer is held back until it shows whether it has begun with a
    thought: to its end, or, while that is ``UNSURE``, to `release`.
    """

    def __init__(self, habit: Habit = Habit.PLAIN) -> None:
        self.seen: Habit | None = None
        """What the answer showed of its model's habit."""
        self._habit = habit
        self.dropped_chars = 0
        self._rest = ""
        self._held: list[str] = []
        self._holds = habit is not Habit.PLAIN
        self._close: re.Pattern[str] | None = None
        self._mention: str | None = None
        self._line = ""
        self._has_shown = False
        self._retracts = False
        self._code = _Code()

    @property
    def is_held(self) -> bool:
        """Whether something waits that is to be released after a moment."""
        return self._holds and self._habit is Habit.UNSURE and bool(self._held)

    def feed(self, text: str) -> Heard:
        """What of it, and of what waited, is known to be the answer."""
        self._rest += text
        out: list[str] = []
        while self._rest and self._step(out):
            pass
        return self._heard(out)

    def release(self) -> Heard:
        """Hold nothing back any more; a thought that shows later is retracted."""
        held, self._held, self._holds = self._held, [], False
        return Heard(tuple(held))

    def end(self, *, is_whole: bool) -> Heard:
        """What is left at the end. ``is_whole``: the model came to the end by itself."""
        out: list[str] = []
        rest, self._rest = self._rest, ""
        if self._close is None:
            if rest.lower() in _CLOSING and not self._code.is_open:
                self._closed_without_opening(out)
            else:
                self._show(rest, out)
        elif self._mention is not None:
            self._show(self._mention + rest, out)
        else:
            self.dropped_chars += len(rest)
        if is_whole and self._has_shown and self.seen is None:
            self.seen = Habit.PLAIN
        last = self._heard(out)
        if self._holds and (is_whole or self._habit is Habit.UNSURE):
            return self.release()
        self.dropped_chars += sum(map(len, self._held))
        return last

    def _heard(self, out: list[str]) -> Heard:
        pieces = ("".join(out),) if out else ()
        if self._holds:
            self._held += pieces
            pieces = ()
        retracts, self._retracts = self._retracts, False
        return Heard(pieces, retracts)

    def _step(self, out: list[str]) -> bool:
        """Take one thing off the rest; whether there may be another."""
        if self._close is not None:
            return self._think(self._close)
        if not self._has_shown and not self._begin():
            return False
        if self._close is not None:
            return True
        found = _TOKEN.search(self._rest)
        if found is None or self._may_go_on(found):
            return self._pass_on(out, len(self._rest) if found is None else found.start())
        self._pass_on(out, found.start(), cuts=True)
        token, self._rest = found[0], self._rest[len(found[0]) :]
        if found["line"] or found["ticks"]:
            self._mark(found, out)
        elif self._code.is_open:
            self._show(token, out)
        else:
            self._tag(token, out)
        return True

    def _begin(self) -> bool:
        """Look for a thought in plain words at the beginning; whether it is known that none is."""
        start = self._rest.lstrip().lower()
        for opening, closing in _AT_FIRST.items():
            if start.startswith(opening):
                self._rest = self._rest.lstrip()[len(opening) :]
                self._open(re.compile(re.escape(closing), re.IGNORECASE))
                return True
            if opening.startswith(start):
                return False
        return True

    def _may_go_on(self, found: re.Match[str]) -> bool:
        """Whether a token at the end of what there is may be longer, or need what follows it."""
        if found.end() < len(self._rest) or found["line"]:
            return False
        tag = found[0].lower()
        longer = any(one.startswith(tag) and one != tag for one in _SPELLINGS)
        return bool(found["ticks"]) or longer or (tag in _CLOSING and not self._holds)

    def _pass_on(self, out: list[str], end: int, *, cuts: bool = False) -> bool:
        """Show what stands before ``end``, but for what may become a tag; nothing more to do."""
        text = self._rest[:end]
        if not cuts and end == len(self._rest):
            text = text[: len(text) - _half_tag(text)]
        self._rest = self._rest[len(text) :]
        self._show(text, out)
        return False

    def _mark(self, found: re.Match[str], out: list[str]) -> None:
        if found["line"]:
            self._code.line()
        else:
            self._code.ticks(found[0], starts_line=not self._line.strip(" \t>*-"))
        self._show(found[0], out)

    def _tag(self, token: str, out: list[str]) -> None:
        tag = token.lower()
        if tag in _OPENING:
            close = _OPENING[tag]
            self._open(re.compile(re.escape(close), re.IGNORECASE) if close else _HARMONY_CLOSE)
            # In the middle of a line, and never closed, it is a word of the answer.
            self._mention = token if self._line.strip() else None
        elif tag in _CLOSING:
            if self._holds or not self._has_shown or self._is_alone():
                self._closed_without_opening(out)
            else:
                self._show(token, out)

    def _is_alone(self) -> bool:
        """Whether a closing tag begins or ends its line, as a template has it and prose has not."""
        return not self._line.strip() or self._rest[:1] in {"\n", "\r"}

    def _open(self, close: re.Pattern[str]) -> None:
        self._close, self._mention = close, None

    def _think(self, close: re.Pattern[str]) -> bool:
        found = close.search(self._rest)
        while found is not None and self._is_quoted(found):
            found = close.search(self._rest, found.end())
        if found is None:
            cut = max(0, len(self._rest) - _LONGEST)
            self._drop(self._rest[:cut])
            self._rest = self._rest[cut:]
            return False
        self._drop(self._rest[: found.end()])
        self._rest = self._rest[found.end() :]
        self._close = self._mention = None
        # Whoever tags a thought from its beginning has not begun with an untagged one.
        if not self._has_shown:
            self._holds = False
        return True

    def _is_quoted(self, found: re.Match[str]) -> bool:
        """Whether a thought only speaks of the tag that would close it, as far as can be told."""
        before = self._rest[max(0, found.start() - 1) : found.start()]
        return before == "`" and self._rest[found.end() : found.end() + 1] in {"", "`"}

    def _drop(self, text: str) -> None:
        self.dropped_chars += len(text)
        if self._mention is not None:
            self._mention += text
            if len(self._mention) > _MAX_MENTION_CHARS:
                self._mention = None

    def _closed_without_opening(self, out: list[str]) -> None:
        """Everything so far was a thought."""
        self.dropped_chars += sum(map(len, (*self._held, *out)))
        if self._has_shown:
            self.seen = Habit.THINKS_FIRST
        self._retracts = self._has_shown and not self._holds
        self._held.clear()
        out.clear()
        self._holds = self._has_shown = False
        self._line = ""
        self._code = _Code()

    def _show(self, text: str, out: list[str]) -> None:
        if text:
            out.append(text)
            self._has_shown = self._has_shown or not text.isspace()
            self._line = (self._line + text).rpartition("\n")[2][-200:]


def without_thoughts(text: str) -> str:
    """A whole answer without what its model thought."""
    thoughts = Thoughts()
    heard, last = thoughts.feed(text), thoughts.end(is_whole=True)
    return "".join(last.pieces if last.retracts else (*heard.pieces, *last.pieces))


def _half_tag(text: str) -> int:
    """How many characters at the end may be the beginning of a tag, or of a fence."""
    for start in range(max(0, len(text) - _LONGEST), len(text)):
        if text[start] in _STARTS:
            half = text[start:].lower()
            if any(one.startswith(half) for one in _SPELLINGS):
                return len(text) - start
    run = len(text) - len(text.rstrip("~"))
    return run if run < _FENCE else 0
