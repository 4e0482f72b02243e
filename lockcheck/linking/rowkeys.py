"""By what a row is found in a turn of a loop; rows that hang off one which the transaction has inserted, so that nobody
else can know them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lockcheck.linking import clauses
from lockcheck.linking.origins import steady, varies
from lockcheck.linking.results import walked
from lockcheck.linking.values import (
    Abstract,
    Assignments,
    AttributeOf,
    Built,
    FromOperation,
    Instance,
    Known,
    ModelRef,
    Statement,
    TupleOf,
    each,
)

if TYPE_CHECKING:
    from lockcheck.linking.trace import Trace
    from lockcheck.plans import Target

MAX_READS = 3
"""How many SELECTs a key is followed through."""


def of_new_row(trace: Trace, model: ModelRef, origin: object) -> bool:
    """Whether a row that a step touches is found by the key of a row that was inserted before."""
    return any(_is_new(trace, value, MAX_READS) for _, value in compared(trace, model, origin))


def compared(trace: Trace, model: ModelRef, origin: object) -> Iterator[tuple[str, Abstract]]:
    """What the columns of a row are, or are compared with."""
    if isinstance(origin, Assignments):
        yield from origin.items
    elif isinstance(origin, tuple):
        yield from clauses.pinned(origin, model).items()
    elif isinstance(origin, Instance) and isinstance(origin.origin, FromOperation):
        for statement in _reads(trace, origin.origin.site):
            yield from clauses.pinned(statement.where, model).items()
    elif isinstance(origin, Instance):
        yield from origin.given


def steady_columns(trace: Trace, rows: Iterable[tuple[ModelRef, object]]) -> frozenset[str]:
    """The columns that are one and the same value in all rows that a loop touches."""
    found = [dict(compared(trace, model, origin)) for model, origin in rows]
    first = found[0] if found else {}
    return frozenset(
        name for name, value in first.items() if not varies(value) and all(row.get(name) == value for row in found)
    )


def shared_columns(rows: Abstract) -> frozenset[str]:
    """The columns that all rows of a list give alike, by the names that they are given by."""
    found: list[frozenset[str]] = []
    for part in each(rows):
        row = walked(part)
        pairs = zip(row.keys, row.items, strict=True) if isinstance(row, TupleOf) and row.kind == "dict" else ()
        found.append(
            frozenset(
                str(key.value)
                for key, value in pairs
                if isinstance(key, Known) and (isinstance(value, Known) or steady(value))
            )
        )
    return frozenset.intersection(*found) if found else frozenset()


def _is_new(trace: Trace, value: Abstract, reads: int) -> bool:
    """Whether a value is the generated key of an object that was built here, or of the row read by it."""
    parts = each(value)
    return all(isinstance(part, AttributeOf) and _is_key_of_new(trace, part, reads) for part in parts)


def _is_key_of_new(trace: Trace, value: AttributeOf, reads: int) -> bool:
    row = value.base
    if not isinstance(row, Instance):
        return False
    if isinstance(row.origin, Built):
        return value.name not in dict(row.given)
    if not isinstance(row.origin, FromOperation) or row.origin.many or reads == 0:
        return False
    found = [clauses.pinned(statement.where, row.model) for statement in _reads(trace, row.origin.site)]
    return any(_is_new(trace, pinned, reads - 1) for pins in found for pinned in pins.values())


def _reads(trace: Trace, site: Target) -> Iterator[Statement]:
    """The SELECTs that a place executes."""
    return (execute.statement for _, execute in trace.executions.get(site, ()))
