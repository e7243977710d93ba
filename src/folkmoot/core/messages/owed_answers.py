"""What the assistant owes to a question: a task."""

from dataclasses import asdict, dataclass
from datetime import datetime

from folkmoot.core.shared.ids import ConversationId, MessageId, Uid
from folkmoot.core.tasks.model import NewTask, Payload

ANSWER = "answer"
"""The kind of task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedAnswer:
    """An answer that the assistant owes to a message, until a message settles it.

    ``ownership`` is the session's when it was asked: once that has risen, nothing is owed any
    more. ``uid`` and ``text`` are those of an answer that has begun, as far as it was saved.
    """

    question_id: MessageId
    conversation_id: ConversationId
    ownership: int
    uid: Uid | None = None
    text: str = ""

    @classmethod
    def of(cls, payload: Payload) -> "OwedAnswer":
        """What a task of this kind is about."""
        return cls(**payload)  # type: ignore[arg-type]  # as `payload` made it

    @property
    def payload(self) -> Payload:
        """What its task is about."""
        return asdict(self)

    def task(self, asked_at: datetime) -> NewTask:
        """Its task: the questions of a session are answered one after the other."""
        return NewTask(
            kind=ANSWER,
            key=str(self.question_id),
            payload=self.payload,
            due_at=asked_at,
            ordering_key=str(self.conversation_id),
        )
