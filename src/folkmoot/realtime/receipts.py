"""Read watermarks on their way to storage: only the newest of each member is written.

A group of two hundred readers must not write two hundred rows a message; so claims gather for a
moment, the highest of each member wins, and all are stored by one job.
"""

import asyncio
import logging
from collections.abc import Sequence

from folkmoot.core.conversations.model import ReadMark
from folkmoot.core.conversations.service import Conversations
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.shared.refusals import Unavailable
from folkmoot.core.work import UnitOfWork
from folkmoot.realtime.writer import Writer

_log = logging.getLogger(__name__)


class Receipts:
    """Gathers read claims for ``pause`` seconds and stores the highest of each member.

    Where the storage cannot take them they are kept, and tried again after ``rest`` seconds.
    """

    def __init__(
        self,
        writer: Writer,
        conversations: Conversations,
        *,
        pause: float = 0.03,
        rest: float = 1.0,
    ) -> None:
        self._writer = writer
        self._conversations = conversations
        self._pause = pause
        self._rest = rest
        self._claims: dict[tuple[ConversationId, AccountId], int] = {}
        self._arrived = asyncio.Event()

    def claim(self, mark: ReadMark) -> None:
        """Take a member's claim on; it is stored soon, and announced then if it was news."""
        key = (mark.conversation_id, mark.account_id)
        if mark.up_to_seq > self._claims.get(key, -1):
            self._claims[key] = mark.up_to_seq
            self._arrived.set()

    async def run(self) -> None:
        """Store what is claimed, until cancelled."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(self._pause)
            self._arrived.clear()
            if not await self.flush():
                await asyncio.sleep(self._rest)

    async def flush(self) -> bool:
        """Store what was claimed so far; false if it is still to be stored."""
        claims, self._claims = self._claims, {}
        if not claims:
            return True
        marks = [ReadMark(*key, seq) for key, seq in claims.items()]
        try:
            await self.store(marks)
        except Unavailable:
            for mark in marks:
                self.claim(mark)
            return False
        except Exception:
            # A bug of ours, already logged with its cause: claims are not worth the house.
            _log.error("%d read claims were dropped", len(marks))
        return True

    async def store(self, marks: Sequence[ReadMark]) -> None:
        """Store watermarks now, and return when they are durable.

        Raises:
            Unavailable
        """

        async def job(work: UnitOfWork) -> None:
            await self._conversations.move_read(work, marks)

        await self._writer.write(job)
