"""Contended tables: who holds several row locks of a table in one transaction, and which two of them can meet.

*Contended* is a fact about a pair (DESIGN section 4): a statement that locks many rows in an unknown order, and a
counterpart that holds two or more row locks of the same table, in an order not provably the same, over row sets that
can meet, in conflicting modes, waiting for locks, and without a gate that both lock first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lockcheck.linking.events import Delete, EnterLoop, Execute, Merge, SessionCall, Write
from lockcheck.linking.origins import built, operations, varies
from lockcheck.linking.trace import Step, Trace, surely_follows
from lockcheck.linking.values import Instance, ModelRef, Statement, each
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.linking.project import Project

LockerKind = Literal["row lock", "loop", "flush", "bulk"]
RANK: Mapping[str, int] = {"row lock": 0, "loop": 1, "flush": 2, "bulk": 3}


@dataclass(frozen=True, slots=True)
class Locker:
    """One place that holds two or more row locks of a table in one transaction. `constants` are what its rows are
    known to be limited to, `gates` the tables of which it locks a row first, `column` what it writes."""

    table: str
    function: str
    site: Target
    kind: LockerKind
    constants: tuple[tuple[str, frozenset[object]], ...]
    gates: frozenset[str]
    what: str
    ordered: bool = False


def meet(one: Mapping[str, frozenset[object]], other: Mapping[str, frozenset[object]]) -> bool:
    """Whether two row sets may have rows in common: no column is limited to different constants."""
    return all(
        not values or not other.get(name, values) or values & other.get(name, values) for name, values in one.items()
    )


class Contention:
    """All lockers of the project, by table."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._by_table: dict[str, dict[tuple[Target, str], Locker]] = {}
        for trace in project.traces():
            for locker in self._lockers(trace):
                known = self._by_table.setdefault(locker.table, {})
                known.setdefault((locker.site, locker.kind), locker)

    def counterparts(self, table: str, statement: Statement, gates: frozenset[str], site: Target) -> list[Locker]:
        """Those that a statement which locks many rows in unknown order can deadlock with, the clearest first."""
        constants = self._project.locks.constants(statement)
        found = [
            locker
            for locker in self._by_table.get(table, {}).values()
            if locker.site != site and meet(constants, dict(locker.constants)) and not gates & locker.gates
        ]
        return sorted(found, key=lambda locker: self._rank(locker, site))

    def _rank(self, locker: Locker, site: Target) -> tuple[bool, int, bool, str, int]:
        same = (locker.site.path, locker.site.slice) == (site.path, site.slice)
        return (same, RANK[locker.kind], locker.site.path == site.path, locker.site.path, locker.site.index)

    # --- collecting --------------------------------------------------------------------------------------------------

    def _lockers(self, trace: Trace) -> Iterator[Locker]:
        for step in trace.steps:
            if isinstance(step.detail, Execute) and step.is_local:
                yield from self._statement_lockers(trace, step, step.detail)
        for step, loop, body in trace.loops():
            yield from self._loop_lockers(trace, step, loop, body)

    def _statement_lockers(self, trace: Trace, step: Step, execute: Execute) -> Iterator[Locker]:
        statement, locks = execute.statement, self._project.locks
        access = locks.access(statement)
        many = access in ("many", "keys") or (access == "opaque" and execute.site in self._project.linker.many)
        if not many or execute.how in ("get", "refresh"):
            return
        if statement.kind in ("update", "delete"):
            yield self._locker(trace, step, statement, statement.model, "bulk", locks.ordered_write(statement))
        elif statement.lock is not None and statement.lock.blocking and not self._single(statement, execute):
            for model in locks.locked_models(statement):
                yield self._locker(trace, step, statement, model, "row lock", locks.by_key(statement))

    def _single(self, statement: Statement, execute: Execute) -> bool:
        return statement.limited and execute.site not in self._project.linker.many

    def _locker(
        self, trace: Trace, step: Step, statement: Statement, model: ModelRef | None, kind: LockerKind, ordered: bool
    ) -> Locker:
        table = self._project.locks.table(model) or ""
        same = model == statement.model
        constants = tuple(self._project.locks.constants(statement).items()) if same else ()
        site = statement.lock.site if statement.lock and statement.lock.site else statement.site
        what = "locks" if kind == "row lock" else f"{statement.kind}s"
        gates = self._project.gates(trace, step, table)
        return Locker(table, trace.function, site, kind, constants, gates, what, ordered)

    def _loop_lockers(self, trace: Trace, step: Step, loop: EnterLoop, body: list[Step]) -> Iterator[Locker]:
        if any(self._ends_each_turn(trace, step, other) for other in body):
            return
        flushed = any(isinstance(s.detail, SessionCall) and s.detail.method == "flush" for s in body)
        seen: set[str] = set()
        for other in body:
            touched = self._touched(other)
            if touched is None or self._locked(trace, other, touched):
                continue
            table = self._project.locks.table(touched.model)
            if table is None or table in seen:
                continue
            seen.add(table)
            by_row = flushed or isinstance(other.detail, (Execute, Merge))
            constants = tuple(self._loaded_constants(trace, touched).items())
            gates = self._project.gates(trace, step, table)
            kind: LockerKind = "loop" if by_row else "flush"
            yield Locker(table, trace.function, loop.site, kind, constants, gates, described(other))

    def _ends_each_turn(self, trace: Trace, loop: Step, step: Step) -> bool:
        inner = step.path[len(loop.path) + 1 :]
        return trace.ends(step, None) and surely_follows(inner, ())

    def _touched(self, step: Step) -> Touched | None:
        """The row that a step in a loop locks, another one at each turn."""
        detail = step.detail
        if isinstance(detail, Write):
            return self._written(detail)
        if isinstance(detail, (Merge, Delete)):
            for part in each(detail.value):
                if isinstance(part, Instance) and varies(part.origin):
                    return Touched(part.model, part)
            return None
        return self._executed(detail) if isinstance(detail, Execute) else None

    def _written(self, write: Write) -> Touched | None:
        for instance in each(write.instance):
            if not isinstance(instance, Instance):
                continue
            column = self._project.linker.names.column(instance.model, write.attribute)
            if column is not None and varies(instance.origin) and not built(instance.origin):
                return Touched(instance.model, instance)
        return None

    def _executed(self, execute: Execute) -> Touched | None:
        statement = execute.statement
        locking = statement.kind in ("update", "delete") or (statement.lock is not None and statement.lock.blocking)
        if not locking or statement.model is None or self._project.locks.access(statement) != "one":
            return None
        return Touched(statement.model, statement.where) if varies(statement.where) else None

    def _locked(self, trace: Trace, step: Step, touched: Touched) -> bool:
        """Whether the rows were locked before, so that touching them waits for nobody: what locked them is the
        locker."""
        sources = operations(touched.origin)
        return any(
            isinstance(other.detail, Execute)
            and other.detail.site in sources
            and other.detail.statement.lock is not None
            for other in trace.steps[: step.number]
        )

    def _loaded_constants(self, trace: Trace, touched: Touched) -> dict[str, frozenset[object]]:
        sources = operations(touched.origin)
        for other in trace.steps:
            detail = other.detail
            if isinstance(detail, Execute) and detail.site in sources and detail.statement.model == touched.model:
                return self._project.locks.constants(detail.statement)
        return {}


@dataclass(frozen=True, slots=True)
class Touched:
    model: ModelRef
    origin: object


def described(step: Step) -> str:
    """What a step does to a row, for a message."""
    detail = step.detail
    if isinstance(detail, Write):
        return f"sets {detail.attribute} of them"
    if isinstance(detail, Execute):
        return "locks them" if detail.statement.kind == "select" else f"{detail.statement.kind}s them"
    return "merges them" if isinstance(detail, Merge) else "deletes them"
