"""The linked project: what rules ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from lockcheck.linking.autoflush import autoflush
from lockcheck.linking.contention import Contention
from lockcheck.linking.cycles import Inversion, Inversions
from lockcheck.linking.entries import entries, functions, starts
from lockcheck.linking.events import Execute
from lockcheck.linking.footprints import Footprints
from lockcheck.linking.kinds import before
from lockcheck.linking.linker import Linker
from lockcheck.linking.lockorder import CriticalPair, critical_pairs
from lockcheck.linking.locks import Locks
from lockcheck.linking.missing import Lookups
from lockcheck.linking.origins import origins
from lockcheck.linking.parents import required
from lockcheck.linking.recall import Recall
from lockcheck.linking.relinking import relink
from lockcheck.linking.retries import Retries
from lockcheck.linking.revisions import serving_revisions
from lockcheck.linking.rowsets import chosen_elsewhere
from lockcheck.linking.spelling import callees
from lockcheck.linking.states import States, Transitions
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import FromOperation, Given, RowLock, SessionRef, Somewhere, Statement
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.declarations.model import FunctionDeclaration
    from lockcheck.facts import ModuleFacts

T = TypeVar("T")
Kinds: TypeAlias = tuple[type, ...]
"""Classes of what a step may be: see `lockcheck.linking.events`; `RowLock` for a statement that asks for row locks."""


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
    """Behaviour of all functions, with what is asked of it remembered. A project that is `renewable` knows what each
    answer rests on, so that a change of some functions leaves the others standing."""

    def __init__(self, linker: Linker, policy: Policy, *, renewable: bool = False) -> None:
        self.linker = linker
        self.policy = policy
        self.locks = Locks(linker.declarations, policy.keys)
        self.contention = Contention(self)
        self.states = States(self)
        self.footprints = Footprints(self)
        self.retries = Retries(self)
        self._recall = Recall(lambda question: question[0](self, *question[1:]), keeping=renewable)
        self._traces: dict[str, Trace] = {}
        self._depths: dict[str, int] = {}
        self._names: tuple[str, ...] | None = None
        if renewable:
            linker.asked = lambda *input_: self._recall.note(input_)

    def renew(self, modules: Sequence[ModuleFacts], bodies: Sequence[FunctionDeclaration] = ()) -> bool:
        """Take other facts for some files, and other declarations for functions of which only the body is another one.
        False where this project is of no use any more, and one has to be linked from the start."""
        inputs = relink(self.linker, modules, bodies)
        if inputs is None:
            return False
        for input_ in inputs:
            if input_[0] == "trace":
                self._traces.pop(input_[1], None)
        names, self._names = self._names, None
        self._recall.change(inputs if names == self.functions else {*inputs, ("names",)})
        return True

    # --- asking ----------------------------------------------------------------------------------------------------

    def ask(self, query: Callable[..., T], *args: Any) -> T:
        """The answer of a function of the project and `args`, remembered; it must be a value that does not change."""
        found: T = self._recall.ask((query, *args))
        return found

    def of_run(self, query: Callable[[Project, Trace], Iterable[T]], function: str) -> tuple[T, ...]:
        """What a query finds in the run of a function, remembered."""
        return self.ask(_of_run, query, function)

    def in_runs(
        self,
        query: Callable[[Project, Trace], Iterable[T]],
        which: Callable[[Project], Iterable[str]] = functions,
        holding: Kinds = (),
    ) -> tuple[T, ...]:
        """What a query finds in the runs of the functions that `which` names: those with a step of one of the kinds
        `holding`, where it finds nothing in others."""
        return self.ask(_in_runs, query, which, holding)

    def running(self, which: Callable[[Project], Iterable[str]], *holding: type) -> tuple[str, ...]:
        """The functions that `which` names whose runs have a step of one of these kinds."""
        return self.ask(_running, which, holding)

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of all functions that were read, in order."""
        self._recall.note(("names",))
        if self._names is None:
            self._names = tuple(sorted(self.linker.functions))
        return self._names

    def trace(self, function: str) -> Trace:
        """A function's own run, called with anything."""
        self._recall.note(("trace", function))
        found = self._traces.get(function)
        if found is None:
            found = self._traces[function] = Trace(self.linker.root(function))
        return found

    def traces(self) -> Iterator[Trace]:
        """Every function's run, in the order of their names."""
        for function in self.functions:
            yield self.trace(function)

    def callees(self, function: str) -> frozenset[str]:
        """The last names of what a function calls."""
        return self.ask(_callees, function)

    def lookups(self, trace: Trace) -> Lookups:
        """What is known to be missing in a run."""
        return self.ask(_lookups, trace.function)

    @property
    def callers(self) -> Mapping[str, frozenset[str]]:
        """Who calls each function."""
        self._recall.note(("callers",))
        return self.linker.callers

    def callers_of(self, function: str) -> frozenset[str]:
        """The functions that call one."""
        self._recall.note(("callers", function))
        return self.linker.callers.get(function, frozenset())

    @property
    def entries(self) -> tuple[str, ...]:
        return self.ask(entries)

    @property
    def starts(self) -> tuple[str, ...]:
        return self.ask(starts)

    @property
    def critical_pairs(self) -> tuple[CriticalPair, ...]:
        return self.ask(_critical_pairs)

    @property
    def inversions(self) -> tuple[Inversion, ...]:
        return self.ask(_inversions)

    @property
    def rings(self) -> tuple[tuple[CriticalPair, ...], ...]:
        return self.ask(_rings)

    @cached_property
    def serving_revisions(self) -> frozenset[str]:
        """The modules that revisions alone import."""
        return serving_revisions(self.linker.declarations)

    @property
    def autoflush(self) -> bool:
        return self.ask(autoflush)

    def depth(self, table: str) -> int:
        """How many foreign keys lead from a table, one behind the other: a flush writes parents first."""
        if table not in self._depths:
            self._depths[table] = 0  # also what a cycle of foreign keys comes back to
            self._depths[table] = max((self.depth(parent) + 1 for parent in self.parents(table)), default=0)
        return self._depths[table]

    # --- locks held ------------------------------------------------------------------------------------------------

    def held(self, trace: Trace, step: Step, table: str, session: SessionRef | None) -> Iterator[tuple[Step, Execute]]:
        """The row locks of a table that earlier statements of the same transaction took, SKIP LOCKED and NOWAIT
        included. Sessions of which nothing is known count as one, until any session's transaction ends."""
        unknown = session is not None and session.origin == Somewhere()
        for other, detail in before(trace.locking, step):
            if session is not None and detail.session is not None and detail.session.origin != session.origin:
                continue
            tables = {self.locks.table(model) for model in self.locks.locked_models(detail.statement)}
            ended = trace.ended_between(other, step, None if unknown else session)
            if table in tables and trace.reaches(other, step) and not ended:
                yield other, detail

    def locked_before(self, trace: Trace, step: Step, statement: Statement) -> list[Execute]:
        """The earlier row locks of the transaction that hold the rows which a statement reaches: the same rows by key
        or condition, or all the operations that its keys were taken from. Keys that cannot be followed, or stand in
        another table, count as taken from a lock of the same function."""
        table = self.locks.table(statement.model)
        session = step.detail.session if isinstance(step.detail, Execute) else None
        held = [execute for _, execute in self.held(trace, step, table, session)] if table else []
        same = [execute for execute in held if self._covers(execute, statement)]
        locked = {execute.site for execute in held}
        found = list(origins(self.locks.listed_key(statement) or self.locks.key_conditions(statement)))
        sources = {o.site for o in found if isinstance(o, FromOperation) and self._selects(trace, step, o.site, table)}
        if sources <= locked and not any(isinstance(origin, Given) for origin in found if sources):
            unknown = not sources and any(isinstance(origin, Somewhere) for origin in found)
            unknown = unknown or (not found and chosen_elsewhere(statement))
            here = statement.site.slice
            keyed = (ex for ex in held if ex.site in sources or (unknown and ex.site.slice == here))
            same += [ex for ex in keyed if ex not in same]
        return same

    def _covers(self, lock: Execute, statement: Statement) -> bool:
        """Whether a row lock holds what a statement reaches: the same rows, or all rows of the table."""
        taken = lock.statement
        whole = not taken.where and not taken.limited and taken.readable and taken.model == statement.model
        return whole or self.locks.same_rows(taken, statement)

    def _selects(self, trace: Trace, step: Step, site: Target, table: str | None) -> bool:
        """Whether an earlier operation at `site` returned rows of a table."""
        first = next(iter(before(trace.executions.get(site, ()), step)), None)
        models = self.locks.from_models(first[1].statement)[:1] if first is not None else ()
        return any(self.locks.table(model) == table for model in models)

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


# --- questions ------------------------------------------------------------------------------------------------------


def _in_runs(
    project: Project,
    query: Callable[[Project, Trace], Iterable[T]],
    which: Callable[[Project], Iterable[str]],
    holding: Kinds,
) -> tuple[T, ...]:
    names = project.running(which, *holding) if holding else project.ask(which)
    return tuple(found for function in names for found in project.of_run(query, function))


def _running(project: Project, which: Callable[[Project], Iterable[str]], holding: Kinds) -> tuple[str, ...]:
    known = project.ask(_holders)
    found = frozenset(name for kind in holding for name in known.get(kind, ()))
    return tuple(name for name in project.ask(which) if name in found)


def _holders(project: Project) -> Mapping[type, list[str]]:
    """The functions whose runs have a step of a kind, by that."""
    found: dict[type, list[str]] = {}
    for name in project.functions:
        for kind in project.ask(_kinds, name):
            found.setdefault(kind, []).append(name)
    return found


def _kinds(project: Project, function: str) -> frozenset[type]:
    """What a run has steps of; `RowLock` stands for statements with one."""
    trace = project.trace(function)
    return trace.of.known | {RowLock} if trace.locking else trace.of.known


def _of_run(project: Project, query: Callable[[Project, Trace], Iterable[T]], function: str) -> tuple[T, ...]:
    return tuple(query(project, project.trace(function)))


def _callees(project: Project, function: str) -> frozenset[str]:
    return callees(project.linker.functions[function].facts.values)


def _lookups(project: Project, function: str) -> Lookups:
    return Lookups(project.trace(function))


def _critical_pairs(project: Project) -> tuple[CriticalPair, ...]:
    return tuple(critical_pairs(project))


def _inversions(project: Project) -> tuple[Inversion, ...]:
    return tuple(Inversions(project, project.critical_pairs).all())


def _rings(project: Project) -> tuple[tuple[CriticalPair, ...], ...]:
    return tuple(Inversions(project, project.critical_pairs).rings())
