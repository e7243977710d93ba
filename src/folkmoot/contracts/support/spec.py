"""What the Socket.IO side of the `support` contract offers, for the AsyncAPI document."""

from folkmoot.contracts.support.frames import INBOUND, OUTBOUND
from folkmoot.kit.socket_spec import SocketSpec

SPEC = SocketSpec(
    name="support",
    address="/socket.io/",
    summary=(
        "Customers and a desk of staff, over Socket.IO 5 (Engine.IO 4, by polling and WebSocket). "
        "Names are event names; every event of a client may ask for an ack, "
        '`{"success": true, …}` or `{"success": false, "error": {"code", "message"}}`.'
    ),
    parameters={},
    query={
        "EIO": "4",
        "transport": "`polling` or `websocket`",
        "token": "An access token; or `auth.token`, a header, a ticket, or the login cookie",
        "ticket": "A one-use ticket from `POST /auth/ws-ticket`, instead of a token",
        "cursor": "The `cursor` last seen: everything after it is sent first; also `auth.cursor`",
        "after_seq": "The last `seq` seen, and `session_id` the session it is in, instead of that",
    },
    inbound=INBOUND,
    outbound=(),
    events=OUTBOUND,
    tag_field=None,
    close_codes={
        1000: "Normal; also after a right was lost, or a flood of events that did not wait as long "
        "as their refusals said: which an `error` and a disconnect tell before",
        1002: "What the client sent is not Socket.IO",
        1008: "The client did not connect to the namespace in time",
        1009: "A message was larger than the server takes",
        1012: "The server restarts: come back and resume",
        1013: "Too slow: come back and resume",
    },
)
