"""Bringing the index of words up to date after an upgrade, a little at a time."""

import asyncio
import logging
from typing import Final

from folkmoot.core.shared.refusals import Unavailable
from folkmoot.core.work import Storage

AT_ONCE: Final = 200
"""So many messages in one transaction: who posts meanwhile waits a few milliseconds for it."""
REST_SECONDS: Final = 0.02
FAULT_SECONDS: Final = 5.0
_log = logging.getLogger(__name__)


async def renew_words(storage: Storage) -> None:
    """Have the words of all messages kept by the rules of this version.

    It rests as long as it works, goes on after a restart where it was, and waits for a database
    that does not answer.
    """
    now = asyncio.get_running_loop().time
    began, steps = now(), 0
    while True:
        started = now()
        try:
            if not await storage.write(lambda work: work.search.renew(AT_ONCE)):
                break
        except Unavailable:
            await asyncio.sleep(FAULT_SECONDS)
            continue
        if not steps:
            _log.info("the words of older messages are being gathered anew, for searching")
        steps += 1
        await asyncio.sleep(max(REST_SECONDS, now() - started))
    if steps:
        _log.info("the words of older messages were gathered anew in %.0f s", now() - began)
