"""Guards of a state beside a condition on it: columns that go with it, and a row that was returned under its lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lockcheck.checks._common import Occurrence
from lockcheck.declarations.model import Column, MappedClass
from lockcheck.linking import clauses
from lockcheck.linking.events import Execute, Write
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Trace
from lockcheck.linking.values import Abstract, ColumnRef, Condition, Instance, Known, Statement

FAILS_BY = {"is null": "set", "is not null": "cleared", "==": "cleared"}
"""What another transaction does to a column, after which a look at it fails."""

TIMES = frozenset({"datetime", "timestamp", "timestamptz", "utcdatetime", "tzdatetime"})


def guarded_beside(project: Project, statement: Statement, mapped: MappedClass, column: Column) -> bool:
    """Whether the WHERE looks at a column that writes of the state change as well, so that it fails after one of them:
    `finished_at IS NULL` where whoever finishes sets both, `worker = :me` where whoever gives back clears it. A time
    that must still be the one that was read, `started_at = :started`, fails where somebody sets it anew."""
    changes = project.ask(_changes)
    looked = clauses.of_columns(statement.where, statement.model) if statement.model is not None else ()
    return any(
        (mapped.table, column.attribute, name, change) in changes
        for name, condition in looked
        for change in _failing(condition, mapped.column(name))
    )


def _failing(condition: Condition, compared: Column | None) -> Iterator[str]:
    """What another transaction does to the column of a condition, so that it fails."""
    if condition.operator in FAILS_BY:
        yield FAILS_BY[condition.operator]
    if condition.operator == "==" and compared is not None and compared.type.lower() in TIMES:
        yield "set"


def seen_before(project: Project, occurrence: Occurrence, statement: Statement, column: Column) -> bool:
    """Whether an earlier UPDATE of the transaction has locked the row and looked at its state, or returned it: with
    RETURNING it takes the place of a SELECT FOR UPDATE."""
    trace, step = occurrence.trace, occurrence.step
    return any(
        _sees_state(other.detail.statement, column)
        and project.locks.one_row(other.detail.statement)
        and project.locks.same_rows(other.detail.statement, statement)
        and trace.reaches(other, step)
        and not trace.ended_between(other, step, None)
        for other in trace.steps[: step.number]
        if isinstance(other.detail, Execute)
    )


def _sees_state(statement: Statement, column: Column) -> bool:
    returned = statement.entities if statement.query is None else ()
    tested = (part for condition in clauses.conditions(statement.where) for part in condition.columns)
    named = {part.attribute for part in (*returned, *tested) if isinstance(part, ColumnRef)}
    return statement.kind == "update" and (statement.model in returned or column.attribute in named)


def _changes(project: Project) -> frozenset[tuple[str, str, str, str]]:
    """By table and state column: the other columns that a write of the state changes, and how."""
    return frozenset(project.in_runs(_of_run))


def _of_run(project: Project, trace: Trace) -> Iterator[tuple[str, str, str, str]]:
    for step in trace.steps:
        statement = step.detail.statement if isinstance(step.detail, Execute) and step.is_local else None
        mapped = project.locks.mapped(statement.model) if statement is not None and statement.kind == "update" else None
        column = project.states.column(mapped) if mapped is not None else None
        if statement is None or mapped is None or column is None or _of_several(statement):
            continue
        written = {found.attribute: value for name, value in statement.assigned.items if (found := mapped.column(name))}
        yield from _beside(mapped, column, written)
    objects: dict[Instance, dict[str, Abstract]] = {}
    for step, write in trace.of(Write):
        if step.is_local:
            objects.setdefault(write.instance, {})[write.attribute] = write.value
    for instance, written in objects.items():
        mapped = project.locks.mapped(instance.model)
        column = project.states.column(mapped) if mapped is not None else None
        if mapped is not None and column is not None:
            yield from _beside(mapped, column, written)


def _beside(
    mapped: MappedClass, column: Column, written: Mapping[str, Abstract]
) -> Iterator[tuple[str, str, str, str]]:
    """The columns that are written together with the state."""
    for name, value in written.items():
        if name != column.attribute and column.attribute in written:
            yield mapped.table, column.attribute, name, "cleared" if value == Known(None) else "set"


def _of_several(statement: Statement) -> bool:
    """Whether an UPDATE names other tables: which of them a column that it sets belongs to is not kept."""
    found = (column.model for condition in clauses.conditions(statement.where) for column in condition.columns)
    return any(model != statement.model for model in found)
