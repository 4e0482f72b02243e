"""Lockers: the places of a project that hold several row locks of a table in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from lockcheck.linking.advisory import is_advisory
from lockcheck.linking.entries import entries
from lockcheck.linking.events import Construct, EnterLoop, Execute, Write
from lockcheck.linking.kinds import before
from lockcheck.linking.modes import Mode
from lockcheck.linking.rowsets import RowSet
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.turns import loops_at
from lockcheck.linking.values import Built
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.linking.project import Project

LockerKind = Literal["row lock", "loop", "flush", "bulk"]


@dataclass(frozen=True, slots=True)
class Locker:
    """One place that holds two or more row locks of a table in one transaction. `rows` are those it can reach, `gates`
    the tables of which it locks a row first, `what` says what it does to the rows, `mode` how it locks
    them."""

    table: str
    function: str
    site: Target
    kind: LockerKind
    rows: RowSet
    gates: frozenset[str]
    what: str
    ordered: bool = False
    mode: Mode = "update"
    assumed: bool = field(default=False, compare=False)
    """Whether the rows are what a parameter holds."""
    scanned: bool = False
    """Whether one statement locks the rows as it finds them."""
    same_way: bool = field(default=False, compare=False)
    """Whether it finds them by the index by which the other side does, so that with one plan they go one way."""
    each: frozenset[str] = frozenset()
    """The tables of which a loop locks a row in each turn before those rows: the gates of a turn's rows."""
    order: tuple[str, ...] = ()
    """The columns by which a statement locks them, where these leave no two rows in doubt."""
    ahead: frozenset[str] = field(default=frozenset(), compare=False)
    """Other tables of which it has locked rows before, perhaps those that these rows belong to."""


class Told(NamedTuple):
    """A locker with those of its fields that it is not compared by, and the loop that locks at once, if it is one."""

    locker: Locker
    assumed: bool
    ahead: frozenset[str]
    loop: Target | None


def told(locker: Locker, loop: Target | None = None) -> Told:
    return Told(locker, locker.assumed, locker.ahead, loop)


# --- all of them ------------------------------------------------------------------------------------------------------


def _found(project: Project, trace: Trace) -> Iterator[Told | Target]:
    if not project.contention.runs_alone(trace.function):
        yield from project.contention.found(trace)


def _all(project: Project) -> tuple[Told | Target, ...]:
    return project.in_runs(_found, holding=(Execute, EnterLoop))


def _told(project: Project) -> tuple[Told, ...]:
    return tuple(found for found in _all(project) if isinstance(found, Told))


def loops(project: Project) -> frozenset[Target]:
    return frozenset(found.loop for found in project.ask(_told) if found.loop is not None)


def batched(project: Project) -> frozenset[Target]:
    return frozenset(found for found in _all(project) if isinstance(found, Target))


def of_table(project: Project, table: str) -> tuple[Told, ...]:
    return project.ask(_by_table).get(table, ())


def _by_table(project: Project) -> Mapping[str, tuple[Told, ...]]:
    """The first locker of each kind at each place, without loops over a parameter that every known caller fills with
    new objects, or with one."""
    known: dict[tuple[str, Target, str], Told] = {}
    for found in project.ask(_told):
        known.setdefault((found.locker.table, found.locker.site, found.locker.kind), found)
    wanted = frozenset(found.locker.site for found in known.values() if found.assumed)
    runs = project.running(entries, EnterLoop) if wanted else ()
    reached = [item for name in runs for item in project.ask(_reached, wanted, name)]
    seen, confirmed = {site for site, _ in reached}, set(reached)
    by_table: dict[str, tuple[Told, ...]] = {}
    for found in known.values():
        site, table = found.locker.site, found.locker.table
        if not (found.assumed and site in seen and (site, table) not in confirmed):
            by_table[table] = (*by_table.get(table, ()), found)
    return by_table


def _reached(project: Project, wanted: frozenset[Target], function: str) -> tuple[tuple[Target, str | None], ...]:
    """Which of these loops a run reaches, and the tables whose rows they lock there."""
    found: dict[tuple[Target, str | None], None] = {}
    trace = project.trace(function)
    for step, loop in loops_at(trace, wanted):
        found[loop.site, None] = None
        for turn in project.contention.turns.of(trace, step):
            found[loop.site, project.locks.table(turn.touched.model) or ""] = None
    return tuple(found)


# --- in one run -------------------------------------------------------------------------------------------------------


def written_rows(project: Project, trace: Trace) -> Iterator[tuple[Step, str]]:
    """The steps of a run that write one row, with its table."""
    for step, detail in trace.of(Execute, Write):
        table = project.contention.written_row(step) or _committed_before(project, trace, step, detail)
        if table is not None:
            yield step, table


def _committed_before(project: Project, trace: Trace, step: Step, detail: Execute | Write) -> str | None:
    """The table of one object that a step changes, which the run has built and committed before."""
    instance = detail.instance if isinstance(detail, Write) else None
    if instance is None or not isinstance(instance.origin, Built):
        return None
    made = (other for other, built in before(trace.of(Construct), step) if built.site == instance.origin.site)
    known = any(trace.ended_between(other, step, None) for other in made)
    return project.locks.table(instance.model) if known else None


def locking(project: Project, trace: Trace) -> Iterator[tuple[Step, frozenset[str]]]:
    """The steps of a run that lock rows, with their tables."""
    found = ((step, project.contention.locked_tables(step)) for step, _ in trace.of(Execute, Write))
    return ((step, tables) for step, tables in found if tables)


def serial(_: Project, trace: Trace) -> Iterator[Step]:
    """The steps of a run that take an advisory lock, or one of a whole table."""
    return (step for step in trace.steps if is_advisory(step.detail))


def _standing(_: Project, trace: Trace) -> Iterator[tuple[str, Target, str, int]]:
    """The functions and places of the steps that may lock, with the run and the step's number."""
    for step, detail in trace.of(Execute, EnterLoop):
        for site in _places(detail):
            yield step.function, site, trace.function, step.number


def _standings(project: Project) -> Mapping[tuple[str, Target], list[tuple[str, int]]]:
    found: dict[tuple[str, Target], list[tuple[str, int]]] = {}
    for function, site, run, number in project.in_runs(_standing, entries, (Execute, EnterLoop)):
        found.setdefault((function, site), []).append((run, number))
    return found


def _standing_at(project: Project, function: str, site: Target) -> tuple[tuple[str, int], ...]:
    return tuple(project.ask(_standings).get((function, site), ()))


def outer_gates(project: Project, function: str, site: Target, table: str) -> frozenset[str]:
    found: frozenset[str] | None = None
    for run, number in project.ask(_standing_at, function, site):
        trace = project.trace(run)
        held = project.contention.gates(trace, trace.steps[number], table)
        found = held if found is None else found & held
    return found or frozenset()


def _places(detail: Execute | EnterLoop) -> set[Target]:
    """Where a locker stands that a step is, or begins."""
    if isinstance(detail, EnterLoop):
        return {detail.site}
    lock = detail.statement.lock
    return {detail.statement.site} if lock is None or lock.site is None else {detail.statement.site, lock.site}
