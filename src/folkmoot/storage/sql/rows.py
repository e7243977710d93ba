"""Rows and what they mean: which columns are asked for, and what is made of them."""

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, FromClause

from folkmoot.core.accounts.model import Account, Person, Role
from folkmoot.core.conversations.model import Conversation, Desk, Kind, Member, MemberRole
from folkmoot.core.messages.model import (
    Attachment,
    AuthorKind,
    Body,
    Message,
    MessageBody,
    MessageKind,
    MessageRef,
)
from folkmoot.core.shared.ids import Uid
from folkmoot.storage.sql.executor import Row
from folkmoot.storage.tables import accounts, conversations, members, messages
from folkmoot.storage.times import to_time, to_time_or_none

# A lookup costs a tenth of calling the enumeration, and every row has one.
_ROLES = {role.value: role for role in Role}
_KINDS = {kind.value: kind for kind in Kind}
_MEMBER_ROLES = {role.value: role for role in MemberRole}
_MESSAGE_KINDS = {kind.value: kind for kind in MessageKind}
_AUTHOR_KINDS = {kind.value: kind for kind in AuthorKind}

_attachment = msgspec.json.Decoder(Attachment)
_mentions = msgspec.json.Decoder(tuple[Uid, ...])
_labels = msgspec.json.Decoder(dict[str, str])

Columns = tuple[ColumnElement[Any], ...]

replied = messages.alias("replied")

PERSON: Columns = (
    accounts.c.id,
    accounts.c.uid,
    accounts.c.username,
    accounts.c.full_name,
    accounts.c.avatar,
    accounts.c.role,
)
ACCOUNT: Columns = (
    accounts.c.id,
    accounts.c.uid,
    accounts.c.username,
    accounts.c.email,
    accounts.c.full_name,
    accounts.c.avatar,
    accounts.c.role,
    accounts.c.is_active,
    accounts.c.created_at,
)
CONVERSATION: Columns = (
    conversations.c.id,
    conversations.c.uid,
    conversations.c.kind,
    conversations.c.title,
    conversations.c.created_by,
    conversations.c.created_at,
    conversations.c.last_seq,
    conversations.c.last_activity_at,
    conversations.c.member_count,
    conversations.c.agent_id,
    conversations.c.assistant_on,
    conversations.c.started_at,
    conversations.c.closed_at,
    conversations.c.ownership,
    conversations.c.taken_over,
    conversations.c.left_to_people,
    conversations.c.message_count,
)
MEMBER: Columns = (
    members.c.conversation_id,
    members.c.role,
    members.c.joined_at,
    members.c.read_seq,
    members.c.read_at,
    members.c.delivered_seq,
    *PERSON,
)
BODY: Columns = (
    messages.c.kind,
    messages.c.content,
    messages.c.attachment,
    messages.c.mentions,
    messages.c.labels,
    replied.c.id,
    replied.c.uid,
)
PLAIN_TEXT: Columns = (messages.c.kind, messages.c.content)
MESSAGE: Columns = (
    messages.c.id,
    messages.c.uid,
    messages.c.conversation_id,
    conversations.c.uid,
    messages.c.seq,
    messages.c.author_kind,
    messages.c.client_id,
    messages.c.created_at,
    messages.c.edited_at,
    messages.c.deleted_at,
    *BODY,
    *PERSON,
)


def with_names(source: FromClause) -> FromClause:
    """``source``, which has `messages` in it, with all that `MESSAGE` needs beside them."""
    return (
        source.join(conversations, conversations.c.id == messages.c.conversation_id)
        .outerjoin(accounts, accounts.c.id == messages.c.author_id)
        .outerjoin(replied, replied.c.id == messages.c.reply_to_id)
    )


def to_person(row: Row) -> Person:
    """From `PERSON`."""
    number, uid, username, full_name, avatar, role = row
    return Person(number, uid, username, full_name, avatar, _ROLES[role])


def to_account(row: Row) -> Account:
    """From `ACCOUNT`."""
    number, uid, username, email, full_name, avatar, role, is_active, created_at = row
    return Account(
        number,
        uid,
        username,
        email,
        full_name,
        avatar,
        _ROLES[role],
        bool(is_active),
        to_time(created_at),
    )


def to_conversation(row: Row) -> Conversation:
    """From `CONVERSATION`."""
    (
        number,
        uid,
        kind,
        title,
        created_by,
        created_at,
        last_seq,
        last_activity_at,
        member_count,
        *desk,
    ) = row
    return Conversation(
        number,
        uid,
        _KINDS[kind],
        title,
        created_by,
        to_time(created_at),
        last_seq,
        to_time(last_activity_at),
        member_count,
        None if desk[-1] is None else _to_desk(desk),
    )


def _to_desk(row: Row) -> Desk:
    (
        agent_id,
        assistant_on,
        started_at,
        closed_at,
        ownership,
        taken_over,
        left_to_people,
        message_count,
    ) = row
    return Desk(
        agent_id,
        bool(assistant_on),
        to_time_or_none(started_at),
        to_time_or_none(closed_at),
        message_count,
        ownership,
        bool(taken_over),
        bool(left_to_people),
    )


def to_member(row: Row) -> Member:
    """From `MEMBER`."""
    # Spelt out: a batch of messages reads more of these than of anything else.
    (
        conversation_id,
        role,
        joined_at,
        read_seq,
        read_at,
        delivered_seq,
        number,
        uid,
        username,
        full_name,
        avatar,
        account_role,
    ) = row
    return Member(
        conversation_id,
        Person(number, uid, username, full_name, avatar, _ROLES[account_role]),
        _MEMBER_ROLES[role],
        to_time(joined_at),
        read_seq,
        to_time_or_none(read_at),
        delivered_seq,
    )


def to_message(row: Row) -> Message:
    """From `MESSAGE`; without reactions."""
    (
        number,
        uid,
        conversation_id,
        conversation_uid,
        seq,
        author_kind,
        client_id,
        created_at,
        edited_at,
        deleted_at,
        *rest,
    ) = row
    body, author = rest[: len(BODY)], rest[len(BODY) :]
    return Message(
        id=number,
        uid=uid,
        conversation_id=conversation_id,
        conversation_uid=conversation_uid,
        seq=seq,
        author=None if author[0] is None else to_person(author),
        author_kind=_AUTHOR_KINDS[author_kind],
        body=to_body(body),
        created_at=to_time(created_at),
        client_id=client_id,
        edited_at=to_time_or_none(edited_at),
        deleted_at=to_time_or_none(deleted_at),
    )


def to_body(row: Row) -> MessageBody:
    """From `BODY`."""
    kind, content, attachment, mentions, labels, reply_to_id, reply_to_uid = row
    return Body(
        content=content,
        kind=_MESSAGE_KINDS[kind],
        reply_to=None if reply_to_id is None else MessageRef(reply_to_id, reply_to_uid),
        attachment=None if attachment is None else _attachment.decode(attachment),
        mentions=() if mentions is None else _mentions.decode(mentions),
        labels={} if labels is None else _labels.decode(labels),
    )


def to_plain_text(row: Row) -> str:
    """From `PLAIN_TEXT`: what of a body may be searched."""
    kind, content = row
    body: MessageBody = Body(content=content, kind=_MESSAGE_KINDS[kind])
    return body.plain_text


def body_columns(body: MessageBody) -> dict[str, Any]:
    """What `to_body` reads, as it is stored; what few messages have is JSON, or not there."""
    return {
        "kind": body.kind.value,
        "content": body.content,
        "reply_to_id": body.reply_to.id if body.reply_to else None,
        "attachment": _json(body.attachment) if body.attachment else None,
        "mentions": _json(body.mentions) if body.mentions else None,
        "labels": _json(body.labels) if body.labels else None,
    }


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
