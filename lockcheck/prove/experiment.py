"""An experiment: two sides, their tables and rows, and all interleavings in all settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lockcheck.linking.locks import Locks
from lockcheck.prove.acts import Duel, Side, UnderivableError
from lockcheck.prove.demands import Demands, Rows
from lockcheck.prove.render import Renderer
from lockcheck.prove.run import Outcome, Run
from lockcheck.prove.schedules import Schedule, schedules
from lockcheck.prove.script import Script
from lockcheck.prove.scripts import Cast, Writer
from lockcheck.prove.sessions import DEADLOCK_TIMEOUT, Failure, Session, Watch
from lockcheck.prove.tables import Tables
from lockcheck.prove.worlds import PLANS, World, worlds

SCHEMA = "lockcheck_prove"


@dataclass(frozen=True, slots=True)
class Shown:
    """One interleaving in full."""

    world: World
    schedule: Schedule
    scripts: tuple[Script, Script]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Trial:
    """A form of the two sides: how many of its interleavings showed the hazard, one of them (else the last one), and
    other errors that came up, by SQLSTATE."""

    title: str
    failed: int
    total: int
    shown: Shown
    others: tuple[Failure, ...]


class Refused(Exception):  # noqa: N818 - it is an answer, not a fault
    """The database refuses a statement of a side that runs alone."""

    def __init__(self, failure: Failure, entry: str) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.entry = entry


class Experiment:
    """The tables and rows of a duel, and its two sides as they are."""

    def __init__(self, locks: Locks, tables: Tables, duel: Duel) -> None:
        self.tables = tables
        self.duel = duel
        self._renderer = Renderer(locks, tables)
        one, demands = self._renderer.settle(duel.one.acts, Demands(tables))
        other, self._demands = self._renderer.settle(duel.other.acts, demands)
        self._casts = (Cast(duel.one, tuple(one)), Cast(duel.other, tuple(other)))

    @property
    def varied(self) -> tuple[bool, bool]:
        """Whether the plan of each side matters: as the sides are, so that all forms are run in the same settings."""
        one, other = (any(act.has_own_order for act in side.acts) for side in (self.duel.one, self.duel.other))
        return one, other

    def rows(self, turn: int) -> Rows:
        return Rows(self.tables, self._demands, self.duel.table, turn, single=self.duel.race)

    def scripts(self, sides: tuple[Side, Side], world: World) -> tuple[Script, Script]:
        """The scripts of a form of the two sides, which differs from the first in what fixes do to its acts."""
        writer = Writer(self._renderer, self.rows(world.turn), world)
        casts = [self._cast(cast, side) for cast, side in zip(self._casts, sides, strict=True)]
        return writer.script(casts[0], 0), writer.script(casts[1], 1)

    def _cast(self, cast: Cast, side: Side) -> Cast:
        if len(side.acts) != len(cast.settled):
            return Cast(side, tuple(self._renderer.settle(side.acts, self._demands)[0]))
        pairs = zip(cast.settled, side.acts, strict=True)
        return Cast(side, tuple(self._renderer.changed(settled, act) for settled, act in pairs))


class Laboratory:
    """An experiment's tables in a database, and the sessions that fight in it."""

    def __init__(self, engine: sa.Engine, experiment: Experiment, stack: ExitStack) -> None:
        self._experiment = experiment
        self._tables = experiment.tables
        self._admin = stack.enter_context(engine.connect())
        self._admin.execute(sa.schema.CreateSchema(SCHEMA))
        stack.callback(self._clear)
        self._enter(self._admin)
        self._tables.metadata.create_all(self._admin)
        self._admin.commit()
        self._indexed = True
        self._sessions = [self._session(engine, name, stack) for name in ("A", "B", "the third session")]
        watching = stack.enter_context(engine.connect().execution_options(isolation_level="AUTOCOMMIT"))
        self._watch = Watch(watching)
        self.version = str(self._admin.scalar(sa.text("SHOW server_version"))).split(" ")[0]
        self._admin.rollback()

    def _clear(self) -> None:
        self._admin.rollback()
        self._admin.execute(sa.schema.DropSchema(SCHEMA, cascade=True))
        self._admin.commit()

    def _enter(self, connection: sa.Connection) -> None:
        connection.execute(sa.text(f"SET search_path = {SCHEMA}"))
        connection.commit()

    def _session(self, engine: sa.Engine, name: str, stack: ExitStack) -> Session:
        connection = engine.connect()
        self._enter(connection)
        try:
            connection.execute(sa.text(f"SET deadlock_timeout = '{DEADLOCK_TIMEOUT}'"))
            connection.commit()
        except sa.exc.DBAPIError:  # without the right to do so, deadlocks are told after a second each
            connection.rollback()
        session = Session(name, connection)
        stack.callback(session.close)
        return session

    # --- rows --------------------------------------------------------------------------------------------------------

    def _fill(self, world: World) -> None:
        rows = self._experiment.rows(world.turn)
        self._index(world)
        names = ", ".join(f'"{table.name}"' for table in self._tables.metadata.sorted_tables)
        self._admin.execute(sa.text(f"TRUNCATE {names}"))
        for table in self._tables.metadata.sorted_tables:
            if self._experiment.duel.race and table.name == self._experiment.duel.table:
                continue
            numbers = [number for number in world.heap if number < rows.counts[table.name]]
            for number in numbers:
                self._insert(table, rows.row(table.name, number))
        self._admin.commit()

    def _index(self, world: World) -> None:
        """The secondary indexes, where this world has them: a plan may use any of them, or the keys'."""
        if world.indexed == self._indexed:
            return
        self._indexed = world.indexed
        for table in self._tables.metadata.sorted_tables:
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                index.create(self._admin) if world.indexed else index.drop(self._admin)

    def _insert(self, table: sa.Table, row: dict[str, Any]) -> None:
        try:
            self._admin.execute(sa.insert(table).values(row))
        except sa.exc.IntegrityError as error:
            told = str(error.orig).splitlines()[0]
            raise UnderivableError(f"rows of {table.name} that meet all conditions and keep its keys: {told}") from error

    def _plan(self, world: World) -> None:
        for session, plan in zip(self._sessions, world.plans, strict=False):
            for name in sorted({name for names in PLANS.values() for name in names}):
                value = "off" if name in PLANS[plan] else "on"
                session.connection.execute(sa.text(f"SET {name} = {value}"))
            session.connection.commit()

    # --- running -----------------------------------------------------------------------------------------------------

    def trial(self, title: str, sides: tuple[Side, Side], step: Callable[[], None]) -> Trial:
        """All interleavings of a form of the two sides."""
        duel = self._experiment.duel
        shown: Shown | None = None
        failed = total = 0
        others: dict[str, Failure] = {}
        for world, scripts in self._settings(sides):
            for schedule in schedules(*scripts, self._rows_of(world)):
                step()
                outcome = self._play(world, scripts, schedule)
                total += 1
                hit = outcome.shows(duel.wanted)
                others.update({f.sqlstate: f for f in outcome.failures if f.sqlstate not in duel.wanted})
                if shown is None or (hit and not failed):
                    shown = Shown(world, schedule, scripts, outcome)
                failed += hit
        if shown is None:
            raise UnderivableError("there is nothing to interleave")
        return Trial(title, failed, total, shown, tuple(others.values()))

    def _settings(self, sides: tuple[Side, Side]) -> Iterator[tuple[World, tuple[Script, Script]]]:
        for world in worlds(self._experiment.varied):
            scripts = self._experiment.scripts(sides, world)
            self._fill(world)
            self._plan(world)
            if not self._experiment.duel.race:
                self._rehearse(scripts)
            yield world, scripts

    def _rows_of(self, world: World) -> int:
        return self._experiment.rows(world.turn).counts[self._experiment.duel.table]

    def _rehearse(self, scripts: Sequence[Script]) -> None:
        """Each side alone must reach its rows: else what follows would prove nothing."""
        for session, script in zip(self._sessions, scripts, strict=False):
            try:
                for operation in script.operations:
                    session.send(operation.sql)
                    found = session.result()
                    if isinstance(found, Failure):
                        raise Refused(found, script.entry)
                    if not found or (operation.bulk and len(found) < 2):  # noqa: PLR2004 - many are two or more
                        does = script.lines[operation.number].does
                        raise UnderivableError(f"rows that meet all conditions: {script.entry} {does} reaches too few")
            finally:
                session.end(commit=False)

    def _play(self, world: World, scripts: tuple[Script, Script], schedule: Schedule) -> Outcome:
        commit = self._experiment.duel.race
        if commit:
            self._fill(world)
        run = Run(self._sessions, self._watch, scripts, commit=commit)
        return run.play(schedule, self._gate(world, schedule))

    def _gate(self, world: World, schedule: Schedule) -> sa.Executable | None:
        """What locks the row that the third session holds."""
        if schedule.gate is None:
            return None
        table = self._tables.by_name[self._experiment.duel.table]
        rows = self._experiment.rows(world.turn)
        key: list[Any] = [c == rows.value((table.name, c.name), schedule.gate.row) for c in table.primary_key]
        return sa.select(*table.primary_key).where(*key).with_for_update(skip_locked=True)
