"""The order in which a loop walks: sorted, given by a caller, or none that two runs share."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from lockcheck.linking.origins import built, origins, varies
from lockcheck.linking.values import (
    Abstract,
    CollectionOf,
    ConstantSet,
    FromOperation,
    Given,
    Known,
    Reached,
    Result,
    TupleOf,
    each,
)

Order: TypeAlias = Literal["sorted", "fixed", "unknown", "rows", "given", "mapping", "set"]
"""sorted: by any key, the same in each run. fixed: as written in the program. rows: as a SELECT without ORDER BY
returned them. given: as the caller of the whole run has it. mapping: of a dictionary that came from elsewhere."""

RANK: tuple[Order, ...] = ("sorted", "fixed", "unknown", "rows", "given", "mapping", "set")

ARBITRARY: frozenset[Order] = frozenset({"given", "mapping", "set"})
"""Two runs of the same loop may plainly walk in different orders."""

UNSORTED: frozenset[Order] = ARBITRARY | {"rows"}


def order(iterable: Abstract | None) -> Order:
    """The order of what a loop walks; the least certain one where it may be one of several values."""
    parts = each(iterable) if iterable is not None else ()
    if len(parts) > 1 and TupleOf((), "set") in parts:  # a set that has grown
        return "set"
    return max((_order(part) for part in parts if not _is_empty(part)), key=RANK.index, default="unknown")


def _is_empty(value: Abstract) -> bool:
    return (isinstance(value, TupleOf) and not value.items) or value == Known(None)


def _order(value: Abstract) -> Order:
    if isinstance(value, Result):
        return "sorted" if value.statement.order_by else "rows"
    if isinstance(value, CollectionOf):
        return _of_collection(value)
    if isinstance(value, TupleOf):
        return _of_display(value)
    if isinstance(value, (Known, ConstantSet)):
        return "fixed"
    return by_origin(value)


def _of_collection(value: CollectionOf) -> Order:
    if value.single and not built(value.element):
        return "fixed"
    if value.ordered_by is not None:
        return "sorted"
    if value.walk:
        return value.walk
    if isinstance(value.element, CollectionOf) and value.element.walk != "mapping":
        return order(value.element)
    return by_origin(value.element)


def _of_display(value: TupleOf) -> Order:
    if value.kind == "set" and len(value.items) > 1:
        return "set"
    if value.kind == "dict" and varies(value.keys):
        return by_origin((value.keys, value.items))
    return "fixed"


def by_origin(value: Any) -> Order:
    """By where the elements come from."""
    found = list(origins(value))
    if any(isinstance(o, FromOperation) or (isinstance(o, Reached) and o.many) for o in found):
        return "rows"
    return "given" if any(isinstance(o, Given) for o in found) else "unknown"


def is_batched(iterable: Abstract | None) -> bool:
    """Whether a loop walks collections, such as slices of a list."""
    return iterable is not None and any(
        isinstance(part, CollectionOf) and _is_list(part.element) for part in each(iterable)
    )


def _is_list(value: Abstract) -> bool:
    return any(isinstance(part, CollectionOf) for part in each(value))
