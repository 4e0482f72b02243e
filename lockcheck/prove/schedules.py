"""Interleavings: in which order two sessions send their operations, and where a third one holds a row meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lockcheck.prove.script import Script

MOST = 40
"""How many interleavings of operations are run in one setting."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A third session holds row `row` while `session` sends its operation of number `operation`, and lets go when the
    other session can go no further."""

    session: int
    operation: int
    row: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """`turns` are the sessions, 0 and 1, in the order in which each may send its next operation; what is left is sent
    in the end."""

    turns: tuple[int, ...]
    gate: Gate | None = None


def schedules(one: Script, other: Script, rows: int) -> Iterator[Schedule]:
    """Those of an experiment: every one in which each session is interrupted at most once (a deadlock of two
    transactions needs no more: each takes what the other wants, then wants what the other has), then every row held
    once while a bulk statement is on its way. Of very many, some of each kind are run."""
    lengths = (len(one.operations), len(other.operations))
    found = dict.fromkeys(turns for first in (0, 1) for turns in _merged(first, lengths))
    yield from (Schedule(turns) for turns in list(found)[:: 1 + (len(found) - 1) // MOST])
    for session, script in enumerate((one, other)):
        for number, operation in enumerate(script.operations):
            if operation.bulk:
                turns = (session,) * (number + 1) + (1 - session,) * lengths[1 - session]
                yield from (Schedule(turns, Gate(session, number, row)) for row in range(rows))


def _merged(first: int, lengths: tuple[int, int]) -> Iterator[tuple[int, ...]]:
    """The first session begins, the other goes on, then the first has its rest."""
    for here in range(1, lengths[first] + 1):
        for there in range(1, lengths[1 - first] + 1):
            rest = (first,) * (lengths[first] - here) + (1 - first,) * (lengths[1 - first] - there)
            yield (first,) * here + (1 - first,) * there + rest
