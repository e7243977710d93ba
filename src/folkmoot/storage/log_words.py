"""Words of entries of logs, and of questions about them: what counts, and what else it may mean.

Names are found whole and in pieces: `ConnectionResetError` by its words, `/api/v1/orders` by each
of its parts and better by all of them in a row.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

MAX_QUESTION_CHARS: Final = 2_000
MAX_WANTED: Final = 16
MAX_WORD_CHARS: Final = 64
ALIKE_WEIGHT: Final = 0.55

_CAMEL = re.compile(r"[a-z][A-Z]")
_CAMEL_WORD = re.compile(r"\b[A-Za-z]*[a-z][A-Z][A-Za-z]*\b")
_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_WITHOUT_SPACES = re.compile(
    "([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]|[\U00020000-\U0002ffff])"
)
_CHUNK = re.compile(r"[^\W_](?:[\w./:@%+-]*\w)?")
_WORD = re.compile(r"[^\W_]+")

_STOP_WORDS: Final = """
    a about after again all also am an and any anybody anyone anything are as at be because been
    before being between both but by came can come could did do does doing done during each either
    else ever every for from gave get gets give given go goes going gone got had happen happened
    happening happens has have having he her here him his how i if in into is it its itself just
    know last latest let like log logs line lines entry entries look many may me might more most
    much must my near need no not now of off on once one only or other our out over please put
    recent recently said saw say says see seem shall she should show since so some somebody someone
    something still such tell than that the their them then there these they thing things this
    those through to too told today took try trying under until up us use used using very want was
    we went were what whats when where whether which while who whom whose why will with within
    without would yesterday yet you your against ago already back day days evening far hour hours
    long made minute minutes morning night often problem problems page tonight tried way week work
    worked works people anymore ours own suddenly probably actually really ever whole
"""

_TROUBLE_WORDS: Final = """
    fail failed failing fails failure failures error errors wrong crash crashed crashes problem
    problems broken break broke trouble exception exceptions refused denied rejected died killed
    down slow issue issues bad lost unable cannot stuck
"""
_ALIKE: Final = """
    fail failed failure error exception unsuccessful aborted
    synchronise sync synchronised
    synchronisation sync synchronised
    processor cpu core
    overheating temperature thermal throttled hot
    reload reconfiguring reloaded hup
    ssh sshd
    twice duplicate second again
    article articles item product
    product article item catalog
    hide hidden
    behind outdated stale
    backlog waiting queue pending
    intrusion scanner invalid
    room space freed
    free freed released
    crash crashed died killed segfault panic traceback exited abort core
    kill killed oom terminated
    memory oom heap ram
    slow latency timeout took slowly delay
    timeout timed deadline expired
    start started starting boot booted launched begin
    restart restarted reboot rebooted respawn
    stop stopped stopping shutdown exited terminated
    down unreachable unavailable offline refused
    connect connection connected connecting
    lost dropped disconnected closed reset
    reject rejected refused denied declined
    deny denied forbidden unauthorized refused permission
    login logged logon signin authentication session sshd
    logout signed logoff
    wrong invalid incorrect bad mismatch
    password credentials authentication
    user account customer
    customer client buyer
    disk space filesystem storage volume partition
    full exhausted enospc exceeded
    delete deleted removed purged dropped
    remove removed deleted uninstalled
    create created added made new
    install installed upgraded unpacked setup
    update updated upgraded upgrade changed
    send sent delivered dispatched
    mail email smtp postfix message
    pay payment paid charge charged payout
    money payment amount refund
    refund refunded refunding chargeback
    card visa mastercard issuer
    declined refused insufficient
    duplicate twice again idempotency already
    retry retried retrying attempt again
    database db postgres postgresql mysql sql
    query sql statement select
    certificate cert tls ssl x509
    encrypted tls ssl
    expire expired expires expiry
    network eth0 link interface carrier
    cable link carrier unplugged
    request requests http get post
    page url path get
    website site host upstream server
    blocked banned ban limiting limited
    attack brute scanner intrusion invalid
    limit limiting limited throttled quota exceeded 429
    backup dump snapshot
    job task cron worker
    scheduled cron timer
    queue queued backlog pending
    cache redis memcached
    config configuration settings reconfiguring
    configuration config settings reconfiguring
    reload reloaded reloading
    deploy deployed release version rollout
    upload uploaded body
    big large too
    missing found 404 nonexistent
    broken corrupt corrupted damaged
    hardware sensor smart
    hot temperature thermal overheating throttled
    clock ntp time chrony drift
    usb device plugged
    firewall ufw iptables block
    address ip addr
    admin root sudo privileged
    command sudo exec
    bot crawler googlebot
    browser agent mozilla
    lock deadlock locked
"""
"""Of each line, what else may be meant by its first word, in what programs write."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word that is looked for, and how much of a find it is."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that a question is about: a word or, less well, one that may be meant by it."""

    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class LogQuestion:
    """What is to be found, and which words had better stand in a row."""

    wanted: tuple[Wanted, ...]
    phrases: tuple[tuple[str, ...], ...]
    is_of_trouble: bool


def _neighbours() -> dict[str, tuple[str, ...]]:
    near: dict[str, dict[str, None]] = {}
    for word, *others in map(str.split, _ALIKE.strip().splitlines()):
        near.setdefault(word, {}).update(dict.fromkeys(others))
    return {word: tuple(others) for word, others in near.items()}


_NEAR: Final = _neighbours()
_STOP: Final = frozenset(_STOP_WORDS.split())
_TROUBLE: Final = frozenset(_TROUBLE_WORDS.split())


def indexed(text: str) -> str:
    """The text as it is given to the index: names in mixed case also in pieces."""
    if not text.isascii():
        text = _WITHOUT_SPACES.sub(r" \1 ", text)
    if _CAMEL.search(text) is None:
        return text
    pieces = [" ".join(_PIECES.findall(name)) for name in _CAMEL_WORD.findall(text)[:50]]
    return " ".join([text, *pieces])


def question_of(words: str) -> LogQuestion:
    """What somebody asks, in whatever words; there may be nothing in it to look for."""
    text = words[:MAX_QUESTION_CHARS].encode("utf-8", "replace").decode().replace("\0", " ")
    text = _WITHOUT_SPACES.sub(r" \1 ", text)
    chunks = _CHUNK.findall(text.replace("'s ", " ").replace("n't ", " not "))
    plain = list(dict.fromkeys(piece for chunk in chunks for piece in _pieces(chunk)))
    telling = [word for word in plain if word not in _STOP] or plain
    phrases = [tuple(_WORD.findall(chunk.lower())) for chunk in chunks]
    phrases += pairwise(telling)
    return LogQuestion(
        wanted=tuple(_wanted(word) for word in telling[:MAX_WANTED]),
        phrases=tuple(each for each in dict.fromkeys(phrases) if 1 < len(each) <= MAX_WANTED),
        is_of_trouble=not _TROUBLE.isdisjoint(plain),
    )


def _pieces(chunk: str) -> Iterator[str]:
    for word in _WORD.findall(chunk):
        yield word.lower()[:MAX_WORD_CHARS]
        if _CAMEL.search(word):
            yield from (piece.lower() for piece in _PIECES.findall(word)[:MAX_WANTED])


def _wanted(word: str) -> Wanted:
    near = _NEAR.get(word) or _NEAR.get(_root(word)) or ()
    others = [Word(other, ALIKE_WEIGHT) for other in near if other != word]
    return Wanted((Word(word, 1.0), *others))


def _root(word: str) -> str:
    """The word without the commonest endings: good enough to look it up in a short list."""
    for close_reason in ("ing", "ed", "es", "s"):
        stem = word.removesuffix(close_reason)
        if stem != word and len(stem) > 2:
            return stem if stem in _NEAR else stem + "e" if stem + "e" in _NEAR else stem
    return word
