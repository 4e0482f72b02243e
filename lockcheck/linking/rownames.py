"""Whether two steps of a run speak of one and the same row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lockcheck.linking import clauses
from lockcheck.linking.origins import origins
from lockcheck.linking.values import Abstract, AttributeOf, Built, FromOperation, Instance, Known, Somewhere, each

if TYPE_CHECKING:
    from lockcheck.linking.locks import Locks
    from lockcheck.linking.trace import Trace

MAX_HOPS = 4


def names(locks: Locks, trace: Trace, value: Abstract, attribute: str) -> frozenset[Abstract]:
    """All that is known to be the value of a row's key column `attribute`: `value` is the key, or the row's object."""
    found: set[Abstract] = set()
    waiting: list[Abstract] = [
        AttributeOf(part, attribute) if isinstance(part, Instance) else part for part in each(value)
    ]
    for _ in range(MAX_HOPS):
        found.update(waiting)
        waiting = [other for one in waiting for other in _equal(locks, trace, one) if other not in found]
    return frozenset(part for part in found if _known(part))


def _equal(locks: Locks, trace: Trace, value: Abstract) -> Iterator[Abstract]:
    """What an object's attribute was given, or the key that its row was looked up by."""
    if not isinstance(value, AttributeOf) or not isinstance(value.base, Instance):
        return
    instance = value.base
    if isinstance(instance.origin, Built):
        yield from (given for name, given in instance.given if name == value.name)
    elif isinstance(instance.origin, FromOperation) and not instance.origin.many:
        for _, execute in trace.executions.get(instance.origin.site, ()):
            model = execute.statement.model
            if model is not None and locks.table(model) == locks.table(instance.model):
                pins = clauses.pinned(execute.statement.where, model)
                yield from (pin for name, pin in pins.items() if name == value.name)


def _known(value: Abstract) -> bool:
    if isinstance(value, Known):
        return value.value is not None
    found = list(origins(value))
    return bool(found) and not any(isinstance(origin, Somewhere) for origin in found)
