"""The bounds and periods of the layer. Times are seconds, as everywhere but on the wire."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """What one client may cost, and how long it may be silent."""

    ping_interval: float = 25.0
    ping_timeout: float = 20.0
    upgrade_timeout: float = 10.0
    upgrade_grace: float = 0.05
    """For the end of an upgrade to be read that may have been sent before a poll."""
    connect_timeout: float = 45.0
    """For the first namespace to be joined."""
    linger: float = 5.0
    """For a polling client to fetch the last words of a server that closes."""

    max_payload: int = 1_000_000
    """Bytes in one POST, in one WebSocket message, and in one event with its attachments."""
    max_unjoined: int = 16 * 1024
    """Bytes in one message of a client that has joined no namespace: who knows who that is?"""
    max_packets: int = 1_000
    """Packets in one POST."""
    max_answer_packets: int = 16
    """Packets in the answer to one poll: python-engineio's client gives up on more."""
    max_connects: int = 50
    """How often one client may ask to join a namespace: each time somebody is asked who it is."""
    max_attachments: int = 10
    max_depth: int = 64
    """Lists and objects inside one another in one packet."""
    max_pending_acks: int = 1_000
    """Acks that one namespace of one client may owe us."""
    max_outbox: int = 1_048_576
    """Bytes that wait for one client beyond what its transport has taken."""
    max_inbox: int = 64
    """Events of one client that wait for the application before reading from it stops."""
