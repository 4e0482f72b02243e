"""Where a row that is written was read, and whether the transaction has locked it."""

from __future__ import annotations

from dataclasses import dataclass

from lockcheck.declarations.model import MappedClass
from lockcheck.linking.events import Execute
from lockcheck.linking.kinds import before
from lockcheck.linking.paths import exclusive
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import FromOperation, Instance, Origin, Reached


@dataclass(frozen=True, slots=True)
class ReadRow:
    """The SELECT that a row comes from; `through` are the relationships that lead from its rows to this one."""

    step: Step
    execute: Execute
    through: tuple[str, ...]


def read_of(project: Project, trace: Trace, step: Step, instance: Instance) -> ReadRow | None:
    """The last SELECT before a step that returned a row; None for rows that are built here or that callers hand in."""
    origin: Origin = instance.origin
    through: tuple[str, ...] = ()
    while isinstance(origin, Reached):
        through = (origin.name, *through)
        origin = origin.base
    if not isinstance(origin, FromOperation):
        return None
    for other, detail in reversed(before(trace.executions.get(origin.site, ()), step)):
        if trace.reaches(other, step):
            if detail.statement.kind != "select":
                return None
            tables = {project.locks.table(model) for model in project.locks.from_models(detail.statement)}
            fits = through or project.locks.table(instance.model) in tables
            return ReadRow(other, detail, through) if fits else None
    return None


def is_locked(project: Project, trace: Trace, step: Step, mapped: MappedClass, read: ReadRow) -> bool:
    """Whether the transaction holds a row of the table, by a row lock or since it has written one by a statement, or
    the row that leads to it."""
    if read.through and read.execute.statement.lock is not None:
        return True
    if any(True for _ in project.held(trace, step, mapped.table, None)):
        return True
    return any(
        _writes_row(project, execute, read, mapped)
        and not exclusive(other.path, step.path)
        and trace.reaches(other, step)
        and not trace.ended_between(other, step, None)
        for other, execute in before(trace.of(Execute), step)
    )


def _writes_row(project: Project, execute: Execute, read: ReadRow, mapped: MappedClass) -> bool:
    """Whether a statement may have written the row: not where it reaches many others."""
    statement = execute.statement
    if statement.kind != "update" or project.locks.table(statement.model) != mapped.table:
        return False
    many = project.locks.access(statement) == "many"
    return not many or project.locks.same_rows(statement, read.execute.statement)
