"""Locks that a transaction makes stronger after others may have taken the weaker one, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lockcheck.checks._keys import in_turn
from lockcheck.linking import clauses
from lockcheck.linking.adoptions import locked_first, session_of
from lockcheck.linking.entries import starts
from lockcheck.linking.events import Add, Delete, Execute, Merge, Write
from lockcheck.linking.flushes import flushed
from lockcheck.linking.kinds import after, before
from lockcheck.linking.modes import Mode, asked, conflict, key_columns, mode
from lockcheck.linking.origins import built, operations, varies
from lockcheck.linking.parents import ParentLock, adopted, instances
from lockcheck.linking.project import Project
from lockcheck.linking.rownames import names
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import Built, Instance, Statement
from lockcheck.plans import Target


@dataclass(frozen=True, slots=True)
class Upgrade:
    """`first` takes a shared lock on a row of `table`, `second` one that waits for the same shared lock of others.
    `child` is the table whose rows were inserted, None where the shared lock was asked for."""

    trace: Trace
    first: Step
    second: Step
    table: str
    wanted: Mode
    child: str | None = None


def upgrades(project: Project) -> Iterator[Upgrade]:
    """Every one, by the runs of functions that nobody calls."""
    if project.policy.dialects != ("sqlite",):
        yield from project.in_runs(_of_run, starts, (Add, Merge, Execute, Write))


def _of_run(project: Project, trace: Trace) -> Iterator[Upgrade]:
    yield from _of_shared(project, trace)
    yield from _of_parents(project, trace)


def upgraded_locks(project: Project) -> frozenset[Target]:
    """The row locks that come after an insert of children."""
    details = (upgrade.second.detail for upgrade in upgrades(project) if upgrade.child is not None)
    locks = (detail.statement.lock for detail in details if isinstance(detail, Execute))
    return frozenset(lock.site for lock in locks if lock is not None and lock.site is not None)


# --- FOR SHARE, then a write ----------------------------------------------------------------------------------------


def _of_shared(project: Project, trace: Trace) -> Iterator[Upgrade]:
    for first, detail in trace.locking:
        lock = detail.statement.lock
        if lock is None or not lock.read or detail.statement.kind != "select":
            continue
        table = project.locks.table(detail.statement.model)
        if table is None or locked_first(project, trace, first, table) or project.gates(trace, first, table):
            continue
        for second, written in after(trace.of(Write, Delete, Execute), first):
            wanted = _written(project, trace, detail, written, table)
            if wanted is None or not _waits(project, asked(lock), wanted):
                continue
            if in_turn(trace, first, second) and not locked_first(project, trace, second, table):
                yield Upgrade(trace, first, second, table, wanted)
                break


def _written(
    project: Project, trace: Trace, read: Execute, detail: Write | Delete | Execute, table: str
) -> Mode | None:
    """The lock that a step takes on the row, or rows, that `read` returned."""
    if isinstance(detail, Write):
        mapped = project.locks.mapped(detail.instance.model)
        if mapped is None or mapped.table != table or mapped.column(detail.attribute) is None:
            return None
        if not _same_row(project, trace, read, detail.instance):
            return None
        return "update" if detail.attribute in key_columns(mapped) else "no key update"
    if isinstance(detail, Delete):
        parts = (part for part in instances(detail.value) if project.locks.table(part.model) == table)
        return "update" if any(_same_row(project, trace, read, part) for part in parts) else None
    return _relocked(project, read, detail) if project.locks.table(detail.statement.model) == table else None


def _relocked(project: Project, read: Execute, execute: Execute) -> Mode | None:
    statement = execute.statement
    lock = statement.lock
    if statement.kind == "insert" or (statement.kind == "select" and (lock is None or lock.read or not lock.blocking)):
        return None
    of_these = read.site in operations(statement.where)
    if not of_these and not project.locks.same_rows(read.statement, statement):
        return None
    return mode(statement, project.locks.mapped(statement.model))


def _same_row(project: Project, trace: Trace, read: Execute, instance: Instance) -> bool:
    if read.site in operations(instance.origin):
        return True
    model, mapped = read.statement.model, project.locks.mapped(read.statement.model)
    if model is None or mapped is None or len(mapped.primary_key) != 1:
        return False
    key = mapped.primary_key[0]
    pin = clauses.pinned(read.statement.where, model).get(key)
    return pin is not None and bool(names(project.locks, trace, pin, key) & names(project.locks, trace, instance, key))


# --- a child, then its parent ---------------------------------------------------------------------------------------


def _of_parents(project: Project, trace: Trace) -> Iterator[Upgrade]:
    made = [
        (step, project.locks.table(model) or "", lock)
        for step, _, model, lock in adopted(project, trace)
        if lock.values and not any(built(value) for value in lock.values)
    ]
    for second, detail in trace.of(Execute, Write, Delete) if made else ():
        for table, wanted, statement in _strong(project, detail):
            for first, child, lock in made:
                if lock.table == table and first.number < second.number and _waits(project, lock.mode, wanted):
                    upgrade = Upgrade(trace, first, second, table, wanted, child)
                    if _upgrades(project, upgrade, lock, statement):
                        yield upgrade
                        break


def _strong(project: Project, detail: Execute | Write | Delete) -> Iterator[tuple[str, Mode, Statement | Instance]]:
    """The rows that a step locks or writes so that nobody may point to them, or waits for those who do."""
    if isinstance(detail, Execute):
        statement = detail.statement
        mapped = project.locks.mapped(statement.model)
        locking = statement.lock is not None and not statement.lock.read and statement.lock.blocking
        writing = statement.kind == "delete" or (statement.kind == "update" and statement.assigned.complete)
        if mapped is not None and (writing or (locking and statement.kind == "select")):
            yield mapped.table, mode(statement, mapped), statement
    elif isinstance(detail, Write):
        mapped = project.locks.mapped(detail.instance.model)
        if mapped is not None and detail.attribute in key_columns(mapped):
            yield mapped.table, "update", detail.instance
    else:
        for part in instances(detail.value):
            mapped = project.locks.mapped(part.model)
            if mapped is not None:
                yield mapped.table, "update", part


def _upgrades(project: Project, upgrade: Upgrade, lock: ParentLock, strong: Statement | Instance) -> bool:
    trace, first, second = upgrade.trace, upgrade.first, upgrade.second
    if project.contention.runs_alone(first.function) or project.contention.runs_alone(second.function):
        return False
    if not in_turn(trace, first, second) or not _same_parent(project, trace, lock, strong):
        return False
    if any(varies(value) for value in lock.values) and not trace.common_loop(first, second):
        return False
    if _locked_whole(project, trace, second, upgrade.table):
        return False
    if locked_first(project, trace, first, upgrade.table) or _written_before(project, trace, first, upgrade.table):
        return False
    return flushed(project, trace, first, second)


def _locked_whole(project: Project, trace: Trace, step: Step, table: str) -> bool:
    """Whether a row of a table is locked FOR UPDATE before a step, so that the step waits no more."""
    held = (execute.statement.lock for _, execute in project.held(trace, step, table, session_of(step)))
    return any(lock is not None and asked(lock) == "update" for lock in held)


def _same_parent(project: Project, trace: Trace, lock: ParentLock, strong: Statement | Instance) -> bool:
    """Whether the child's foreign key points to the row."""
    mapped = project.locks.mapped(strong.model)
    if mapped is None or len(lock.key.target_columns) != 1 or len(lock.values) != 1:
        return False
    column = lock.key.target_columns[0]
    key = next((name for name, found in mapped.columns.items() if found.name == column), column)
    ours = names(project.locks, trace, lock.values[0], key)
    if isinstance(strong, Instance):
        return bool(ours & names(project.locks, trace, strong, key))
    pin = clauses.pinned(strong.where, strong.model).get(key) if strong.model is not None else None
    return pin is not None and bool(ours & names(project.locks, trace, pin, key))


def _written_before(project: Project, trace: Trace, step: Step, table: str) -> bool:
    """Whether the transaction wrote rows of a table, or makes them itself, before a step."""
    for other, detail in before(trace.of(Execute, Write, Add, Merge), step):
        if isinstance(detail, Execute):
            models = [detail.statement.model] if detail.statement.kind != "select" else []
        elif isinstance(detail, Write):
            models = [detail.instance.model]
        else:
            models = [part.model for part in instances(detail.value) if isinstance(part.origin, Built)]
        if any(project.locks.table(model) == table for model in models) and in_turn(trace, other, step):
            return True
    return False


def _waits(project: Project, held: Mode, wanted: Mode) -> bool:
    """Whether a lock waits for one that others share: on PostgreSQL, or on InnoDB where that is declared."""
    return conflict(held, wanted) or "postgresql" not in project.policy.databases
