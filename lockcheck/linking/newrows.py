"""Rows that hang off one which the transaction has inserted itself: no other transaction can know them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lockcheck.linking import clauses
from lockcheck.linking.events import Execute
from lockcheck.linking.values import (
    Abstract,
    Assignments,
    AttributeOf,
    Built,
    FromOperation,
    Instance,
    ModelRef,
    Statement,
    each,
)

if TYPE_CHECKING:
    from lockcheck.linking.trace import Trace
    from lockcheck.plans import Target

MAX_READS = 3
"""How many SELECTs a key is followed through."""


def of_new_row(trace: Trace, model: ModelRef, origin: object) -> bool:
    """Whether a row that a step touches is found by the key of a row that was inserted before."""
    return any(_is_new(trace, value, MAX_READS) for value in _compared(trace, model, origin))


def _compared(trace: Trace, model: ModelRef, origin: object) -> Iterator[Abstract]:
    """What the columns of a row are, or are compared with."""
    if isinstance(origin, Assignments):
        yield from (value for _, value in origin.items)
    elif isinstance(origin, tuple):
        yield from clauses.pinned(origin, model).values()
    elif isinstance(origin, Instance) and isinstance(origin.origin, FromOperation):
        for statement in _reads(trace, origin.origin.site):
            yield from clauses.pinned(statement.where, model).values()
    elif isinstance(origin, Instance):
        yield from (value for _, value in origin.given)


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
    for step in trace.steps:
        if isinstance(step.detail, Execute) and step.detail.site == site:
            yield step.detail.statement
