"""Where the project inserts children of rows that were there before: each takes KEY SHARE on its parent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from lockcheck.linking.clauses import pinned
from lockcheck.linking.entries import starts
from lockcheck.linking.events import Add, Delete, Execute, Merge, Write
from lockcheck.linking.kinds import before
from lockcheck.linking.origins import built, origins
from lockcheck.linking.parents import ParentLock, adopted, instances
from lockcheck.linking.rownames import names
from lockcheck.linking.values import Abstract, Built, Opaque, SessionRef, Somewhere

if TYPE_CHECKING:
    from lockcheck.linking.project import Project
    from lockcheck.linking.trace import Step, Trace
    from lockcheck.plans import Target


class Adoption(NamedTuple):
    """A place that inserts rows of `child`, or gives them another parent."""

    parent: str
    child: str
    function: str
    site: Target
    moves: bool


def adoptions(project: Project) -> Mapping[str, list[Adoption]]:
    """All of them by the parent's table, except those whose parent is new itself or was locked before: nobody waits
    for these."""
    return project.ask(_adoptions)


def _adoptions(project: Project) -> Mapping[str, list[Adoption]]:
    found = dict.fromkeys(project.in_runs(_of_run, starts, (Add, Merge, Execute, Write)))
    by_table: dict[str, list[Adoption]] = {}
    for adoption in sorted(found, key=lambda item: (item.site.path, item.site.slice, item.site.index, item.child)):
        by_table.setdefault(adoption.parent, []).append(adoption)
    return by_table


def _of_run(project: Project, trace: Trace) -> Iterator[Adoption]:
    for step, detail, child, lock in adopted(project, trace):
        built_here = isinstance(detail, Write) and step.function.endswith(".__init__")
        if built_here or project.contention.runs_alone(step.function):
            continue
        held = locked_first(project, trace, step, lock.table) or _updated_first(project, trace, step, lock)
        if not held and not _new_parent(project, trace, step, lock):
            yield Adoption(lock.table, project.locks.table(child) or "", step.function, detail.site, _moves(detail))


def _moves(detail: Add | Merge | Execute | Write) -> bool:
    """Whether rows that are there are given another parent."""
    return isinstance(detail, Write) or (isinstance(detail, Execute) and detail.statement.kind == "update")


def session_of(step: Step) -> SessionRef | None:
    """The session of a step, where it names one."""
    return step.detail.session if isinstance(step.detail, (Add, Merge, Delete, Execute)) else None


def locked_first(project: Project, trace: Trace, step: Step, table: str) -> bool:
    """Whether the transaction holds a row of a table by a lock that the others wait for."""
    held = project.held(trace, step, table, session_of(step))
    return any(execute.statement.lock is not None and not execute.statement.lock.read for _, execute in held)


def _updated_first(project: Project, trace: Trace, step: Step, lock: ParentLock) -> bool:
    """Whether the transaction has updated the parent, so that it has waited for it already. A row of which it cannot be
    told which one it is counts as the parent."""
    for other, detail in before(trace.of(Execute), step):
        if detail.statement.kind != "update" or detail.statement.model is None:
            continue
        if project.locks.table(detail.statement.model) != lock.table or not project.locks.one_row(detail.statement):
            continue
        pins = pinned(detail.statement.where, detail.statement.model)
        if not _same_row(project, trace, pins, lock) or not trace.reaches(other, step):
            continue
        if not trace.ended_between(other, step, detail.session):
            return True
    return False


def _same_row(project: Project, trace: Trace, pins: Mapping[str, Abstract], lock: ParentLock) -> bool:
    for name, value in zip(lock.key.target_columns, lock.values, strict=False):
        one = names(project.locks, trace, pins.get(name, Opaque()), name)
        other = names(project.locks, trace, value, name)
        if one and other and not one & other:
            return False
    return True


def _new_parent(project: Project, trace: Trace, step: Step, lock: ParentLock) -> bool:
    """Whether the parent is inserted by the same transaction. One that could not be read is, where it inserts any."""
    if any(built(value) for value in lock.values):
        return True
    known = [origin for value in lock.values for origin in origins(value) if not isinstance(origin, Somewhere)]
    if known:
        return False
    return any(_inserts(project, other, lock.table) for _, other in before(trace.of(Add, Merge, Execute), step))


def _inserts(project: Project, detail: Add | Merge | Execute, table: str) -> bool:
    if isinstance(detail, (Add, Merge)):
        parts = (part for part in instances(detail.value) if isinstance(part.origin, Built))
        return any(project.locks.table(part.model) == table for part in parts)
    return detail.statement.kind == "insert" and project.locks.table(detail.statement.model) == table
