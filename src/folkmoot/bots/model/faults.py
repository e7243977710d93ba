"""What can go wrong with a model, as whoever asked reads it: no internals, no address, no key."""

import json
import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
from openai import APIConnectionError, APIStatusError

from folkmoot.bots.model.connection import Unfit
from folkmoot.bots.model.events import Truncated

_IN_A_WHILE = "Your message is kept; ask again in a while."
OUT_OF_REACH = f"The assistant's model cannot be reached right now. {_IN_A_WHILE}"
BUSY = f"The assistant's model has too much to do right now. {_IN_A_WHILE}"
BROKEN = f"The assistant's model has a fault right now. {_IN_A_WHILE}"
TOO_SLOW = f"The assistant's model took too long. {_IN_A_WHILE}"
CUT_OFF = f"The connection to the assistant's model broke off. {_IN_A_WHILE}"
UNREADABLE = "The assistant's model answered with something that is no answer."
NOTHING = "The assistant's model gave no answer; ask in other words."
REFUSED = (
    "The assistant's model did not take the question. "
    "Whoever runs this server finds the reason in its settings of the model."
)
TOO_LONG = "The answer became longer than allowed, and ends here."
WITHHELD = "The provider of the assistant's model withheld the answer, or the rest of it."

_BUSY = frozenset({408, 409, 425, 429})
_BUSY_NAMES = frozenset(
    {"rate_limit_exceeded", "rate_limit_error", "overloaded_error", "overloaded"}
)
_WITHHELD_NAMES = frozenset({"content_filter", "content_policy_violation"})


class Fault(Exception):
    """Why there is no answer: ``sentence`` for whoever asked, ``reason`` for the log.

    ``is_passing`` means that the same request may do better. ``wait`` is how many seconds the
    model asked to be left alone.
    """

    def __init__(
        self, sentence: str, reason: str, *, is_passing: bool = False, wait: float = 0.0
    ) -> None:
        super().__init__(reason)
        self.sentence = sentence
        self.reason = reason
        self.is_passing = is_passing
        self.wait = wait


def fault_of(error: Exception, now: datetime) -> Fault:
    """The fault behind anything that the client of a model raises."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, APIStatusError):
        return _of_status(error.response, now)
    if isinstance(error, APIConnectionError):
        return _of_transport(error.__cause__)
    if isinstance(error, TimeoutError):
        return Fault(TOO_SLOW, "too slow")
    if isinstance(error, httpx2.TransportError):
        return _of_transport(error)
    if isinstance(error, Truncated):
        return Fault(CUT_OFF, "its stream ended early", is_passing=True)
    if isinstance(error, Unfit):
        return Fault(UNREADABLE, str(error))
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return Fault(UNREADABLE, "malformed events")
    # Whatever a stranger's bytes bring about in the library must not become another's exception.
    return Fault(UNREADABLE, type(error).__name__)


def fault_of_error(error: object) -> Fault:
    """The fault behind an error that stands in a stream, in place of a status.

    Its text is a stranger's, and may repeat the question: nothing but its code is looked at.
    """
    fields = error if isinstance(error, dict) else {}
    names = {str(fields.get(name)).lower() for name in ("code", "type", "status")}
    status = next((int(name) for name in names if name.isdecimal() and len(name) == 3), 0)
    if names & _WITHHELD_NAMES:
        return Fault(WITHHELD, "a filter in its stream")
    if status in _BUSY or names & _BUSY_NAMES:
        return Fault(BUSY, "an error in its stream: too busy", is_passing=True)
    if 400 <= status < 500:
        return Fault(REFUSED, f"an error in its stream: status {status}")
    return Fault(BROKEN, "an error in its stream", is_passing=True)


def _of_transport(cause: BaseException | None) -> Fault:
    reason = type(cause).__name__
    if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout):
        return Fault(OUT_OF_REACH, reason, is_passing=True)
    if isinstance(cause, httpx2.TimeoutException):
        return Fault(TOO_SLOW, reason)
    return Fault(CUT_OFF, reason, is_passing=True)


def _of_status(response: httpx2.Response, now: datetime) -> Fault:
    status = response.status_code
    reason = f"status {status}"
    if status in _BUSY:
        return Fault(BUSY, reason, is_passing=True, wait=_wait(response, now))
    if status >= httpx2.codes.INTERNAL_SERVER_ERROR:
        return Fault(BROKEN, reason, is_passing=True, wait=_wait(response, now))
    return Fault(REFUSED, reason)


def _wait(response: httpx2.Response, now: datetime) -> float:
    """Seconds of ``Retry-After``, in either of its forms (RFC 9110, 10.2.3); 0 for none."""
    text = response.headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            until = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return 0.0
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0
