"""What a session conversation has from its beginning."""

from folkmoot.core.conversations.model import Desk, Kind, NewConversation


def first_desk(new: NewConversation) -> Desk | None:
    """The desk of a session that is about to be stored; nothing else has one."""
    if new.kind is not Kind.SESSION:
        return None
    return Desk(
        agent_id=new.agent_id,
        assistant_on=new.assistant_on,
        started_at=None,
        closed_at=None,
        message_count=0,
    )
