"""The audit trail as those see it who decide something that must be traceable."""

from typing import Protocol


class Audit(Protocol):
    """Keeps who did what to whom, when, and from where; it never fails and is never waited for."""

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
        """Note that something happened; never with a secret or a message among the ``facts``.

        ``account`` is the username that it is about, who may see the entry; ``by`` is who did it,
        where that is somebody else. ``inside``: only staff and operators can cause such an entry.
        """
        ...


class NoAudit:
    """Keeps nothing."""

    def note(self, what: str, *, inside: bool = False, **facts: str | int | bool | None) -> None:
        """Forget it."""
