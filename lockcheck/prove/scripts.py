"""From acts to the SQL of two sessions, in a given world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from lockcheck.linking.walks import ARBITRARY
from lockcheck.prove.acts import Act, Side
from lockcheck.prove.demands import MANY, Rows
from lockcheck.prove.render import Renderer, Settled
from lockcheck.prove.script import Line, Operation, Script
from lockcheck.prove.words import does
from lockcheck.prove.worlds import World

OWN = ((3, 1, 2, 0), (1, 3, 0, 2))
"""Orders in which the program of each side may come to its rows, where nothing sorts them."""


@dataclass(frozen=True, slots=True)
class Cast:
    """One side whose conditions are settled."""

    side: Side
    settled: tuple[Settled, ...]


class Writer:
    """Writes the scripts of one experiment."""

    def __init__(
        self, renderer: Renderer, rows: Rows, world: World, *, waits: bool = False, race: bool = False
    ) -> None:
        self._renderer = renderer
        self._rows = rows
        self._world = world
        self._waits = waits
        self._race = race

    def script(self, cast: Cast, session: int) -> Script:
        """What a session sends."""
        operations: list[Operation] = []
        for number, settled in enumerate(cast.settled):
            operations += self._operations(number, settled, session, operations)
        if self._waits and session == 0:
            operations.append(Operation(operations[-1].number, sa.select(sa.literal("A goes on")), pauses=True))
        lines = (self._line(settled, session) for settled in cast.settled)
        return Script(cast.side.entry, tuple(lines), tuple(operations))

    def _operations(self, number: int, settled: Settled, session: int, before: Sequence[Operation]) -> list[Operation]:
        act = settled.act
        table = settled.source.table.name
        count = self._rows.counts[table]
        order = self._order(settled, session)
        if act.reach == "each":
            return [Operation(number, self._renderer.statement(settled, self._rows, [row])) for row in order]
        if act.reach == "many":
            sql = self._renderer.statement(settled, self._rows, order[:1] if act.part else order)
            return [Operation(number, sql, bulk=count > 1 and not act.part, skips=_skips(act))]
        row = self._rows.related(table, act.row)
        inserts = act.statement.kind == "insert" and act.statement.on_conflict is None and not act.upsert
        if inserts and not self._race:
            row = MANY + session  # a row that is not there yet
        instead = self._instead(settled, row) if inserts and before and self._race else None
        return [Operation(number, self._renderer.statement(settled, self._rows, [row]), False, instead, _skips(act))]

    def _line(self, settled: Settled, session: int) -> Line:
        act, table = settled.act, settled.source.table.name
        ordered = act.reach == "each" or (act.reach == "many" and act.statement.kind == "insert")
        order = self._order(settled, session) if ordered else ()
        return Line(
            act.site, act.function, act.calls, table, does(act, table), order, settled.notes, act.looks, act.made_up
        )

    def _order(self, settled: Settled, session: int) -> tuple[int, ...]:
        """In which order an act comes to its rows."""
        count = self._rows.counts[settled.source.table.name]
        return tuple(row for row in self._wanted(settled.act, session) if row < count)

    def _wanted(self, act: Act, session: int) -> tuple[int, ...]:
        if not act.has_own_order or (act.reach == "many" and act.statement.kind != "insert"):
            return tuple(range(MANY))
        if act.order in ARBITRARY:
            return OWN[session]
        return self._world.heap if self._world.plans[session] == "scan" else tuple(range(MANY))

    def _instead(self, settled: Settled, row: int) -> sa.Executable:
        """The UPDATE that merge() makes of a row which it has found."""
        return self._renderer.update(settled, self._rows, row)


def _skips(act: Act) -> bool:
    """Whether an act passes over rows that others hold."""
    lock = act.statement.lock
    return act.statement.kind == "select" and lock is not None and lock.skip_locked
