"""What waits in a session for its flush, and which of it the database may refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from lockcheck.declarations.model import MappedClass
from lockcheck.linking.events import Add, Delete, Execute, Merge, Outer, SessionCall, Write
from lockcheck.linking.kinds import before
from lockcheck.linking.parents import instances
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import ModelRef

BULK = frozenset({"bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings"})
FLUSHES = frozenset({"flush", "commit"}) | BULK
LOOSE = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})
"""What a foreign key may do to the rows that hold it, instead of refusing that their parent goes."""

Pending: TypeAlias = Write | Add | Merge | Delete | Outer


def waiting(trace: Trace, step: Step) -> Iterator[Pending]:
    """What is left in a session ahead of a step, and no end of the transaction has surely sent. A call that is not
    followed may leave something."""
    for other, detail in before(trace.of(Write, Add, Merge, Delete, Outer), step):
        builtin = isinstance(detail, Outer) and detail.is_builtin
        if not builtin and not trace.ended_between(other, step, None):
            yield detail


def sends(trace: Trace, step: Step) -> bool:
    """Whether a step that flushes is seen to have something to send."""
    detail = step.detail
    return (isinstance(detail, SessionCall) and detail.method in BULK) or any(True for _ in waiting(trace, step))


def violates(project: Project, trace: Trace, step: Step) -> bool:
    """Whether a step may break a constraint: no SELECT does, nor a change of columns that no key holds, nor a DELETE of
    rows that no foreign key points at."""
    detail = step.detail
    if isinstance(detail, SessionCall) and detail.method in FLUSHES:
        return detail.method in BULK or any(_refused(project, pending) for pending in waiting(trace, step))
    if not isinstance(detail, Execute):
        return True
    statement = detail.statement
    if statement.kind == "update":
        changed = frozenset(name for name, _ in statement.assigned.items)
        return not statement.assigned.complete or _holds(project, statement.model, changed)
    if statement.kind == "delete":
        return _may_be_held(project, statement.model)
    return statement.kind == "insert"


def _refused(project: Project, pending: Pending) -> bool:
    """Whether what waits in the session is something that a flush may fail on."""
    if isinstance(pending, Write):
        return _holds(project, pending.instance.model, frozenset({pending.attribute}))
    if isinstance(pending, Delete):
        gone = [instance.model for instance in instances(pending.value)]
        return not gone or any(_may_be_held(project, model) for model in gone)
    return True


def _holds(project: Project, model: ModelRef | None, names: frozenset[str]) -> bool:
    """Whether a constraint of a table holds one of the columns; of an unknown table it may."""
    mapped = project.locks.mapped(model)
    return mapped is None or bool(names & constrained(mapped))


def constrained(mapped: MappedClass) -> frozenset[str]:
    """The columns of keys, by attribute and by name."""
    keys = (mapped.primary_key, *mapped.unique_keys, *(key.columns for key in mapped.foreign_keys))
    names = {name for key in keys for name in key}
    names |= {c.attribute for c in mapped.columns.values() if c.unique}
    return frozenset(names | {c.name for c in mapped.columns.values() if c.attribute in names})


def _may_be_held(project: Project, model: ModelRef | None) -> bool:
    """Whether rows elsewhere may keep a table's rows from being deleted; those of an unknown table, they may."""
    mapped = project.locks.mapped(model)
    return mapped is None or mapped.table in project.ask(_held_tables)


def _held_tables(project: Project) -> frozenset[str]:
    """The tables that foreign keys point at which neither let go of a row nor go with it: those of the table itself, or
    of rows that go with it."""
    keys = [
        (key, cls.table)
        for classes in project.linker.declarations.tables.values()
        for cls in classes
        for key in cls.foreign_keys
    ]
    held = {key.target_table for key, _ in keys if (key.on_delete or "").upper() not in LOOSE}
    along = {(key.target_table, table) for key, table in keys if (key.on_delete or "").upper() == "CASCADE"}
    while more := {parent for parent, child in along if child in held} - held:
        held |= more
    return frozenset(held)
