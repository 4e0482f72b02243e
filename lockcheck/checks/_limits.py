"""Limits on how many rows may be in a state, kept by counting those that are: rows are put into the state as long as an
unlocked count allows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lockcheck import facts
from lockcheck.checks._inserts import attribute
from lockcheck.checks._numbering import is_count, serialised
from lockcheck.declarations.model import MappedClass
from lockcheck.linking.constants import plain
from lockcheck.linking.entries import starts
from lockcheck.linking.events import Execute, Write
from lockcheck.linking.kinds import after
from lockcheck.linking.project import Project
from lockcheck.linking.tables import operands
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import Built, Known, each
from lockcheck.plans import Target

ORDERING = frozenset({"<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class Limit:
    """In `function`, `count` counts rows of `mapped` by a state; `write` puts other rows into it."""

    function: str
    count: Execute
    mapped: MappedClass
    write: Write
    value: object


def limits(project: Project) -> Iterator[Limit]:
    """Those of the whole project that no lock of another table keeps."""
    yield from project.in_runs(_of_run, starts, (Write,))


def _of_run(project: Project, trace: Trace) -> Iterator[Limit]:
    found = (_limit(project, trace, step, execute) for step, execute in trace.of(Execute))
    yield from (limit for limit in found if limit is not None)


def _limit(project: Project, trace: Trace, step: Step, count: Execute) -> Limit | None:
    if count.statement.kind != "select" or not is_count(count.statement):
        return None
    mapped = project.locks.mapped(count.statement.model)
    counted = project.locks.constants(count.statement)
    if mapped is None or mapped.table is None or not counted or count.statement.lock is not None:
        return None
    for other, write in after(trace.of(Write), step):
        if other.calls[: len(step.calls)] != step.calls:
            continue
        value = _put_into(project, write, mapped, counted)
        if value is None or not trace.reaches(step, other):
            continue
        if not _is_compared(project, step, count.site) or serialised(project, trace, step, besides=mapped.table):
            return None
        return Limit(step.function, count, mapped, write, value)
    return None


def _put_into(
    project: Project, write: Write, mapped: MappedClass, counted: dict[str, frozenset[object]]
) -> object | None:
    """The state among those that are counted into which a write puts a row that was there before."""
    if project.locks.table(write.instance.model) != mapped.table or isinstance(write.instance.origin, Built):
        return None
    column = mapped.column(attribute(mapped, write.attribute))
    states = counted.get(column.attribute, frozenset()) if column is not None else frozenset()
    known = (plain(part.value) for part in each(write.value) if isinstance(part, Known))
    return next((value for value in known if value is not None and value in states), None)


def _is_compared(project: Project, step: Step, site: Target) -> bool:
    """Whether the function that counts compares what rests on the count with something."""
    values = project.linker.functions[step.function].facts.values
    calls = {
        number for number, value in enumerate(values) if isinstance(value, facts.Call) and value.site == site.index
    }
    return any(
        isinstance(value, facts.Compare) and ORDERING & set(value.operators) and _rests_on(values, number, calls)
        for number, value in enumerate(values)
    )


def _rests_on(values: tuple[facts.Value, ...], number: facts.Id, wanted: set[facts.Id]) -> bool:
    rest, seen = [number], set[facts.Id]()
    while rest:
        item = rest.pop()
        if item in wanted:
            return True
        if item not in seen:
            seen.add(item)
            rest.extend(operands(values[item]))
    return False
