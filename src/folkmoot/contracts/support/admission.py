"""Who asks to connect: one rule for every request, and for the CONNECT that says who it is."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Any

from folkmoot.auth.authenticator import Caller, Credentials, credentials_of
from folkmoot.contracts.support.errors import NotNow, TooSoon, rejection_of
from folkmoot.core.accounts.errors import OriginNotAllowed
from folkmoot.core.accounts.model import Person
from folkmoot.core.shared.refusals import Refusal, TooMany, Unavailable
from folkmoot.kit.refused import note_turned_away
from folkmoot.realtime.entrance import Reservation
from folkmoot.realtime.intentions import IntentionKind, Slot
from folkmoot.realtime.services import Services
from folkmoot.wire.handshake import Handshake
from folkmoot.wire.refusals import NotAdmitted


class Admission:
    """Asks the authenticator, with what a handshake and a client's ``auth`` show."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def identify(self, handshake: Handshake) -> Hashable:
        """On whose behalf a request comes: a connection is there for whoever opened it alone.

        Who shows nothing valid here is nobody, and may still say who they are by ``auth``. A
        ticket is not used up by this: it is as good as a name until the CONNECT takes it.

        Raises:
            NotAdmitted: a page of a foreign origin asks.
            TooSoon, NotNow
        """
        shown = _credentials(handshake)
        try:
            if handshake.parameter("sid") is None:
                self._services.entrance.enter(handshake.address or "", IntentionKind.CONNECT)
            if shown.ticket is not None or (shown.token is None and shown.cookie is None):
                self._services.authenticator.origins.check_token(shown)
                return shown.ticket
            return (await self._services.authenticator.caller(shown)).account.id
        except OriginNotAllowed as refusal:
            self._note(handshake, refusal)
            raise NotAdmitted from None
        except TooMany as refusal:
            self._note(handshake, refusal)
            raise TooSoon(refusal.retry_after) from None
        except Refusal:
            return None
        except Unavailable as fault:
            self._note(handshake, fault)
            raise NotNow from None

    async def caller(self, handshake: Handshake, auth: Mapping[str, Any]) -> Caller:
        """Who connects. What ``auth`` shows counts before what the handshake shows.

        Raises:
            ConnectRefused: nobody whom the server knows, or not now.
        """
        services, shown = self._services, _credentials(handshake)
        token, ticket = auth.get("token"), auth.get("ticket")
        if isinstance(token, str) and token:
            shown = replace(shown, token=token, ticket=None)
        if isinstance(ticket, str) and ticket:
            shown = replace(shown, ticket=ticket, token=None)
        try:
            return await services.authenticator.caller(shown)
        except (Refusal, Unavailable) as refusal:
            self._note(handshake, refusal)
            raise rejection_of(refusal) from None

    def admit(self, handshake: Handshake) -> Callable[[], None]:
        """Reserve room for another connection of an address; what is returned gives it back.

        Raises:
            TooSoon: it has as many as it may.
        """
        entrance = self._services.entrance
        try:
            return entrance.reserve(Slot.CONNECTION, address=handshake.address or "").release
        except TooMany as refusal:
            self._note(handshake, refusal)
            raise TooSoon(refusal.retry_after) from None

    def reserved(self, handshake: Handshake, caller: Caller) -> Reservation:
        """Room for another connection of an account, taken before anything more is awaited.

        Raises:
            ConnectRefused: it has as many as it may.
        """
        entrance, me = self._services.entrance, caller.account.id
        try:
            entrance.enter(me, IntentionKind.CONNECT)
            return entrance.reserve(Slot.CONNECTION, account=me)
        except Refusal as refusal:
            self._note(handshake, refusal, caller.account.person)
            raise rejection_of(refusal) from None

    def _note(
        self, handshake: Handshake, fault: Refusal | Unavailable, person: Person | None = None
    ) -> None:
        address = handshake.address
        note_turned_away(self._services, fault, person, address=address, path="/socket.io/")


def _credentials(handshake: Handshake) -> Credentials:
    # A poll is part of a socket: where its page comes from matters as much.
    return replace(credentials_of(handshake.scope), is_socket=True)
