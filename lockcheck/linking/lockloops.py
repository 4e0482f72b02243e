"""Loops and statements that lock one row after another, in the runs that nobody calls: there the callers' order is
known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from lockcheck.linking.events import Execute
from lockcheck.linking.lockers import Locker
from lockcheck.linking.names import COLLECTIONS, WRAPPERS, last
from lockcheck.linking.origins import varies
from lockcheck.linking.rowkeys import shared_columns
from lockcheck.linking.rowsets import RowSet
from lockcheck.linking.spelling import spelled
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.turns import Touched, Turn, loops_at, upserts
from lockcheck.linking.values import Abstract, CollectionOf, Given, Opaque, TupleOf, each

if TYPE_CHECKING:
    from lockcheck.linking.project import Project


class Walking(NamedTuple):
    """A loop that locks rows turn by turn in one run. `locker` is how others meet it."""

    trace: Trace
    turn: Turn
    locker: Locker


class Upserting(NamedTuple):
    """A multi-row INSERT ... ON CONFLICT DO UPDATE in one run."""

    trace: Trace
    step: Step
    execute: Execute
    locker: Locker


class LockLoops:
    """Finds them in the run of a function."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._contention = project.contention

    def walkings(self, function: str) -> Iterator[Walking]:
        """The loops that lock rows turn by turn in a run of a function, those of callees included."""
        trace = self._project.trace(function)
        for step, _ in loops_at(trace, self._contention.loops):
            for turn in self._contention.turns.of(trace, step):
                if turn.at_once:
                    yield Walking(trace, turn, self._contention.loop_locker(trace, turn))

    def batches(self, function: str) -> Iterator[Walking]:
        """The loops that lock rows in key order, one list of keys after another."""
        trace = self._project.trace(function)
        for enters, loop in loops_at(trace, self._contention.batched):
            for step in trace.body(enters, loop):
                detail = step.detail
                if not isinstance(detail, Execute) or not self._of_batch(detail) or detail.statement.model is None:
                    continue
                model = detail.statement.model
                locker = self._contention.locker(trace, step, detail.statement, model, "row lock", ordered=True)
                touched = Touched(model, detail.statement.where)
                yield Walking(trace, Turn(loop, enters, step, touched, at_once=True), locker)

    def _of_batch(self, execute: Execute) -> bool:
        """Whether a statement locks rows in key order, other ones at each turn of the loop around it."""
        statement, locks = execute.statement, self._project.locks
        if statement.lock is None or not statement.lock.blocking or not locks.by_key(statement):
            return False
        return locks.access(statement) == "keys" and varies(locks.listed_key(statement))

    def upserts(self, function: str) -> Iterator[Upserting]:
        """The multi-row INSERT ... ON CONFLICT DO UPDATE of a run."""
        trace = self._project.trace(function)
        for step, detail in trace.of(Execute):
            if upserts(detail.statement):
                table = self._project.locks.table(detail.statement.model)
                rows = each(detail.statement.rows) if detail.statement.rows is not None else ()
                if table is not None and any(self._are_rows(function, part) for part in rows):
                    gates = self._contention.gates(trace, step, table)
                    site = detail.statement.site
                    alike = RowSet(pinned=self._shared(trace, step, detail))
                    locker = Locker(table, step.function, site, "loop", alike, gates, "upserts them")
                    yield Upserting(trace, step, detail, locker)

    def _shared(self, trace: Trace, step: Step, execute: Execute) -> frozenset[str]:
        """The columns that all rows of a statement share, as one of the functions on the way to it shows: a caller
        further out may go through several values of such a column, one in each call."""
        found: set[str] = set()
        mapped = self._project.locks.mapped(execute.statement.model)
        for name in (trace.function, *(arm.arm for arm in step.path if arm.kind == "call")):
            steps = self._project.trace(name).executions.get(execute.site, ())
            same = [other.statement for _, other in steps if other.statement.site == execute.statement.site]
            rows = [one.rows for one in same if one.rows is not None]
            found |= frozenset.intersection(*map(shared_columns, rows)) if rows else set()
        columns = (mapped.column(name) for name in found) if mapped is not None else ()
        return frozenset(column.attribute for column in columns if column is not None)

    def _are_rows(self, function: str, given: Abstract) -> bool:
        """Whether what `values(..)` was given is surely a list of rows: a parameter is one by its annotation."""
        if isinstance(given, TupleOf):
            return given.kind != "dict"
        if not isinstance(given, Opaque) or not isinstance(given.origin, Given):
            return isinstance(given, CollectionOf)
        declared = self._project.linker.functions[function].facts
        annotations = (p.annotation for p in declared.parameters if p.name == given.origin.name)
        texts = (spelled(declared.values, number) for number in annotations if number is not None)
        return any(_is_collection(text) for text in texts if text is not None)


def _is_collection(annotation: str) -> bool:
    """Whether a type annotation names a collection, alone or among others."""
    for one in annotation.split(" | "):
        outer, _, inner = one.partition("[")
        if last(outer) in COLLECTIONS or (last(outer) in WRAPPERS and _is_collection(inner)):
            return True
    return False
