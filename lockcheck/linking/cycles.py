"""Which critical pairs close a cycle: all conditions of a deadlock must hold (Naik, Park, Sen, "Effective Static Deadlock
Detection", ICSE 2009: report only where every necessary condition does)."""

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

    def _deadlock(self, one: CriticalPair, other: CriticalPair) -> bool:
        return (
            self._waits(one.taken, other.held)
            and self._waits(other.taken, one.held)
            and self._same_parent(one.held.table, one.taken.table)
            and not self._gated(one, other)
        )

    def _waits(self, taken: Lock, held: Lock) -> bool:
        """Whether taking a lock waits for one that is held, on rows that both can reach."""
        return taken.blocking and conflict(taken.mode, held.mode) and meet(taken.rows, held.rows)

    def _same_parent(self, one: str, other: str) -> bool:
        """Whether rows of two tables belong together, so that transactions which meet in one meet in the other: one
        points at the other, or both at a third."""
        ours, theirs = self._project.parents(one), self._project.parents(other)
        return one in theirs or other in ours or bool(ours & theirs)

    def _gated(self, one: CriticalPair, other: CriticalPair) -> bool:
        """Whether both lock a common row first: one that the rows of the cycle belong to."""
        tables = {one.held.table, one.taken.table}
        owners = frozenset().union(*(self._project.parents(table) for table in tables)) | tables
        return any(
            gate.table == theirs.table and gate.table in owners and conflict(gate.mode, theirs.mode)
            for gate in one.gates
            for theirs in other.gates
        )
