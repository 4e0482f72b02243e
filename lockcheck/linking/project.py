"""The linked project: what rules ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lockcheck.linking.autoflush import autoflush
from lockcheck.linking.contention import Contention
from lockcheck.linking.cycles import Inversion, Inversions
from lockcheck.linking.events import Execute
from lockcheck.linking.footprints import Footprints
from lockcheck.linking.linker import Linker
from lockcheck.linking.lockorder import CriticalPair, critical_pairs
from lockcheck.linking.locks import Locks
from lockcheck.linking.origins import origins
from lockcheck.linking.parents import required
from lockcheck.linking.retries import Retries
from lockcheck.linking.revisions import serving_revisions
from lockcheck.linking.states import States, Transitions
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import FromOperation, Given, SessionRef, Somewhere, Statement
from lockcheck.plans import Target


@dataclass(frozen=True, slots=True)
class Policy:
    """What settings say about the database: see `lockcheck.settings.Settings`, whose words these are.

    `keys` are unique keys by table, as column names; `states` the state column and transitions by table.
    """

    dialects: tuple[str, ...] = ()
    contended: frozenset[str] = frozenset()
    not_contended: frozenset[str] = frozenset()
    keys: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    states: dict[str, Transitions] = field(default_factory=dict)
    ordered_form: str = "subselect"
    ordered_helper: str | None = None
    upsert_import: str | None = None
    upsert_call: str | None = None
    retryable_exception: str | None = None

    @property
    def databases(self) -> tuple[str, ...]:
        """The dialects that a fix is judged for: all four where none are named."""
        return self.dialects or ("postgresql", "mysql", "mariadb", "sqlite")


class Project:
    """Behaviour of all functions, with what is asked of it remembered."""

    def __init__(self, linker: Linker, policy: Policy) -> None:
        self.linker = linker
        self.policy = policy
        self.locks = Locks(linker.declarations, policy.keys)
        self._traces: dict[str, Trace] = {}
        self._depths: dict[str, int] = {}

    def trace(self, function: str) -> Trace:
        """A function's own run, called with anything."""
        found = self._traces.get(function)
        if found is None:
            found = self._traces[function] = Trace(self.linker.root(function))
        return found

    def traces(self) -> Iterator[Trace]:
        """Every function's run, in the order of their names."""
        for function in sorted(self.linker.functions):
            yield self.trace(function)

    @cached_property
    def callers(self) -> Mapping[str, set[str]]:
        """Who calls each function: known when all have been evaluated."""
        for function in sorted(self.linker.functions):
            self.linker.root(function)
        return self.linker.callers

    @cached_property
    def entries(self) -> tuple[str, ...]:
        """Functions that no other resolved function calls: each starts a run of its own. Of functions that call each
        other in a circle which nothing leads into, the first one starts it."""
        return self._first(frozenset())

    @cached_property
    def starts(self) -> tuple[str, ...]:
        """The entries of the running program: what only tests or revisions call starts a run, too."""
        return self._first(frozenset(name for name in self.linker.functions if self.contention.runs_alone(name)))

    def _first(self, left_out: frozenset[str]) -> tuple[str, ...]:
        names = sorted(self.linker.functions.keys() - left_out)
        callers = {name: self.callers.get(name, set()) - {name} - left_out for name in names}
        found = [name for name in names if not callers[name]]
        reached = self._reached(found, callers)
        for name in names:
            if name not in reached:
                found.append(name)
                reached |= self._reached([name], callers)
        return tuple(sorted(found))

    def _reached(self, names: list[str], callers: Mapping[str, set[str]]) -> set[str]:
        """The functions that are called from these, directly or not, and these."""
        callees: dict[str, list[str]] = {}
        for name, known in callers.items():
            for caller in known:
                callees.setdefault(caller, []).append(name)
        reached: set[str] = set()
        rest = list(names)
        while rest:
            name = rest.pop()
            if name not in reached:
                reached.add(name)
                rest.extend(callees.get(name, ()))
        return reached

    @cached_property
    def contention(self) -> Contention:
        return Contention(self)

    @cached_property
    def states(self) -> States:
        return States(self)

    @cached_property
    def footprints(self) -> Footprints:
        return Footprints(self)

    @cached_property
    def retries(self) -> Retries:
        return Retries(self.linker)

    @cached_property
    def critical_pairs(self) -> tuple[CriticalPair, ...]:
        return tuple(critical_pairs(self))

    @cached_property
    def _cycles(self) -> Inversions:
        return Inversions(self, self.critical_pairs)

    @cached_property
    def inversions(self) -> tuple[Inversion, ...]:
        return tuple(self._cycles.all())

    @cached_property
    def rings(self) -> tuple[tuple[CriticalPair, ...], ...]:
        return tuple(self._cycles.rings())

    @cached_property
    def serving_revisions(self) -> frozenset[str]:
        """The modules that revisions alone import."""
        return serving_revisions(self.linker.declarations)

    @cached_property
    def autoflush(self) -> bool:
        return autoflush(self.linker)

    def depth(self, table: str) -> int:
        """How many foreign keys lead from a table, one behind the other: a flush writes parents first."""
        if table not in self._depths:
            self._depths[table] = 0  # also what a cycle of foreign keys comes back to
            self._depths[table] = max((self.depth(parent) + 1 for parent in self.parents(table)), default=0)
        return self._depths[table]

    # --- locks held ------------------------------------------------------------------------------------------------

    def held(self, trace: Trace, step: Step, table: str, session: SessionRef | None) -> Iterator[tuple[Step, Execute]]:
        """The row locks of a table that earlier statements of the same transaction took, SKIP LOCKED and NOWAIT
        included."""
        for other, detail in trace.locking:
            if other.number >= step.number:
                break
            if session is not None and detail.session is not None and not same_session(detail.session, session):
                continue
            tables = {self.locks.table(model) for model in self.locks.locked_models(detail.statement)}
            if table in tables and trace.reaches(other, step) and not trace.ended_between(other, step, session):
                yield other, detail

    def locked_before(self, trace: Trace, step: Step, statement: Statement) -> list[Execute]:
        """The earlier row locks of the transaction that hold the rows which a statement reaches: the same rows by key
        or condition, or all the operations that its keys were taken from. Keys that cannot be followed count as taken
        from a lock of the same function."""
        table = self.locks.table(statement.model)
        session = step.detail.session if isinstance(step.detail, Execute) else None
        held = [execute for _, execute in self.held(trace, step, table, session)] if table else []
        same = [execute for execute in held if self.locks.same_rows(execute.statement, statement)]
        locked = {execute.site for execute in held}
        found = list(origins(self.locks.listed_key(statement) or self.locks.key_conditions(statement)))
        sources = {o.site for o in found if isinstance(o, FromOperation) and self._selects(trace, step, o.site, table)}
        if sources <= locked and not any(isinstance(origin, Given) for origin in found if sources):
            unknown = not sources and any(isinstance(origin, Somewhere) for origin in found)
            here = statement.site.slice
            same += [ex for ex in held if ex.site in sources or (unknown and ex.site.slice == here)]
        return same

    def _selects(self, trace: Trace, step: Step, site: Target, table: str | None) -> bool:
        """Whether an earlier operation at `site` returned rows of a table."""
        for other in trace.steps[: step.number]:
            if isinstance(other.detail, Execute) and other.detail.site == site:
                models = self.locks.from_models(other.detail.statement)[:1]
                return any(self.locks.table(model) == table for model in models)
        return False

    def gates(self, trace: Trace, step: Step, table: str) -> frozenset[str]:
        """Parent tables of `table` of which the transaction has locked one row, or rows in key order, before."""
        found = set()
        for parent in self.parents(table):
            for _, execute in self.held(trace, step, parent, None):
                lock = execute.statement.lock
                orderly = self.locks.one_row(execute.statement) or self.locks.by_key(execute.statement)
                if lock is not None and not lock.read and orderly:
                    found.add(parent)
        return frozenset(found)

    def parents(self, table: str) -> frozenset[str]:
        """The other tables that its foreign keys point at."""
        mapped = self.linker.declarations.tables.get(table, ())
        return frozenset(key.target_table for cls in mapped for key in cls.foreign_keys) - {table}

    def owners(self, table: str) -> frozenset[str]:
        """The other tables that a foreign key of each of its rows points at."""
        mapped = self.linker.declarations.tables.get(table, ())
        return frozenset(key.target_table for cls in mapped for key in required(cls)) - {table}
