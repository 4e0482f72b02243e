"""Contended tables: who holds several row locks of a table in one transaction, and which two of them can meet.

*Contended* is a fact about a pair: a statement that locks many rows in an unknown order, and a
counterpart that holds two or more row locks of the same table, in an order not provably the same, over row sets that
can meet, in conflicting modes, waiting for locks, and without a gate that both lock first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from lockcheck.linking.advisory import GATE as ADVISORY
from lockcheck.linking.events import EnterLoop, Execute, Merge, Write
from lockcheck.linking.kinds import before
from lockcheck.linking.lockers import (
    Locker,
    LockerKind,
    Told,
    batched,
    locking,
    loops,
    of_table,
    outer_gates,
    serial,
    told,
    written_rows,
)
from lockcheck.linking.modes import Mode, conflict, mode
from lockcheck.linking.origins import varies
from lockcheck.linking.paths import surely_follows
from lockcheck.linking.refusals import refused
from lockcheck.linking.revisions import in_revision
from lockcheck.linking.rowsets import RowSet, can_deadlock, rows_of
from lockcheck.linking.singles import single
from lockcheck.linking.testcode import in_tests
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.turns import Turn, Turns, given
from lockcheck.linking.values import Built, ModelRef, Statement
from lockcheck.linking.walks import is_batched
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.linking.project import Project

RANK: Mapping[str, int] = {"row lock": 0, "loop": 1, "flush": 2, "bulk": 3}


class Contention:
    """All lockers of the project, by table."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.turns = Turns(project)
        self._innodb = bool({"mysql", "mariadb"} & set(project.policy.dialects))
        self._alone: dict[str, bool] = {}

    @property
    def loops(self) -> frozenset[Target]:
        """Those that lock rows one by one."""
        return self._project.ask(loops)

    @property
    def batched(self) -> frozenset[Target]:
        """Those that walk lists, such as slices of one."""
        return self._project.ask(batched)

    def runs_alone(self, function: str) -> bool:
        """Whether a function never runs beside the program: it belongs to an Alembic revision or to tests."""
        found = self._alone.get(function)
        if found is None:
            found = self._alone[function] = self._runs_alone(function)
        return found

    def _runs_alone(self, function: str) -> bool:
        return in_revision(self._project.linker.declarations, function) or self.in_tests(function)

    def in_tests(self, function: str) -> bool:
        """Whether a function belongs to a test, or to what serves tests."""
        linker = self._project.linker
        return in_tests(linker.declarations, linker.functions[function].facts.module)

    def counterparts(
        self, table: str, statement: Statement, gates: frozenset[str], site: Target, ahead: frozenset[str] = frozenset()
    ) -> list[Locker]:
        """Those that a statement which locks many rows in unknown order can deadlock with, the clearest first. Last are
        those that have locked rows of a table before of which this side has locked some, too. A SELECT FOR UPDATE that
        takes the rows as it finds them, by the same index, is no clearer than a bulk write. Two that sort by one key
        never meet."""
        rows, keys, wanted = rows_of(self._project.locks, statement), self._keys(statement.model), self._mode(statement)
        order = self._project.locks.total_order(statement)
        found = []
        for locker in self._others(table, rows, keys, wanted, site):
            if order and locker.order == order:
                continue
            same_way = locker.scanned and not statement.order_by and locker.rows.searched == rows.searched
            if not self._gated(gates, locker) and not (same_way and locker.kind == "bulk"):
                found.append(replace(locker, same_way=same_way))
        return sorted(found, key=lambda locker: (bool(ahead & locker.ahead), *self._rank(locker, site, rows)))

    def met_by(self, locker: Locker, model: ModelRef) -> list[Locker]:
        """Those that a loop which locks rows of a model one by one can deadlock with, the clearest first. Another run
        of the loop itself is among them, where nothing keeps the two apart."""
        keys = self._keys(model)
        found = [
            other
            for other in (locker, *self._others(locker.table, locker.rows, keys, locker.mode, locker.site))
            if can_deadlock(locker.rows, other.rows, keys) and not (locker.gates & self._all_gates(other, locker))
        ]
        return sorted(found, key=lambda other: (other == locker, self._rank(other, locker.site, locker.rows)))

    def _others(
        self, table: str, rows: RowSet, keys: tuple[tuple[str, ...], ...], wanted: Mode, site: Target
    ) -> Iterator[Locker]:
        """Lockers elsewhere of rows that may be the same, in a mode that conflicts."""
        for locker, *_ in self._project.ask(of_table, table):
            waits = conflict(wanted, locker.mode) or self._innodb
            if locker.site != site and waits and can_deadlock(rows, locker.rows, keys):
                yield locker

    def _all_gates(self, other: Locker, locker: Locker) -> frozenset[str]:
        return other.gates if other == locker else other.gates | other.each | self._outer_gates(other)

    def _mode(self, statement: Statement) -> Mode:
        return mode(statement, self._project.locks.mapped(statement.model))

    # --- gates -------------------------------------------------------------------------------------------------------

    def gates(self, trace: Trace, step: Step, table: str, first: Step | None = None) -> frozenset[str]:
        """Parent tables of which the transaction holds one row ahead of a step, by a row lock or since it has written
        the row, and its advisory lock; `first` is the step that locks, where `step` is the loop around it."""
        found = set(self._project.gates(trace, step, table))
        if any(self._held(trace, other, step) for other in self._project.of_run(serial, trace.function)):
            found.add(ADVISORY)
        parents = self._project.parents(table) - found
        written = self._project.of_run(written_rows, trace.function) if parents else ()
        sent = self._sent(trace, first or step) if written else 0
        for other, parent in before(written, step):
            if parent not in parents or (other.number > sent and isinstance(other.detail, Write)):
                continue
            if self._held(trace, other, step):
                found.add(parent)
        return frozenset(found)

    def _held(self, trace: Trace, taken: Step, step: Step) -> bool:
        """Whether what a step takes is held at a later one."""
        if taken.number >= step.number or not trace.reaches(taken, step):
            return False
        return not trace.ended_between(taken, step, None)

    def ahead(self, trace: Trace, step: Step, table: str) -> frozenset[str]:
        """The other tables of which the transaction has locked rows when a step locks some."""
        found: set[str] = set()
        earlier = before(self._project.of_run(locking, trace.function), step)
        sent = self._sent(trace, step) if earlier else 0
        for other, locked in earlier:
            tables = locked - found - {table}
            waits = other.number > sent and isinstance(other.detail, Write)
            if tables and not waits and trace.reaches(other, step):
                found |= frozenset() if trace.ended_between(other, step, None) else tables
        return frozenset(found)

    def locked_tables(self, step: Step) -> frozenset[str]:
        """The tables of which a step locks rows."""
        detail, locks = step.detail, self._project.locks
        if isinstance(detail, Write):
            models: list[ModelRef | None] = [] if isinstance(detail.instance.origin, Built) else [detail.instance.model]
        elif isinstance(detail, Execute) and detail.statement.kind in ("update", "delete"):
            models = [detail.statement.model]
        elif isinstance(detail, Execute) and detail.statement.lock is not None:
            models = [*locks.locked_models(detail.statement)]
        else:
            return frozenset()
        return frozenset(name for model in models if (name := locks.table(model)) is not None)

    def written_row(self, step: Step) -> str | None:
        """The table of which a step writes one row, by a statement or by changing one object that was read."""
        return self._written_row(step) or self._changed_row(step)

    def _written_row(self, step: Step) -> str | None:
        if not isinstance(step.detail, Execute) or step.detail.statement.kind not in ("update", "delete"):
            return None
        statement = step.detail.statement
        return self._project.locks.table(statement.model) if self._project.locks.one_row(statement) else None

    def _changed_row(self, step: Step) -> str | None:
        """The table of one object, read before, that a step changes."""
        instance = step.detail.instance if isinstance(step.detail, Write) else None
        if instance is None or varies(instance.origin) or isinstance(instance.origin, Built):
            return None
        return self._project.locks.table(instance.model)

    def _sent(self, trace: Trace, step: Step) -> int:
        """The number of the last step up to one, perhaps that one itself, that surely sends what was written before it;
        -1 for none."""
        own = step.detail.statement if isinstance(step.detail, Execute) else None
        if own is not None and not self._project.locks.is_core(own.model) and self.turns.sends(trace, step):
            return step.number
        sending = reversed(self.turns.senders(trace, 0, step.number))
        return next((other.number for other in sending if surely_follows(other.path, step.path)), -1)

    def _gated(self, gates: frozenset[str], locker: Locker) -> bool:
        """Whether both sides lock a common row first, the other one perhaps in what calls it, or in each turn."""
        if not gates or gates & (locker.gates | locker.each):
            return bool(gates)
        return bool(gates & self._outer_gates(locker))

    def _outer_gates(self, locker: Locker) -> frozenset[str]:
        """The gates that a locker's callers have all taken."""
        return self._project.ask(outer_gates, locker.function, locker.site, locker.table)

    def _keys(self, model: ModelRef | None) -> tuple[tuple[str, ...], ...]:
        mapped = self._project.locks.mapped(model)
        return self._project.locks.keys(mapped) if mapped else ()

    def _rank(self, locker: Locker, site: Target, rows: RowSet) -> tuple[bool, int, bool, bool, str, int]:
        """How clear it is that two meet: among those of a kind, rather where both name the value of a column, so that
        they reach the same rows where it is the same value."""
        same = (locker.site.path, locker.site.slice) == (site.path, site.slice)
        apart = not locker.rows.pinned & rows.pinned
        kind = "bulk" if locker.same_way else locker.kind
        return (same, RANK[kind], apart, locker.site.path == site.path, locker.site.path, locker.site.index)

    # --- collecting --------------------------------------------------------------------------------------------------

    def found(self, trace: Trace) -> Iterator[Told | Target]:
        """The lockers of a run, and its loops that walk lists."""
        for step, execute in trace.of(Execute):
            if step.is_local:
                for locker in self._statement_lockers(trace, step, execute):
                    yield told(locker)
        for step, loop in trace.of(EnterLoop):
            if step.is_local and is_batched(loop.iterable):
                yield loop.site
            for turn in self.turns.of(trace, step) if step.is_local else ():
                yield told(self.loop_locker(trace, turn), loop.site if turn.at_once else None)

    def _statement_lockers(self, trace: Trace, step: Step, execute: Execute) -> Iterator[Locker]:
        statement, locks = execute.statement, self._project.locks
        access = locks.access(statement)
        many = access in ("many", "keys") or (access == "opaque" and self._project.linker.is_many(execute.site))
        if not many or execute.how in ("get", "refresh") or refused(self._project, execute):
            return
        if statement.kind in ("update", "delete"):
            if locks.waits(statement):
                yield self._written(trace, step, execute)
        elif statement.lock is not None and statement.lock.blocking and not single(self._project, execute):
            for model in locks.locked_models(statement):
                yield self.locker(trace, step, statement, model, "row lock", locks.by_key(statement))

    def _written(self, trace: Trace, step: Step, execute: Execute) -> Locker:
        statement = execute.statement
        kind: LockerKind = "loop" if execute.how == "executemany" else "bulk"
        ordered = self._project.locks.ordered_write(statement)
        return self.locker(trace, step, statement, statement.model, kind, ordered)

    def locker(
        self, trace: Trace, step: Step, statement: Statement, model: ModelRef | None, kind: LockerKind, ordered: bool
    ) -> Locker:
        table = self._project.locks.table(model) or ""
        rows = rows_of(self._project.locks, statement) if model == statement.model else RowSet()
        site = statement.lock.site if statement.lock and statement.lock.site else statement.site
        what = {"row lock": "locks", "bulk": f"{statement.kind}s"}.get(kind, f"{statement.kind}s them")
        gates, ahead = self.gates(trace, step, table), self.ahead(trace, step, table)
        scanned = kind in ("bulk", "row lock") and not ordered and not statement.order_by
        return Locker(
            table,
            trace.function,
            site,
            kind,
            rows,
            gates,
            what,
            ordered,
            self._mode(statement),
            scanned=scanned,
            order=self._project.locks.total_order(statement) if kind == "row lock" else (),
            ahead=ahead,
        )

    def loop_locker(self, trace: Trace, turn: Turn) -> Locker:
        table = self._project.locks.table(turn.touched.model) or ""
        gates = self.gates(trace, turn.enters, table, turn.step)
        kind: LockerKind = "loop" if turn.at_once else "flush"
        rows = self.turns.rows(trace, turn)
        detail = turn.step.detail
        return Locker(
            table,
            trace.function,
            turn.loop.site,
            kind,
            rows,
            gates,
            described(turn.step),
            mode=self._mode(detail.statement) if isinstance(detail, Execute) else "update",
            assumed=given(turn.touched),
            each=self.gates(trace, turn.step, table) - gates,
            ahead=self.ahead(trace, turn.step, table),
        )


def described(step: Step) -> str:
    """What a step does to a row, for a message."""
    detail = step.detail
    if isinstance(detail, Write):
        return f"sets {detail.attribute} of them"
    if isinstance(detail, Execute):
        return {"select": "locks them", "insert": "upserts them"}.get(kind := detail.statement.kind, f"{kind}s them")
    return "merges them" if isinstance(detail, Merge) else "deletes them"
