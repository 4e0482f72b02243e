"""The lock-order graph of a project: which tables are locked while which others are held, and where that can deadlock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from lockcheck.linking.footprints import How, Lock
from lockcheck.linking.lockorder import CriticalPair, critical_pairs
from lockcheck.linking.modes import Mode, conflict
from lockcheck.linking.rowsets import meet
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
