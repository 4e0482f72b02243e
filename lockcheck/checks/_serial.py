"""Whether two runs cannot look for a row at the same time."""

from __future__ import annotations

from collections.abc import Iterable

from lockcheck.linking import clauses
from lockcheck.linking.advisory import is_advisory
from lockcheck.linking.events import Execute, SessionCall
from lockcheck.linking.kinds import before
from lockcheck.linking.origins import operations
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import Abstract, Condition, Statement


def serialised(
    project: Project,
    trace: Trace,
    step: Step,
    statement: Statement,
    columns: Iterable[str],
    values: Iterable[Abstract],
) -> bool:
    """Whether the transaction has taken a lock ahead of a step that a second run waits for: of a row that the rows of
    `statement` belong to, of rows that the values of the key come from, of rows of the same table, or an advisory
    lock."""
    own = project.locks.table(statement.model)
    tables = _parents(project, statement, columns)
    if own is not None and project.contention.gates(trace, step, own) & tables:
        return True
    tables |= {own} if own is not None else set()
    sources = {site for value in values for site in operations(value)}
    for other, detail in before(trace.of(Execute, SessionCall), step):
        if not trace.reaches(other, step):
            continue
        if is_advisory(detail):
            return True
        if not isinstance(detail, Execute):
            continue
        lock = detail.statement.lock
        if lock is None or lock.read or trace.ended_between(other, step, detail.session):
            continue
        locked = {project.locks.table(model) for model in project.locks.locked_models(detail.statement)}
        if detail.site in sources or tables & locked:
            return True
    return False


def _parents(project: Project, statement: Statement, columns: Iterable[str]) -> frozenset[str | None]:
    """The tables that the columns of a key, and those that the statement compares, point at."""
    own = project.locks.mapped(statement.model)
    named = [(own, name) for name in columns]
    for clause in clauses.conjuncts(statement.where):
        if isinstance(clause, Condition) and clause.operator in ("==", "in"):
            named += [(project.locks.mapped(column.model), column.attribute) for column in clause.columns]
    found: set[str | None] = set()
    for mapped, name in named:
        if mapped is None:
            continue
        found |= {foreign.target_table for foreign in mapped.foreign_keys if name in foreign.columns}
        if own is not None and mapped.table != own.table and name in mapped.primary_key:
            found.add(mapped.table)
    return frozenset(found)
