"""The lock-order graph of a project: which tables are locked while others are held, and where that can deadlock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockcheck.linking.footprints import How, Lock
from lockcheck.linking.lockorder import CriticalPair
from lockcheck.linking.modes import Mode
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.linking.project import Project


@dataclass(frozen=True, slots=True)
class Taking:
    """One lock that a transaction takes: rows of `table`, at `site` in `function`, reached from the transaction's entry
    by the calls at `calls`."""

    table: str
    mode: Mode
    many: bool
    blocking: bool
    how: How
    site: Target
    function: str
    calls: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A critical pair: a run of `entry` holds `held` when it takes `taken`."""

    entry: str
    held: Taking
    taken: Taking


@dataclass(frozen=True, slots=True)
class Edge:
    """Rows of table `taken` are locked while rows of table `held` are."""

    held: str
    taken: str
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Cycle:
    """Tables in order; each edge leads to the next, the last to the first, and has just the pairs that close the cycle.
    Only cycles that can deadlock: the modes conflict, both wait, and no common lock comes first."""

    tables: tuple[str, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class LockGraph:
    tables: tuple[str, ...]
    edges: tuple[Edge, ...]
    cycles: tuple[Cycle, ...]


def lock_graph(project: Project) -> LockGraph:
    """The graph of all runs of the project's entry points."""
    edges = _edges(project.critical_pairs)
    tables = sorted({table for edge in edges for table in (edge.held, edge.taken)})
    return LockGraph(tuple(tables), edges, tuple(_cycles(project)))


def _edges(pairs: Iterable[CriticalPair]) -> tuple[Edge, ...]:
    found: dict[tuple[str, str], dict[tuple[Target, Target], Pair]] = defaultdict(dict)
    for pair in pairs:
        sites = (pair.held.taken.site, pair.taken.taken.site)
        made = Pair(pair.entry, _taking(pair.held), _taking(pair.taken))
        found[pair.held.table, pair.taken.table].setdefault(sites, made)
    return tuple(Edge(held, taken, tuple(found[held, taken].values())) for held, taken in sorted(found))


def _taking(lock: Lock) -> Taking:
    step = lock.taken.step
    site = lock.taken.site
    return Taking(lock.table, lock.mode, lock.many, lock.blocking, lock.how, site, step.function, step.calls)


def _cycles(project: Project) -> Iterator[Cycle]:
    """The cycles of two tables, then those of more that hold none of them."""
    short: dict[tuple[str, str], list[CriticalPair]] = defaultdict(list)
    for one, other in project.inversions:
        if one.held.table < one.taken.table:
            short[one.held.table, one.taken.table] += [one, other]
    for tables in sorted(short):
        yield Cycle(tables, _edges(short[tables])[:: 1 if tables[0] < tables[1] else -1])
    for ring in project.rings:
        yield Cycle(tuple(pair.held.table for pair in ring), tuple(edge for pair in ring for edge in _edges([pair])))
