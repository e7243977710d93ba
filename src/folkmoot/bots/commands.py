"""Slash commands: which there are, who may use them, and what they answer.

They work in every session, whatever contract it is written through. What is asked and answered is
between the asker and the server: nobody else sees it, and nothing of it is kept.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import SequenceMatcher
from functools import partial

from folkmoot.bots.ephemeral_notices import EphemeralNotices
from folkmoot.core.accounts.model import Account, Role
from folkmoot.core.conversations.errors import DaysOutOfRange, NoSuchConversation
from folkmoot.core.conversations.model import Conversation, DeskFilter, Kind, Member
from folkmoot.core.logs.errors import AlreadyReading
from folkmoot.core.logs.events import LogsProgressed
from folkmoot.core.logs.model import MAX_DAYS, MIN_DAYS, READERS, LogReading
from folkmoot.core.messages.model import DirectWith, Draft, MessageKind, Posted, SupportSession
from folkmoot.core.messages.views import Totals
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.shared.pages import Slice
from folkmoot.core.shared.refusals import Unavailable
from folkmoot.core.work import UnitOfWork
from folkmoot.realtime.services import Services
from folkmoot.realtime.writer import ShuttingDown

SIGN = "/"
RECENT = 10
DEFAULT_DAYS = 7
MAX_NAMED = 5
COUNT_SECONDS = 10.0
NOT_CUSTOMERS = frozenset(Role) - {Role.USER}
"""Who may be told how much there is on the whole server."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CommandCall:
    """A command as somebody gave it, and where."""

    account: Account
    head: Conversation
    arguments: tuple[str, ...]


Do = Callable[["Commands", CommandCall], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its names, what it does in a few words, and the roles that may use it."""

    names: tuple[str, ...]
    does: str
    do: Do
    arguments: str = ""
    roles: frozenset[Role] = frozenset(Role)

    @property
    def usage(self) -> str:
        """How it is written."""
        return " or ".join(SIGN + name for name in self.names) + self.arguments


class Commands:
    """`CommandHandler` of sessions: answers what begins with a slash; ``//`` is a plain one."""

    def __init__(self, services: Services, notices: EphemeralNotices) -> None:
        self._services = services
        self._notices = notices
        self._started_at = services.clock.now()
        self._counted: tuple[datetime, Totals] | None = None
        self._newest: dict[AccountId, asyncio.Future[Posted]] = {}
        """The answer that each account waits for last, while it does."""

    def handle(self, draft: Draft) -> "asyncio.Future[Posted] | None":
        """The answer to a command."""
        is_plain = draft.body.kind is MessageKind.TEXT and draft.body.attachment is None
        if not is_plain or not draft.body.plain_text.startswith(SIGN):
            return None
        match draft.destination:
            case DirectWith():
                return None
            case SupportSession():
                is_session: bool | None = True
            case conversation_id:
                head = self._services.hub.conversation(conversation_id)
                is_session = None if head is None else head.kind is Kind.SESSION
        if is_session is False:
            return None
        if is_session and _is_escaped(draft):
            # At once, so that it keeps its place among what its author says.
            return self._services.writer.submit(_unescaped(draft))
        answer: asyncio.Future[Posted] = asyncio.get_running_loop().create_future()
        before = self._newest.get(draft.author_id)
        if not self._services.background_tasks.begin(self._settle(draft, answer, before)):
            answer.set_exception(ShuttingDown())
            return answer
        self._newest[draft.author_id] = answer
        answer.add_done_callback(partial(self._forget, draft.author_id))
        return answer

    def _forget(self, asker: AccountId, answer: "asyncio.Future[Posted]") -> None:
        if self._newest.get(asker) is answer:
            del self._newest[asker]

    async def _settle(
        self,
        draft: Draft,
        answer: "asyncio.Future[Posted]",
        before: "asyncio.Future[Posted] | None",
    ) -> None:
        """Answer, after what the same account asked ``before``."""
        try:
            if before is not None:
                await asyncio.wait([before])
            posted = await self._answered(draft)
        except Exception as error:
            if not answer.done():
                answer.set_exception(error)
        else:
            if not answer.done():
                answer.set_result(posted)

    async def _answered(self, draft: Draft) -> Posted:
        if not isinstance(draft.destination, int):
            draft = await self._services.writer.settle(draft)
        conversation_id = draft.conversation_id

        async def look(work: UnitOfWork) -> tuple[Conversation, Account | None]:
            account = (await work.accounts.by_ids([draft.author_id]))[draft.author_id]
            head = (await work.conversations.heads([conversation_id])).get(conversation_id)
            if head is None:
                raise NoSuchConversation
            if head.kind is not Kind.SESSION or _is_escaped(draft):
                return head, None
            await self._services.desks.entered(work, account, conversation_id)
            return head, account

        head, account = await self._services.storage.read(look)
        if account is None:
            is_session = head.kind is Kind.SESSION
            return await self._services.writer.submit(_unescaped(draft) if is_session else draft)
        name, *arguments = draft.body.plain_text[len(SIGN) :].split() or [""]
        text = await self._obey(name.lower(), CommandCall(account, head, tuple(arguments)))
        return self._notify(account, head, text, draft.client_id)

    def _notify(
        self, account: Account, head: Conversation, text: str, client_id: str | None = None
    ) -> Posted:
        notice = self._notices.to(account.id, head, text, client_id=client_id)
        self._services.publish([notice])
        return Posted(notice.message, is_repeat=False)

    async def _obey(self, name: str, asked: CommandCall) -> str:
        command = _BY_NAME.get(name)
        if command is None:
            meant = nearest(name, asked.account.role)
            return f"There is no command {SIGN}{name[:40]}. Did you mean {SIGN}{meant}?"
        if asked.account.role not in command.roles:
            roles = " or ".join(sorted(role.value for role in command.roles))
            return f"{SIGN}{name} needs the role {roles}; yours is {asked.account.role.value}."
        if asked.arguments and not command.arguments:
            return f"{SIGN}{name} takes nothing after its name."
        return await command.do(self, asked)

    # -- what each of them does ----------------------------------------------------------------

    async def help(self, asked: CommandCall) -> str:
        """The commands that the asker's role may use."""
        lines = [
            f"{command.usage}: {command.does}"
            for command in COMMANDS
            if asked.account.role in command.roles
        ]
        return "\n".join(["Commands:", *lines, "//text sends /text as it is."])

    async def totals(self, _asked: CommandCall) -> str:
        """Numbers of the whole server."""
        totals, services = await self._count(), self._services
        uptime = services.clock.now() - self._started_at
        numbers = {
            "Connections": f"{len(services.hub)}, of {len(services.presence.online)} accounts",
            "Accounts": totals.accounts,
            "Sessions": totals.sessions,
            "Messages": totals.messages,
            "Log entries": await services.logs.size(),
            "Uptime": f"{int(uptime.total_seconds())} s",
        }
        return "\n".join(f"{name}: {number}" for name, number in numbers.items())

    async def status(self, asked: CommandCall) -> str:
        """This session."""
        conversation_id = asked.head.id

        async def job(work: UnitOfWork) -> tuple[list[Member], frozenset[AccountId]]:
            found = await work.conversations.members([conversation_id])
            return found[conversation_id], await work.social.blockers_of(asked.account.id)

        members, blockers = await self._services.storage.read(job)
        present = self._services.hub.present_without(blockers, conversation_id)
        return status_of(asked.head, members, present)

    async def clear(self, asked: CommandCall) -> str:
        """End this session."""
        services, conversation_id = self._services, asked.head.id
        await services.writer.write(
            lambda work: services.desks.close(work, asked.account, conversation_id)
        )
        return "This session has ended."

    async def sessions(self, asked: CommandCall) -> str:
        """The asker's recent sessions."""

        async def job(work: UnitOfWork) -> list[Conversation]:
            which = DeskFilter(member=asked.account.id)
            found = await work.desks.listed(which, Slice(RECENT))
            heads = await work.conversations.heads(found)
            return [heads[number] for number in found]

        heads = await self._services.storage.read(job)
        lines = [f"{head.uid} {_standing(head)}: {head.title or 'no title'}" for head in heads]
        return "\n".join(["Your recent sessions:", *lines]) if lines else "You have no sessions."

    async def reload(self, asked: CommandCall) -> str:
        """Read the logs and pages anew, in the background."""
        try:
            days = _days_of(asked.arguments)
        except DaysOutOfRange:
            return f"{SIGN}reload takes one number of days, {MIN_DAYS} to {MAX_DAYS}, or nothing."
        if not self._services.background_tasks.begin(self._read_logs(asked, days)):
            raise ShuttingDown
        return f"Reading the logs of the last {days} days. What came of it follows."

    async def _read_logs(self, asked: CommandCall, days: int) -> None:
        try:
            progress = partial(self._progress, asked)
            reading = await self._services.logs.read_anew(days, progress)
            pages = await self._services.pages.read_anew()
        except (AlreadyReading, Unavailable) as refusal:
            self._notify(asked.account, asked.head, str(refusal))
        except Exception:
            _log.exception("the logs could not be read")
            self._notify(asked.account, asked.head, "The logs could not be read.")
        else:
            self._notify(asked.account, asked.head, report_of(reading, days, pages))

    def _progress(self, asked: CommandCall, reading: LogReading) -> None:
        event = LogsProgressed(
            conversation_id=asked.head.id,
            conversation_uid=asked.head.uid,
            listener=asked.account.id,
            reading=reading,
        )
        self._services.publish([event])

    async def _count(self) -> Totals:
        """The totals, counted anew every few seconds at most, as that walks through everything."""
        now = self._services.clock.now()
        if self._counted is None or (now - self._counted[0]).total_seconds() > COUNT_SECONDS:
            self._counted = (
                now,
                await self._services.storage.read(lambda work: work.views.totals()),
            )
        return self._counted[1]


COMMANDS: tuple[Command, ...] = (
    Command(("help",), "this list", Commands.help),
    Command(("stat", "stats"), "numbers of the whole server", Commands.totals, roles=NOT_CUSTOMERS),
    Command(("status",), "how this session stands", Commands.status),
    Command(("clear",), "end this session", Commands.clear),
    Command(("sessions",), "your recent sessions", Commands.sessions),
    Command(("reload",), "read the logs and pages anew", Commands.reload, " [days]", READERS),
)
_BY_NAME = {name: command for command in COMMANDS for name in command.names}


def nearest(name: str, role: Role) -> str:
    """The command that looks most like this one, of those that the role may use."""
    usable = [known for known, command in _BY_NAME.items() if role in command.roles]
    return max(usable, key=lambda known: SequenceMatcher(None, known, name[:40]).ratio())


def status_of(head: Conversation, members: Sequence[Member], present: int) -> str:
    """How a session stands, for people."""
    desk = head.desk
    assert desk is not None  # noqa: S101 - only sessions come here
    agents = [each.person.username for each in members if each.person.id == desk.agent_id]
    started = f"{desk.started_at:%Y-%m-%d %H:%M:%SZ}" if desk.started_at else "not yet"
    assistant = "on" if desk.assistant_on else "off"
    participants = ", ".join(each.person.username for each in members) or "nobody"
    facts = {
        "Session": head.uid,
        "Title": head.title or "none",
        "Status": _standing(head),
        "Messages": desk.message_count,
        "First message": started,
        "Participants": f"{participants} ({present} here)",
        "In charge": agents[0] if agents else "nobody",
        "Assistant": f"{assistant}, after a human took over" if desk.taken_over else assistant,
    }
    return "\n".join(f"{name}: {fact}" for name, fact in facts.items())


def report_of(reading: LogReading, days: int, pages: LogReading | None = None) -> str:
    """What came of reading the logs, and pages if there are any, for people."""
    lines = [
        f"Read the logs of the last {days} days: {reading.files} files, {reading.entries} entries, "
        f"{reading.unreadable} lines that could not be read, {reading.outdated} older."
    ]
    skipped = reading.skipped
    if pages is not None:
        lines.append(f"Read {pages.files} pages: {pages.entries} passages.")
        skipped += pages.skipped
    lines += [f"Left out {name}: {why}" for name, why in skipped[:MAX_NAMED]]
    if len(skipped) > MAX_NAMED:
        lines.append(f"… and {len(skipped) - MAX_NAMED} more were left out.")
    return "\n".join(lines)


def _standing(head: Conversation) -> str:
    return "closed" if head.desk is not None and head.desk.is_closed else "active"


def _days_of(arguments: Sequence[str]) -> int:
    """The number of days that was asked for.

    Raises:
        DaysOutOfRange: it is none, or not in range.
    """
    given = arguments[0] if arguments else str(DEFAULT_DAYS)
    is_number = given.isascii() and given.isdigit() and len(given) <= len(str(MAX_DAYS))
    if len(arguments) > 1 or not is_number or not MIN_DAYS <= int(given) <= MAX_DAYS:
        raise DaysOutOfRange(field="days", least=MIN_DAYS, most=MAX_DAYS)
    return int(given)


def _is_escaped(draft: Draft) -> bool:
    return draft.body.plain_text.startswith(SIGN * 2)


def _unescaped(draft: Draft) -> Draft:
    if not _is_escaped(draft):
        return draft
    return replace(draft, body=replace(draft.body, content=draft.body.content[len(SIGN) :]))
