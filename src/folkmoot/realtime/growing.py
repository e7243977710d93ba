"""The answers that are being written right now, and the connections that watch them grow."""

from dataclasses import dataclass

from folkmoot.core.messages.events import AnswerDropped, AnswerGrew, MessagePosted
from folkmoot.core.shared.ids import ConversationId, Uid
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.contract import Dialect, Frame


@dataclass(frozen=True, slots=True)
class Growth:
    """An answer as far as it has been written, and the message that it answers."""

    question: Uid
    message: Uid
    text: str


class Growing:
    """Shows growth to those who asked for it; everybody else sees the finished message.

    One answer grows at a time in a conversation. A connection watches a question of its own, or
    whatever grows in a conversation; losing the conversation, it sees nothing more of either.
    """

    def __init__(self) -> None:
        self._answers: dict[ConversationId, Growth] = {}
        self._watchers: dict[ConversationId, dict[Connection, set[Uid] | None]] = {}

    def so_far(self, conversation_id: ConversationId) -> Growth | None:
        """The answer that is being written there."""
        return self._answers.get(conversation_id)

    def watch(
        self, connection: Connection, conversation_id: ConversationId, question: Uid | None = None
    ) -> None:
        """Show a connection what grows there: in answer to one question more, or to any."""
        watchers = self._watchers.setdefault(conversation_id, {})
        watched = watchers.setdefault(connection, set())
        if question is None:
            watchers[connection] = None
        elif watched is not None:
            watched.add(question)

    def unwatch(self, connection: Connection, conversation_id: ConversationId) -> None:
        """Show a connection nothing more of what grows there."""
        watchers = self._watchers.get(conversation_id, {})
        watchers.pop(connection, None)
        if not watchers:
            self._watchers.pop(conversation_id, None)

    def note(self, event: AnswerGrew | AnswerDropped) -> None:
        """Follow an answer, and show it."""
        place = event.conversation_id
        if isinstance(event, AnswerGrew):
            known = self._answers.get(place)
            text = known.text if known and known.message == event.message else ""
            self._answers[place] = Growth(event.question, event.message, text + event.delta)
        self._show(event)
        if isinstance(event, AnswerDropped):
            self._end(place, event.question)

    def note_posted(self, event: MessagePosted) -> None:
        """What grew is a message now, or the house says why it will be none."""
        answered = event.message.reply_to
        if event.message.author is None and answered is not None:
            self._end(event.conversation_id, answered.uid)

    def _end(self, place: ConversationId, question: Uid) -> None:
        known = self._answers.get(place)
        if known is not None and known.question == question:
            del self._answers[place]
        for watched in self._watchers.get(place, {}).values():
            if watched is not None:
                watched.discard(question)

    def _show(self, event: AnswerGrew | AnswerDropped) -> None:
        place = event.conversation_id
        frames: dict[Dialect, Frame | None] = {}
        for connection, watched in list(self._watchers.get(place, {}).items()):
            if place in connection.conversations and (watched is None or event.question in watched):
                dialect = connection.dialect
                if dialect not in frames:
                    frames[dialect] = dialect.frame(event, own=False)
                if (frame := frames[dialect]) is not None:
                    connection.push(frame)
