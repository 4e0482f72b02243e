"""An experiment: two sides, and the tables and rows they fight over."""

from __future__ import annotations

from lockcheck.linking.locks import Locks
from lockcheck.prove.acts import Duel, Side
from lockcheck.prove.demands import Demands, Rows
from lockcheck.prove.render import Renderer
from lockcheck.prove.script import Script
from lockcheck.prove.scripts import Cast, Writer
from lockcheck.prove.tables import Tables
from lockcheck.prove.worlds import World


class Experiment:
    """The tables and rows of a duel, and its two sides as they are."""

    def __init__(self, locks: Locks, tables: Tables, duel: Duel) -> None:
        self.tables = tables
        self.duel = duel
        self._renderer = Renderer(locks, tables)
        (one, other), self._demands = self._renderer.settle((duel.one.acts, duel.other.acts), Demands(tables))
        self._casts = (Cast(duel.one, tuple(one)), Cast(duel.other, tuple(other)))

    @property
    def varied(self) -> tuple[bool, bool]:
        """Whether the plan of each side matters: as the sides are, so that all forms are run in the same settings."""
        one, other = (any(act.is_planned for act in side.acts) for side in (self.duel.one, self.duel.other))
        return one, other

    @property
    def apart(self) -> tuple[str, ...]:
        """The columns on which the two sides ask for different values."""
        return tuple(f"{table}.{column}" for table, column in self._demands.apart)

    def rows(self, turn: int) -> Rows:
        return Rows(self.tables, self._demands, self.duel.table, turn, single=self.duel.race)

    def scripts(self, sides: tuple[Side, Side], world: World) -> tuple[Script, Script]:
        """The scripts of a form of the two sides, which differs from the first in what fixes do to its acts."""
        writer = Writer(self._renderer, self.rows(world.turn), world, waits=self.duel.waits, race=self.duel.race)
        casts = [self._cast(cast, side) for cast, side in zip(self._casts, sides, strict=True)]
        return writer.script(casts[0], 0), writer.script(casts[1], 1)

    def _cast(self, cast: Cast, side: Side) -> Cast:
        if len(side.acts) != len(cast.settled):
            return Cast(side, tuple(self._renderer.settle((side.acts,), self._demands)[0][0]))
        pairs = zip(cast.settled, side.acts, strict=True)
        return Cast(side, tuple(self._renderer.changed(settled, act) for settled, act in pairs))
