"""The settings in which interleavings are run: rows in another order in the table, other values, other plans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Plan: TypeAlias = Literal["scan", "index"]
"""How a session finds rows: by going through the table, or by an index."""

PLANS: dict[Plan, tuple[str, ...]] = {
    "scan": ("enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan"),
    "index": ("enable_seqscan", "enable_bitmapscan"),
}
"""What each turns off."""


@dataclass(frozen=True, slots=True)
class World:
    """`heap` is the order in which rows were put into the table, by their number in the order of the key; `turn` varies
    the values that are free; `plans` are those of the two sessions; `indexed` tells whether there are other indexes
    than those of keys."""

    heap: tuple[int, ...]
    turn: int
    plans: tuple[Plan, Plan]
    indexed: bool = True


BARE = 1
"""The turn without secondary indexes."""

HEAPS = ((0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1))


def worlds(varied: tuple[bool, bool]) -> Iterator[World]:
    """All that are tried. `varied` tells for each session whether its plan matters, that is, whether one of its
    statements reaches many rows."""
    for turn, heap in enumerate(HEAPS):
        for one in PLANS if varied[0] else ("scan",):
            for other in PLANS if varied[1] else ("scan",):
                yield World(heap, turn, (one, other), turn != BARE)  # type: ignore[arg-type]  # both are keys of PLANS
