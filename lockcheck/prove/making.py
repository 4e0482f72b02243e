"""Acts from what a run does: statements as they are executed, and those that a flush sends for objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from lockcheck.linking.events import Add, Delete, Execute, Merge, Write
from lockcheck.linking.footprints import Lock
from lockcheck.linking.origins import operations
from lockcheck.linking.parents import instances
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.turns import UPSERTS, Turn
from lockcheck.linking.values import (
    Abstract,
    Assignments,
    ColumnRef,
    Condition,
    Instance,
    ModelRef,
    Opaque,
    RowLock,
    Statement,
)
from lockcheck.linking.walks import order
from lockcheck.plans import Target
from lockcheck.prove.acts import Act, UnderivableError

if TYPE_CHECKING:
    from lockcheck.linking.project import Project

UNKNOWN = Opaque()
FLUSHED = "sent by the flush of what is set here"


class Maker:
    """Makes acts."""

    def __init__(self, project: Project) -> None:
        self._project = project

    # --- statements --------------------------------------------------------------------------------------------------

    def executed(self, step: Step) -> Act:
        """A statement that is meant to reach many rows."""
        detail = step.detail
        if not isinstance(detail, Execute):
            raise UnderivableError("the step is no statement")
        statement = detail.statement
        act = Act(statement, _site(statement), step.function, step.calls)
        act = self._unwrapped(act)
        statement = act.statement
        if detail.how == "executemany" and statement.on_conflict is None:
            return replace(act, reach="each", order=order(statement.rows))
        if statement.on_conflict in UPSERTS:
            return replace(act, reach="many", order=order(statement.rows))
        if self._project.locks.one_row(statement):
            return act
        return replace(act, reach="many", ordered=act.ordered or self._project.locks.by_key(statement))

    def _unwrapped(self, act: Act) -> Act:
        """A write through a subselect that locks its rows in order, as what it stands for."""
        locks, statement = self._project.locks, act.statement
        inner = locks.listed_key(statement)
        if statement.kind == "select" or not isinstance(inner, Statement) or not locks.ordered_write(statement):
            return act
        if locks.table(inner.model) != locks.table(statement.model) or inner.lock is None:
            return act
        where = tuple(c for c in statement.where if not (isinstance(c, Condition) and c.operand == inner))
        made = replace(statement, where=(*inner.where, *where))
        return replace(act, statement=made, ordered=bool(inner.order_by), skips=not inner.lock.blocking)

    def walked(self, turn: Turn) -> Act:
        """A row in each turn of a loop, by one statement or another."""
        step, how = turn.step, order(turn.loop.iterable)
        if isinstance(step.detail, Execute):
            statement = step.detail.statement
            act = Act(statement, _site(statement), step.function, step.calls, "each", how)
            single = statement.kind == "insert" or self._project.locks.one_row(statement)
            return act if single else replace(act, why="a batch is one row here")
        act = self._sent(step, turn.touched.model)
        return replace(act, reach="each", order=how if turn.at_once else "sorted")

    # --- locks -------------------------------------------------------------------------------------------------------

    def of_locks(self, trace: Trace, locks: Iterable[Lock]) -> tuple[Act, ...]:
        """What takes these locks, in order; what takes several is one act."""
        ordered = sorted(dict.fromkeys(locks), key=lambda lock: (lock.taken.at.number, lock.rank))
        found: dict[object, Act] = {}
        for lock in ordered:
            if _is_covered(lock, ordered):
                continue
            key, act = self._of_lock(trace, lock)
            known = found.get(key)
            found[key] = act if known is None else _united(known, act)
        return tuple(found.values())

    def _of_lock(self, trace: Trace, lock: Lock) -> tuple[object, Act]:
        step = lock.taken.step
        if isinstance(step.detail, Execute):
            act = replace(self.executed(step), calls=step.calls)
            own = [other for other in self._project.footprints.of(trace) if other.taken.step is step]
            table = self._project.locks.table(act.statement.model)
            many = any(other.many for other in own if other.table == table)
            reach = act.reach if act.reach == "each" or many else "one"
            return step.number, replace(act, reach=reach)
        sent = [part for part in self._touched(step) if self._concerns(part, lock)]
        if not sent:
            raise UnderivableError(f"what sends the {lock.how} of {lock.table} is not known")
        act = self._sent(step, sent[0].model)
        many = lock.many and lock.how != "foreign key"
        act = replace(act, reach="each" if many else "one", order="sorted")
        return (lock.taken.at.number, act.statement.kind, sent[0].model), act

    def _touched(self, step: Step) -> tuple[Instance, ...]:
        detail = step.detail
        if isinstance(detail, Write):
            return (detail.instance,)
        return tuple(instances(detail.value)) if isinstance(detail, (Add, Merge, Delete)) else ()

    def _concerns(self, instance: Instance, lock: Lock) -> bool:
        table = self._project.locks.table(instance.model)
        if lock.how in ("foreign key", "cascade"):
            return table is not None and table != lock.table
        return table == lock.table

    # --- what a flush sends ------------------------------------------------------------------------------------------

    def _sent(self, step: Step, model: ModelRef) -> Act:
        """The statement for one object."""
        detail = step.detail
        where = self.by_key(model)
        if isinstance(detail, Write):
            items = ((detail.attribute, detail.value),)
            made = _statement("update", detail.site, model, where, Assignments(items))
        elif isinstance(detail, Merge):
            made = _statement("update", detail.site, model, where, Assignments(complete=False))
        elif isinstance(detail, Delete):
            made = _statement("delete", detail.site, model, where, Assignments())
        elif isinstance(detail, Add):
            made = _statement("insert", detail.site, model, (), Assignments(complete=False))
        else:
            raise UnderivableError(f"what {type(detail).__name__} sends is not known")
        return Act(made, made.site, step.function, step.calls, why=FLUSHED)

    def by_key(self, model: ModelRef) -> tuple[Condition, ...]:
        """The WHERE that names one row."""
        mapped = self._project.locks.mapped(model)
        if mapped is None or not mapped.primary_key:
            raise UnderivableError(f"the primary key of {model.qualname} is not known")
        return tuple(Condition((ColumnRef(model, name),), "==", UNKNOWN) for name in mapped.primary_key)

    def locking(self, model: ModelRef, site: Target, why: str) -> Act:
        """A lock on one row that no statement of the program takes, as an UPDATE would take it."""
        lock = RowLock(None, nowait=False, skip_locked=False, read=False, key_share=True)
        statement = Statement("select", site, model, (model,), where=self.by_key(model), lock=lock)
        return Act(statement, site, site.slice, only=True, made_up=True, why=why)

    def merged(self, step: Step, new: Instance) -> tuple[Act, ...]:
        """`session.merge` of a new object: a SELECT by its key, at the flush an INSERT where the row is missing."""
        detail = step.detail
        site = detail.site if isinstance(detail, Merge) else None
        if site is None:
            raise UnderivableError("the merge is not known")
        look = _statement("select", site, new.model, self.by_key(new.model), Assignments())
        insert = _statement("insert", site, new.model, (), Assignments(complete=False))
        return (
            Act(look, site, step.function, step.calls, why="merge() looks the row up", looks=True),
            Act(insert, site, step.function, step.calls, why="sent by the flush of the merged object"),
        )


def _statement(
    kind: str, site: Target, model: ModelRef, where: tuple[Condition, ...], assigned: Assignments
) -> Statement:
    return Statement(kind, site, model, (model,), where=where, assigned=assigned)  # type: ignore[arg-type]  # one of four


def _is_covered(lock: Lock, locks: Iterable[Lock]) -> bool:
    """Whether a flush writes rows that the transaction has locked before, which waits for nobody."""
    detail = lock.taken.step.detail
    if isinstance(detail, Execute):
        return False
    sources = operations(getattr(detail, "instance", None) or getattr(detail, "value", None))
    held = {
        other.taken.step.detail.site
        for other in locks
        if isinstance(other.taken.step.detail, Execute)
        and other.table == lock.table
        and other.mode in ("update", "no key update")
    }
    return bool(sources) and sources <= held


def _site(statement: Statement) -> Target:
    lock = statement.lock
    return lock.site if lock is not None and lock.site is not None else statement.site


def _united(one: Act, other: Act) -> Act:
    """Two acts that are one statement: what they assign comes together, and the wider reach holds."""
    if one.statement.kind != "update" or one.statement == other.statement:
        return one if one.reach != "one" else other
    items = dict((*one.statement.assigned.items, *other.statement.assigned.items))
    complete = one.statement.assigned.complete and other.statement.assigned.complete
    assigned = Assignments(tuple(_sorted(items.items())), complete)
    reach = one.reach if one.reach != "one" else other.reach
    return replace(one, statement=replace(one.statement, assigned=assigned), reach=reach)


def _sorted(items: Iterable[tuple[str, Abstract]]) -> Iterator[tuple[str, Abstract]]:
    yield from sorted(items, key=lambda item: item[0])
