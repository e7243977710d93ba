"""A letter is handed to the mail command whole; what goes wrong with it is logged, and no more."""

import asyncio
import shlex
import sys
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from folkmoot.realtime.background_tasks import BackgroundTasks
from folkmoot.server.programs.mail import MailCommand
from tests.deadlines import WITHIN_S

pytestmark = pytest.mark.program
TO, SUBJECT = "ana@example.com", "Confirm"


async def sent(command: str) -> None:
    """Send a letter, and wait until the command has ended."""
    tasks = BackgroundTasks()
    running = asyncio.create_task(tasks.run())
    await asyncio.sleep(0)
    MailCommand(command, "chat@example.com", tasks).send(TO, SUBJECT, "A token: é")
    letters = asyncio.all_tasks() - {running, asyncio.current_task()}
    await asyncio.wait(letters, timeout=WITHIN_S)
    running.cancel()


async def test_the_command_reads_the_letter(tmp_path: Path) -> None:
    kept = tmp_path / "a letter.txt"
    program = f"import sys; open({str(kept)!r}, 'wb').write(sys.stdin.buffer.read())"

    await sent(shlex.join([sys.executable, "-c", program]))

    letter = message_from_bytes(kept.read_bytes(), policy=policy.default)
    assert (letter["To"], letter["From"], letter["Subject"]) == (TO, "chat@example.com", SUBJECT)
    assert letter.get_content() == "A token: é\n"


@pytest.mark.parametrize(
    ("command", "why"), [("/no/such/program", "cannot be run"), ("false", "exit code 1")]
)
async def test_a_command_that_fails_is_logged_without_the_address(
    command: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    await sent(command)

    assert why in caplog.text
    assert TO not in caplog.text
