import json
import os
import stat
import threading

from folkmoot.server.ops.line_file import MAX_LINE_CHARS, LineFile, bounded


def test_lines_are_written_for_the_owner_only(tmp_path):
    lines = LineFile(tmp_path / "logs" / "x.log")
    for text in ("one", lambda: "two", "th\nree"):
        lines.write(text)
    lines.close()
    path = tmp_path / "logs" / "x.log"
    assert path.read_text() == "one\ntwo\nth\\nree\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_old_lines_are_kept_in_a_few_files_and_then_let_go(tmp_path):
    lines = LineFile(tmp_path / "x.log", max_bytes=100, kept=2)
    for number in range(40):
        lines.write(f"line number {number:03}")
    lines.close()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["x.log", "x.log.1", "x.log.2"]
    assert all(path.stat().st_size <= 100 for path in tmp_path.iterdir())
    assert (tmp_path / "x.log").read_text().endswith("line number 039\n")
    assert lines.lost == 0


def test_a_line_that_is_too_long_is_cut(tmp_path):
    lines = LineFile(tmp_path / "x.log")
    lines.write("x" * 1_000_000)
    lines.close()
    assert (tmp_path / "x.log").stat().st_size == MAX_LINE_CHARS + 1


def test_where_nothing_can_be_written_whoever_writes_does_not_notice(tmp_path):
    (tmp_path / "file").write_text("no folder")
    lines = LineFile(tmp_path / "file" / "x.log")
    lines.write("one")
    lines.write(lambda: 1 / 0)
    lines.close()
    assert lines.lost == 2


def test_a_disk_that_does_not_answer_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "x.log")
    lines = LineFile(tmp_path / "x.log", max_waiting=10)
    for number in range(1000):
        lines.write(f"line {number}")
    assert lines.lost >= 1000 - 10 - 2
    reader = threading.Thread(target=(tmp_path / "x.log").read_text)
    reader.start()
    lines.close()
    reader.join(5)


def test_what_comes_from_outside_rotates_nothing_else_away(tmp_path):
    lines = LineFile(tmp_path / "x.log", max_bytes=1000, kept=2)
    lines.write("who may do what was changed")
    for number in range(10_000):
        lines.write(f"refused somebody, for the {number}th time", outside=True)
        if number % 1000 == 0:
            while lines._waiting.qsize():
                os.sched_yield()
    lines.write("the last line")
    lines.close()
    own = (tmp_path / "x.log").read_text().splitlines()
    assert (own[0], own[-1]) == ("who may do what was changed", "the last line")
    assert 0 < sum("refused" in line for line in own) <= 500 // 30
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["x.log", "x.outside.log", "x.outside.log.1", "x.outside.log.2"]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    assert lines.lost == 0


def test_after_a_restart_all_that_is_there_may_be_from_outside(tmp_path):
    (tmp_path / "x.log").write_text("refused\n" * 100)
    lines = LineFile(tmp_path / "x.log", max_bytes=1000)
    lines.write("refused again", outside=True)
    lines.close()
    assert (tmp_path / "x.outside.log").read_text() == "refused again\n"


def test_how_many_lines_were_lost_is_a_line_once_one_can_be_written(tmp_path):
    os.mkfifo(tmp_path / "x.log")
    lines = LineFile(tmp_path / "x.log", max_waiting=10, say_lost=lambda lost: f"{lost} lost")
    for number in range(100):
        lines.write(f"line {number}", outside=number % 2 == 0)
    lost = lines.lost
    found: list[str] = []
    reader = threading.Thread(
        target=lambda: found.extend((tmp_path / "x.log").read_text().splitlines())
    )
    reader.start()
    lines.close()
    reader.join(5)
    assert f"{lost} lost" in found


def test_a_line_of_long_fields_is_cut_inside_of_them_and_stays_whole():
    fields = {"event": "é" * 50_000, "level": "info", "at": 7, "other": ["\u2028" * 9000] * 9}
    line = bounded(fields, json.dumps)
    assert len(line) <= MAX_LINE_CHARS
    read = json.loads(line)
    assert read.keys() == fields.keys()
    assert (read["level"], read["at"], read["event"][:3]) == ("info", 7, "ééé")
    many = bounded({f"field {number}": "x" * 9000 for number in range(1000)}, json.dumps)
    assert len(many) <= MAX_LINE_CHARS
    assert len(json.loads(many)) == 100
