"""What must be true of a conversation after a crash, and what is wrong where it is not."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

Message = dict[str, Any]


def faults_of_history(history: Sequence[Message], acknowledged: Iterable[Message]) -> list[str]:
    """What is wrong with a stored history, given what its writers were told of it.

    Writers post ``"<writer> <number>"``, their numbers rising, under that text as ``client_id``.
    """
    faults = []
    if [message["seq"] for message in history] != list(range(1, len(history) + 1)):
        faults.append("the places are not 1 to n")
    stored = {message["content"]: message for message in history}
    doubled = [text for text, times in Counter(m["content"] for m in history).items() if times > 1]
    faults += [f"{text!r} is there twice" for text in doubled]
    for message in acknowledged:
        found = stored.get(message["content"])
        if found is None:
            faults.append(f"{message['content']!r} was acknowledged and is lost")
        elif (found["id"], found["seq"]) != (message["id"], message["seq"]):
            faults.append(f"{message['content']!r} is not where it was acknowledged")
    return faults + _disorder(history)


def _disorder(history: Sequence[Message]) -> list[str]:
    faults, last = [], {}
    for message in history:
        writer, number = message["content"].split()
        if int(number) <= last.get(writer, -1):
            faults.append(f"{message['content']!r} comes after {writer}'s {last[writer]}")
        last[writer] = int(number)
    return faults


def faults_of_reading(history: Sequence[Message], heard: Sequence[Message]) -> list[str]:
    """What is wrong with what a live reader, who resumed after every crash, was sent in all."""
    wanted = [(message["seq"], message["content"]) for message in history]
    given = [(message["seq"], message["content"]) for message in heard]
    if given == wanted:
        return []
    faults = [f"{one} was heard twice" for one, times in Counter(given).items() if times > 1]
    faults += [f"{one} was not heard" for one in wanted if one not in set(given)]
    faults += [f"{one} was heard and is not there" for one in given if one not in set(wanted)]
    return faults or ["it was heard in another order"]
