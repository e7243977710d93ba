"""Who has written to the desk, in SQL: one query for a page, however many sessions there are.

Whose message is the newest only all sessions can tell, so each is looked at: in an index that has
nothing but sessions in it, and by its key for its last message. What is unread is counted for
the page alone. To know the order without looking would cost an index written with each message.
"""

from typing import Any

from sqlalchemy import BigInteger, ScalarSelect, Select, Text, bindparam, func, or_, select
from sqlalchemy import literal_column as literal

from folkmoot.core.accounts.model import STAFF
from folkmoot.storage.sql.rows import PERSON
from folkmoot.storage.sql.statements import Statement
from folkmoot.storage.tables import accounts, among_sessions, conversations, members, messages

_ESCAPE = "!"
_pattern = bindparam("pattern", type_=Text())
_staff = accounts.alias("staff")
_sessions = conversations.alias("sessions")
_said = messages.alias("said")


def pattern_of(name_part: str) -> str:
    """What a name is like that has these characters in it, whatever they are."""
    for special in (_ESCAPE, "%", "_"):
        name_part = name_part.replace(special, _ESCAPE + special)
    return f"%{name_part.lower()}%"


def _newest() -> Select[Any]:
    last = (
        select(messages.c.id)
        .where(messages.c.conversation_id == conversations.c.id, messages.c.deleted_at.is_(None))
        .order_by(messages.c.seq.desc())
        .limit(literal("1"))
        .scalar_subquery()
    )
    each = (
        select(conversations.c.created_by.label("customer_id"), last.label("message_id"))
        .where(among_sessions)
        .subquery("each")
    )
    newest = func.max(each.c.message_id).label("message_id")
    return (
        select(each.c.customer_id, newest)
        .join_from(each, accounts, accounts.c.id == each.c.customer_id)
        .where(
            or_(
                accounts.c.username_key.like(_pattern, escape=_ESCAPE),
                func.lower(accounts.c.full_name).like(_pattern, escape=_ESCAPE),
            )
        )
        .group_by(each.c.customer_id)
        .having(newest.is_not(None))
        .order_by(newest.desc())
        .limit(bindparam("limit", type_=BigInteger()))
        .offset(bindparam("offset", type_=BigInteger()))
    )


def _unread(customer: Any) -> ScalarSelect[int]:
    roles = [literal(f"'{role}'", Text()) for role in sorted(role.value for role in STAFF)]
    read_by_staff = (
        select(func.max(members.c.read_seq))
        .join_from(members, _staff, _staff.c.id == members.c.account_id)
        .where(members.c.conversation_id == _sessions.c.id, _staff.c.role.in_(roles))
        .scalar_subquery()
    )
    return (
        select(func.count())
        .select_from(_sessions.join(_said, _said.c.conversation_id == _sessions.c.id))
        .where(
            _sessions.c.created_by == customer,
            _sessions.c.kind == literal("'session'"),
            # The sum keeps both from looking through all that the customer said anywhere.
            _said.c.author_id + literal("0") == customer,
            _said.c.deleted_at.is_(None),
            _said.c.seq > func.coalesce(read_by_staff, literal("0")),
        )
        .scalar_subquery()
    )


_page = _newest().subquery("page")
CALLERS = Statement(
    select(_page.c.message_id, _unread(_page.c.customer_id), *PERSON)
    .join_from(_page, accounts, accounts.c.id == _page.c.customer_id)
    .order_by(_page.c.message_id.desc())
)
"""The newest message in the sessions of each who began any, how much of theirs nobody of staff
has read, and who they are; the newest first. Names are compared as `pattern_of` makes them."""
