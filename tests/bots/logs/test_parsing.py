import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.bots.logs import levels
from folkmoot.bots.logs.entry import Entry
from folkmoot.bots.logs.parsing import Parser, Verdict
from folkmoot.bots.logs.reading import EntryBuilder
from folkmoot.bots.logs.times import AHEAD, EARLIEST
from folkmoot.bots.logs.zones import zone_of
from folkmoot.core.logs.model import LogLine, SourceAudience

CORPUS = Path(__file__).parent / "corpus"

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
TEN = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)


def parsed(line: str, now: datetime = NOW) -> Entry:
    entry = Parser(now).parse(line)
    assert isinstance(entry, Entry), f"{entry} for {line!r}"
    return entry


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("2026-11-29 10:00:00 up", TEN),
        ("2026-11-29T10:00:00Z up", TEN),
        ("2026-11-29T10:00:00.250Z up", TEN + timedelta(milliseconds=250)),
        ("2026-11-29 10:00:00,123 up", TEN + timedelta(milliseconds=123)),
        ("2026-11-29T11:00:00+01:00 up", TEN),
        ("2026-11-29 05:00:00 -0500 up", TEN),
        ("[2026-11-29 10:00:00] up", TEN),
        ("2026/11/29 10:00:00 up", TEN),
        ("2026-11-29T10:00Z up", TEN),
        ("1795946400 up", TEN),
        ("1795946400.5 up", TEN + timedelta(milliseconds=500)),
        ("1795946400250 up", TEN + timedelta(milliseconds=250)),
        ("Nov 29 10:00:00 attic up", TEN),
        ("<13>Nov 29 10:00:00 attic up", TEN),
        ("<13>1 2026-11-29T10:00:00Z attic up 7 - - up", TEN),
        ('10.0.0.7 - ana [29/Nov/2026:11:00:00 +0100] "GET / HTTP/1.1" 200 5 "-" "x"', TEN),
        ("[Sun Nov 29 10:00:00.000000 2026] [core:error] up", TEN),
        ("2026-11-29 10:00:60 up", TEN.replace(second=59)),
    ],
)
def test_a_line_begins_with_its_time(line, at):
    entry = parsed(line)
    assert entry.at == at
    assert entry.text


@pytest.mark.parametrize("name", ["timestamp", "@timestamp", "time", "ts", "eventTime", "asctime"])
@pytest.mark.parametrize(
    "value",
    [
        "2026-11-29T10:00:00Z",
        "2026-11-29 10:00:00,000",
        1795946400,
        1795946400.0,
        1795946400000,
        "1795946400",
        "1795946400000000",
    ],
)
def test_a_json_line_says_its_time_by_many_names_and_in_many_forms(name, value):
    entry = parsed(json.dumps({name: value, "level": "WARN", "msg": "low on paper"}))
    assert (entry.at, entry.level, entry.text) == (TEN, levels.WARNING, "low on paper")


def test_the_other_fields_of_a_json_line_are_kept_by_their_paths():
    line = {
        "ts": 1795946400,
        "message": "sent",
        "mail": {"to": ["ana", "bo"], "size": 7},
        "n": None,
    }
    assert parsed(json.dumps(line)).text == "sent mail.size=7 mail.to=ana bo"


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-11-29 10:00:00 ERROR it broke", levels.ERROR),
        ("2026/11/29 10:00:00 [warn] 7#7: it creaks", levels.WARNING),
        ("2026-11-29 10:00:00 level=debug it hums", levels.DEBUG),
        ("2026-11-29 10:00:00 it hums", levels.UNKNOWN),
        ("<11>Nov 29 10:00:00 attic lamp: out", levels.ERROR),
        ("<0>1 2026-11-29T10:00:00Z attic lamp - - - out", levels.CRITICAL),
        ('::1 - - [29/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 502 5', levels.ERROR),
        ('::1 - - [29/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 404 5', levels.WARNING),
        ('{"time": 1795946400000, "level": 50, "msg": "pino"}', levels.ERROR),
        (
            '{"__REALTIME_TIMESTAMP": "1795946400000000", "PRIORITY": "4", "MESSAGE": "j"}',
            "warning",
        ),
    ],
)
def test_a_line_says_how_grave_it_is(line, level):
    assert parsed(line).level == level


def test_the_parts_of_rfc_5424_are_kept():
    line = (
        "<165>1 2026-11-29T10:00:00.003Z attic mailer 811 ID47 "
        '[meta@1 a="x\\"] y" b="2"][other] \ufeffmail is queued'
    )
    text = parsed(line).text
    assert text.startswith("attic ID47 mailer[811]: [meta@1")
    assert text.endswith("mail is queued")


@pytest.mark.parametrize(
    ("now", "stamp", "year"),
    [
        (datetime(2026, 1, 1, 0, 5, tzinfo=UTC), "Dec 31 23:59:00", 2025),
        (datetime(2025, 12, 31, 23, 59, tzinfo=UTC), "Jan  1 00:30:00", 2026),
        (datetime(2026, 3, 1, tzinfo=UTC), "Nov 29 10:00:00", 2025),
        (datetime(2026, 3, 1, tzinfo=UTC), "Feb 29 10:00:00", 2024),
        (datetime(2026, 3, 1, tzinfo=UTC), "Feb 28 10:00:00", 2026),
    ],
)
def test_a_time_without_a_year_is_of_the_year_that_does_not_lie_ahead(now, stamp, year):
    assert parsed(f"{stamp} attic up", now).at.year == year


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-29 10:00:00\0 with a NUL",
        '{"time": "2026-11-29T10:00:00Z", "msg": ',
        "{" * 60_000,
        '{"time": ' + "9" * 5_000 + "}",
    ],
)
def test_what_should_be_an_entry_and_cannot_be_read_is_broken(line):
    assert Parser(NOW).parse(line) is Verdict.BROKEN


@pytest.mark.parametrize(
    "line",
    [
        "9999-12-31 10:00:00 far ahead",
        "2026-12-24 10:00:00 a month ahead",
        "1969-12-31 23:59:59 before there was time",
        "2026-02-30 10:00:00 no such day",
        "2026-11-29 25:00:00 no such hour",
        "2026-11-29 10:00:99 no such second",
        "2026-11-29 10:00:00+25:00 no such zone",
        "2026-11-29 10:00:00+1 half a zone",
        "0000-00-00 00:00:00 never",
        '{"time": 1e300, "msg": "x"}',
        '{"time": -5, "msg": "x"}',
        '{"time": true, "msg": "x"}',
        '{"msg": "no time"}',
    ],
)
def test_what_is_absurd_or_not_said_is_no_time(line):
    entry = Parser(NOW).parse(line)
    assert isinstance(entry, Entry)
    assert entry.at is None
    assert line[:1] == "{" or entry.text == line


@pytest.mark.parametrize(
    "line",
    [
        "Next run is scheduled for 2026-11-30 10:00:00",
        "Error: 2026-11-28 10:00:00 is no valid date",
        "Last-Modified: Sat, 28 Nov 2026 10:00:00 GMT",
        "X-Amz-Date: 20261128T100000Z",
        'expires="2026-11-28T10:00:00Z" path=/',
        '  "createdAt": "2026-11-28T10:00:00Z",',
        '{"createdAt": "2026-11-28T10:00:00Z", "name": "Ana"}',
        "| 4711 | 2026-11-28 10:00:00 | ana |",
        " 2026-11-28 10:00:00 | ana",
        "1234567890 is what the caller dialled",
        "    at org.example.Wicket.spin(Wicket.java:1795946400)",
        "Caused by: java.io.IOException: 2026-11-28 10:00:00",
    ],
)
def test_a_time_that_is_told_of_is_not_when_the_line_was_written(line):
    parser = Parser(NOW)
    parser.parse("2026-11-29 10:00:00 ERROR it broke")
    assert parser.parse(line) is Verdict.CONTINUES


FORMS = [json.loads(line) for line in (CORPUS / "forms.jsonl").read_text().splitlines()]


def read_form(form: dict[str, str]) -> LogLine:
    """The first entry of a file that has but this one, in the zone of the form."""
    zone = zone_of(form["zone"]) if "zone" in form else UTC
    gathered = EntryBuilder("app.log", SourceAudience.EVERYBODY)
    parser = Parser(NOW, zone)
    for number, line in enumerate([form["line"], *filter(None, [form.get("more")])], start=1):
        what = parser.parse(line)
        if isinstance(what, Entry):
            gathered.begin(number, what)
        else:
            assert what is Verdict.CONTINUES, form["source"]
            gathered.add(line)
    entry = gathered.finish()
    assert entry is not None
    return entry


def right_instant(form: dict[str, str | None]) -> datetime | None:
    return datetime.fromisoformat(form["at"]) if form["at"] else None


def test_the_forms_that_programs_log_in_are_read_with_the_right_time_level_and_text():
    read = [(form, read_form(form)) for form in FORMS]
    right = [
        form["source"]
        for form, entry in read
        if entry.at == right_instant(form)
        and entry.level == form.get("level", entry.level)
        and form["text"] in entry.text
    ]
    assert len(FORMS) >= 200
    assert len(right) >= 0.95 * len(FORMS), {form["source"] for form in FORMS} - {*right}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form["source"])
def test_no_form_is_read_with_a_wrong_time(form):
    assert read_form(form).at in {None, right_instant(form)}


def test_a_file_tells_by_its_clear_days_which_number_is_the_month():
    parser = Parser(NOW)
    lines = ["03/04/2026 10:11:12 one", "03/24/2026 10:11:12 two", "03/04/2026 10:11:12 three"]
    days = [parser.parse(line).at for line in lines]
    assert days == [
        None,
        datetime(2026, 3, 24, 10, 11, 12, tzinfo=UTC),
        datetime(2026, 3, 4, 10, 11, 12, tzinfo=UTC),
    ]


def test_a_web_servers_own_form_is_in_utc_whatever_the_source_is():
    parser = Parser(NOW, zone_of("Europe/Berlin"))
    assert parser.parse("#Fields: date time cs-method cs-uri-stem") is Verdict.NOTHING
    assert parser.parse("2026-11-29 10:00:00 GET /wicket").at == TEN


def test_a_line_without_a_time_continues_the_entry_before():
    parser = Parser(NOW)
    parser.parse("2026-11-29 10:00:00 ERROR it broke")
    for line in ("Traceback (most recent call last):", '  File "x.py", line 7', "{'a': 1}", "}"):
        assert parser.parse(line) is Verdict.CONTINUES


def test_colours_for_terminals_are_left_out():
    assert parsed("\x1b[32m2026-11-29 10:00:00\x1b[0m \x1b[1mup\x1b[0m").text == "up"


def test_what_json_spells_out_but_no_text_can_hold_is_left_out():
    line = '{"ts": 1795946400, "msg": "a\\u0000b", "x": "ok"}'
    assert parsed(line).text == "ab x=ok"
    assert Parser(NOW).parse('{"ts": 1795946400, "msg": "\\ud800"}') is Verdict.BROKEN


BITS = st.sampled_from(
    [
        "{",
        "}",
        '"time":',
        '"ts":',
        "1795946400",
        "2026-11-29",
        " ",
        "10:00:00",
        "T",
        "Z",
        "<13>",
        "1 ",
        "Nov 29",
        "[29/Nov/2026:10:00:00",
        "+0000]",
        '"',
        "\\",
        "ERROR",
        "null",
        "1e999",
        "-",
        "[",
        "]",
        "\ud800",
        "\0",
        "\x1b[0m",
        "日本",
        "Feb 29",
        ",",
        ":",
        "99999999999999999999",
    ]
)


@given(st.one_of(st.text(max_size=300), st.lists(BITS, max_size=30).map("".join)))
def test_any_line_is_an_entry_or_belongs_to_one_or_is_broken(line):
    what = Parser(NOW).parse(line)
    assert isinstance(what, Entry | Verdict)
    if isinstance(what, Entry):
        assert what.at is None or EARLIEST <= what.at <= NOW + AHEAD
        assert what.level in {"", "debug", "info", "warning", "error", "critical"}
        assert "\0" not in what.text


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["time", "ts", "level", "msg", "event", "a"]), JSON_VALUES))
def test_any_json_is_an_entry_or_broken(fields):
    assert isinstance(Parser(NOW).parse(json.dumps(fields)), Entry | Verdict)
