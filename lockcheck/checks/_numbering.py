"""New rows that are numbered from rows read without a lock: by how many there are, or one past the last of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lockcheck.checks._inserts import Insert, attribute, expected, inserts, starts
from lockcheck.declarations.model import Column
from lockcheck.linking.advisory import is_advisory
from lockcheck.linking.events import Add, Construct, Execute, SessionCall, Write
from lockcheck.linking.kinds import before
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import (
    Abstract,
    AttributeOf,
    ColumnRef,
    Expression,
    FromOperation,
    Instance,
    Next,
    Opaque,
    Origin,
    Reached,
    Statement,
    each,
)
from lockcheck.plans import Target

LAST = frozenset({"max", "coalesce"})


@dataclass(frozen=True, slots=True)
class Numbering:
    """`column` of the row that `insert` adds, built at `site` in `function`, is set at `given` to a number that rows of
    `read` gave; `counted` by how many they are. `unique` is the key that keeps two rows from the same number, if
    any."""

    insert: Insert
    column: Column
    read: Execute
    site: Target
    given: Target
    function: str
    counted: bool
    unique: tuple[str, ...]


def numberings(project: Project) -> Iterator[Numbering]:
    """Those of the whole project that no lock and no second try makes up for."""
    yield from project.in_runs(_of_run, starts, (Add, Execute))


def _of_run(project: Project, trace: Trace) -> Iterator[Numbering]:
    for insert in inserts(project, trace):
        for name, value, step, site in _given(trace, insert):
            found = _numbering(project, trace, insert, name, value, step, site)
            if found is not None:
                yield found


def _given(trace: Trace, insert: Insert) -> Iterator[tuple[str, Abstract, Step, Target]]:
    """What is given to a new row, when it is built and afterwards, and where."""
    made, site = insert.built, _construct(insert)
    written = [(step, write) for step, write in trace.of(Write) if _writes(write, site)] if made is not None else []
    names = {write.attribute for _, write in written}
    for name, value in insert.given.items():
        if name not in names:
            yield name, value, made or insert.step, site
    for step, write in written:
        yield write.attribute, write.value, step, write.site


def _construct(insert: Insert) -> Target:
    """Where a new row is built."""
    made = insert.built
    return made.detail.site if made is not None and isinstance(made.detail, Construct) else insert.site


def _writes(write: Write, made: Target) -> bool:
    return getattr(write.instance.origin, "site", None) == made


def _numbering(
    project: Project, trace: Trace, insert: Insert, name: str, value: Abstract, step: Step, site: Target
) -> Numbering | None:
    column = insert.mapped.column(attribute(insert.mapped, name))
    if column is None:
        return None
    for part in each(value):
        found = _read(project, trace, insert, column, part, step)
        if found is not None and not serialised(project, trace, found[0]):
            keys = project.locks.keys(insert.mapped)
            unique = next((key for key in keys if column.attribute in key), ())
            if unique and expected(project, trace, insert):
                return None
            read, counted = found
            if isinstance(read.detail, Execute):
                made = insert.built or insert.step
                return Numbering(insert, column, read.detail, _construct(insert), site, made.function, counted, unique)
    return None


def _read(
    project: Project, trace: Trace, insert: Insert, column: Column, value: Abstract, at: Step
) -> tuple[Step, bool] | None:
    """The SELECT of rows of the same table that a number comes from, and whether it counts them."""
    further = isinstance(value, Next)
    base = value.base if isinstance(value, Next) else value
    origin, name = _origin(base)
    if origin is None:
        return None
    for step, execute in reversed(before(trace.executions.get(origin.site, ()), at)):
        if trace.reaches(step, at):
            statement = execute.statement
            if project.locks.table(statement.model) != insert.mapped.table or statement.lock is not None:
                return None
            if project.locks.access(statement) == "one":
                return None
            counted = name == "count" or is_count(statement)
            numbered = name == column.attribute or _selects(statement, column.attribute)
            return (step, counted) if counted or (further and numbered) else None
    return None


def _origin(value: Abstract) -> tuple[FromOperation | None, str]:
    """The operation that a value comes from, and the attribute or method that it was got by."""
    origin: Origin | None = None
    name = ""
    if isinstance(value, AttributeOf) and isinstance(value.base, Instance):
        origin, name = value.base.origin, value.name
    elif isinstance(value, Opaque):
        through = value.origin
        origin, name = (through.base, through.name) if isinstance(through, Reached) else (through, "")
    return (origin if isinstance(origin, FromOperation) else None), name


def is_count(statement: Statement) -> bool:
    return any(isinstance(entity, Expression) and entity.call == "count" for entity in statement.entities)


def _selects(statement: Statement, name: str) -> bool:
    """Whether a SELECT gives one column, or the highest of it."""
    for entity in statement.entities:
        if isinstance(entity, ColumnRef) and entity.attribute == name:
            return True
        if isinstance(entity, Expression) and entity.call in LAST and name in {c.attribute for c in entity.columns}:
            return True
    return False


def serialised(project: Project, trace: Trace, read: Step, besides: str | None = None) -> bool:
    """Whether the transaction has locked or written anything before it reads, so that a second run may have to wait;
    rows of the table `besides` do not count."""
    execute = read.detail
    table = project.locks.table(execute.statement.model) if isinstance(execute, Execute) else None
    if table is None or project.contention.gates(trace, read, table):
        return True
    return any(
        _locks(project, detail, besides) and trace.reaches(other, read) and not trace.ended_between(other, read, None)
        for other, detail in before(trace.of(Execute, SessionCall), read)
    )


def _locks(project: Project, detail: Execute | SessionCall, besides: str | None) -> bool:
    if is_advisory(detail):
        return True
    if not isinstance(detail, Execute):
        return False
    statement = detail.statement
    if statement.kind in ("update", "delete"):
        return project.locks.table(statement.model) != besides
    if statement.lock is None or statement.lock.read:
        return False
    return any(project.locks.table(model) != besides for model in project.locks.locked_models(statement))
