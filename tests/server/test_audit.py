"""What is announced between accounts and leaves a trace."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from folkmoot.core.logs.events import LogsProgressed
from folkmoot.core.logs.model import LogReading
from folkmoot.server.ops.audit import FILE_NAME, AuditConsumer, AuditTrail
from tests.cast import FrozenClock
from tests.realtime.memory_server import MemoryServer, memory_server


class Audited:
    """Services whose events are audited, and what was noted of them in the end."""

    def __init__(self, server: MemoryServer, folder: Path, *, with_messages: bool = False) -> None:
        self.server = server
        self._folder = folder
        self._trail = AuditTrail(folder, server.cast.clock)
        consumer = AuditConsumer(server.services, self._trail, with_messages=with_messages)
        server.publisher.register(consumer)

    async def noted(self) -> list[dict[str, Any]]:
        """The entries, once everything that was begun is done."""
        tasks = self.server.services.background_tasks._tasks
        assert tasks is not None
        await asyncio.gather(*tasks._tasks)
        self._trail.close()
        return [json.loads(line) for line in (self._folder / FILE_NAME).read_text().splitlines()]


@pytest.fixture
async def audited(tmp_path: Path) -> AsyncIterator[Audited]:
    async with memory_server() as server:
        background_tasks = asyncio.create_task(server.services.background_tasks.run())
        await asyncio.sleep(0)
        yield Audited(server, tmp_path)
        background_tasks.cancel()
        await asyncio.gather(background_tasks, return_exceptions=True)


async def test_a_block_is_an_entry_of_the_blocker_alone(audited: Audited) -> None:
    server, cast = audited.server, audited.server.cast
    await server.do(server.services.social.block, cast.ana.id, cast.bo.id)
    await server.do(server.services.social.unblock, cast.ana.id, cast.bo.id)

    entries = await audited.noted()

    said = [(entry["event"], entry["account"], entry["blocked"]) for entry in entries]
    assert said == [("block set", "ana", "bo"), ("block lifted", "ana", "bo")]


async def test_who_has_the_logs_read_anew_is_noted_once(audited: Audited) -> None:
    cast = audited.server.cast
    for is_done in (False, True):
        audited.server.services.publish(
            [
                LogsProgressed(
                    conversation_id=cast.lobby.id,
                    conversation_uid=cast.lobby.uid,
                    listener=cast.ana.id,
                    reading=LogReading(entries=7, is_done=is_done),
                )
            ]
        )

    (entry,) = await audited.noted()

    assert (entry["event"], entry["account"], entry["entries"]) == ("logs read anew", "ana", 7)


async def test_what_is_done_to_others_is_noted_and_what_one_does_oneself_is_not(
    audited: Audited,
) -> None:
    server, cast = audited.server, audited.server.cast
    services = server.services
    own, other = [await server.say(author, "a secret") for author in (cast.ana, cast.bo)]
    for message in (own, other):
        await server.do(services.messages.delete, cast.ana.id, cast.lobby.id, message.id)
    await server.do(services.conversations.remove_member, cast.ana.id, cast.lobby.id, cast.bo.id)

    entries = await audited.noted()

    assert [(entry["event"], entry["account"]) for entry in entries] == [
        ("message of another deleted", "ana"),
        ("member removed", "ana"),
    ]
    assert (entries[0]["message"], entries[0]["author"]) == (other.uid, cast.bo.id)
    assert entries[1]["member"] == "bo"


async def test_messages_and_edits_are_noted_where_that_is_set_without_their_content(
    tmp_path: Path, audited: Audited
) -> None:
    server, cast = audited.server, audited.server.cast
    traced = Audited(server, tmp_path / "traced", with_messages=True)
    message = await server.say(cast.ana, "a secret")
    await server.do(
        server.services.messages.edit, cast.ana.id, cast.lobby.id, message.id, "another secret"
    )
    await server.do(server.services.messages.delete, cast.ana.id, cast.lobby.id, message.id)

    entries = await traced.noted()

    events = ["message posted", "message edited", "message deleted"]
    assert [entry["event"] for entry in entries] == events
    assert {entry["message"] for entry in entries} == {message.uid}
    assert "secret" not in json.dumps(entries)


def test_refusals_of_one_source_are_so_many_and_what_was_left_out_is_an_entry(
    tmp_path: Path,
) -> None:
    clock = FrozenClock()
    trail = AuditTrail(tmp_path, clock, clock.monotonic)
    for _ in range(1000):
        trail.note("login failed", address="192.0.2.66")
    trail.note("login failed", address="192.0.2.1")
    trail.tell()
    trail.note("role changed", account="ana", by="operator")
    trail.close()

    entries = [json.loads(line) for line in (tmp_path / FILE_NAME).read_text().splitlines()]

    noted = Counter((one["event"], one.get("address")) for one in entries)
    assert noted["login failed", "192.0.2.66"] == 60
    assert noted["login failed", "192.0.2.1"] == 1
    (left_out,) = [one for one in entries if one["event"] == "entries left out"]
    assert (left_out["entries"], left_out["of"]) == (940, "login failed")
    assert left_out["source"] == "192.0.2.66"
    assert entries[-1]["event"] == "role changed"


def wait_for(trail: AuditTrail) -> None:
    while trail.lines._waiting.qsize():
        os.sched_yield()


def test_what_others_can_cause_takes_no_room_of_what_only_staff_can(tmp_path: Path) -> None:
    clock = FrozenClock()
    trail = AuditTrail(tmp_path, clock, clock.monotonic)
    trail.note("privileged access", account="root", inside=True, path="x" * 100_000)
    for number in range(20_000):
        trail.note("login", account=f"ana{number}", address="192.0.2.66", agent="x" * 500)
        if number % 2000 == 0:
            wait_for(trail)
    trail.close()

    entries = [json.loads(line) for line in (tmp_path / FILE_NAME).read_text().splitlines()]

    assert entries[0]["event"] == "privileged access"
    assert not (tmp_path / f"{FILE_NAME}.1").exists()
    assert trail.lines.lost == 0
