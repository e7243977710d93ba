"""Any value of a type that events are made of, for hypothesis."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    str: st.text(max_size=20),
    datetime: st.datetimes(timezones=st.just(UTC)),
    type(None): st.none(),
}


def anything_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value that an event's field of this type may have."""
    if isinstance(kind, NewType):
        return anything_of(kind.__supertype__)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if is_dataclass(made := get_origin(kind) or kind):
        hints = get_type_hints(made)
        given_for = dict(zip(getattr(made, "__parameters__", ()), get_args(kind), strict=True))
        types_of = {one.name: substituted(hints[one.name], given_for) for one in fields(made)}
        return st.builds(made, **{name: anything_of(type_) for name, type_ in types_of.items()})
    if get_origin(kind) is None:
        return LEAVES[kind]
    inner = [anything_of(one) for one in get_args(kind) if one is not ...]
    origin = get_origin(kind)
    if origin in (types.UnionType, Union):
        return st.one_of(inner)
    if origin is tuple:
        is_long = get_args(kind)[-1] is ...
        return st.lists(inner[0], max_size=3).map(tuple) if is_long else st.tuples(*inner)
    if origin is frozenset:
        return st.frozensets(inner[0], max_size=3)
    if origin is Mapping:
        return st.dictionaries(*inner, max_size=3)
    raise LookupError(f"no values for {kind}: say here what they may be")


def substituted(kind: Any, given_for: Mapping[Any, Any]) -> Any:
    """The type of a generic class's field, with what its parameters stand for."""
    named = [given_for[one] for one in getattr(kind, "__parameters__", ())]
    return kind[tuple(named)] if named else kind
