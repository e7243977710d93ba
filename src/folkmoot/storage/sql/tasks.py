"""Tasks in SQL."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Text,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    not_,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from folkmoot.core.tasks.model import (
    LEASE_RAN_OUT,
    NewTask,
    Payload,
    Taken,
    Task,
    TaskCounts,
)
from folkmoot.storage.keys import texts
from folkmoot.storage.sql.executor import Executor, Row
from folkmoot.storage.sql.statements import Sent, Statement
from folkmoot.storage.tables import tasks
from folkmoot.storage.times import to_micros, to_time, to_time_or_none

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.decode

_keys = Sent("keys", key=str)
_ids = Sent("ids", id=int)
_kind = bindparam("of_kind", type_=Text())
_at = bindparam("now", type_=BigInteger())
_holder = bindparam("by", type_=Text())
_later = bindparam("then", type_=BigInteger())
_one: ColumnElement[int] = literal_column("1")

_columns: dict[str, Any] = {
    name: bindparam(f"new_{name}")
    for name in ("kind", "key", "payload", "ordering_key", "due_at", "max_attempts")
}
_ADD = Statement(
    insert(tasks).values(**_columns, attempts=literal_column("0")).on_conflict_do_nothing()
)
_CANCEL = Statement(
    delete(tasks)
    .where(tasks.c.kind == _kind, tasks.c.key.in_(select(_keys.c.key)))
    .returning(tasks.c.key),
    _keys,
)

# In the words of the index.
_living = text("tasks.died_at IS NULL")
_earlier = tasks.alias("earlier")
_is_next = or_(
    tasks.c.ordering_key.is_(None),
    not_(
        exists(_one).where(
            _earlier.c.kind == tasks.c.kind,
            _earlier.c.ordering_key == tasks.c.ordering_key,
            _earlier.c.id < tasks.c.id,
            text("earlier.died_at IS NULL"),
        )
    ),
)
_DUE = Statement(
    select(
        tasks.c.id,
        tasks.c.kind,
        tasks.c.key,
        tasks.c.payload,
        tasks.c.max_attempts,
        tasks.c.attempts,
    )
    .where(tasks.c.kind == _kind, _living, tasks.c.due_at <= _at, _is_next)
    .order_by(tasks.c.due_at, tasks.c.id)
    .limit(bindparam("at_most", type_=Integer()))
    .with_for_update(of=tasks, skip_locked=True)
)
_NEXT_DUE = Statement(
    select(tasks.c.due_at)
    .where(tasks.c.kind == _kind, _living, tasks.c.due_at > _at)
    .order_by(tasks.c.due_at)
    .limit(_one)
)
_LEASE = Statement(
    update(tasks)
    .where(tasks.c.id.in_(select(_ids.c.id)))
    .values(holder=_holder, due_at=_later, attempts=tasks.c.attempts + _one),
    _ids,
)
_BURY = Statement(
    update(tasks)
    .where(tasks.c.id.in_(select(_ids.c.id)))
    .values(holder=null(), died_at=_at, error=bindparam("why", type_=Text())),
    _ids,
)
_RELEASE = Statement(
    update(tasks).where(tasks.c.holder == _holder).values(holder=null(), due_at=_at)
)

_is_held = and_(
    tasks.c.id == bindparam("task", type_=BigInteger()),
    tasks.c.holder == _holder,
    tasks.c.attempts == bindparam("attempt", type_=Integer()),
)
_RENEW = Statement(update(tasks).where(_is_held).values(due_at=_later).returning(tasks.c.id))
_SAVE = Statement(
    update(tasks)
    .where(_is_held)
    .values(payload=bindparam("new_payload", type_=Text()))
    .returning(tasks.c.id)
)
_COMPLETE = Statement(delete(tasks).where(_is_held).returning(tasks.c.id))
_FAIL = Statement(
    update(tasks)
    .where(_is_held)
    .values(
        holder=null(),
        due_at=_later,
        died_at=bindparam("dead_since", type_=BigInteger()),
        error=bindparam("why", type_=Text()),
    )
    .returning(tasks.c.id)
)
_is_waiting = and_(tasks.c.died_at.is_(None), tasks.c.holder.is_(None))
_COUNTS = Statement(
    select(
        tasks.c.kind,
        func.count(case((_is_waiting, _one))),
        func.count(case((and_(tasks.c.died_at.is_(None), tasks.c.holder.is_not(None)), _one))),
        func.count(tasks.c.died_at),
        func.min(case((_is_waiting, tasks.c.due_at))),
    )
    .group_by(tasks.c.kind)
    .order_by(tasks.c.kind)
)


class SqlTasks:
    """`TaskStore` in SQL."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def add(self, tasks: Sequence[NewTask]) -> None:
        rows = [
            {
                "new_kind": new.kind,
                "new_key": new.key,
                "new_payload": _encode(new.payload).decode(),
                "new_ordering_key": new.ordering_key,
                "new_due_at": to_micros(new.due_at),
                "new_max_attempts": new.max_attempts,
            }
            for new in tasks
        ]
        await self._executor.run_many(_ADD, rows)

    async def cancel(self, kind: str, keys: Collection[str]) -> list[str]:
        params = {"of_kind": kind, "keys": texts(keys)}
        return sorted(row[0] for row in await self._executor.rows(_CANCEL, params))

    async def take(
        self, kind: str, holder: str, *, at: datetime, until: datetime, limit: int
    ) -> Taken:
        now = {"of_kind": kind, "now": to_micros(at)}
        due = await self._executor.rows(_DUE, {**now, "at_most": limit})
        while used_up := [row[0] for row in due if row[5] >= row[4]]:
            bury = {"ids": used_up, "now": to_micros(at), "why": LEASE_RAN_OUT}
            await self._executor.run(_BURY, bury)
            due = await self._executor.rows(_DUE, {**now, "at_most": limit})
        if due:
            lease = {"ids": [row[0] for row in due], "by": holder, "then": to_micros(until)}
            await self._executor.run(_LEASE, lease)
        later = await self._executor.rows(_NEXT_DUE, now)
        return Taken([_task(row, holder) for row in due], to_time(later[0][0]) if later else None)

    async def renew(self, task: Task, until: datetime) -> bool:
        return await self._changed(_RENEW, task, then=to_micros(until))

    async def release(self, holder: str, at: datetime) -> None:
        await self._executor.run(_RELEASE, {"by": holder, "now": to_micros(at)})

    async def save(self, task: Task, payload: Payload) -> bool:
        return await self._changed(_SAVE, task, new_payload=_encode(payload).decode())

    async def complete(self, task: Task) -> bool:
        return await self._changed(_COMPLETE, task)

    async def fail(
        self, task: Task, error: str, *, at: datetime, retry_at: datetime | None
    ) -> bool:
        dead_since = to_micros(at) if retry_at is None else None
        then = to_micros(retry_at or at)
        return await self._changed(_FAIL, task, then=then, dead_since=dead_since, why=error)

    async def counts(self) -> list[TaskCounts]:
        return [
            TaskCounts(kind, waiting, running, dead, to_time_or_none(oldest_due))
            for kind, waiting, running, dead, oldest_due in await self._executor.rows(_COUNTS, {})
        ]

    async def _changed(self, statement: Statement, task: Task, **params: Any) -> bool:
        lease = {"task": task.id, "by": task.holder, "attempt": task.attempt}
        return bool(await self._executor.rows(statement, {**lease, **params}))


def _task(row: Row, holder: str) -> Task:
    task_id, kind, key, payload, max_attempts, attempts = row
    return Task(
        id=task_id,
        kind=kind,
        key=key,
        payload=_decode(payload),
        max_attempts=max_attempts,
        holder=holder,
        attempt=attempts + 1,
    )
