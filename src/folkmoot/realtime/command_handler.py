"""What is said to the server itself, instead of to those in a conversation: slash commands."""

import asyncio
from typing import Protocol

from folkmoot.core.messages.model import Draft, Posted


class CommandHandler(Protocol):
    """Takes drafts that are meant for the server, before anybody stores them."""

    def handle(self, draft: Draft) -> "asyncio.Future[Posted] | None":
        """The answer to the draft, to its author alone; ``None`` where it is a message like others.

        The future fails with a refusal, as that of a message does. What it gives was not stored.
        """
        ...
