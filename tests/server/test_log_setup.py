import json
import logging
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from folkmoot.server.ops.line_file import MAX_LINE_CHARS
from folkmoot.server.ops.log_rates import LogRates
from folkmoot.server.ops.log_setup import MAX_PATH_CHARS, OwnLog, set_up_logging, shown_target
from tests.cast import FrozenClock


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/auth/me", "/auth/me"),
        ("/m?limit=20&before_seq=7", "/m?limit=20&before_seq=7"),
        ("/m?token=abc", "/m?…"),
        ("/m?%74oken=abc", "/m?…"),
        ("/m?limit=20&to%6Ben=abc&offset=1", "/m?limit=20&offset=1&…"),
        ("/m?LIMIT=20", "/m?…"),
        ("/m?q=secret+words", "/m?…"),
        ("/m?limit=" + "a" * 43, "/m?…"),
        ("/m?limit=a%20b", "/m?…"),
        ("/m?limit=1?token=abc", "/m?…"),
        ("/m?", "/m?…"),
        ("/m?" + "limit=1&" * 1000, "/m?" + "limit=1&" * 10 + "…"),
        ("/" + "a" * 9000, "/" + "a" * (MAX_PATH_CHARS - 1) + "…"),
    ],
)
def test_of_a_query_only_what_is_known_to_be_plain_is_logged(target: str, shown: str):
    assert shown_target(target) == shown


@pytest.fixture
def own_log(tmp_path: Path) -> Iterator[OwnLog]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield set_up_logging(level="info", form="json", access_log=True, folder=tmp_path)
    root.handlers[:] = before
    root.setLevel(level)


def lines_of(own_log: OwnLog, folder: Path) -> list[dict[str, str]]:
    assert own_log.lines is not None
    own_log.lines.close()
    return [json.loads(line) for line in (folder / "server.log").read_text().splitlines()]


def test_a_line_is_bounded_and_is_json_however_much_there_is_to_say(
    own_log: OwnLog, tmp_path: Path
):
    log = logging.getLogger("folkmoot.test")
    log.warning("%s", "é\u2028" * 100_000, extra={f"fact{n}": "\x1b" * 5000 for n in range(50)})
    try:
        int("é" * 4000)
    except ValueError:
        log.exception("a fault", extra={"facts": ["\u2028" * 5000] * 50})
    log.info("the last")

    lines = lines_of(own_log, tmp_path)

    assert [line["level"] for line in lines] == ["warning", "error", "info"]
    assert "is_admitted" not in lines[2]
    assert lines[2]["event"] == "the last"
    assert all(
        len(line) <= MAX_LINE_CHARS for line in (tmp_path / "server.log").read_text().splitlines()
    )


def access(path: str, address: str = "192.0.2.66") -> logging.LogRecord:
    text = '%s - "%s %s HTTP/%s" %d'
    args = (f"{address}:5000", "GET", path, "1.1", 404)
    return logging.LogRecord("uvicorn.access", logging.INFO, "", 0, text, args, None)


def test_lines_of_one_address_are_so_many_and_how_many_were_left_out_is_told(
    own_log: OwnLog, tmp_path: Path
):
    clock = FrozenClock()
    rates = LogRates(clock.monotonic)

    admitted = [rates.admit(access("/x")) for _ in range(1000)]
    assert sum(admitted) == 300
    assert rates.admit(access("/x", "192.0.2.1"))
    clock.pass_by(timedelta(seconds=1))
    assert rates.admit(access("/x"))
    rates.tell()

    (line,) = lines_of(own_log, tmp_path)
    assert (line["lines"], line["of"]) == (700, "192.0.2.66")


def test_a_text_that_is_logged_again_and_again_leaves_room_for_others():
    rates = LogRates(FrozenClock().monotonic)
    admitted = Counter(
        record.msg
        for number in range(1000)
        for record in [
            logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, msg, (number,), None)
            for msg in ("Invalid HTTP request received.", f"another, the {number}th")
        ]
        if rates.admit(record)
    )
    assert admitted["Invalid HTTP request received."] == 60
    assert len(admitted) == 1001


def test_each_handler_is_told_the_same_of_one_record():
    rates = LogRates(FrozenClock().monotonic)
    for _ in range(1000):
        record = access("/x")
        assert rates.admit(record) is rates.admit(record)
