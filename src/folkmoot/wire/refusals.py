"""Everything this layer refuses, as one closed tree. The peer is at fault in each of them.

What is not in this tree and still escapes a codec or a machine is our bug.
"""

from collections.abc import Mapping


class WireRefusal(Exception):
    """The peer did what the protocol does not allow; ``code`` is stable."""

    code = "wire_refusal"


class BadPacket(WireRefusal):
    """These bytes are not a packet of the protocol."""

    code = "bad_packet"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class TooLarge(WireRefusal):
    """More of something than the limits allow."""

    code = "too_large"

    def __init__(self, what: str, most: int) -> None:
        super().__init__(f"more than {most} {what}")
        self.what = what
        self.most = most


class OutOfTurn(WireRefusal):
    """A packet or request that is well formed, at a moment when it may not come."""

    code = "out_of_turn"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class RequestRefused(WireRefusal):
    """A request or WebSocket handshake is refused; clients know ``number`` and ``message``."""

    code = "request_refused"
    number = 3
    message = "Bad request"
    status = 400
    retry_after: float | None = None
    """In how many seconds it may be tried again, where that is known."""

    def __init__(self) -> None:
        super().__init__(self.message)


class UnknownTransport(RequestRefused):
    """The ``transport`` parameter is missing or names none of ours."""

    code = "unknown_transport"
    number = 0
    message = "Transport unknown"


class UnknownSid(RequestRefused):
    """No connection has this ``sid``, or no longer, or it is somebody else's."""

    code = "unknown_sid"
    number = 1
    message = "Session ID unknown"


class BadMethod(RequestRefused):
    """A handshake that is not a GET, or a method that polling does not use."""

    code = "bad_method"
    number = 2
    message = "Bad handshake method"


class NotAdmitted(RequestRefused):
    """The application does not let this request in; raised by ``Application.identify``."""

    code = "not_admitted"
    number = 4
    message = "Forbidden"
    status = 403


class UnsupportedVersion(RequestRefused):
    """The ``EIO`` parameter is missing or is not 4."""

    code = "unsupported_version"
    number = 5
    message = "Unsupported protocol version"


class EngineShuttingDown(RequestRefused):
    """No connection is opened any more: the client is to try again, and reach the next process."""

    code = "shutting_down"
    message = "Shutting down"
    status = 503
    retry_after = 2.0


class ConnectRefused(WireRefusal):
    """A namespace does not let this client in; raised by ``Application.connect``.

    The client sees ``message``, and ``data`` where there is some, in its ``connect_error``.
    """

    code = "connect_refused"

    def __init__(self, message: str, data: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data
