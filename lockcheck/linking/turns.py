"""Loops that lock one row after another, turn by turn, and keep what they locked."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lockcheck.linking.events import Delete, EnterLoop, Execute, Leave, Merge, Opened, Path, SessionCall, Write
from lockcheck.linking.origins import built, operations, origins, varies
from lockcheck.linking.paths import innermost, surely_follows
from lockcheck.linking.rowkeys import of_new_row, steady_columns
from lockcheck.linking.rowsets import RowSet, rows_of
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import (
    Built,
    FromOperation,
    Given,
    Instance,
    ModelRef,
    Opaque,
    Reached,
    SessionRef,
    Somewhere,
    Statement,
    each,
)

if TYPE_CHECKING:
    from lockcheck.linking.project import Project
    from lockcheck.plans import Target


GENERATED = Opaque(Somewhere("generated"))
"""A fresh key, such as `uuid4()`."""


UPSERTS = frozenset({"on_conflict_do_update", "on_duplicate_key_update"})


def upserts(statement: Statement) -> bool:
    """Whether an INSERT locks rows that are there already."""
    return statement.on_conflict in UPSERTS and not statement.on_sqlite


@dataclass(frozen=True, slots=True)
class Touched:
    """Rows that a step locks."""

    model: ModelRef
    origin: object


class Turn(NamedTuple):
    """What a loop locks at each turn: its first step that touches a table's rows, and whether that is at once (in that
    turn or ahead of the next) or at a later flush."""

    loop: EnterLoop
    enters: Step
    step: Step
    touched: Touched
    at_once: bool
    surely: bool = True
    """Whether the step is never without the flush that sends it."""
    steady: frozenset[str] = frozenset()
    """The columns that are the same in all rows that the loop touches."""


class Turns:
    """Finds them in a trace."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def of(self, trace: Trace, enters: Step) -> tuple[Turn, ...]:
        """What one loop locks, table by table."""
        return self._project.ask(_turns, trace.function, enters.number)

    def find(self, trace: Trace, enters: Step, loop: EnterLoop) -> Iterator[Turn]:
        """As `of`, found anew."""
        body = trace.body(enters, loop)
        touching = [(step, found) for step in body if (found := self.touched(trace, step)) is not None]
        if not touching:
            return
        ends = [other for other in body if trace.ends(other, None)]
        if any(surely_follows(_inside(enters, other), ()) for other in ends):
            return
        ends += [other for other in body if _leaves(enters, other)]
        numbers = {step.number for step in body}
        sending = self.senders(trace, body[0].number, body[-1].number + 1)
        flushes = [other for other in sending if other.number in numbers]
        seen: set[str] = set()
        for step, touched in touching:
            if self._locked(trace, step, touched) or _once(enters, step, ends):
                continue
            if _opened_within(trace, enters, step) or of_new_row(trace, touched.model, touched.origin):
                continue
            table = self._project.locks.table(touched.model)
            if table is not None and table not in seen:
                seen.add(table)
                sent = [step] if isinstance(step.detail, Execute) else self._sending(trace, step, flushes)
                surely = any(surely_follows(_inside(enters, other), _inside(enters, step)) for other in sent)
                steady = self._steady(trace, table, touching)
                yield Turn(loop, enters, step, touched, bool(sent), surely, steady)

    def _steady(self, trace: Trace, table: str, touching: list[tuple[Step, Touched]]) -> frozenset[str]:
        locks = self._project.locks
        rows = [(found.model, found.origin) for _, found in touching if locks.table(found.model) == table]
        return steady_columns(trace, rows)

    def _sending(self, trace: Trace, step: Step, flushes: list[Step]) -> list[Step]:
        """Those of the flushes in a loop that send what a step leaves in its session."""
        session = self._session_of(trace, step)
        return [other for other in flushes if session is None or _session(other) in (None, session)]

    def sends(self, trace: Trace, step: Step) -> bool:
        """Whether a step sends what waits in its session: a flush, or a query where sessions autoflush."""
        if isinstance(step.detail, SessionCall):
            return step.detail.method == "flush"
        return isinstance(step.detail, (Execute, Merge)) and self._project.autoflush and not trace.unflushed(step)

    def senders(self, trace: Trace, start: int, end: int) -> list[Step]:
        """Those of the steps from one number to before another that send what waits."""
        numbers, steps = self._project.ask(_senders, trace.function)
        return steps[bisect_left(numbers, start) : bisect_left(numbers, end)]

    def _session_of(self, trace: Trace, step: Step) -> SessionRef | None:
        """The session of the object that a step changes, None where that is unknown."""
        if not isinstance(step.detail, Write):
            return _session(step)
        first = [found[0][0] for site in operations(step.detail.instance) if (found := trace.executions.get(site))]
        return _session(min(first, key=lambda other: other.number)) if first else None

    def touched(self, trace: Trace, step: Step) -> Touched | None:
        """The row that a step in a loop locks, another one at each turn."""
        detail = step.detail
        if isinstance(detail, Write):
            return self._written(trace, detail)
        if isinstance(detail, (Merge, Delete)):
            parts = (part for part in each(detail.value) if isinstance(part, Instance))
            return next((Touched(part.model, part) for part in parts if self._another(trace, part)), None)
        return self._executed(detail) if isinstance(detail, Execute) else None

    def _another(self, trace: Trace, instance: Instance) -> bool:
        """Whether an object stands for another row at each turn: it was read, or its key was given."""
        origin = instance.origin
        if isinstance(origin, FromOperation) and not origin.many:
            read = (execute.statement for _, execute in trace.executions.get(origin.site, ()))
            return any(varies(statement.where) and self._project.locks.one_row(statement) for statement in read)
        if not isinstance(origin, Built):
            return varies(origin)
        mapped = self._project.locks.mapped(instance.model)
        key = {name: value for name, value in instance.given if mapped and name in mapped.primary_key}
        return any(varies(value) for value in key.values()) and GENERATED not in key.values()

    def _written(self, trace: Trace, write: Write) -> Touched | None:
        for instance in each(write.instance):
            if not isinstance(instance, Instance):
                continue
            column = self._project.linker.names.column(instance.model, write.attribute)
            if column is not None and not built(instance.origin) and self._another(trace, instance):
                return Touched(instance.model, instance)
        return None

    def _executed(self, execute: Execute) -> Touched | None:
        statement = execute.statement
        if statement.kind == "insert":
            return self._upserted(statement)
        locking = statement.kind in ("update", "delete") or (statement.lock is not None and statement.lock.blocking)
        if not locking or statement.model is None or self._project.locks.access(statement) != "one":
            return None
        return Touched(statement.model, statement.where) if varies(statement.where) else None

    def _upserted(self, statement: Statement) -> Touched | None:
        """The row of an INSERT ... ON CONFLICT DO UPDATE whose key is another one at each turn."""
        mapped = self._project.locks.mapped(statement.model)
        if not upserts(statement) or mapped is None or statement.model is None:
            return None
        given = dict(statement.assigned.items)
        keys = ([given.get(name) for name in key] for key in self._project.locks.keys(mapped))
        known = any(varies(tuple(key)) and GENERATED not in key for key in keys if None not in key)
        return Touched(statement.model, statement.assigned) if known else None

    def _locked(self, trace: Trace, step: Step, touched: Touched) -> bool:
        """Whether the rows were locked before, so that touching them waits for nobody: what locked them is the
        locker."""
        return any(
            other.number < step.number and execute.statement.lock is not None
            for site in operations(touched.origin)
            for other, execute in trace.executions.get(site, ())
        )

    def rows(self, trace: Trace, turn: Turn) -> RowSet:
        """What is known of the rows, from the SELECT that returned them."""
        touched = turn.touched
        found = [other for site in operations(touched.origin) for other in trace.executions.get(site, ())]
        for _, execute in sorted(found, key=lambda pair: pair[0].number):
            if execute.statement.model == touched.model and not self._project.locks.one_row(execute.statement):
                return rows_of(self._project.locks, execute.statement)
        return RowSet(pinned=self._of_parent(touched) | turn.steady)

    def _of_parent(self, touched: Touched) -> frozenset[str]:
        """The foreign key of rows that were reached through a relationship of one object: they share its value."""
        origin = touched.origin.origin if isinstance(touched.origin, Instance) else None
        mapped = self._project.locks.mapped(touched.model)
        if mapped is None or not isinstance(origin, Reached) or varies(origin.base):
            return frozenset()
        tables = self._project.linker.declarations.tables
        keys = {
            key.columns
            for key in mapped.foreign_keys
            for owner in tables.get(key.target_table, ())
            if (relation := owner.relationships.get(origin.name)) is not None and relation.target == mapped.qualname
        }
        return frozenset(keys.pop()) if len(keys) == 1 else frozenset()


def _senders(project: Project, function: str) -> tuple[list[int], list[Step]]:
    """The steps of a run that send what waits, with their numbers."""
    trace = project.trace(function)
    found = trace.of(SessionCall, Execute, Merge)
    steps = [step for step, _ in found if project.contention.turns.sends(trace, step)]
    return [step.number for step in steps], steps


def _turns(project: Project, function: str, number: int) -> tuple[Turn, ...]:
    trace = project.trace(function)
    enters = trace.steps[number]
    loop = enters.detail
    return tuple(project.contention.turns.find(trace, enters, loop)) if isinstance(loop, EnterLoop) else ()


def loops_at(trace: Trace, sites: Collection[Target]) -> Iterator[tuple[Step, EnterLoop]]:
    """The loops of a run that stand at these sites, those of callees included."""
    return ((step, loop) for step, loop in trace.of(EnterLoop) if loop.site in sites)


def given(touched: Touched) -> bool:
    """Whether the rows are what a parameter holds: its callers know where they come from."""
    found = [origin for origin in origins(touched.origin) if not isinstance(origin, Somewhere)]
    return bool(found) and all(isinstance(origin, Given) for origin in found)


def _session(step: Step) -> SessionRef | None:
    return getattr(step.detail, "session", None)


def _inside(enters: Step, step: Step) -> Path:
    return step.path[len(enters.path) + 1 :]


def _once(enters: Step, step: Step, ends: list[Step]) -> bool:
    """Whether no turn follows in the same transaction once the step has happened: whenever it does, the transaction
    ends, or the loop is left, later in that turn."""
    inside = _inside(enters, step)
    return any(other.number > step.number and surely_follows(_inside(enters, other), inside) for other in ends)


def _opened_within(trace: Trace, enters: Step, step: Step) -> bool:
    """Whether the session comes from a `with` block inside the loop of which nothing else is known."""
    session = _session(step)
    if (
        session is None
        or session.owner not in ("own", "unknown")
        or not any(a.kind == "with" for a in _inside(enters, step))
    ):
        return False
    return not any(same_session(opened.session, session) for _, opened in trace.of(Opened))


def _leaves(enters: Step, step: Step) -> bool:
    """Whether a step leaves the loop."""
    if not isinstance(step.detail, Leave) or step.calls != enters.calls:
        return False
    inner = _inside(enters, step)
    if step.detail.how == "break":
        return innermost(inner, "loop") == 0
    guarded = any(arm.kind == "try" for arm in inner)
    return step.detail.how == "return" or (step.detail.how == "raise" and not guarded)
