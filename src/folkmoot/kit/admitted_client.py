"""A client that was let in to a socket, and the handler that a contract makes for it."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

from folkmoot.auth.authenticator import Caller
from folkmoot.core.shared.ids import ConversationId
from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.kit.sending import Sender
from folkmoot.kit.socket_endpoint import ConnectionHandler, Rejection, Scope
from folkmoot.realtime.connection import AccountObserver, Connection
from folkmoot.realtime.outbox import Outbox
from folkmoot.realtime.wire_format import WireFormat


@dataclass(frozen=True, slots=True)
class AdmittedClient:
    """What the handler of a new connection is made of."""

    sender: Sender
    scope: Scope
    caller: Caller
    outbox: Outbox

    def connection(
        self,
        wire_format: WireFormat,
        *,
        home: ConversationId | None = None,
        observer: AccountObserver | None = None,
    ) -> Connection:
        """Its connection, which the hub does not know yet."""
        caller = self.caller
        return Connection(
            wire_format,
            self.outbox,
            caller.account.person,
            caller.login.id,
            caller.expires_at,
            home,
            observer,
        )

    def query(self, name: str) -> str:
        """What the query of its address says under a name, the last time that it does."""
        query: str = self.scope["query_string"].decode("latin-1")
        return parse_qs(query).get(name, [""])[-1]

    @property
    def after_seq(self) -> int | None:
        """The cursor in the query; what is no position in a timeline counts as none."""
        return number_of(self.query("after_seq"))


def number_of(text: str) -> int | None:
    """The number that a text stands for, if storage can hold it."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


@dataclass(slots=True)
class Handlers:
    """How a contract serves its clients; see `HandlerFactory`."""

    sender: Sender
    make: Callable[[AdmittedClient], ConnectionHandler]
    rejection_of: Callable[[Refusal | Unavailable | None], Rejection]
    authenticates_first: bool = False

    def handler(self, scope: Scope, caller: Caller, outbox: Outbox) -> ConnectionHandler:
        """The handler of a new connection.

        Raises:
            Refusal: the address leads nowhere.
        """
        return self.make(AdmittedClient(self.sender, scope, caller, outbox))
