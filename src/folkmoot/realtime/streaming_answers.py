"""The answers that are being written right now, and the connections that are shown them."""

from dataclasses import dataclass

from folkmoot.core.messages.events import AnswerDropped, AnswerExtended, MessagePosted
from folkmoot.core.shared.ids import ConversationId, Uid
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.wire_format import Frame, WireFormat


@dataclass(frozen=True, slots=True)
class StreamingAnswer:
    """An answer as far as it has been written, and the message that it answers."""

    question: Uid
    message: Uid
    text: str


class StreamingAnswers:
    """Streams to those who asked for it; everybody else sees the finished message.

    One answer is written at a time in a conversation. A connection watches for the answer to a
    question of its own, or for any; losing the conversation, it sees nothing more of either.
    """

    def __init__(self) -> None:
        self._answers: dict[ConversationId, StreamingAnswer] = {}
        self._watchers: dict[ConversationId, dict[Connection, set[Uid] | None]] = {}

    def so_far(self, conversation_id: ConversationId) -> StreamingAnswer | None:
        """The answer that is being written there."""
        return self._answers.get(conversation_id)

    def watch(
        self, connection: Connection, conversation_id: ConversationId, question: Uid | None = None
    ) -> None:
        """Show a connection what is written there: in answer to one question more, or to any."""
        watchers = self._watchers.setdefault(conversation_id, {})
        watched = watchers.setdefault(connection, set())
        if question is None:
            watchers[connection] = None
        elif watched is not None:
            watched.add(question)

    def unwatch(self, connection: Connection, conversation_id: ConversationId) -> None:
        """Show a connection nothing more of what is written there."""
        watchers = self._watchers.get(conversation_id, {})
        watchers.pop(connection, None)
        if not watchers:
            self._watchers.pop(conversation_id, None)

    def note(self, event: AnswerExtended | AnswerDropped) -> None:
        """Follow an answer, and show it."""
        conversation_id = event.conversation_id
        if isinstance(event, AnswerExtended):
            known = self._answers.get(conversation_id)
            text = known.text if known and known.message == event.message else ""
            self._answers[conversation_id] = StreamingAnswer(
                event.question, event.message, text[: event.position] + event.delta
            )
        self._show(event)
        if isinstance(event, AnswerDropped):
            self._end(conversation_id, event.question)

    def note_posted(self, event: MessagePosted) -> None:
        """What was written is a message now, or the server says why it will be none."""
        answered = event.message.body.reply_to
        if event.message.author is None and answered is not None:
            self._end(event.conversation_id, answered.uid)

    def _end(self, conversation_id: ConversationId, question: Uid) -> None:
        known = self._answers.get(conversation_id)
        if known is not None and known.question == question:
            del self._answers[conversation_id]
        for watched in self._watchers.get(conversation_id, {}).values():
            if watched is not None:
                watched.discard(question)

    def _show(self, event: AnswerExtended | AnswerDropped) -> None:
        conversation_id = event.conversation_id
        frames: dict[WireFormat, Frame | None] = {}
        for connection, watched in list(self._watchers.get(conversation_id, {}).items()):
            if watched is not None and event.question not in watched:
                continue
            if conversation_id in connection.conversations:
                wire_format = connection.wire_format
                if wire_format not in frames:
                    frames[wire_format] = wire_format.frame(event, own=False)
                if (frame := frames[wire_format]) is not None:
                    connection.push(frame)
