"""Whether a transaction needs the key of the rows that it locks."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.linking.adoptions import session_of
from lockcheck.linking.events import Delete, Execute, Write
from lockcheck.linking.kinds import after
from lockcheck.linking.modes import key_columns, mode
from lockcheck.linking.parents import instances
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import Built, Instance
from lockcheck.plans import Target


def in_turn(trace: Trace, first: Step, second: Step) -> bool:
    """Whether the second step follows in the transaction of the first."""
    one, other = session_of(first), session_of(second)
    if one is not None and other is not None and not same_session(one, other):
        return False
    return trace.reaches(first, second) and not trace.ended_between(first, second, one or other)


def needs_key(project: Project, trace: Trace, step: Step, table: str) -> bool:
    """Whether the transaction later deletes rows of a table or writes their keys, or may do so."""
    later = after(trace.of(Delete, Write, Execute), step)
    return any(_takes_key(project, detail, table) and in_turn(trace, step, other) for other, detail in later)


def _takes_key(project: Project, detail: Delete | Write | Execute, table: str) -> bool:
    if isinstance(detail, Delete):
        parts = list(instances(detail.value))
        return not parts or any(table in _deleted(project, part) for part in parts)
    if isinstance(detail, Write):
        mapped = project.locks.mapped(detail.instance.model)
        old = not isinstance(detail.instance.origin, Built)
        return mapped is not None and mapped.table == table and old and detail.attribute in key_columns(mapped)
    statement = detail.statement
    if statement.kind not in ("update", "delete") or project.locks.table(statement.model) != table:
        return False
    return mode(statement, project.locks.mapped(statement.model)) == "update"


def _deleted(project: Project, instance: Instance) -> Iterator[str]:
    """The tables that deleting an object reaches."""
    mapped = project.locks.mapped(instance.model)
    if mapped is None:
        return
    yield mapped.table
    for declared in mapped.relationships.values():
        target = project.linker.declarations.mapped(declared.target) if declared.target else None
        if declared.cascades_delete and target is not None:
            yield target.table


def takes_key_share(project: Project, site: Target) -> bool:
    """Whether the helper that a call calls hands a `key_share` on."""
    helper = project.linker.callee_at(site)
    return helper is not None and any(p.name == "key_share" or p.kind == "varkeywords" for p in helper.parameters)


def has_children(project: Project, table: str) -> bool:
    """Whether foreign keys point to a table."""
    classes = (mapped for found in project.linker.declarations.tables.values() for mapped in found)
    return any(key.target_table == table for mapped in classes for key in mapped.foreign_keys)
