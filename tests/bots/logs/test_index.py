import asyncio
import os
import signal
import subprocess
import sys
from datetime import timedelta

import msgspec
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from folkmoot.bots.logs.index import FILE_NAME, STALE_AFTER, IndexOrder, ReadingFailed
from folkmoot.core.accounts.model import Role
from folkmoot.core.conversations.errors import DaysOutOfRange
from folkmoot.core.logs.errors import AlreadyReading
from folkmoot.core.logs.model import LogQuery, SourceAudience, withheld_sources_of
from folkmoot.server.programs.log_reader import EXIT_ALONE
from folkmoot.storage.log_index import build
from tests.bots.logs.log_indexes import ABOUT, NOW, READER, entry, indexed, keeping
from tests.cast import FrozenClock
from tests.deadlines import WITHIN_S

AT = "2026-11-29 10:00:"


def texts(passages) -> list[str]:
    return [passage.text for passage in passages]


async def test_before_anything_was_read_there_is_nothing(tmp_path):
    async with keeping(tmp_path) as logs:
        assert await logs.find(LogQuery("anything")) == []
        assert await logs.size() == 0


async def test_an_entry_is_found_by_its_words_and_says_where_it_stands(tmp_path):
    lines = [entry("the lamp in the attic is out", source="attic.log", number=7), entry("nothing")]
    async with indexed(tmp_path, lines) as those:
        (passage,) = await those.found("Why is there no light from the lamps?")
    assert (passage.source, passage.text) == ("attic.log:7", lines[0].text)
    assert passage.at == lines[0].at


async def test_who_may_see_an_entry(tmp_path):
    lines = [
        entry("lamp for everybody"),
        entry("lamp for staff", audience=SourceAudience.STAFF),
        entry("lamp for readers", audience=SourceAudience.READERS),
    ]
    async with indexed(tmp_path, lines) as those:
        assert texts(await those.found("lamp")) == ["lamp for everybody"]
        for role, more in (
            (Role.USER, set()),
            (Role.AGENT, {"lamp for staff"}),
            (Role.ANALYST, {"lamp for staff", "lamp for readers"}),
            (Role.ADMIN, {"lamp for staff", "lamp for readers"}),
        ):
            audiences = withheld_sources_of(role)
            assert set(texts(await those.found("lamp", audiences=audiences))) == more


async def test_entries_for_others_do_not_crowd_out_what_everybody_may_see(tmp_path):
    lines = [entry(f"lamp {n} burst", audience=SourceAudience.READERS) for n in range(3000)]
    lines.insert(0, entry("the lamp burst"))
    async with indexed(tmp_path, lines) as those:
        assert texts(await those.found("lamp burst")) == ["the lamp burst"]


@pytest.mark.program
async def test_an_index_that_was_made_of_other_sources_is_not_searched(tmp_path):
    """Somebody may have lost the right to see what is in it; it is made anew."""
    log = tmp_path / "theirs.log"
    log.write_text(f"{AT}00 the lamp is out\n")
    async with keeping(tmp_path, log) as logs:
        await logs.read_anew(7, lambda _: None)
        assert len(await logs.find(LogQuery("lamp"))) == 1
    async with keeping(tmp_path, log, audience=SourceAudience.STAFF) as logs:
        assert await logs.find(LogQuery("lamp")) == []
        assert await logs.size() == 0


async def test_names_are_found_whole_and_in_pieces(tmp_path):
    lines = [
        entry("ConnectionResetError in order_intake.worker"),
        entry("GET /api/v1/orders/4711 took 900ms"),
        entry("GET /api/v1/orders/4712 took 900ms"),
        entry("在庫の同期に失敗しました"),
    ]
    async with indexed(tmp_path, lines) as those:
        for words, index in (
            ("connection reset", 0),
            ("ConnectionResetError", 0),
            ("order_intake.worker", 0),
            ("intake", 0),
            ("/api/v1/orders/4711", 1),
            ("4712", 2),
            ("同期", 3),
        ):
            assert texts(await those.found(words))[0] == lines[index].text, words


async def test_of_two_that_are_alike_the_graver_and_then_the_newer_comes_first(tmp_path):
    lines = [
        entry("pump stopped", level="info", number=1),
        entry("pump stopped", level="error", number=2, minutes_ago=500),
        entry("valve stopped at noon", number=3, minutes_ago=500),
        entry("valve stopped at noon", number=4),
    ]
    async with indexed(tmp_path, lines) as those:
        assert (await those.found("why has the pump failed"))[0].source == "app.log:2"
        assert (await those.found("valve"))[0].source == "app.log:4"


async def test_entries_that_differ_in_numbers_only_do_not_fill_the_answer(tmp_path):
    lines = [entry(f"lamp {n} burst") for n in range(100)] + [entry("lamp was changed")]
    async with indexed(tmp_path, lines) as those:
        assert "lamp was changed" in texts(await those.found("lamp", limit=5))


HARD = st.sampled_from(
    [
        "NEAR(",
        "AND",
        "OR",
        "NOT",
        '"',
        "'",
        "*",
        "^",
        "(",
        ")",
        "-",
        ":",
        "text:",
        "{",
        "}",
        "\0",
        "\ud800",
        "💥",
        "日本語",
        "é",
        "lamp",
        "\u202e",
        "\n",
        "--",
        ";",
        "%",
        "_",
        "\\",
        "a" * 5000,
        "the",
        "+",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.one_of(st.text(), st.lists(HARD, max_size=40).map(" ".join), st.lists(HARD).map("".join)))
def test_no_words_are_an_error(tmp_path_factory, words):
    async def ask():
        folder = tmp_path_factory.mktemp("indexed")
        async with indexed(folder, [entry("the lamp is out"), entry("OR NEAR lamp")]) as those:
            assert isinstance(await those.found(words), list)
            assert isinstance(
                await those.found(words, audiences=withheld_sources_of(Role.ADMIN)), list
            )

    asyncio.run(ask())


async def test_an_index_that_is_damaged_has_nothing_in_it(tmp_path):
    async with indexed(tmp_path, [entry("the lamp is out")]) as those:
        (tmp_path / "other").write_bytes(b"no database at all" * 1000)
        (tmp_path / "other").replace(tmp_path / FILE_NAME)
        assert await those.found("lamp") == []
        assert await those.index.size() == 0
        assert await those.index.read_at() is None


# -- reading anew, by a real process ---------------------------------------------------------------


def test_who_waits_for_the_processor_has_it_while_lines_are_read_and_stored(tmp_path, monkeypatch):
    read, given = [], []
    monkeypatch.setattr(os, "sched_yield", lambda: given.append(len(read)))

    def reading():
        for number in range(1000):
            read.append(entry(f"the pump of well {number} is dry", number=number))
            yield read[-1]

    build(tmp_path / FILE_NAME, reading(), ABOUT, tell=lambda: None)

    assert sum(count < 1000 for count in given) >= 10
    assert sum(count == 1000 for count in given) >= 10


@pytest.mark.program
async def test_the_logs_are_read_by_a_process_that_reports_and_then_found(tmp_path):
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "app.log").write_text(
        f"{AT}00 the lamp is out\njunk\n{AT}01 password=hunter2hunter2\n"
    )
    (folder / "zeros.log").write_bytes(bytes(5000))
    told = []
    async with keeping(tmp_path, folder) as logs:
        reading = await logs.read_anew(7, told.append)
        (passage,) = await logs.find(LogQuery("lamp"))
        assert await logs.size() == 2
        assert (reading.files, reading.entries, reading.is_done) == (1, 2, True)
        assert reading.skipped == (("zeros.log", "not a text file"),)
        assert told[-1] == reading
        assert passage.text == "the lamp is out\njunk"
        content = (tmp_path / FILE_NAME).read_bytes()
        assert b"hunter2" not in content
        assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
        assert sorted(path.name for path in tmp_path.glob("log-index.*")) == [
            "log-index.db",
            "log-index.lock",
        ]


async def test_days_have_bounds(tmp_path):
    async with keeping(tmp_path) as logs:
        for days in (0, 366, -1):
            with pytest.raises(DaysOutOfRange):
                await logs.read_anew(days, print)


def endless(tmp_path):
    """Logs that take a reader a while."""
    line = f"{AT}00 the lamp number %d is out and somebody has to go up there\n"
    (tmp_path / "big.log").write_text("".join(line % n for n in range(200_000)))
    return tmp_path / "big.log"


async def reader_of(task) -> psutil.Process:
    """The process that reads, once there is one."""
    while True:
        assert not task.done(), task
        for child in psutil.Process().children():
            if "folkmoot.server.programs.log_reader" in " ".join(child.cmdline()):
                return child
        await asyncio.sleep(0.01)  # polls: a process says to nobody that it has begun


@pytest.mark.program
async def test_a_reader_that_is_killed_leaves_the_old_index(tmp_path):
    small = tmp_path / "small.log"
    small.write_text(f"{AT}00 the old lamp\n")
    async with keeping(tmp_path, tmp_path / "*.log") as logs:
        await logs.read_anew(7, lambda _: None)
        endless(tmp_path)
        begun = asyncio.Event()
        task = asyncio.create_task(logs.read_anew(7, lambda _: begun.set()))
        await asyncio.wait_for(begun.wait(), WITHIN_S)
        with pytest.raises(AlreadyReading):
            await logs.read_anew(7, lambda _: None)
        assert texts(await logs.find(LogQuery("lamp"))) == ["the old lamp"]
        reader = await reader_of(task)
        reader.send_signal(signal.SIGKILL)
        with pytest.raises(ReadingFailed):
            await task
        assert texts(await logs.find(LogQuery("lamp"))) == ["the old lamp"]
        (tmp_path / "big.log").unlink()
        assert (await logs.read_anew(7, lambda _: None)).entries == 1


@pytest.mark.program
async def test_whoever_stops_waiting_ends_the_reader(tmp_path):
    async with keeping(tmp_path, endless(tmp_path)) as logs:
        task = asyncio.create_task(logs.read_anew(7, lambda _: None))
        reader = await reader_of(task)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not reader.is_running()
        assert await logs.size() == 0


@pytest.mark.program
def test_a_reader_whose_server_is_gone_ends(tmp_path):
    target = tmp_path / FILE_NAME
    order = IndexOrder(
        sources=(str(endless(tmp_path)),),
        days=7,
        now=NOW,
        own=str(tmp_path / "logs"),
        target=str(target),
        made_of="a test",
    )
    command = [sys.executable, "-I", "-m", READER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        reader.stdin.write(msgspec.json.encode(order) + b"\n")
        reader.stdin.flush()
        assert b"entries" in reader.stdout.readline()
        reader.stdin.close()
        assert reader.wait(20) == EXIT_ALONE
    assert not target.exists()


@pytest.mark.program
async def test_what_is_old_is_read_anew_in_the_background(tmp_path):
    log, clock = tmp_path / "app.log", FrozenClock(NOW)
    log.write_text(f"{AT}00 the first lamp\n")
    async with keeping(tmp_path, log, clock=clock) as logs:
        running = asyncio.create_task(logs.run())
        try:
            async with asyncio.timeout(WITHIN_S):
                while not await logs.size():
                    await logs.refresh()
            assert texts(await logs.find(LogQuery("lamp"))) == ["the first lamp"]
            log.write_text(f"{AT}00 the first lamp\n{AT}01 the second lamp\n")
            while await logs.size() < 2:
                # It is read in the background, and a reading that just ends is not one of this.
                # While one is at work no time passes: a long one is followed by a long rest.
                if not logs.is_reading:
                    clock.pass_by(STALE_AFTER + timedelta(seconds=1))
                await logs.refresh()
                await asyncio.sleep(0.01)  # polls: nobody is told when that is done
        finally:
            running.cancel()
            await asyncio.wait([running])


@pytest.mark.program
async def test_a_reading_that_nobody_asked_for_gives_way(tmp_path):
    big = endless(tmp_path)
    async with keeping(tmp_path, big) as logs:
        running = asyncio.create_task(logs.run())
        waiting = asyncio.create_task(logs.refresh())
        try:
            unasked = await reader_of(running)
            big.write_text(f"{AT}00 the only lamp\n")
            reading = await logs.read_anew(30, lambda _: None)
            assert (reading.is_done, reading.entries) == (True, 1)
            assert not unasked.is_running()
            assert texts(await logs.find(LogQuery("lamp"))) == ["the only lamp"]
        finally:
            running.cancel()
            await asyncio.wait([running, waiting])


@pytest.mark.program
async def test_two_servers_do_not_read_into_one_file(tmp_path):
    source = endless(tmp_path)
    async with keeping(tmp_path, source) as ours, keeping(tmp_path, source) as theirs:
        begun = asyncio.Event()
        task = asyncio.create_task(ours.read_anew(7, lambda _: begun.set()))
        await asyncio.wait_for(begun.wait(), WITHIN_S)
        with pytest.raises(AlreadyReading):
            await theirs.read_anew(7, lambda _: None)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.program
async def test_where_nothing_can_be_written_the_reading_fails_and_says_so(tmp_path):
    log = tmp_path / "app.log"
    log.write_text(f"{AT}00 the lamp\n")
    (tmp_path / "data").write_text("this is no folder")
    async with keeping(tmp_path / "data", log) as logs:
        with pytest.raises(ReadingFailed, match="could not be read"):
            await logs.read_anew(7, lambda _: None)
