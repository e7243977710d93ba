"""The audit trail: who did what, when and from where, in ``logs/audit.log`` of the data folder."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, assert_never

import msgspec
from starlette.types import Scope

from folkmoot.auth.authenticator import Caller
from folkmoot.bots.logs.redaction import redacted
from folkmoot.core.accounts.events import AccountChanged, AccountDeactivated, LoginsEnded
from folkmoot.core.accounts.model import STAFF, Person
from folkmoot.core.conversations.events import (
    AgentAssigned,
    AssistantSwitched,
    ConversationEnded,
    ConversationRenamed,
    ConversationStarted,
    DeliveredMoved,
    Durable,
    MemberJoined,
    MemberLeft,
    ReadMoved,
)
from folkmoot.core.events import Event, TimelineEvent
from folkmoot.core.logs.events import LogsProgressed
from folkmoot.core.messages.events import (
    AnswerDropped,
    AnswerExtended,
    EphemeralNotice,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionAdded,
    ReactionRemoved,
)
from folkmoot.core.messages.model import Message
from folkmoot.core.presence.events import (
    CameOnline,
    DeskTyping,
    Entered,
    Exited,
    FriendTyping,
    Typing,
    WentOffline,
)
from folkmoot.core.shared.ids import AccountId, Clock
from folkmoot.core.shared.rates import Buckets, Rate
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
from folkmoot.server.ops.health import LogFolderUnavailable
from folkmoot.server.ops.line_file import LineFile, bounded

FILE_NAME: Final = "audit.log"
MAX_FACT_CHARS: Final = 500
PER_SOURCE: Final = Rate(per_minute=60, burst=60)
MAX_COUNTED: Final = 1000
FORBIDDEN: Final = 403
REFUSED: Final = 400

_encode = msgspec.json.Encoder().encode


class AuditTrail:
    """Writes entries in the order in which they are noted; see `folkmoot.auth.audit.Audit`.

    What is noted as from ``inside`` has a part of the file for itself. Refusals and failures are so
    many of each account or address in a time, and what is left out is counted, and noted itself.
    """

    def __init__(
        self, folder: Path, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.lines = LineFile(folder / FILE_NAME, say_lost=self._say_lost)
        self._clock = clock
        self._monotonic = monotonic
        self._rates = Buckets(PER_SOURCE, max_keys=10_000)
        self._left_out: Counter[tuple[str, str]] = Counter()

    def note(
        self,
        what: str,
        *,
        account: str | None = None,
        by: str | None = None,
        address: str | None = None,
        inside: bool = False,
        **facts: str | int | bool | None,
    ) -> None:
        """Note that something happened just now."""
        is_refused = what.endswith(("failed", "refused"))
        source = account or address or ""
        if is_refused and by is None and self._rates.take(source, self._monotonic()):
            known = (what, source) in self._left_out or len(self._left_out) < MAX_COUNTED
            self._left_out[(what, source) if known else ("refused", "others")] += 1
            return
        entry = {
            "level": "warning" if is_refused else "info",
            "event": what,
            "account": account,
            "by": by or account,
            "address": address,
            **{name: _fact(value) for name, value in facts.items()},
        }
        self.lines.write(self._line(entry), outside=not inside and by is None)

    def tell(self) -> None:
        """Note how many entries were left out since the last time."""
        left_out, self._left_out = self._left_out, Counter()
        for (what, source), entries in left_out.most_common():
            fields = {"level": "warning", "event": "entries left out", "entries": entries}
            self.lines.write(self._line({**fields, "of": what, "source": _fact(source)}))

    def close(self) -> None:
        """Write what is noted, and let the file go."""
        self.tell()
        self.lines.close()

    def _line(self, entry: Mapping[str, Any]) -> str:
        known = {name: value for name, value in entry.items() if value is not None}
        stamped = {"timestamp": self._clock.now().isoformat(), **known}
        return bounded(stamped, lambda fields: _encode(fields).decode())

    def _say_lost(self, entries: int) -> str:
        return self._line({"level": "warning", "event": "entries lost", "entries": entries})


def _fact(value: object) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    text = str(value).encode("utf-8", "replace").decode()
    return redacted(text)[:MAX_FACT_CHARS]


class AuditConsumer:
    """Notes what is announced between accounts, by the names of those whom it is about."""

    def __init__(
        self, services: Services, trail: AuditTrail, *, with_messages: bool = False
    ) -> None:
        self._services = services
        self._trail = trail
        self._with_messages = with_messages

    def consume(self, event: Event) -> None:
        """Have an event noted, if it is one to be traced."""
        match event:
            case Durable():
                self._consume_change(event)
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
            case (
                FriendRequested()
                | FriendAccepted()
                | FriendDeclined()
                | FriendshipEnded()
                | ReadMoved()
                | DeliveredMoved()
                | ConversationStarted()
            ):
                pass
            case (
                Entered()
                | Exited()
                | Typing()
                | FriendTyping()
                | DeskTyping()
                | CameOnline()
                | WentOffline()
            ):
                pass
            case AnswerExtended() | AnswerDropped() | EphemeralNotice() | TasksAdded():
                pass
            case _:
                assert_never(event)

    def _consume_change(self, event: TimelineEvent) -> None:
        """Have noted what is done to others; of the rest the timelines tell, and, if set, this."""
        match event:
            case MessageDeleted(message=deleted, author_id=author, actor=actor):
                if author != actor.id:
                    what = "message of another deleted"
                    self._note_in(what, event, actor, message=deleted.uid, author=author)
                elif self._with_messages:
                    self._note_in("message deleted", event, actor, message=deleted.uid)
            case MemberLeft(member=member, actor=actor):
                if member.id != actor.id:
                    self._note_in("member removed", event, actor, member=member.username)
            case MessagePosted(message=message):
                self._note_message("message posted", event, message)
            case MessageEdited(message=message):
                self._note_message("message edited", event, message)
            case ReactionAdded() | ReactionRemoved() | MemberJoined() | ConversationRenamed():
                pass
            case AgentAssigned() | AssistantSwitched() | ConversationEnded():
                pass
            case _:
                assert_never(event)

    def _note_in(self, what: str, event: Durable, actor: Person, **facts: str | int | None) -> None:
        self._trail.note(
            what,
            account=actor.username,
            by=None,
            address=None,
            inside=actor.role in STAFF,
            conversation=event.conversation_uid,
            seq=event.seq,
            **facts,
        )

    def _note_message(self, what: str, event: Durable, message: Message) -> None:
        if not self._with_messages:
            return
        author, file = message.author, message.body.attachment
        self._trail.note(
            what,
            account=None if author is None else author.username,
            author_kind=message.author_kind.value,
            conversation=event.conversation_uid,
            seq=event.seq,
            message=message.uid,
            file=None if file is None else file.id,
        )

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


_FILES: Final = {
    IntentionKind.UPLOAD: "file sent",
    IntentionKind.DOWNLOAD: "file fetched",
}


class AccessAudit:
    """Notes who asks for what only some may ask for, and who is refused for want of a right."""

    def __init__(self, trail: AuditTrail, *, with_files: bool = False) -> None:
        self._trail = trail
        self._with_files = with_files

    def answered(
        self, scope: Scope, kind: IntentionKind, caller: Caller | None, status: int
    ) -> None:
        """Note a request that was served, if it is of that kind."""
        account = None if caller is None else caller.account
        name = None if account is None else account.username
        if status == FORBIDDEN:
            self._note("access refused", scope, name)
        if status >= REFUSED or account is None:
            return
        traced = kind.rules.traced
        if traced is Traced.ALL:
            self._note("privileged access", scope, name, inside=True)
        elif traced is Traced.BY_STAFF and account.role in STAFF:
            self._note("read by staff", scope, name, inside=True)
        elif kind in _FILES and self._with_files:
            self._note(_FILES[kind], scope, name)

    def check(self, kind: IntentionKind) -> None:
        """Return if what is always traced can be, as far as is known.

        Raises:
            LogFolderUnavailable: the trail cannot be written: what nobody could trace is not done.
        """
        if kind.rules.traced is Traced.ALL and self._trail.lines.trouble is not None:
            self._trail.lines.probe()
            raise LogFolderUnavailable(self._trail.lines.trouble)

    def refused(self, scope: Scope, refusal: Refusal) -> None:
        """Note a request that was not let in, if it was for want of a right."""
        if isinstance(refusal, Forbidden):
            self._note("access refused", scope, None)

    def _note(self, what: str, scope: Scope, account: str | None, *, inside: bool = False) -> None:
        peer = scope.get("client")
        self._trail.note(
            what,
            account=account,
            inside=inside,
            address=peer[0] if peer else None,
            method=scope["method"],
            path=scope["path"],
        )
