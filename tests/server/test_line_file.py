import os
import stat
import threading

from folkmoot.server.ops.line_file import MAX_LINE_CHARS, LineFile


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
