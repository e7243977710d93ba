"""What is logged and how: one event a line, escaped, and never a token in it."""

import json
import logging
import re
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from folkmoot.bots.logs.redaction import redacted
from folkmoot.realtime.request_id import request_id
from folkmoot.server.ops.line_file import LineFile, bounded
from folkmoot.server.ops.log_rates import LogRates, is_access, is_from_outside
from folkmoot.server.system import SystemClock

FILE_NAME: Final = "server.log"
MAX_PATH_CHARS: Final = 400
MAX_VALUE_CHARS: Final = 2000
MAX_TRACEBACK_CHARS: Final = 6000
MAX_FIELDS_SHOWN: Final = 10

_SHOWN_FIELDS: Final = frozenset(
    [
        "after",
        "after_seq",
        "around_seq",
        "before",
        "before_seq",
        "days",
        "EIO",
        "from_seq",
        "limit",
        "max_messages",
        "offset",
        "page",
        "page_size",
        "scope",
        "skip",
        "status",
        "timeout",
        "transport",
        "up_to_seq",
    ]
)
"""What may be in the query of a request and in the log: no secret, and no word that anybody wrote.

Names are taken as they are written. What is spelled in another way is another name.
"""
_SHOWN_VALUE = re.compile(r"[A-Za-z0-9_.:-]{1,32}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def shown_target(target: str) -> str:
    """What is logged of a request's address: its path, and what of its query is plain."""
    path, mark, query = target.partition("?")
    if len(path) > MAX_PATH_CHARS:
        path = f"{path[:MAX_PATH_CHARS]}…"
    if not mark:
        return path
    fields = query.split("&", MAX_FIELDS_SHOWN)
    shown = [field for field in fields[:MAX_FIELDS_SHOWN] if _is_plain(field)]
    return f"{path}?{'&'.join(shown if shown == fields else [*shown, '…'])}"


def _is_plain(field: str) -> bool:
    name, _, value = field.partition("=")
    return name in _SHOWN_FIELDS and _SHOWN_VALUE.fullmatch(value) is not None


def _with_shown_target(record: logging.LogRecord) -> bool:
    """Take out of uvicorn's access lines what is not known to be plain."""
    if is_access(record) and isinstance(record.args, tuple):
        address, method, target, *rest = record.args
        record.args = (address, method, shown_target(str(target)), *rest)
    return True


def one_line(text: str) -> str:
    """The text with everything escaped that could begin another line or steer a terminal."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def _clean(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)  # uvicorn's, for terminals
    event.pop("is_admitted", None)
    for name, value in event.items():
        if name == "exception":
            # How it began is told by the last of it.
            event[name] = redacted(str(value)[-MAX_TRACEBACK_CHARS:])
        elif isinstance(value, str) and name not in {"level", "timestamp"}:
            event[name] = one_line(shortened(redacted(value[: 2 * MAX_VALUE_CHARS])))
    return event


def shortened(text: str) -> str:
    """The text, cut where it is longer than any that is meant to be read."""
    return text if len(text) <= MAX_VALUE_CHARS else f"{text[:MAX_VALUE_CHARS]}…"


class _BoundedJson:
    """Renders one line of JSON that is whole, however much there is to tell."""

    def __init__(self) -> None:
        self._render = structlog.processors.JSONRenderer()

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        """The line."""
        return bounded(event, lambda fields: str(self._render(logger, method, dict(fields))))


def _with_request_id(record: logging.LogRecord) -> bool:
    """Name the request in the record, here and now: it is formatted in another thread."""
    number = request_id.get()
    if number and not hasattr(record, "request_id"):
        record.request_id = number
    return True


class _ToLines(logging.Handler):
    """Hands what is logged to a file of lines, and keeps what goes wrong with that to itself."""

    def __init__(self, lines: LineFile) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Have a record written soon, and made into a line by then."""
        self._lines.write(partial(self.format, record), outside=is_from_outside(record))

    def close(self) -> None:
        """Write what waits."""
        self._lines.close()
        super().close()


class OwnLog(NamedTuple):
    """What there is of this process's own log: its file, if any, and how much is logged."""

    lines: LineFile | None
    rates: LogRates


def set_up_logging(
    *, level: str, form: str, access_log: bool, folder: Path | None = None
) -> OwnLog:
    """Send everything that this process logs through one handler, cleaned and bounded.

    With a ``folder`` it is also written there, as JSON lines.
    """
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.format_exc_info,
        _clean,
    ]
    as_json, rates = _BoundedJson(), LogRates()
    as_text = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    handlers[0].setFormatter(_formatter(shared, as_json if form == "json" else as_text))
    lines = None
    if folder is not None:
        lines = LineFile(folder / FILE_NAME, say_lost=_say_lost)
        handlers.append(_ToLines(lines))
        handlers[1].setFormatter(_formatter(shared, as_json))
    for handler in handlers:
        handler.addFilter(rates.admit)
        handler.addFilter(_with_request_id)
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(level.upper())
    loggers: dict[str, Any] = {"uvicorn": None, "uvicorn.error": None, "uvicorn.access": None}
    for name in loggers:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    access = logging.getLogger("uvicorn.access")
    access.filters[:] = [_with_shown_target]
    # Without a handler in reach, uvicorn does not even compose its access lines.
    access.propagate = access_log
    for name in ("httpx2", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return OwnLog(lines, rates)


def _say_lost(lines: int) -> str:
    at = SystemClock().now().isoformat()
    return json.dumps(
        {"event": "log lines were lost", "lines": lines, "level": "warning", "timestamp": at}
    )


def _formatter(shared: list[Processor], renderer: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
