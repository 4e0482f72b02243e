"""LCK102: a condition on a nullable column that never matches the rows where it is NULL."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.checks._common import Occurrence, dialects
from lockcheck.declarations.model import Column
from lockcheck.hazards import Hazard, Remedy
from lockcheck.linking import clauses
from lockcheck.linking.constants import grown_by_none, may_hold_none, members
from lockcheck.linking.entries import entries
from lockcheck.linking.events import Arm, Branch, Delete, Execute, Merge, Write
from lockcheck.linking.kinds import after, before
from lockcheck.linking.origins import operations
from lockcheck.linking.project import Project
from lockcheck.linking.revisions import in_revision
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import AttributeOf, Clause, ColumnRef, Condition, Either, Expression, Known, Statement
from lockcheck.plans import AcceptNull, ExcludeNull, Target

CODE = "LCK102"

EXCLUDES_NULL = frozenset({"==", "<", "<=", ">", ">=", "like", "is not null"})


def check(project: Project) -> Iterator[Hazard]:
    seen: set[Target] = set()
    found = project.in_runs(_of_run, entries, (Execute,))
    for _, hazard in sorted(found, key=lambda item: (item[0].path, item[0].slice, item[0].index)):
        if hazard.site not in seen:
            seen.add(hazard.site)
            yield hazard


def _of_run(project: Project, trace: Trace) -> Iterator[tuple[Target, Hazard]]:
    """The hazards of a run, by the place where their statements begin."""
    for step, execute in trace.of(Execute):
        for hazard in _hazards(project, Occurrence(trace, step)):
            yield execute.statement.site, hazard


def _hazards(project: Project, occurrence: Occurrence) -> Iterator[Hazard]:
    execute = occurrence.step.detail
    if not isinstance(execute, Execute):
        return
    statement = execute.statement
    blind = list(_blind(project, statement))
    for condition, column in blind:
        written = statement.kind != "select" or _written_from(occurrence, execute, condition, column)
        if condition.site is not None and written and not _means_something(project, occurrence, condition):
            yield _hazard(project, statement, condition, column, occurrence.step)


def _means_something(project: Project, occurrence: Occurrence, condition: Condition) -> bool:
    """Whether the transaction itself has set the column to NULL before, as a value that is to be left out."""
    ref = condition.columns[0]
    mapped, table = project.locks.mapped(ref.model), project.locks.table(ref.model)
    column = mapped.column(ref.attribute) if mapped else None
    names = {column.attribute, column.name} if column else set()
    earlier = (execute.statement for _, execute in before(occurrence.trace.of(Execute), occurrence.step))
    updates = (statement for statement in earlier if statement.kind == "update")
    return any(
        project.locks.table(update.model) == table and (name, Known(None)) in update.assigned.items
        for update in updates
        for name in names
    )


def _blind(project: Project, statement: Statement) -> Iterator[tuple[Condition, Column]]:
    """The conditions of the conjunction that miss NULL, with the nullable column they look at."""
    yield from _blind_in(project, tuple(clauses.conjuncts(statement.where)))
    inner = project.locks.listed_key(statement)
    if isinstance(inner, Statement) and inner.model == statement.model and inner.lock is not None:
        yield from _blind_in(project, tuple(clauses.conjuncts(inner.where)))


def _blind_in(project: Project, where: tuple[Clause, ...]) -> Iterator[tuple[Condition, Column]]:
    for clause in where:
        if not isinstance(clause, Condition) or len(clause.columns) != 1:
            continue
        if isinstance(clause.operand, Statement) and clause.operator == "not in":
            inner = _nullable_selected(project, clause.operand)
            if inner is not None:
                yield clause, inner
            continue
        column = _column(project, clause.columns[0])
        if column is None or column.nullable is not True or not _misses_null(clause):
            continue
        if not _null_excluded(where, clause) and not _null_accepted(where, clause.columns[0]):
            yield clause, column


def _column(project: Project, ref: ColumnRef) -> Column | None:
    mapped = project.locks.mapped(ref.model)
    return mapped.column(ref.attribute) if mapped else None


def _misses_null(condition: Condition) -> bool:
    if condition.operator in ("!=", "not in"):
        return not isinstance(condition.operand, (ColumnRef, Expression, Statement))
    return condition.operator == "in" and may_hold_none(condition.operand) is True


def _null_excluded(where: tuple[Clause, ...], blind: Condition) -> bool:
    """Whether another conjunct leaves out NULL on purpose."""
    return any(
        isinstance(other, Condition)
        and other is not blind
        and other.columns == blind.columns
        and (other.operator in EXCLUDES_NULL or (other.operator == "in" and may_hold_none(other.operand) is False))
        for other in where
    )


def _null_accepted(where: tuple[Clause, ...], column: ColumnRef) -> bool:
    return any(
        isinstance(other, Either)
        and any(c.operator == "is null" and c.columns == (column,) for c in clauses.conditions(other.clauses))
        for other in where
    )


def _nullable_selected(project: Project, inner: Statement) -> Column | None:
    """The nullable column that a subquery selects without leaving out NULL."""
    selected = inner.entities[0] if len(inner.entities) == 1 else None
    if not isinstance(selected, ColumnRef) or not inner.readable or clauses.is_opaque(inner.where):
        return None
    column = _column(project, selected)
    if column is None or column.nullable is not True:
        return None
    for clause in clauses.conjuncts(inner.where):
        if isinstance(clause, Condition) and selected in clause.columns and clause.operator in EXCLUDES_NULL | {"in"}:
            return None
    return column


def _written_from(occurrence: Occurrence, execute: Execute, condition: Condition, column: Column) -> bool:
    """Whether rows that a SELECT returned are written later in the run, and not only those whose column was tested for
    a value first, in Python or by the write itself."""
    trace, first = occurrence.trace, occurrence.step
    return any(
        _writes(step, execute.site)
        and trace.reaches(first, step)
        and not _tested(trace, step, execute.site, column)
        and not _demanded(step, condition)
        for step, _ in after(trace.of(Write, Merge, Delete, Execute), first)
    )


def _demanded(step: Step, blind: Condition) -> bool:
    """Whether a write asks for a value of the column itself, perhaps in the subquery that names its rows."""
    statement = step.detail.statement if isinstance(step.detail, Execute) else None
    where = tuple(clauses.conjuncts(statement.where)) if statement is not None else ()
    listed = (part.operand for part in where if isinstance(part, Condition) and part.operator == "in")
    inner = (tuple(clauses.conjuncts(part.where)) for part in listed if isinstance(part, Statement))
    return any(_null_excluded(part, blind) for part in (where, *inner))


def _tested(trace: Trace, write: Step, site: Target, column: Column) -> bool:
    """Whether a write stands under a test in Python that a NULL of the column does not pass."""
    for step, branch in before(trace.of(Branch), write):
        if branch.test.operator not in ("==", "in"):
            continue
        subject, values = branch.test.subject, members(branch.test.operand)
        about = isinstance(subject, AttributeOf) and subject.name == column.attribute
        passed = write.path[: len(step.path) + 1] == (*step.path, Arm("if", branch.fork, "body"))
        if about and passed and values and None not in values and site in operations(subject):
            return True
    return False


def _writes(step: Step, site: Target) -> bool:
    detail = step.detail
    if isinstance(detail, Write):
        return site in operations(detail.instance.origin)
    if isinstance(detail, (Merge, Delete)):
        return site in operations(detail.value)
    if isinstance(detail, Execute) and detail.statement.kind in ("update", "delete"):
        return site in operations(detail.statement.where)
    return False


def _hazard(project: Project, statement: Statement, condition: Condition, column: Column, step: Step) -> Hazard:
    remedy, reason = _remedy(project, condition, column)
    site = condition.site or statement.site
    text = _message(project, statement, condition, column)
    return Hazard(
        site=site,
        function=project.linker.function_at(site) or step.function,
        message=f"{text}; no fix: {reason}" if reason else text,
        remedy=remedy,
        no_fix=reason,
        preview=column.default == "constant" or _in_migration(project, step.function),
    )


def _in_migration(project: Project, function: str) -> bool:
    """Whether a function belongs to a revision, or to what revisions alone use: written once, with the rows in mind."""
    declarations = project.linker.declarations
    return in_revision(declarations, function) or declarations.module_of(function) in project.serving_revisions


def _message(project: Project, statement: Statement, condition: Condition, column: Column) -> str:
    table = project.locks.table(condition.columns[0].model)
    verb = {"update": "updated", "delete": "deleted"}.get(statement.kind, "written")
    if isinstance(condition.operand, Statement):
        inner = project.locks.table(condition.operand.model)
        return (
            f"NOT IN over {inner}.{column.name}, which may be NULL: one NULL among its rows makes the condition NULL "
            f"for every row, and nothing is {verb}"
        )
    if condition.operator == "in":
        why = "IN never matches NULL, although None is among the values"
    elif _names_none(condition):
        return (
            f"NOT IN with None among the values matches no {table} row at all, since a comparison with NULL is never "
            f"true: nothing is {verb}"
        )
    else:
        why = f"{'!=' if condition.operator == '!=' else 'NOT IN'} never matches NULL"
    return f"{table}.{column.name} may be NULL and {why}: those rows are not {verb}"


def _names_none(condition: Condition) -> bool:
    """Whether None is among the values that NOT IN leaves out: rows without a value are not meant."""
    values = condition.operand
    return condition.operator == "not in" and (may_hold_none(values) is True or grown_by_none(values))


def _remedy(project: Project, condition: Condition, column: Column) -> tuple[Remedy | None, str | None]:
    names = dialects(project.policy.databases)
    if isinstance(condition.operand, Statement):
        inner = condition.operand
        if condition.site is None or inner.site.slice != condition.site.slice or len(inner.steps) != 1:
            return None, "the subquery is built elsewhere"
        spelled = f"{inner.model.qualname.rpartition('.')[2] if inner.model else ''}.{column.attribute}"
        text = f"leave NULL out of the subquery; more rows are written (judged for {names})"
        return Remedy(ExcludeNull(inner.site, spelled), "unsafe", text), None
    if _names_none(condition):
        return None, "which rows the values are to leave out is the author's choice"
    if condition.site is None:
        return None, "the comparison is built elsewhere"
    text = f"accept NULL as well; more rows are written (judged for {names})"
    return Remedy(AcceptNull(condition.site, ""), "unsafe", text), None
