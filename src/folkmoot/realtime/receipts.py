"""Watermarks on their way to storage: only the newest of each member is written.

A group of two hundred readers must not write two hundred rows a message; so claims gather for a
moment, the highest of each member wins, and all are stored by one job.
"""

import asyncio
import logging
from collections.abc import Container, Sequence

from folkmoot.core.conversations.model import ReadMark
from folkmoot.core.conversations.receipts import Watermarks
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.shared.refusals import Unavailable
from folkmoot.core.work import UnitOfWork
from folkmoot.realtime.writer import Writer

_log = logging.getLogger(__name__)

_Key = tuple[ConversationId, AccountId]
_Claims = dict[_Key, int]
_Noted = tuple[frozenset[AccountId], int]


class Receipts:
    """Gathers claims for ``pause`` seconds and stores the highest of each member.

    What cannot be stored is kept and tried again after ``rest`` seconds.
    """

    def __init__(
        self, writer: Writer, marks: Watermarks, *, pause: float = 0.03, rest: float = 1.0
    ) -> None:
        self._writer = writer
        self._marks = marks
        self._pause = pause
        self._rest = rest
        self._read: _Claims = {}
        self._handed: _Claims = {}
        self._noted: dict[tuple[ConversationId, AccountId | None], _Noted] = {}
        """What was handed to all who listened, by the conversation and who wrote it there."""
        self._storing: _Claims = {}
        self._late: set[_Key] = set()
        self._arrived = asyncio.Event()

    def claim_read(self, mark: ReadMark) -> None:
        """Take on that a member has read so far; it is stored soon, and announced if it is news."""
        self._claim(self._read, mark)

    def claim_handed(self, mark: ReadMark) -> None:
        """Take on that a member was handed messages so far; stored and announced likewise."""
        self._late.add((mark.conversation_id, mark.account_id))
        self._claim(self._handed, mark)

    def note_handed(
        self,
        conversation_id: ConversationId,
        accounts: frozenset[AccountId],
        up_to_seq: int,
        *,
        author: AccountId | None,
    ) -> None:
        """The same of all who listen as a message is posted, but for who wrote it.

        It costs the same for two listeners and for two hundred, until it is asked for or stored.
        """
        key = (conversation_id, author)
        before = self._noted.get(key)
        if before is not None and (before[0] is not accounts or before[1] > up_to_seq):
            self._claim_noted()
        self._noted[key] = (accounts, up_to_seq)
        self._arrived.set()

    def handed_under_way(self) -> dict[_Key, int]:
        """How far members were handed messages, where that is known here and not yet stored.

        Asked before storage is, the two together never show less than was shown before.
        """
        self._claim_noted()
        return {**self._storing, **self._handed}

    def was_handed(self, mark: ReadMark) -> bool:
        """The same of one member: whether they were handed this, and it is not stored yet."""
        self._claim_noted()
        key = (mark.conversation_id, mark.account_id)
        return max(self._storing.get(key, 0), self._handed.get(key, 0)) >= mark.up_to_seq

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
        self._claim_noted()
        read, self._read = self._read, {}
        handed, self._handed = self._handed, {}
        late, self._late = self._late, set()
        if not read and not handed:
            return True
        self._storing = handed
        try:
            await self._store(_marks_of(read), _marks_of(handed, late=late), patient=True)
        except Unavailable:
            for mark in _marks_of(read):
                self.claim_read(mark)
            for mark in _marks_of(handed):
                self.claim_handed(mark)
            return False
        except Exception:
            # A bug of ours, already logged with its cause: claims are not worth the server.
            _log.error("%d receipts were dropped", len(read) + len(handed))
        finally:
            self._storing = {}
        return True

    async def store_read(self, marks: Sequence[ReadMark]) -> None:
        """Store read watermarks now, and return when they are durable.

        Raises:
            Unavailable
        """
        await self._store(marks, [], patient=False)

    async def _store(
        self, read: Sequence[ReadMark], handed: Sequence[ReadMark], *, patient: bool
    ) -> None:
        async def job(work: UnitOfWork) -> None:
            if handed:
                await self._marks.move_delivered(work, handed)
            if read:
                await self._marks.move_read(work, read)

        await self._writer.write(job, patient=patient)

    def _claim_noted(self) -> None:
        """Make claims, one for each account, of what was noted for all of them."""
        claims = self._handed
        for (conversation_id, author), (accounts, up_to_seq) in self._noted.items():
            for account_id in accounts:
                key = (conversation_id, account_id)
                if account_id != author and up_to_seq > claims.get(key, -1):
                    claims[key] = up_to_seq
        self._noted.clear()

    def _claim(self, claims: _Claims, mark: ReadMark) -> None:
        key = (mark.conversation_id, mark.account_id)
        if mark.up_to_seq > claims.get(key, -1):
            claims[key] = mark.up_to_seq
            self._arrived.set()


def _marks_of(claims: _Claims, *, late: Container[_Key] | None = None) -> list[ReadMark]:
    return [
        ReadMark(*key, seq, at_once=late is not None and key not in late)
        for key, seq in claims.items()
    ]
