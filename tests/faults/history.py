"""What must be true of a conversation after a crash, and what is wrong where it is not."""

from collections import Counter
from collections.abc import Iterable, Sequence

from tests.adapters.adapter import ShownEvent


def faults_of_history(
    history: Sequence[ShownEvent], acknowledged: Iterable[ShownEvent]
) -> list[str]:
    """What is wrong with a stored history, given what its writers were told of it.

    Writers post ``"<writer> <number>"``, their numbers rising, under that text as ``client_id``.
    """
    faults = []
    if [message.seq for message in history] != list(range(1, len(history) + 1)):
        faults.append("the conversations are not 1 to n")
    stored = {message.text: message for message in history}
    doubled = [text for text, times in Counter(m.text for m in history).items() if times > 1]
    faults += [f"{text!r} is there twice" for text in doubled]
    for message in acknowledged:
        found = stored.get(message.text)
        if found is None:
            faults.append(f"{message.text!r} was acknowledged and is lost")
        elif found.fact != message.fact:
            faults.append(f"{message.text!r} is not where it was acknowledged")
    return faults + _disorder(history)


def _disorder(history: Sequence[ShownEvent]) -> list[str]:
    faults: list[str] = []
    last: dict[str, int] = {}
    for message in history:
        writer, number = message.text.split()
        if int(number) <= last.get(writer, -1):
            faults.append(f"{message.text!r} comes after {writer}'s {last[writer]}")
        last[writer] = int(number)
    return faults


def faults_of_reading(history: Sequence[ShownEvent], heard: Sequence[ShownEvent]) -> list[str]:
    """What is wrong with what a live reader, who resumed after every crash, was sent in all."""
    wanted = [(message.seq, message.text) for message in history]
    given = [(message.seq, message.text) for message in heard]
    if given == wanted:
        return []
    faults = [f"{one} was heard twice" for one, times in Counter(given).items() if times > 1]
    faults += [f"{one} was not heard" for one in wanted if one not in set(given)]
    faults += [f"{one} was heard and is not there" for one in given if one not in set(wanted)]
    return faults or ["it was heard in another order"]


def faults_of_likeness(history: Sequence[ShownEvent], other: Sequence[ShownEvent]) -> list[str]:
    """What is wrong where another contract shows the same history."""
    if [message.fact for message in history] == [message.fact for message in other]:
        return []
    pairs = zip(history, other, strict=False)
    first = next(
        (index for index, (one, two) in enumerate(pairs) if one.fact != two.fact),
        None,
    )
    return [f"{len(history)} and {len(other)} messages, which differ from message {first} on"]
