"""Stored state as the REST routes of this contract show it."""

from collections.abc import Sequence

from folkmoot.contracts.sessions import answers, codec
from folkmoot.contracts.sessions.codec import instant, maybe_instant
from folkmoot.contracts.sessions.links import NOTHING
from folkmoot.contracts.sessions.names import membership_uid
from folkmoot.core.conversations.model import Conversation, Member
from folkmoot.core.messages.model import Message
from folkmoot.core.shared.ids import AccountId, Uid
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.message_parts import author_uid, own_client_id, reply_uid, url_of


async def sessions_out(
    work: UnitOfWork, viewer: AccountId, heads: Sequence[Conversation]
) -> list[answers.SessionOut]:
    """Sessions as the viewer sees them, in the order given."""
    wanted = {head.created_by for head in heads}
    wanted |= {head.desk.agent_id for head in heads if head.desk and head.desk.agent_id}
    accounts = await work.accounts.by_ids(wanted)
    uids = {account_id: account.uid for account_id, account in accounts.items()}
    # Staff who only look in have no place up to which they have read.
    unread = await work.views.unread_among(viewer, [head.id for head in heads])
    return [_session_out(head, uids, unread.get(head.id, 0)) for head in heads]


def _session_out(
    head: Conversation, uids: dict[AccountId, Uid], unread_count: int
) -> answers.SessionOut:
    desk = head.desk
    assert desk is not None  # noqa: S101 - only what `Desks` let through comes here
    return answers.SessionOut(
        id=head.uid,
        title=head.title or "",
        status="closed" if desk.is_closed else "active",
        initiator_id=uids[head.created_by],
        assigned_agent_id=None if desk.agent_id is None else uids[desk.agent_id],
        created_at=instant(head.created_at),
        started_at=maybe_instant(desk.started_at),
        closed_at=maybe_instant(desk.closed_at),
        total_messages=desk.message_count,
        unread_count=unread_count,
        assistant=desk.assistant_on,
        conversation_id=head.id,
        participant_count=head.member_count,
        last_seq=head.last_seq,
        last_activity_at=instant(head.last_activity_at),
    )


def message_out(
    message: Message, members: Sequence[Member], *, own: bool
) -> answers.SessionMessageOut:
    """A message; how far it has come is read off the members' watermarks."""
    hangs = message.body.attachment or NOTHING
    status, read_by_count = reach_of(message, members)
    return answers.SessionMessageOut(
        id=message.uid,
        chat_session_id=message.conversation_uid,
        sender_id=author_uid(message),
        message_type=message.body.kind.value,
        content=message.body.content,
        status=status,
        created_at=instant(message.created_at),
        read_by_count=read_by_count,
        seq=message.seq,
        sender_name=message.sender_name,
        reply_to_id=reply_uid(message),
        mentions=list(message.body.mentions),
        file_url=url_of(hangs),
        file_name=hangs.name or None,
        file_size=hangs.size,
        file_type=hangs.media_type,
        edited_at=maybe_instant(message.edited_at),
        is_deleted=message.is_deleted,
        reactions=codec.reactions_out(message.reactions),
        metadata=dict(message.body.labels),
        client_id=own_client_id(message, own=own),
    )


def reach_of(message: Message, members: Sequence[Member]) -> tuple[str, int]:
    """``sent``, ``delivered`` to or ``read`` by any other participant; and by how many."""
    others = [member for member in members if member.person.id != message.author_id]
    read_by_count = sum(member.read_seq >= message.seq for member in others)
    if read_by_count:
        return "read", read_by_count
    is_delivered = any(member.delivered_seq >= message.seq for member in others)
    return "delivered" if is_delivered else "sent", 0


def participant_out(
    member: Member, conversation: Uid, *, is_online: bool
) -> answers.SessionParticipantOut:
    """Somebody's place in a session."""
    person = member.person
    return answers.SessionParticipantOut(
        id=membership_uid(conversation, person.uid),
        user_id=person.uid,
        role=person.role.value,
        joined_at=instant(member.joined_at),
        is_active=True,
        last_read_at=maybe_instant(member.read_at),
        username=person.username,
        full_name=person.full_name,
        online=is_online,
        read_seq=member.read_seq,
    )
