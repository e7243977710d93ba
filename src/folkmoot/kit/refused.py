"""What comes of a frame, an event or a handshake that was refused, beside the answer."""

import logging

from folkmoot.core.accounts.model import Person
from folkmoot.core.shared.refusals import Forbidden, Refusal, Unavailable
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.services import Services
from folkmoot.realtime.wire_format import CloseReason

_log = logging.getLogger("folkmoot.refused")


def note_refused(
    services: Services,
    fault: Exception | None,
    person: Person | None,
    *,
    address: str | None = None,
    path: str | None = None,
) -> None:
    """Have the audit trail know of it, as of a request over HTTP: who, what for, and why not."""
    if isinstance(fault, Forbidden):
        services.audit.note(
            "access refused",
            account=None if person is None else person.username,
            address=address,
            path=path,
            reason=fault.code,
        )


def note_turned_away(
    services: Services,
    fault: Refusal | Unavailable,
    person: Person | None,
    *,
    address: str | None,
    path: str,
) -> None:
    """The same of whoever was not let in at all, and a line in the log that says why.

    Nothing else there does: that a handshake was answered says little where the refusal follows it.
    """
    note_refused(services, fault, person, address=address, path=path)
    _log.info("%s was not let in to %s: %s (%s)", address, path, fault, fault.code)


def end_flood(services: Services, connection: Connection) -> None:
    """Close the connection of whoever goes on as if they were not told to wait."""
    if connection.is_open:
        services.hub.end(connection, CloseReason.FLOODING)
        contract = connection.wire_format.contract
        services.audit.note("flood refused", account=connection.person.username, contract=contract)
