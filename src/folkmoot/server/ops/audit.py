"""The audit trail: who did what, when and from where, in ``logs/audit.log`` of the data folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, assert_never

import msgspec
from starlette.types import Scope

from folkmoot.auth.authenticator import Caller
from folkmoot.bots.logs.redaction import redacted
from folkmoot.core.accounts.events import AccountChanged, AccountDeactivated, LoginsEnded
from folkmoot.core.conversations.events import (
    ConversationStarted,
    DeliveredMoved,
    Durable,
    ReadMoved,
)
from folkmoot.core.events import Event
from folkmoot.core.logs.events import LogsProgressed
from folkmoot.core.messages.events import AnswerDropped, AnswerExtended, EphemeralNotice
from folkmoot.core.presence.events import CameOnline, Entered, Exited, Typing, WentOffline
from folkmoot.core.shared.ids import AccountId, Clock
from folkmoot.core.shared.refusals import Forbidden, Refusal
from folkmoot.core.social.events import (
    BlockLifted,
    BlockSet,
    FriendAccepted,
    FriendDeclined,
    FriendRequested,
    FriendshipEnded,
)
from folkmoot.core.tasks.events import TasksAdded
from folkmoot.core.work import UnitOfWork
from folkmoot.realtime.intentions import IntentionKind, Traced
from folkmoot.realtime.services import Services
from folkmoot.server.ops.line_file import LineFile

FILE_NAME: Final = "audit.log"
MAX_FACT_CHARS: Final = 500
FORBIDDEN: Final = 403
REFUSED: Final = 400

_encode = msgspec.json.Encoder().encode


class AuditTrail:
    """Writes entries in the order in which they are noted; see `folkmoot.auth.audit.Audit`."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.lines = LineFile(folder / FILE_NAME)
        self._clock = clock

    def note(
        self,
        what: str,
        *,
        account: str | None = None,
        by: str | None = None,
        address: str | None = None,
        **facts: str | int | bool | None,
    ) -> None:
        """Note that something happened just now."""
        entry: dict[str, Any] = {
            "timestamp": self._clock.now().isoformat(),
            "level": "warning" if what.endswith(("failed", "refused")) else "info",
            "event": what,
            "account": account,
            "by": by or account,
            "address": address,
        }
        entry.update((name, _fact(value)) for name, value in facts.items())
        known = {name: value for name, value in entry.items() if value is not None}
        self.lines.write(_encode(known).decode())

    def close(self) -> None:
        """Write what is noted, and let the file go."""
        self.lines.close()


def _fact(value: object) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    text = str(value).encode("utf-8", "replace").decode()
    return redacted(text)[:MAX_FACT_CHARS]


class AuditConsumer:
    """Notes what is announced between accounts, by the names of those whom it is about."""

    def __init__(self, services: Services, trail: AuditTrail) -> None:
        self._services = services
        self._trail = trail

    def consume(self, event: Event) -> None:
        """Have an event noted, if it is one to be traced."""
        match event:
            case Durable() | ReadMoved() | DeliveredMoved() | ConversationStarted():
                pass  # What is said and done in conversations, their timelines tell.
            case BlockSet(blocker=blocker, blocked=blocked):
                self._services.background_tasks.begin(self._noted("block set", blocker, blocked))
            case BlockLifted(blocker=blocker, blocked=blocked):
                self._services.background_tasks.begin(self._noted("block lifted", blocker, blocked))
            case LogsProgressed(listener=reader, reading=reading):
                if reading.is_done:
                    self._services.background_tasks.begin(
                        self._noted("logs read anew", reader, entries=reading.entries)
                    )
            case LoginsEnded() | AccountDeactivated() | AccountChanged():
                pass  # Noted where it is asked for, with the address that it came from.
            case FriendRequested() | FriendAccepted() | FriendDeclined() | FriendshipEnded():
                pass
            case Entered() | Exited() | Typing() | CameOnline() | WentOffline():
                pass
            case AnswerExtended() | AnswerDropped() | EphemeralNotice() | TasksAdded():
                pass
            case _:
                assert_never(event)

    async def _noted(
        self,
        what: str,
        actor: AccountId,
        blocked: AccountId | None = None,
        entries: int | None = None,
    ) -> None:
        concerned = [actor] if blocked is None else [actor, blocked]

        async def job(work: UnitOfWork) -> Mapping[AccountId, Any]:
            return await work.accounts.by_ids(concerned)

        found = await self._services.storage.read(job)
        names = {number: account.username for number, account in found.items()}
        # To be blocked is nothing that one is told: the entry is the blocker's.
        whom = None if blocked is None else names.get(blocked)
        self._trail.note(what, account=names.get(actor), blocked=whom, entries=entries)


class AccessAudit:
    """Notes who asks for what only some may ask for, and who is refused for want of a right."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    def answered(
        self, scope: Scope, kind: IntentionKind, caller: Caller | None, status: int
    ) -> None:
        """Note a request that was served, if it is of that kind."""
        is_traced = kind.rules.traced is Traced.ALL and status < REFUSED
        if status == FORBIDDEN or is_traced:
            what = "access refused" if status == FORBIDDEN else "privileged access"
            self._note(what, scope, None if caller is None else caller.account.username)

    def refused(self, scope: Scope, refusal: Refusal) -> None:
        """Note a request that was not let in, if it was for want of a right."""
        if isinstance(refusal, Forbidden):
            self._note("access refused", scope, None)

    def _note(self, what: str, scope: Scope, account: str | None) -> None:
        peer = scope.get("client")
        self._trail.note(
            what,
            account=account,
            address=peer[0] if peer else None,
            method=scope["method"],
            path=scope["path"],
        )
