"""Which critical pairs close a cycle. Every necessary condition of a deadlock must hold, as in Naik, Park, Sen,
"Effective Static Deadlock Detection", ICSE 2009."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from lockcheck.linking.lockorder import CriticalPair
from lockcheck.linking.modes import conflict
from lockcheck.linking.rowsets import meet

if TYPE_CHECKING:
    from lockcheck.linking.footprints import Lock
    from lockcheck.linking.project import Project


SHORTEST, LONGEST = 2, 4
"""Cycles of more than two and up to four tables are looked for; longer ones are beyond what a reader follows."""


class Inversion(NamedTuple):
    """Two transactions that take rows of two tables in opposite orders: each holds what the other one takes."""

    one: CriticalPair
    other: CriticalPair


class Inversions:
    """The inversions of a project, by the tables that the first of the two holds and takes."""

    def __init__(self, project: Project, pairs: tuple[CriticalPair, ...]) -> None:
        self._project = project
        self._pairs: Mapping[tuple[str, str], list[CriticalPair]] = defaultdict(list)
        for pair in pairs:
            self._pairs[pair.held.table, pair.taken.table].append(pair)

    def all(self) -> Iterator[Inversion]:
        for (held, taken), pairs in sorted(self._pairs.items()):
            others = self._pairs.get((taken, held), ())
            for one in pairs:
                yield from (Inversion(one, other) for other in others if self._deadlock(one, other))

    def rings(self) -> Iterator[tuple[CriticalPair, ...]]:
        """Cycles of three or four tables, each shown by one pair for a step, that hold no inversion of two."""
        pairs = {tables for tables in self._pairs if not self._inverted(tables)}
        for first, second in sorted(pairs):
            yield from self._closed((first, second), pairs)

    def _closed(self, path: tuple[str, ...], pairs: set[tuple[str, str]]) -> Iterator[tuple[CriticalPair, ...]]:
        """The cycles that begin with these tables, the least of which comes first."""
        if (path[-1], path[0]) in pairs and len(path) > SHORTEST:
            ring = self._ring((), (*path, path[0]))
            if ring is not None:
                yield ring
                return
        if len(path) < LONGEST:
            for held, taken in sorted(pairs):
                if held == path[-1] and taken > path[0] and taken not in path:
                    yield from self._closed((*path, taken), pairs)

    def _ring(self, found: tuple[CriticalPair, ...], tables: tuple[str, ...]) -> tuple[CriticalPair, ...] | None:
        """A pair for each step between tables, such that each transaction waits for the next."""
        number = len(found)
        if number == len(tables) - 1:
            return found if self._waits(found[-1].taken, found[0].held) else None
        for pair in self._pairs[tables[number], tables[number + 1]]:
            fits = not found or self._waits(found[-1].taken, pair.held)
            if fits and not any(self._gated(pair, other) for other in found) and self._related(pair):
                ring = self._ring((*found, pair), tables)
                if ring is not None:
                    return ring
        return None

    def _related(self, pair: CriticalPair) -> bool:
        return self._same_parent(pair.held.table, pair.taken.table)

    def _inverted(self, tables: tuple[str, str]) -> bool:
        others = self._pairs.get((tables[1], tables[0]), ())
        return any(self._deadlock(one, other) for one in self._pairs[tables] for other in others)

    def _deadlock(self, one: CriticalPair, other: CriticalPair) -> bool:
        return (
            self._waits(one.taken, other.held)
            and self._waits(other.taken, one.held)
            and self._related(one)
            and not self._gated(one, other)
        )

    def _waits(self, taken: Lock, held: Lock) -> bool:
        """Whether taking a lock waits for one that is held, on rows that both can reach."""
        return taken.blocking and conflict(taken.mode, held.mode) and meet(taken.rows, held.rows)

    def _same_parent(self, one: str, other: str) -> bool:
        """Whether rows of two tables belong together, so that transactions which meet in one meet in the other: one
        points at the other, or each row of both belongs to a row of a third."""
        ours, theirs = self._project.parents(one), self._project.parents(other)
        return one in theirs or other in ours or bool(self._project.owners(one) & self._project.owners(other))

    def _gated(self, one: CriticalPair, other: CriticalPair) -> bool:
        """Whether both lock a common row first, one that the rows of the cycle belong to, or take an advisory lock."""
        if one.serial and other.serial:
            return True
        tables = {one.held.table, one.taken.table}
        owners = frozenset().union(*(self._project.parents(table) for table in tables)) | tables
        return any(
            gate.table == theirs.table and gate.table in owners and conflict(gate.mode, theirs.mode)
            for gate in one.gates
            for theirs in other.gates
        )
