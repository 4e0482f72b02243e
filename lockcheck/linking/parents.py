"""Which parent rows a child locks: a foreign key that is set takes KEY SHARE on the row that it points to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from lockcheck.linking.events import Add, Detail, Execute, Merge, Write
from lockcheck.linking.kinds import before
from lockcheck.linking.modes import Mode
from lockcheck.linking.references import pointing
from lockcheck.linking.values import Abstract, Built, CollectionOf, Instance, Known, ModelRef, Statement, TupleOf, each

if TYPE_CHECKING:
    from lockcheck.declarations.model import ForeignKey, MappedClass
    from lockcheck.linking.locks import Locks
    from lockcheck.linking.project import Project
    from lockcheck.linking.trace import Step, Trace


class ParentLock(NamedTuple):
    """A lock on a row of a parent `table`. `values` are what the columns of the foreign key, or the relationship that
    stands for it, are set to; none where that was not read."""

    table: str
    mode: Mode
    key: ForeignKey
    values: tuple[Abstract, ...]


class Adopted(NamedTuple):
    """`step`, which does `detail`, adds a child of a model or moves it, and locks a parent row."""

    step: Step
    detail: Add | Merge | Execute | Write
    child: ModelRef
    lock: ParentLock


def parents_locked(locks: Locks, child: Instance | Statement) -> tuple[ParentLock, ...]:
    """The parent rows that are locked when an object is inserted, or by an INSERT or UPDATE of children."""
    mapped = locks.mapped(child.model)
    if mapped is None:
        return ()
    if isinstance(child, Instance):
        return tuple(_set(locks, mapped, dict(child.given), whole=child.all_given))
    if child.kind not in ("insert", "update"):
        return ()
    given = {_attribute(mapped, name): value for name, value in child.assigned.items}
    if child.kind == "insert" and not given:
        return tuple(ParentLock(key.target_table, "key share", key, ()) for key in required(mapped))
    return tuple(_set(locks, mapped, given, whole=child.kind == "insert" and child.assigned.complete))


def children(locks: Locks, detail: Detail) -> Iterator[tuple[ModelRef, ParentLock]]:
    """The children that an event adds, or moves to another parent, with the parent rows that locks."""
    found: list[Instance | Statement] = []
    if isinstance(detail, (Add, Merge)):
        found.extend(part for part in instances(detail.value) if isinstance(part.origin, Built))
    elif isinstance(detail, Execute):
        found.append(detail.statement)
    elif isinstance(detail, Write):
        written = ((detail.attribute, detail.value),)
        found.append(Instance(detail.instance.model, detail.instance.origin, written, all_given=False))
    for child in found:
        for lock in parents_locked(locks, child):
            if child.model is not None:
                yield child.model, lock


def adopted(project: Project, trace: Trace) -> tuple[Adopted, ...]:
    """As `children`, in a run: a new object is a child once it is added, with what was set on it before."""
    return project.of_run(_adopted, trace.function)


def _adopted(project: Project, trace: Trace) -> Iterator[Adopted]:
    for step, detail in trace.of(Add, Merge, Execute, Write):
        for model, lock in _adopts(project.locks, trace, step, detail):
            yield Adopted(step, detail, model, lock)


def _adopts(
    locks: Locks, trace: Trace, step: Step, detail: Add | Merge | Execute | Write
) -> Iterator[tuple[ModelRef, ParentLock]]:
    if isinstance(detail, (Add, Merge)):
        for part in instances(detail.value):
            yield from children(locks, replace(detail, value=_filled(trace, step, part)))
    elif not isinstance(detail, Write) or not isinstance(detail.instance.origin, Built) or _added(trace, step, detail):
        yield from children(locks, detail)


def _filled(trace: Trace, step: Step, instance: Instance) -> Instance:
    """An object with the attributes that were set before a step."""
    written = tuple(
        (write.attribute, write.value)
        for _, write in before(trace.of(Write), step)
        if write.instance.origin == instance.origin
    )
    return replace(instance, given=(*instance.given, *written))


def _added(trace: Trace, step: Step, write: Write) -> bool:
    """Whether the object that is written was added before."""
    return any(
        part.origin == write.instance.origin
        for _, added in before(trace.of(Add, Merge), step)
        for part in instances(added.value)
    )


def instances(value: Abstract) -> Iterator[Instance]:
    """The mapped objects that a value is, or holds."""
    for part in each(value):
        if isinstance(part, Instance):
            yield part
        elif isinstance(part, CollectionOf):
            yield from instances(part.element)
        elif isinstance(part, TupleOf):
            for item in part.items:
                yield from instances(item)


def _set(locks: Locks, mapped: MappedClass, given: Mapping[str, Abstract], *, whole: bool) -> Iterator[ParentLock]:
    """The parents of the keys that `given` sets. `whole` tells that nothing else is set, so that a nullable column that
    is left out makes the key NULL."""
    for key, relationships in locks.references(mapped):
        relations = [given[name] for name in relationships if name in given]
        values = relations or [given[name] for name in key.columns if name in given]
        absent = [name for name in key.columns if name not in given] if whole and not relations else []
        if not values or any(_is_none(value) for value in values):
            continue
        if not any((column := mapped.column(name)) is not None and column.nullable for name in absent):
            yield ParentLock(key.target_table, "key share", key, tuple(values))


def required(mapped: MappedClass) -> Iterator[ForeignKey]:
    """The foreign keys that cannot be NULL."""
    for key in pointing(mapped):
        columns = [mapped.column(name) for name in key.columns]
        if all(column is not None and column.nullable is False for column in columns):
            yield key


def _attribute(mapped: MappedClass, name: str) -> str:
    """The attribute of a column that is named either way."""
    if name in mapped.columns:
        return name
    return next((column.attribute for column in mapped.columns.values() if column.name == name), name)


def _is_none(value: Abstract) -> bool:
    return isinstance(value, Known) and value.value is None
