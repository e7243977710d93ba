"""Threads as those who listen to them know them."""

from folkmoot.bus.memory import MemoryBus
from folkmoot.contracts.support.cursor import MOST_SESSIONS, positions_in
from folkmoot.contracts.support.threads import ThreadRegistry
from folkmoot.core.conversations.events import ConversationEnded, ConversationStarted
from folkmoot.core.messages.events import MessagePosted
from tests.contracts.support.samples import AGENT, ANA, IN_FIRST, MESSAGE, head


class Listener:
    """A follower that writes down what it is told."""

    account_id = ANA.id

    def __init__(self):
        self.told = []

    def begin(self, head, members):
        self.told.append(head.id)

    def turn(self):
        self.told.append("turn")


def posted(session, seq):
    in_session = IN_FIRST | {"conversation_id": session, "seq": seq}
    return MessagePosted(**in_session, message=MESSAGE)


def test_a_thread_stands_where_its_sessions_stand():
    threads = ThreadRegistry(MemoryBus())
    thread = threads.enter(ANA, Listener())
    assert (thread.cursor, thread.last_seq, thread.current) == ("0-0", 0, None)

    threads.learn(thread, [head(1, 9, closed=True), head(2, 4), head(3, 2)])
    assert thread.cursor == "1-9.2-4.3-2"
    assert (thread.current, thread.last_seq) == (3, 2)
    threads.apply(posted(2, 5))

    assert thread.cursor == "1-9.2-5.3-2"
    assert (thread.current, thread.last_seq) == (2, 5)


def test_places_never_go_back():
    threads = ThreadRegistry(MemoryBus())
    thread = threads.enter(ANA, Listener())
    threads.learn(thread, [head(1, 9)])

    threads.apply(posted(1, 8))

    assert thread.cursor == "1-9"


def test_a_session_that_begins_is_passed_on_to_whoever_listens_to_its_customer():
    threads, mine, theirs = ThreadRegistry(MemoryBus()), Listener(), Listener()
    thread = threads.enter(ANA, mine)
    threads.enter(AGENT, theirs)

    threads.apply(ConversationStarted(head(4), (ANA.id,)))

    assert mine.told == [4, "turn"]
    assert theirs.told == []
    assert (thread.current, threads.of(4)) == (4, thread)


def test_a_session_that_is_closed_takes_no_more_messages():
    threads, listener = ThreadRegistry(MemoryBus()), Listener()
    thread = threads.enter(ANA, listener)
    threads.learn(thread, [head(1, 3), head(2, 1)])

    threads.apply(ConversationEnded(**IN_FIRST | {"conversation_id": 2, "seq": 2}, actor=AGENT))
    assert (thread.current, listener.told) == (1, ["turn"])
    threads.apply(ConversationEnded(**IN_FIRST | {"seq": 4}, actor=AGENT))

    assert (thread.current, thread.last_seq) == (None, 2)


def test_whoever_comes_later_knows_no_more_than_was_announced():
    threads = ThreadRegistry(MemoryBus())
    thread = threads.enter(ANA, Listener())
    threads.learn(thread, [head(1, 3)])
    threads.enter(ANA, Listener())

    threads.learn(thread, [head(1, 5), head(2, 1)])

    assert thread.cursor == "1-3.2-0"


def test_a_thread_without_listeners_is_forgotten():
    threads, one, other = ThreadRegistry(MemoryBus()), Listener(), Listener()
    thread = threads.enter(ANA, one)
    assert threads.enter(ANA, other) is thread
    threads.learn(thread, [head(1, 3)])

    threads.leave(thread, one)
    assert threads.of(1) is thread
    threads.leave(thread, other)
    threads.leave(thread, other)

    assert threads.of(1) is None
    assert threads.enter(ANA, one) is not thread


def test_the_cursor_of_any_number_of_sessions_names_those_last_used():
    threads = ThreadRegistry(MemoryBus())
    thread = threads.enter(ANA, Listener())
    threads.learn(thread, [head(1, 3)])
    for number in range(2, MOST_SESSIONS + 10):
        threads.apply(ConversationStarted(head(number), (ANA.id,)))

    threads.apply(posted(1, 4))

    named = positions_in(thread.cursor)
    assert len(named) == MOST_SESSIONS
    assert named[1] == 4
    assert MOST_SESSIONS + 9 in named


def test_of_what_happens_elsewhere_a_registry_is_told_nothing():
    told = []

    class Telling(ThreadRegistry):
        def apply(self, event):
            told.append(event)
            super().apply(event)

    bus, listener = MemoryBus(), Listener()
    threads = Telling(bus)
    bus.publish([ConversationStarted(head(3), (ANA.id,)), posted(3, 1)])
    thread = threads.enter(ANA, listener)
    threads.learn(thread, [head(3, 1)])
    begun = ConversationStarted(head(4), (ANA.id,))

    bus.publish([begun, posted(3, 2), posted(4, 1), posted(5, 1)])
    threads.leave(thread, listener)
    bus.publish([posted(3, 3), posted(4, 2)])

    assert told == [begun, posted(3, 2), posted(4, 1)]
    assert thread.cursor == "3-2.4-1"
