"""What is noted of a frame, an event or a handshake that was refused for want of a right."""

from folkmoot.core.accounts.model import Person
from folkmoot.core.shared.refusals import Forbidden
from folkmoot.realtime.services import Services


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
