"""Lock footprints: every row lock that a run takes, when it takes it, and by what.

A statement locks where it is executed. What is assigned, added, merged or deleted through the ORM locks at the flush
that sends it (`lockcheck.linking.unitofwork`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from lockcheck.linking.clauses import pinned
from lockcheck.linking.events import Add, Delete, Execute, Merge, Write
from lockcheck.linking.modes import Mode, asked, key_columns, shown_mode
from lockcheck.linking.origins import built, varies
from lockcheck.linking.parents import children, instances
from lockcheck.linking.rowsets import RowSet, rows_of
from lockcheck.linking.singles import single
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.turns import upserts
from lockcheck.linking.unitofwork import Pending, UnitOfWork
from lockcheck.linking.values import (
    Abstract,
    AttributeOf,
    Built,
    FromOperation,
    Instance,
    ModelRef,
    SessionRef,
    Statement,
    each,
)
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.linking.project import Project

How: TypeAlias = Literal[
    "row lock", "eager join", "join", "update", "delete", "insert", "upsert", "flush", "merge", "foreign key", "cascade"
]
DELETED, EXECUTED = 500, 1_000
"""The ranks of what a flush deletes, and of what a statement itself locks: after all that is flushed ahead of it."""

CASCADES: dict[str, Mode] = {"CASCADE": "update", "SET NULL": "no key update", "SET DEFAULT": "no key update"}


class Taken(NamedTuple):
    """What takes a lock: the construct at `site` of `step`, at the time of `at` (its flush), in a session."""

    step: Step
    at: Step
    site: Target
    session: SessionRef | None


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock of a run, on one row or `many` of a table. `row` says which one it is: equal values are the same row.
    `rank` orders the locks that are taken at one step."""

    taken: Taken
    table: str
    mode: Mode
    how: How
    many: bool = False
    blocking: bool = True
    rows: RowSet = field(default_factory=RowSet)
    row: object = None
    rank: int = 0


class Footprints:
    """The locks of runs, each looked for once."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def of(self, trace: Trace) -> tuple[Lock, ...]:
        """The locks of a run, in the order in which they are taken."""
        return self._project.of_run(_locks, trace.function)

    def all(self, trace: Trace) -> list[Lock]:
        """As `of`, found anew."""
        locks = [*self._executed(trace), *self._flushed(trace)]
        known = (lock for lock in locks if lock.table)
        return sorted(known, key=lambda lock: (lock.taken.at.number, lock.rank))

    # --- statements --------------------------------------------------------------------------------------------------

    def _executed(self, trace: Trace) -> Iterator[Lock]:
        for step, execute in trace.of(Execute):
            yield from self._of_statement(step, execute)

    def _of_statement(self, step: Step, execute: Execute) -> Iterator[Lock]:
        statement = execute.statement
        taken = Taken(step, step, statement.site, execute.session)
        if statement.kind == "select":
            yield from self._selected(taken, execute, statement)
            return
        if statement.kind != "insert" and not self._reaches_new(statement):
            yield self._written(taken, statement)
        elif upserts(statement):
            many = execute.how == "executemany"
            yield Lock(taken, self._table(statement.model), "no key update", "upsert", many, rank=EXECUTED)
        yield from self._parents(taken, EXECUTED)
        if statement.kind == "delete" and statement.model is not None:
            yield from self._cascade(taken, statement.model, EXECUTED)

    def _selected(self, taken: Taken, execute: Execute, statement: Statement) -> Iterator[Lock]:
        lock = statement.lock
        if lock is None or statement.compound:
            return
        taken = taken._replace(site=lock.site or statement.site)
        many = self._returns_many(execute)
        for model in self._project.locks.locked_models(statement):
            table, mode = self._table(model), asked(lock)
            if model == statement.model and self._reaches_new(statement):
                continue
            if model == statement.model:
                rows, row = rows_of(self._project.locks, statement), None if many else (table, statement.where)
                yield Lock(taken, table, mode, "row lock", many, lock.blocking, rows, row, EXECUTED)
            else:
                how: How = "join" if model in self._project.locks.from_models(statement) else "eager join"
                yield Lock(taken, table, mode, how, many, lock.blocking, rank=EXECUTED + 1)

    def _returns_many(self, execute: Execute) -> bool:
        if execute.how in ("get", "refresh") or self._project.locks.one_row(execute.statement):
            return False
        return not single(self._project, execute)

    def _written(self, taken: Taken, statement: Statement) -> Lock:
        locks = self._project.locks
        many = not locks.one_row(statement)
        return Lock(
            taken,
            self._table(statement.model),
            shown_mode(statement, locks.mapped(statement.model)),
            "update" if statement.kind == "update" else "delete",
            many,
            locks.waits(statement),
            rows_of(locks, statement),
            None if many else (self._table(statement.model), statement.where),
            EXECUTED,
        )

    # --- the unit of work --------------------------------------------------------------------------------------------

    def _flushed(self, trace: Trace) -> Iterator[Lock]:
        for pending in UnitOfWork(self._project, trace).pending():
            yield from self._sent(trace, pending)

    def _sent(self, trace: Trace, pending: Pending) -> Iterator[Lock]:
        """What sending an object locks. The rank of a lock is its place in its flush: parents are written before
        children, and of one table UPDATE comes before INSERT, whose foreign keys lock parents; rows are deleted last,
        children before parents."""
        detail = pending.step.detail
        depth = max((self._project.depth(self._table(part.model)) for part in instances(pending.value)), default=0)
        last = DELETED - depth if isinstance(detail, Delete) else None
        taken = Taken(pending.step, pending.flush, pending.site, pending.session)
        for instance in instances(pending.value):
            found = self._touched(trace, detail, instance)
            many = varies(instance) and any(arm.kind == "loop" for arm in pending.step.path)
            if found is not None:
                how, kind = found
                row, table = None if many else self._row(trace, instance), self._table(instance.model)
                rank = 2 * self._project.depth(table) if last is None else last
                yield Lock(taken, table, kind, how, many, row=row, rank=rank)
            if last is not None:
                yield from self._cascade(taken, instance.model, last)
        yield from self._parents(taken, 2 * depth + 1 if last is None else last)

    def _touched(self, trace: Trace, detail: object, instance: Instance) -> tuple[How, Mode] | None:
        """How a flush touches the row of an object; None for a new row, which nobody waits for."""
        if self._is_new(trace, instance):
            return None
        if isinstance(detail, Delete):
            return "delete", "update"
        if isinstance(detail, Merge):
            return "merge", "no key update"
        if isinstance(detail, Add):
            return None
        mapped = self._project.locks.mapped(instance.model)
        is_key = mapped is not None and isinstance(detail, Write) and detail.attribute in key_columns(mapped)
        return "flush", "update" if is_key else "no key update"

    def _is_new(self, trace: Trace, instance: Instance) -> bool:
        """Whether an object was made here, or read among the children of one that was: no other transaction sees it."""
        origin = instance.origin
        statement = trace.statements.get(origin.site) if isinstance(origin, FromOperation) else None
        if statement is None or statement.model != instance.model:
            return isinstance(origin, Built)
        return self._reaches_new(statement)

    def _reaches_new(self, statement: Statement) -> bool:
        """Whether the only rows that a statement reaches are one that was made here, or its children."""
        mapped = self._project.locks.mapped(statement.model)
        if mapped is None or statement.model is None:
            return False
        foreign = (key.columns for key in mapped.foreign_keys)
        keys = {name for key in (*self._project.locks.constraints(mapped), *foreign) for name in key}
        pins = pinned(statement.where, statement.model)
        return any(self._keys_new(value) for name, value in pins.items() if name in keys)

    def _keys_new(self, value: Abstract) -> bool:
        """Whether a value is an object that was made here, or its key: what else it holds may be of other rows."""
        parts = list(each(value))
        return bool(parts) and all(self._is_made(part) for part in parts)

    def _is_made(self, part: Abstract) -> bool:
        row = part.base if isinstance(part, AttributeOf) else part
        if not isinstance(row, Instance) or not isinstance(row.origin, Built):
            return False
        mapped = self._project.locks.mapped(row.model)
        keys = self._project.locks.constraints(mapped) if mapped is not None else ()
        return not isinstance(part, AttributeOf) or (part.name,) in keys

    def _row(self, trace: Trace, instance: Instance) -> object:
        """The row of an object: that of the statement which read it, where it read one."""
        origin = instance.origin
        statement = trace.statements.get(origin.site) if isinstance(origin, FromOperation) else None
        if statement is not None and self._table(statement.model) == self._table(instance.model):
            return (self._table(statement.model), statement.where)
        return (self._table(instance.model), origin)

    # --- what comes along --------------------------------------------------------------------------------------------

    def _parents(self, taken: Taken, rank: int) -> Iterator[Lock]:
        """The rows that foreign keys point at."""
        for _, parent in children(self._project.locks, taken.step.detail):
            if not any(built(value) for value in parent.values):
                row = (parent.table, parent.values) if parent.values else None
                yield Lock(taken, parent.table, parent.mode, "foreign key", row=row, rank=rank)

    def _cascade(self, taken: Taken, model: ModelRef, rank: int) -> Iterator[Lock]:
        """Rows that the database deletes, or detaches, with those they point at."""
        parent = self._table(model)
        for table, mapped in self._project.linker.declarations.tables.items():
            keys = (key for cls in mapped for key in cls.foreign_keys if key.target_table == parent)
            rules = {(key.on_delete or "").upper() for key in keys}
            for rule in sorted(rules & CASCADES.keys()):
                if table != parent:
                    yield Lock(taken, table, CASCADES[rule], "cascade", many=True, rank=rank)

    def _table(self, model: ModelRef | None) -> str:
        return self._project.locks.table(model) or ""


def _locks(project: Project, trace: Trace) -> list[Lock]:
    return project.footprints.all(trace)
