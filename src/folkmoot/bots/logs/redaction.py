"""Secrets that programs wrote into their logs, taken out before anything is indexed.

A line is looked through for needles first, plain and fast; only one that holds a needle meets the
patterns. Every pattern is bounded in what it repeats, so that no line takes long.
"""

import re
from functools import lru_cache
from typing import Final

HIDDEN: Final = "[hidden]"
MAX_KEY_ENTRIES: Final = 200

_NAMED: Final = (
    *("pass", "pwd", "secret", "token", "ticket", "key", "authorization", "cookie", "credential"),
    *("sess", "signature", "otp", "jwt"),
)
_FORMED: Final = (
    *("akia", "asia", "agpa", "aida", "aroa", "anpa", "sk-", "_live_", "_test_", "whsec_", "ghp_"),
    *("gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "aiza", "npm_", "hf_"),
    "pypi-",
)
_CALLED: Final = (
    r"(?:pass(?:word|wd|phrase|code)|(?<![a-z-])pass(?=[\"'\\]{0,4}\s{0,4}[=:])"
    r"|(?!(?-i:PWD=/))pwd|secret|credentials?|token|jwt|(?<![a-z])otp(?![a-z])"
    r"|ticket(?=[\"'\\]{0,4}\s{0,4}(?:[=:]|%3d)[\"'\\]{0,4}\s{0,4}[\"'\\]{0,4}[\w-]{20})"
    r"|(?:api|access|secret|private|signing|encryption|auth|master|license)[_.\- ]?key"
    r"|sess(?:ion)?[_-]?(?:id|key)|signature|authorization|cookie)"
)
_QUOTE: Final = r"(?:(?:\\|%5c){0,8}(?:[\"']|%22|%27)|&quot;)?"
_SPACE: Final = r"(?:\s|%20|\+){0,8}"
_VALUE: Final = (
    r"(?:[bru]{0,2}\\{1,8}\"(?:(?!\\{1,8}\").)*+(?:\\{1,8}\")?"
    r"|[bru]{0,2}\"(?:[^\"\\]|\\.)*+\"?"
    r"|[bru]{0,2}\\{0,8}'(?:[^'\\]|\\.)*+'?"
    r"|\[[^\]]*+\]?|\{[^}]*+\}?"
    r"|(?:[^\s&;,\"'<>]|[&;,](?!\s|[\w.-]{1,40}=|\Z))++)"
)
_SCHEME: Final = r"(?:(?:bearer|basic|token|digest|negotiate|apikey|jwt)(?:\s|%20|\+){1,4})?"

_COOKIES = re.compile(
    rf"(cookie{_QUOTE}\]?\s{{0,4}}[=:]\s{{0,4}}{_QUOTE})"
    r"([^\s=;\"'\\]{1,200}=[^\s;\"'\\]*+(?:;\s?[^\s=;\"'\\]{1,200}(?:=[^\s;\"'\\]*+)?)*)",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    rf"({_CALLED}[\w.\-\]]{{0,40}}+{_QUOTE}{_SPACE}(?:=>|:=|==|=|:|>(?=\S)|%3d|%3a){_SPACE}"
    rf"{_SCHEME}){_VALUE}",
    re.IGNORECASE | re.DOTALL,
)
_SCHEMES = re.compile(
    r"\b((?:bearer|basic)(?:\s|%20|\+|:\s?)[\"']?)[A-Za-z0-9._~+/=%-]{6,}+", re.IGNORECASE
)
_JWT = re.compile(
    r"eyJ[A-Za-z0-9_-]{5,2000}+(?:\.|%2[eE])[A-Za-z0-9_-]++(?:(?:\.|%2[eE])[A-Za-z0-9_-]*+){0,4}"
)
_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30}:\\?/\\?/)[^\s/\"'<>]{1,1000}@")
_KEYS = re.compile(
    r"(?:(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA)[A-Z0-9]{12,}|\bsk-[A-Za-z0-9_-]{12,}"
    r"|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}|whsec_[A-Za-z0-9+/=]{8,}"
    r"|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{12,}|xox[a-z]-[\w-]{8,}"
    r"|AIza[\w-]{20,}|npm_\w{20,}|\bhf_[A-Za-z0-9]{16,}|pypi-[\w-]{16,})"
)
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_PEM_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_ENDS = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_NAME = re.compile(_CALLED, re.IGNORECASE)


def redacted(text: str) -> str:
    """The text without the secrets that are known by their form, or by what they are called."""
    low = text.lower()
    if "-----begin" in low:
        text = _PEM.sub(HIDDEN, text)
    if "://" in low or ":\\/" in low:
        text = _USERINFO.sub(rf"\1{HIDDEN}@", text)
    for needle in _NAMED:
        if needle in low:
            text = _COOKIES.sub(rf"\1{HIDDEN}", text) if "cookie" in low else text
            text = _ASSIGNED.sub(rf"\1{HIDDEN}", text)
            break
    if "bearer" in low or "basic" in low:
        text = _SCHEMES.sub(rf"\1{HIDDEN}", text)
    if "eyj" in low:
        text = _JWT.sub(HIDDEN, text)
    for needle in _FORMED:
        if needle in low:
            return _KEYS.sub(HIDDEN, text)
    return text


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether what is called so is not to be shown, whatever it is."""
    return _NAME.search(name) is not None


class Redactor:
    """Takes secrets out of entries that follow each other: a private key may go over many."""

    def __init__(self) -> None:
        self._key_entries = 0

    def clean(self, text: str) -> str:
        """The entry without its secrets."""
        if self._key_entries:
            return self._within_key(text)
        if "-----BEGIN" in text:
            begun = _PEM_BEGINS.split(text)
            if len(begun) > 1 and not _PEM_ENDS.search(begun[-1]):
                self._key_entries = MAX_KEY_ENTRIES
        return redacted(text)

    def _within_key(self, text: str) -> str:
        self._key_entries -= 1
        end = _PEM_ENDS.search(text)
        if end is None:
            return HIDDEN
        self._key_entries = 0
        return HIDDEN + self.clean(text[end.end() :])
