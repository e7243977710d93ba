import gzip
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from folkmoot.bots.logs import lines as bounds
from folkmoot.bots.logs.lines import MAX_LINE_BYTES, PIECE_BYTES, lines_of
from folkmoot.bots.logs.reading import MAX_ENTRY_LINES, MAX_TEXT_CHARS
from folkmoot.core.logs.model import SourceAudience
from tests.bots.logs.log_indexes import read

AT = "2026-11-29 10:00:"
NOBODY = 65534


def written(path: Path, *texts: str, packed: bool = False) -> Path:
    content = "".join(f"{text}\n" for text in texts).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if packed else content)
    return path


def reasons(reading) -> dict[str, str]:
    return dict(reading.skipped)


def test_a_traceback_belongs_to_the_entry_before_it(tmp_path):
    log = written(
        tmp_path / "app.log",
        f"{AT}00,123 ERROR it broke",
        "Traceback (most recent call last):",
        '  File "x.py", line 7, in x',
        "ValueError: no",
        "",
        f"{AT}01,000 INFO on it goes",
    )
    found, reading = read(log)
    assert [line.number for line in found] == [1, 6]
    assert found[0].text.endswith("ValueError: no")
    assert (reading.entries, reading.unreadable, reading.files) == (2, 0, 1)


def test_what_an_entry_has_too_much_of_is_counted(tmp_path):
    log = written(tmp_path / "app.log", f"{AT}00 began", *["more"] * (MAX_ENTRY_LINES + 7))
    found, reading = read(log)
    assert found[0].text.count("more") == MAX_ENTRY_LINES
    assert reading.unreadable == 7


def test_a_long_entry_is_cleaned_before_it_is_cut(tmp_path):
    padding = "x" * (MAX_TEXT_CHARS - 20)
    log = written(tmp_path / "app.log", f"{AT}00 {padding} password=hunter2hunter2")
    text = read(log)[0][0].text
    assert "hunter" not in text
    assert len(text) <= MAX_TEXT_CHARS


def test_a_rotated_log_is_read_once_and_from_its_oldest_part_on(tmp_path):
    written(tmp_path / "app.log", f"{AT}05 five")
    written(tmp_path / "app.log.1", f"{AT}04 four")
    written(tmp_path / "app.log.2.gz", f"{AT}03 three", packed=True)
    written(tmp_path / "app.log.10.gz", f"{AT}02 two", packed=True)
    written(tmp_path / "app.log-20261128.gz", f"{AT}01 one", packed=True)
    found, reading = read(tmp_path / "app.log*", tmp_path, tmp_path / "app.log.1")
    assert [line.text for line in found] == ["one", "two", "three", "four", "five"]
    assert reading.files == 5
    assert reading.skipped == ()


def test_a_log_that_is_packed_and_not_yet_removed_is_read_once(tmp_path):
    written(tmp_path / "app.log.1", f"{AT}04 four")
    written(tmp_path / "app.log.1.gz", f"{AT}04 four", packed=True)
    found, reading = read(tmp_path)
    assert len(found) == 1
    assert reasons(reading) == {"app.log.1.gz": "the same as another part of this log"}


def test_a_file_of_two_names_is_read_once(tmp_path):
    written(tmp_path / "app.log", f"{AT}04 four")
    os.link(tmp_path / "app.log", tmp_path / "another-name.log")
    assert len(read(tmp_path)[0]) == 1


def test_a_log_that_is_rotated_while_it_is_read_loses_and_doubles_nothing(tmp_path):
    from folkmoot.bots.logs.reading import LogReader, LogSources
    from tests.bots.logs.log_indexes import NOW

    for name, word in (("a.log", "first"), ("b.log.1", "older"), ("b.log", "newer")):
        written(tmp_path / name, f"{AT}00 {word}")
    sources = LogSources(patterns=(str(tmp_path),), days=7, now=NOW, own=tmp_path / "own")
    walk = LogReader(sources).lines()
    texts = [next(walk).text]
    (tmp_path / "b.log.1").rename(tmp_path / "b.log.2")
    (tmp_path / "b.log").rename(tmp_path / "b.log.1")
    written(tmp_path / "b.log", f"{AT}01 newest")
    texts += [line.text for line in walk]
    assert sorted(texts) == ["first", "newer", "newest", "older"]


def test_files_that_are_no_logs_are_left_out_with_their_reason(tmp_path):
    folder = tmp_path / "logs"
    written(folder / "good.log", f"{AT}00 good")
    (folder / "picture.log").write_bytes(os.urandom(50_000))
    (folder / "zeros.log").write_bytes(bytes(100_000))
    os.mkfifo(folder / "pipe.log")
    packed = gzip.compress(b"".join(f"{AT}{i % 60:02} line {i}\n".encode() for i in range(50_000)))
    (folder / "cut.log.gz").write_bytes(packed[: len(packed) // 2])
    (folder / "broken.log.gz").write_bytes(packed[:5000] + b"\xff" * 5000 + packed[10_000:])
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket.log"))
        found, reading = read(folder)
    why = reasons(reading)
    assert why["picture.log"] == why["zeros.log"] == "not a text file"
    assert why["pipe.log"] == why["socket.log"] == "not a regular file"
    assert why["cut.log.gz"] == "packed, and cut short"
    assert "broken" in why["broken.log.gz"]
    assert {"good.log", "cut.log.gz"} <= {line.source for line in found}


def test_a_link_leads_nowhere_but_within_its_folder(tmp_path):
    written(tmp_path / "secret" / "other.log", f"{AT}00 not for you")
    folder = tmp_path / "logs"
    written(folder / "real.log", f"{AT}00 for you")
    (folder / "inside.log").symlink_to(folder / "real.log")
    (folder / "outside.log").symlink_to(tmp_path / "secret" / "other.log")
    (folder / "up").symlink_to(tmp_path / "secret")
    (folder / "loop.log").symlink_to(folder / "loop.log")
    for source in (folder, folder / "*.log", folder / "**" / "*.log"):
        found, reading = read(source)
        assert [line.text for line in found] == ["for you"], source
        assert reasons(reading)["outside.log"] == "leads out of the folder"
    assert "link" in reasons(read(folder)[1])["up"] or "out" in reasons(read(folder)[1])["up"]


def test_whoever_names_a_link_means_what_it_leads_to(tmp_path):
    written(tmp_path / "a" / "real.log", f"{AT}00 for you")
    (tmp_path / "named.log").symlink_to(tmp_path / "a" / "real.log")
    assert len(read(tmp_path / "named.log")[0]) == 1


def test_a_source_that_is_not_there_is_named(tmp_path):
    _, reading = read(tmp_path / "no.log", tmp_path / "none" / "*.log", "/dev/null", "\0")
    assert len(reading.skipped) == 4
    assert (reading.files, reading.entries) == (0, 0)


def test_a_bomb_is_let_go_before_it_unfolds(tmp_path):
    bomb = tmp_path / "bomb.log.gz"
    line = b"x" * 60_000 + b"\n"
    with gzip.open(bomb, "wb") as packer:
        packer.write(f"{AT}00 boom\n".encode())
        for _ in range(2_000):
            packer.write(line)
    assert 2_000 * len(line) > bounds.FREE_BYTES + bounds.MAX_RATIO * bomb.stat().st_size
    found, reading = read(bomb)
    assert reasons(reading) == {"bomb.log.gz": "unfolds to far more than a log does"}
    assert len(found) == 1


def test_an_endless_line_is_one_unreadable_line(tmp_path):
    log = tmp_path / "app.log"
    content = [f"{AT}00 one\n", "x" * (5 * 1024 * 1024), f"\n{AT}01 two\n", "y" * 200_000]
    log.write_text("".join(content))
    found, reading = read(log)
    assert [line.text for line in found] == ["one", "two"]
    assert reading.unreadable == 2


def test_lines_are_the_same_however_they_come_in_pieces():
    content = b"a\n\n" + b"b" * (MAX_LINE_BYTES + 1) + b"\nc\n" + b"d" * MAX_LINE_BYTES
    whole = list(lines_of([content]))
    assert whole == [b"a", b"", None, b"c", b"d" * MAX_LINE_BYTES]
    for size in (1000, 4096, MAX_LINE_BYTES, MAX_LINE_BYTES + 5):
        pieces = [content[at : at + size] for at in range(0, len(content), size)]
        assert list(lines_of(pieces)) == whole


def test_lines_that_cannot_be_read_are_counted_and_the_rest_is_kept(tmp_path):
    log = tmp_path / "app.log"
    odd = [b"no time yet", b"2026-11-29 10:00:00 one", b"2026-11-29 10:00:01 \xff\xfe two"]
    odd += [
        b"2999-01-01 00:00:00 three",
        b"2026-11-29 10:00:02 fo\0ur",
        b"2026-11-29 10:00:03 five",
    ]
    log.write_bytes(b"\n".join(odd).replace(b"\0", b"\0", 1))
    content = log.read_bytes()
    log.write_bytes(b"2026-11-29 09:00:00 zero\n" * 400 + content)
    found, reading = read(log)
    texts = [(line.text, line.at is None) for line in found[400:]]
    ahead = ("2999-01-01 00:00:00 three", True)
    assert texts == [("one", False), ("\ufffd\ufffd two", False), ahead, ("five", False)]
    assert reading.unreadable == 1
    assert found[399].text.endswith("no time yet")


def test_entries_older_than_asked_are_counted_and_left_out(tmp_path):
    log = written(
        tmp_path / "app.log", "2026-11-01 10:00:00 old", "  and more of it", f"{AT}00 new"
    )
    found, reading = read(log, days=7)
    assert [line.text for line in found] == ["new"]
    assert (reading.outdated, reading.unreadable) == (1, 0)


def test_a_file_that_was_not_touched_since_is_not_even_opened(tmp_path):
    log = written(tmp_path / "app.log", f"{AT}00 new")
    os.utime(log, (1_700_000_000, 1_700_000_000))
    assert reasons(read(log)[1]) == {"app.log": "nothing in it is new enough"}


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything; everybody else stays who they are."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(was)


def test_a_file_that_may_not_be_read_is_named():
    # Not below `tmp_path`, into which nobody may go.
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        log = written(Path(folder) / "app.log", f"{AT}00 new")
        log.chmod(0)
        with as_nobody():
            _, reading = read(log)
    assert "ermission" in reasons(reading)["app.log"]


def test_the_servers_own_logs_are_for_readers_however_they_are_named(tmp_path):
    own = tmp_path / "logs"
    line = '{"timestamp": "2026-11-29T10:00:00Z", "event": "logged in", "account": "ana"}'
    for name in ("server.log", "audit.log", "audit.log.1"):
        written(own / name, line.replace("in", f"in by {name}"))
    written(tmp_path / "other.log", line)
    found, _ = read(tmp_path, own=own, audience=SourceAudience.STAFF)
    seen = {line.source: line.audience for line in found}
    assert seen == {
        "other.log": SourceAudience.STAFF,
        "logs/server.log": SourceAudience.READERS,
        "logs/audit.log": SourceAudience.READERS,
        "logs/audit.log.1": SourceAudience.READERS,
    }


def test_logs_that_begin_alike_are_all_read(tmp_path):
    banner = [f"{AT}00 banner {number:04}" for number in range(300)]
    written(tmp_path / "app.log.1", *banner, f"{AT}01 first")
    written(tmp_path / "app.log", *banner, f"{AT}02 second")
    found, reading = read(tmp_path)
    assert [line.text for line in found if "banner" not in line.text] == ["first", "second"]
    assert (reading.files, reading.skipped) == (2, ())


def test_of_a_copy_that_is_not_cut_yet_only_what_came_since_is_read(tmp_path):
    lines = [f"{AT}00 line {number:04}" for number in range(300)]
    written(tmp_path / "app.log.1", *lines)
    written(tmp_path / "app.log", *lines, f"{AT}01 since")
    found, _ = read(tmp_path)
    assert len(found) == 301
    assert (found[-1].text, found[-1].source, found[-1].number) == ("since", "app.log", 301)


def test_a_shorter_copy_of_a_part_is_not_read_again(tmp_path):
    lines = [f"{AT}00 line {number:04}" for number in range(300)]
    written(tmp_path / "app.log.2", *lines)
    written(tmp_path / "app.log.1", *lines[:200])
    found, reading = read(tmp_path)
    assert len(found) == 300
    assert reasons(reading) == {"app.log.1": "the same as another part of this log"}


def test_the_line_at_which_a_known_part_ends_is_read_whole(tmp_path):
    (tmp_path / "app.log.1").write_text(f"{AT}00 one\n{AT}01 tw")
    (tmp_path / "app.log").write_text(f"{AT}00 one\n{AT}01 two\n")
    found, _ = read(tmp_path)
    assert [(line.text, line.number) for line in found] == [("one", 1), ("tw", 2), ("two", 2)]


def test_a_log_that_was_cut_while_it_is_read_is_read_again(tmp_path):
    from folkmoot.bots.logs.reading import LogReader, LogSources
    from tests.bots.logs.log_indexes import NOW

    written(tmp_path / "a.log", f"{AT}00 first", f"{AT}00 and more of it")
    written(tmp_path / "b.log", f"{AT}00 other")
    sources = LogSources(patterns=(str(tmp_path),), days=7, now=NOW, own=tmp_path / "own")
    walk = LogReader(sources).lines()
    texts = [next(walk).text, next(walk).text]
    texts.append(next(walk).text)
    written(tmp_path / "a.log", f"{AT}01 anew")
    texts += [line.text for line in walk]
    assert texts == ["first", "and more of it", "other", "anew"]


def test_the_hole_that_cutting_a_file_leaves_costs_no_line(tmp_path):
    good = f"{AT}00 one\n{AT}01 two\n".encode()
    for hole in (1, 40, PIECE_BYTES, 3 * PIECE_BYTES + 17):
        (tmp_path / f"{hole}.log").write_bytes(bytes(hole) + good)
    half, rest = f"{AT}00 one\n{AT}00 half a li".encode(), f"{AT}01 two\n".encode()
    (tmp_path / "middle.log").write_bytes(half + bytes(2 * PIECE_BYTES) + rest)
    found, reading = read(tmp_path)
    assert [line.text for line in found] == ["one", "two"] * 5
    assert (reading.files, reading.unreadable) == (5, 0)


def test_a_mark_and_utf_16_and_windows_line_ends_cost_no_line(tmp_path):
    text = f"{AT}00 ERROR größer\r\n{AT}01 zwei\r\n"
    other = text.replace("zwei", "drei")
    encodings = {
        "8.log": text.encode("utf-8-sig"),
        "le.log": b"\xff\xfe" + text.encode("utf-16-le"),
        "be.log": b"\xfe\xff" + text.encode("utf-16-be"),
        "le.log.1.gz": gzip.compress(b"\xff\xfe" + other.encode("utf-16-le")),
        "odd.log": b"\xff\xfe" + text.encode("utf-16-le")[:-3],
    }
    for name, content in encodings.items():
        (tmp_path / name).write_bytes(content)
    found, reading = read(tmp_path)
    assert reading.files == 5
    assert {line.text for line in found} >= {"ERROR größer", "zwei", "drei"}
    assert len(found) == 10
    assert {line.level for line in found} == {"error", ""}


def test_lines_without_a_time_are_entries_where_none_has_one(tmp_path):
    log = written(tmp_path / "cat.log", "ERROR wicket broke", "  badly", "and all is well")
    found, reading = read(log)
    entries = [(line.at, line.level, line.text) for line in found]
    assert entries == [
        (None, "error", "ERROR wicket broke\n  badly"),
        (None, "", "and all is well"),
    ]
    assert reading.entries == 2


def test_what_follows_a_line_without_a_certain_time_is_not_of_the_entry_before(tmp_path):
    log = written(
        tmp_path / "app.log",
        f"{AT}00 one",
        "03/04/2026 10:11:12 unclear",
        "  at x.py",
        f"{AT}01 two",
    )
    texts = [(line.text, line.at is None) for line in read(log)[0]]
    unclear = ("03/04/2026 10:11:12 unclear\n  at x.py", True)
    assert texts == [("one", False), unclear, ("two", False)]


def test_an_entry_without_a_time_is_as_old_as_the_one_before_it(tmp_path):
    log = written(
        tmp_path / "app.log",
        "2026-11-01 10:00:00 old",
        "10:00:01 old too",
        f"{AT}00 new",
        "10:00:02 x",
    )
    found, reading = read(log, days=7)
    assert [line.text for line in found] == ["new", "10:00:02 x"]
    assert reading.outdated == 2


def test_each_source_has_its_own_zone(tmp_path):
    berlin, york, rest = (tmp_path / name for name in ("berlin", "york", "rest"))
    for folder in (berlin, york, rest):
        written(folder / "app.log", f"{AT}00 here", "2026-11-29T09:00:00Z there")
    zones = {str(berlin): "Europe/Berlin", str(york): "America/New_York", "": "Asia/Kathmandu"}
    found, _ = read(berlin, york, rest, zones=zones)
    told = [f"{line.at:%H:%M}" for line in found if line.text == "here" and line.at]
    assert told == ["09:00", "04:15", "15:00"]
    assert {f"{line.at:%H:%M}" for line in found if line.text == "there" and line.at} == {"09:00"}
