"""What the server says to one account alone."""

from folkmoot.core.conversations.model import Conversation
from folkmoot.core.messages.events import EphemeralNotice
from folkmoot.core.messages.model import AuthorKind, Body, Message, MessageKind, MessageRef
from folkmoot.core.shared.ids import AccountId, Clock, Ids, MessageId


class EphemeralNotices:
    """Makes messages that are not kept: they have names, and no `seq` of their own.

    Their numbers are below zero, where no stored message's is, and never the same twice.
    """

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._last = 0

    def to(
        self,
        listener: AccountId,
        head: Conversation,
        text: str,
        *,
        client_id: str | None = None,
        question: Message | None = None,
    ) -> EphemeralNotice:
        """What is said in a conversation; ``client_id`` is that of the words that it answers.

        With a ``question`` it is the assistant that speaks, in reply to that.
        """
        now = self._clock.now()
        self._last = max(self._last + 1, int(now.timestamp() * 1_000_000))
        message = Message(
            id=MessageId(-self._last),
            uid=self._ids.uid(),
            conversation_id=head.id,
            conversation_uid=head.uid,
            seq=head.last_seq,
            author=None,
            author_kind=AuthorKind.SYSTEM if question is None else AuthorKind.ASSISTANT,
            body=Body(
                content=text,
                kind=MessageKind.SYSTEM if question is None else MessageKind.TEXT,
                reply_to=None if question is None else MessageRef(question.id, question.uid),
            ),
            created_at=now,
            client_id=client_id,
        )
        return EphemeralNotice(conversation_id=head.id, message=message, listener=listener)
