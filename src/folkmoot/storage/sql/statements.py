"""Statements, written once in SQLAlchemy's words, turned into each database's text only once.

What is left to do for each execution is to put the arguments in order: the engine's own way of
executing costs more than SQLite needs to answer.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Text, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.dialects.sqlite.pysqlite import dialect as sqlite_dialect
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement, TableClause, column
from sqlalchemy.types import TypeEngine

Params = Mapping[str, Any]
Arguments = Callable[[Params], Sequence[Any]]

_SQLITE: Dialect = sqlite_dialect(paramstyle="qmark")
_POSTGRES: Dialect = asyncpg_dialect()  # type: ignore[no-untyped-call] # so in SQLAlchemy
_TYPES: dict[type[int | str], TypeEngine[Any]] = {int: BigInteger(), str: Text()}
_json = msgspec.json.Encoder()


class Sent(TableClause):
    """A table that comes along as a parameter: join it to ask for many keys at once.

    The parameter has the table's name. It is a collection of values when there is one column, of
    tuples when there are more; SQLite gets it as one JSON text, PostgreSQL as an array a column.
    """

    inherit_cache = False

    def __init__(self, name: str, **columns: type[int | str]) -> None:
        super().__init__(name, *(column(key, _TYPES[kind]) for key, kind in columns.items()))
        self.parameter = name


@compiles(Sent, "sqlite")
def _as_json(sent: Sent, compiler: SQLCompiler, **options: Any) -> str:
    names = [compiler.preparer.format_column(each) for each in sent.columns]
    values = (
        ["value"]
        if len(names) == 1
        else [f"json_extract(value, '$[{index}]')" for index in range(len(names))]
    )
    selected = ", ".join(f"{value} AS {name}" for value, name in zip(values, names, strict=True))
    sent_json = compiler.process(bindparam(sent.parameter, type_=Text()), **_plain(options))
    source = f"json_each({sent_json})"
    return f"(SELECT {selected} FROM {source}) AS {sent.parameter}"  # noqa: S608 - no values in it


@compiles(Sent, "postgresql")
def _as_arrays(sent: Sent, compiler: SQLCompiler, **options: Any) -> str:
    names = ", ".join(compiler.preparer.format_column(each) for each in sent.columns)
    arrays = ", ".join(
        compiler.process(
            bindparam(f"{sent.parameter}_{index}", type_=ARRAY(each.type)), **_plain(options)
        )
        for index, each in enumerate(sent.columns)
    )
    return f"unnest({arrays}) AS {sent.parameter}({names})"


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key == "literal_binds"}


class Prepared:
    """A statement in one database's words, and how its arguments are ordered."""

    __slots__ = ("arguments", "text")

    def __init__(self, text: str, arguments: Arguments) -> None:
        self.text = text
        self.arguments = arguments


class Statement:
    """One statement; the tables that it is sent are named by ``sent``.

    ``on_postgres`` is what PostgreSQL is told instead, where no words will do for both.
    """

    def __init__(
        self, clause: ClauseElement, *sent: Sent, on_postgres: ClauseElement | None = None
    ) -> None:
        self._clause = clause
        self._on_postgres = clause if on_postgres is None else on_postgres
        self._sent = sent

    @cached_property
    def sqlite(self) -> Prepared:
        """For the sqlite3 module."""
        compiled = _compiled(self._clause, _SQLITE)
        pick = _picker(compiled)
        names = [each.parameter for each in self._sent]
        if not names:
            return Prepared(str(compiled), pick)
        if compiled.positiontup == names:
            encode = _json.encode
            return Prepared(
                str(compiled), lambda params: [encode(params[name]).decode() for name in names]
            )

        def arguments(params: Params) -> Sequence[Any]:
            encoded = {name: _json.encode(params[name]).decode() for name in names}
            return pick({**params, **encoded})

        return Prepared(str(compiled), arguments)

    @cached_property
    def postgres(self) -> Prepared:
        """For asyncpg."""
        compiled = _compiled(self._on_postgres, _POSTGRES)
        pick = _picker(compiled)
        tables = [(each.parameter, len(each.columns)) for each in self._sent]
        if not tables:
            return Prepared(str(compiled), pick)

        def arguments(params: Params) -> Sequence[Any]:
            arrays = dict(params)
            for name, width in tables:
                arrays.update(_arrays(name, width, params[name]))
            return pick(arrays)

        return Prepared(str(compiled), arguments)


def _compiled(clause: ClauseElement, dialect: Dialect) -> SQLCompiler:
    compiled = clause.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - tells mypy, not the reader
    return compiled


def _arrays(name: str, width: int, rows: Collection[Any]) -> dict[str, list[Any]]:
    if width == 1:
        return {f"{name}_0": list(rows)}
    return {f"{name}_{index}": [row[index] for row in rows] for index in range(width)}


def _picker(compiled: SQLCompiler) -> Arguments:
    """What puts named parameters in the order in which the text has them."""
    order = compiled.positiontup or []
    constants = {
        name: bind.value
        for name, bind in compiled.binds.items()
        if not bind.required and bind.value is not None
    }
    if not order:
        return lambda _params: ()
    if len(order) == 1:
        name = order[0]
        return lambda params: (params[name],) if name in params else (constants[name],)
    pick = itemgetter(*order)
    if constants:
        return lambda params: pick({**constants, **params})
    return pick
