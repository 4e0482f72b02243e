"""What a loop that locks rows one by one can be sorted by (LCK204, LCK303)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from lockcheck import facts
from lockcheck.checks._common import dialects
from lockcheck.declarations.model import Column, MappedClass
from lockcheck.hazards import Remedy
from lockcheck.linking import clauses
from lockcheck.linking.events import Leave, Suspend
from lockcheck.linking.lockers import Locker
from lockcheck.linking.lockloops import Walking
from lockcheck.linking.origins import varies
from lockcheck.linking.project import Project
from lockcheck.linking.results import walked
from lockcheck.linking.sessions import blocks
from lockcheck.linking.tables import last_value
from lockcheck.linking.trace import Trace
from lockcheck.linking.values import (
    Abstract,
    AttributeOf,
    Built,
    Clause,
    ColumnRef,
    FromOperation,
    Instance,
    ModelRef,
    Opaque,
    Reached,
    Row,
    TupleOf,
    each,
)
from lockcheck.plans import SortIterable, Target

SortKey: TypeAlias = tuple[Literal["values", "pairs", "objects", "entries"], tuple[str, ...], tuple[Column, ...]]
"""The form of `sorted`, the attributes to sort by, and the columns they stand for."""

COMPARED_ALIKE = frozenset({"integer", "biginteger", "smallinteger", "int", "bigint", "smallint", "uuid"})
"""Types that Python and databases order alike."""


def remedy(project: Project, walking: Walking, other: Locker) -> tuple[Remedy | None, str | None]:
    """`sorted(..)` round what the loop walks, or why there is none. `other` is the other side."""
    mapped = project.locks.mapped(walking.turn.touched.model)
    key = _key(project, walking, mapped) if mapped is not None else None
    if mapped is None or key is None:
        return None, "what the rows are to be sorted by cannot be told"
    if _leaves_early(walking):
        return None, "the loop may be left early, so that another order locks other rows"
    form, names, columns = key
    by_primary_key = other.kind == "flush" or other.ordered
    if by_primary_key and not {column.attribute for column in columns} <= set(mapped.primary_key):
        return None, "the other side goes in the order of the primary key, which is not known here"
    text = f"walk in the order of the key (judged for {dialects(project.policy.databases)})"
    doubts = doubtful(columns)
    if _carries(project, walking):
        doubts = (*doubts, "a turn uses what an earlier one left")
    plan = SortIterable(walking.turn.loop.site, form, names)
    return Remedy(plan, "unsafe" if doubts else "safe", "; ".join((text, *doubts))), None


def doubtful(columns: tuple[Column, ...]) -> tuple[str, ...]:
    """What speaks against sorting by these columns in Python."""
    return tuple(f"Python and the database may order {c.attribute} differently" for c in columns if not alike(c))


def alike(column: Column) -> bool:
    """Whether Python's `sorted` and ORDER BY put a column's values in one order."""
    return column.type.lower() in COMPARED_ALIKE or (not column.type and column.python_type.lower() in COMPARED_ALIKE)


# --- the key -----------------------------------------------------------------------------------------------------


def _key(project: Project, walking: Walking, mapped: MappedClass) -> SortKey | None:
    element = walked(walking.turn.loop.iterable) if walking.turn.loop.iterable is not None else None
    values = _key_values(project, walking, mapped)
    parts = tuple(part for part in each(element)) if element is not None else ()
    if len(parts) == 1 and parts[0] == walking.turn.touched.origin:
        values = {name: AttributeOf(parts[0], name) for name in mapped.primary_key}
    if len(parts) != 1 or not values:
        return None
    return _by(parts[0], values, mapped)


def _by(element: Abstract, values: dict[str, Abstract], mapped: MappedClass) -> SortKey | None:
    columns = tuple(column for name in values if (column := mapped.column(name)) is not None)
    found = list(values.values())
    if len(columns) != len(values):
        return None
    if found == [element]:
        return "values", (), columns
    if isinstance(element, TupleOf) and element.kind == "tuple" and found == [element.items[0]]:
        return "pairs", (), columns
    names = [_attribute(element, value) for value in found]
    entries = [_entry(element, value) for value in found]
    if None not in names:
        return "objects", tuple(name for name in names if name is not None), columns
    return ("entries", tuple(name for name in entries if name is not None), columns) if None not in entries else None


def _entry(element: Abstract, value: Abstract) -> str | None:
    """The entry of the loop's element, a mapping, that a value is."""
    origin = value.origin if isinstance(value, Opaque) else None
    known = isinstance(origin, Reached) and element == Opaque(origin.base) and not origin.name.isdigit()
    return origin.name if known and isinstance(origin, Reached) else None


def _attribute(element: Abstract, value: Abstract) -> str | None:
    """The attribute of the loop's element that a value is."""
    if isinstance(value, AttributeOf) and value.base == element:
        return value.name
    row = value.base if isinstance(value, AttributeOf) else None
    if isinstance(element, Row) and isinstance(row, Instance) and isinstance(value, AttributeOf):
        chosen = [e.attribute for e in element.statement.entities if isinstance(e, ColumnRef) and e.model == row.model]
        return value.name if value.name in chosen else None
    return None


def _key_values(project: Project, walking: Walking, mapped: MappedClass) -> dict[str, Abstract]:
    """What the primary key is in each turn, as far as it changes."""
    touched, trace = walking.turn.touched, walking.trace
    origin = touched.origin
    if isinstance(origin, Instance) and isinstance(origin.origin, FromOperation) and not origin.origin.many:
        origin = _read_by(trace, origin.origin.site)
    if isinstance(origin, Instance) and not isinstance(origin.origin, Built):
        return {name: AttributeOf(origin, name) for name in mapped.primary_key}
    given: dict[str, Abstract]
    if isinstance(origin, Instance):
        given = {name: value for name, value in origin.given if name in mapped.primary_key}
    elif isinstance(origin, tuple):
        given = _of_row(clauses.pinned(origin, touched.model), touched.model)
    else:
        given = dict(getattr(origin, "items", ()))
    key = next((key for key in project.locks.keys(mapped) if set(key) <= set(given)), ())
    return {name: given[name] for name in key if varies(given[name])}


def _read_by(trace: Trace, site: Target) -> tuple[Clause, ...]:
    """The WHERE of the SELECT that returned a row."""
    read = (execute.statement for _, execute in trace.executions.get(site, ()))
    return next((statement.where for statement in read), ())


def _of_row(pinned: dict[str, Abstract], model: ModelRef) -> dict[str, Abstract]:
    """What the key columns are compared with: each the same column, where one object of the model is the row."""
    rows = {value.base for value in pinned.values() if isinstance(value, AttributeOf)}
    row = rows.pop() if len(rows) == 1 else None
    of_model = (
        isinstance(row, Instance) and row.model == model and all(isinstance(v, AttributeOf) for v in pinned.values())
    )
    return {name: AttributeOf(row, name) for name in pinned} if of_model and row is not None else pinned


# --- whether the loop depends on its order -------------------------------------------------------------------------


def _leaves_early(walking: Walking) -> bool:
    """Whether a turn may end the loop without an error, or hand something out."""
    enters = walking.turn.enters
    depth = len(enters.path) + 1
    for step in walking.trace.steps[enters.number + 1 :]:
        if step.path[: len(enters.path)] != enters.path:
            break
        inside = len(step.path) >= depth and step.path[depth - 1].fork == walking.turn.loop.fork
        if inside and step.calls == enters.calls and isinstance(step.detail, (Leave, Suspend)):
            how = step.detail.how if isinstance(step.detail, Leave) else "return"
            inner = any(arm.kind == "loop" for arm in step.path[depth:])
            if how == "return" or (how == "break" and not inner):
                return True
    return False


def _carries(project: Project, walking: Walking) -> bool:
    """Whether a turn uses what an earlier one left: a variable, or a container that grows."""
    function = project.linker.functions[walking.turn.enters.function].facts
    loop = next((loop for loop in _loops(function.body) if loop.site == walking.turn.loop.site.index), None)
    if loop is None or loop.iterable is None:
        return True
    inside = range(loop.iterable + 1, min(last_value(loop.body) + 1, len(function.values)))
    return any(_is_carried(function.values, number, inside) for number in range(loop.iterable + 1, inside.stop))


def _is_carried(values: tuple[facts.Value, ...], number: facts.Id, inside: range) -> bool:
    fact = values[number]
    if isinstance(fact, facts.Grown):
        return True
    return isinstance(fact, facts.Join) and any(v in inside and v > number for v in fact.values)


def _loops(block: facts.Block) -> Iterator[facts.Loop]:
    for step in block:
        if isinstance(step, facts.Loop):
            yield step
        for part in blocks(step):
            yield from _loops(part)
