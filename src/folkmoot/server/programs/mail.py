"""Letters, handed to a program that sends them, as `sendmail -t` does."""

import asyncio
import logging
import shlex
from asyncio.subprocess import DEVNULL, PIPE
from email.message import EmailMessage
from typing import Final

from folkmoot.realtime.background_tasks import BackgroundTasks

WITHIN_SECONDS: Final = 30.0
_log = logging.getLogger(__name__)


class MailCommand:
    """Runs ``command`` for each letter, with the letter on its standard input."""

    def __init__(self, command: str, sender: str, background_tasks: BackgroundTasks) -> None:
        self._arguments = shlex.split(command)
        self._sender = sender
        self._background_tasks = background_tasks

    def send(self, to: str, subject: str, text: str) -> None:
        """Have a letter sent; what goes wrong is logged, without the address."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, to, subject
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        self._background_tasks.begin(self._hand_over(message.as_bytes()))

    async def _hand_over(self, letter: bytes) -> None:
        try:
            program = await asyncio.create_subprocess_exec(
                *self._arguments, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL
            )
        except (OSError, ValueError) as error:
            _log.error("the mail command cannot be run: %s", error)
            return
        try:
            await asyncio.wait_for(program.communicate(letter), WITHIN_SECONDS)
        except TimeoutError:
            program.kill()
            await program.wait()
            _log.error("the mail command did not end within %d s", WITHIN_SECONDS)
        else:
            if program.returncode:
                _log.error("the mail command failed with exit code %d", program.returncode)
