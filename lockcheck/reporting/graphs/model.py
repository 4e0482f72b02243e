"""The lock-order graph as it is shown: names, places and source lines, with nothing of the analysis behind them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A construct in a file: line and column from 1, and the lines of its statement, from line `first` on and without
    what indents them all; `cut` where the statement goes on."""

    path: str
    line: int
    column: int
    lines: tuple[str, ...]
    first: int
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock on one row or `many` of a table: in which mode, by what (`how`), and whether it waits for others."""

    table: str
    mode: str
    how: str
    many: bool
    blocking: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path, in `function`: a call of the function `calls`, or a `lock`."""

    place: Place
    function: str
    calls: str | None = None
    lock: Lock | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """How a run of `entry`, a function of `module`, comes to hold one lock and then to take another: the calls that
    lead to each and the two locks, in order. The last step takes the second lock."""

    entry: str
    module: str
    steps: tuple[Step, ...]

    @property
    def held(self) -> Step:
        return next(step for step in self.steps if step.lock is not None)

    @property
    def taken(self) -> Step:
        return self.steps[-1]


@dataclass(frozen=True, slots=True)
class Edge:
    """Rows of table `taken` are locked by transactions that hold rows of table `held`."""

    held: str
    taken: str
    paths: tuple[Path, ...]

    @property
    def ends(self) -> tuple[str, str]:
        return (self.held, self.taken)


@dataclass(frozen=True, slots=True)
class Cycle:
    """Tables in order, each held while the next one is taken, the last while the first is. The edges have the paths
    that close the cycle; their first ones fit together."""

    tables: tuple[str, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """`focus` are the tables that the graph was limited to."""

    tables: tuple[str, ...] = ()
    edges: tuple[Edge, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    focus: tuple[str, ...] = ()

    @property
    def cyclic(self) -> frozenset[tuple[str, str]]:
        """The ends of the edges that close a cycle."""
        return frozenset(edge.ends for cycle in self.cycles for edge in cycle.edges)
