"""An engine in the hand: opened, with its handshake taken out of it."""

from folkmoot.wire.engine import Engine, Transport
from folkmoot.wire.engine_limits import EngineLimits

NOW = 1000.0
GRACE = 0.125
LIMITS = EngineLimits(ping_interval=0.3, ping_timeout=0.2, linger=5.0, upgrade_grace=GRACE)


class Wakes:
    """Counts how often the engine asked to be emptied."""

    def __init__(self):
        self.count = 0

    def __call__(self):
        self.count += 1


def open_engine(transport=Transport.POLLING, limits=LIMITS, **options):
    engine = Engine("sid-1", transport, limits, NOW, wake=options.pop("wake", Wakes()), **options)
    assert said(engine) != []
    return engine


def said(engine):
    """What goes out now: the answer to a poll, or the frames of a WebSocket."""
    if engine.transport is Transport.POLLING:
        answer = engine.poll(NOW)
        return answer.split(b"\x1e")
    return [packet.payload for packet in engine.take()]


def waiting_engine(**options):
    engine = open_engine(**options)
    assert engine.poll(NOW) is None
    return engine
