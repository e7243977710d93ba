"""A circuit breaker: a model that fails one question after the other is left alone for moments."""

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class CircuitBreaker:
    """Knows whether a model may be asked. Times are seconds by one clock of the caller's.

    Once the model was too far down for ``failures`` questions in a row, one question in ``rest`` is
    put to it, to find out whether it is back, until one has an answer. Others would only be told
    the same later: logs and messages are read for each, and it is tried three times.
    """

    failures: int = 10
    rest: float = 2.0
    _failed: int = field(default=0, init=False)
    _until: float = field(default=0.0, init=False)
    _sentence: str = field(default="", init=False)

    def answered(self) -> None:
        """Note that a question had an answer, or a failure that shows that the model is there."""
        self._failed = 0

    def failed(self, sentence: str, now: float) -> None:
        """Note that the model was down, and what whoever asked was told."""
        self._failed += 1
        self._sentence = sentence
        self._until = now + self.rest

    def refused(self, now: float) -> str | None:
        """What to tell whoever asks now; ``None``: put it to the model, and note how it went."""
        if self._failed < self.failures:
            return None
        if now < self._until:
            return self._sentence
        self._until = now + self.rest
        return None
