"""Interleavings in all settings: the sessions that fight over the rows of an experiment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from lockcheck.prove.acts import Side, UnderivableError
from lockcheck.prove.experiment import Experiment
from lockcheck.prove.run import Outcome, Run
from lockcheck.prove.schedules import Schedule, schedules
from lockcheck.prove.script import Script, text_of
from lockcheck.prove.sessions import DEADLOCK_TIMEOUT, UNHURRIED, Failure, Session, Watch
from lockcheck.prove.stage import Stage, enter
from lockcheck.prove.worlds import PLANS, World, worlds

SWITCHES = sorted({name for names in PLANS.values() for name in names})


@dataclass(frozen=True, slots=True)
class Shown:
    """One interleaving in full. `plans` tell how statements on many rows find them, by session and act; `processes` are
    the server's numbers of the sessions; `keys` give rows their numbers, by table."""

    world: World
    schedule: Schedule
    scripts: tuple[Script, Script]
    outcome: Outcome
    plans: Mapping[tuple[int, int], str] = field(default_factory=dict)
    processes: tuple[int, ...] = ()
    keys: Mapping[str, Mapping[tuple[Any, ...], int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """A form of the two sides: how many of its interleavings showed the hazard, one of them (else the first one), and
    other errors that came up, one for each SQLSTATE."""

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


class Laboratory:
    """Runs the forms of an experiment; what it opens is closed when `stack` ends."""

    def __init__(self, engine: sa.Engine, experiment: Experiment, stack: ExitStack) -> None:
        self._experiment = experiment
        self._stage = Stage(engine, experiment, stack)
        self._sessions = [_session(engine, name, stack) for name in ("A", "B", "the third session")]
        self._outside = stack.enter_context(engine.connect().execution_options(isolation_level="AUTOCOMMIT"))
        enter(self._outside)
        self._watch = Watch(self._outside)
        self.version = self._stage.version

    def trial(self, sides: tuple[Side, Side], step: Callable[[], None]) -> Trial:
        """All interleavings of a form of the two sides. Raises `Refused`, `UnderivableError` and `StuckError`."""
        wanted = self._experiment.duel.wanted
        shown: Shown | None = None
        failed = total = 0
        others: dict[str, Failure] = {}
        for world, scripts in self._settings(sides):
            for schedule in schedules(*scripts, self._rows_of(world)):
                step()
                outcome = self._play(world, scripts, schedule)
                total += 1
                hit = outcome.shows(wanted)
                others.update({f.sqlstate: f for f in outcome.failures if f.sqlstate not in wanted})
                if shown is None or (hit and not failed):
                    shown = self._again(Shown(world, schedule, scripts, outcome), hit=hit)
                failed += hit
        if shown is None:
            raise UnderivableError("operations to interleave")
        return Trial(failed, total, shown, tuple(others.values()))

    def _settings(self, sides: tuple[Side, Side]) -> Iterator[tuple[World, tuple[Script, Script]]]:
        for world in worlds(self._experiment.varied):
            scripts = self._experiment.scripts(sides, world)
            self._stage.fill(world)
            for session, plan in zip(self._sessions, world.plans, strict=False):
                session.set({name: "off" if name in PLANS[plan] else "on" for name in SWITCHES})
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
                        raise UnderivableError(
                            f"rows that meet all conditions: {script.entry} {does}, but reaches too few"
                        )
            finally:
                session.end(commit=False)

    def _play(
        self,
        world: World,
        scripts: tuple[Script, Script],
        schedule: Schedule,
        free: Callable[[], tuple[Any, ...]] | None = None,
    ) -> Outcome:
        commit = self._experiment.duel.race
        if commit:
            self._stage.fill(world)
        run = Run(self._sessions, self._watch, scripts, commit=commit, free=free)
        return run.play(schedule, self._stage.gate(world, schedule.gate))

    # --- once more, to look at ---------------------------------------------------------------------------------------

    def _again(self, shown: Shown, *, hit: bool) -> Shown:
        """The same interleaving once more, without haste: which rows are locked whenever somebody has to wait."""
        plans = {} if self._experiment.duel.race else dict(self._plans(shown.scripts))
        for session in self._sessions:
            session.set({"deadlock_timeout": UNHURRIED}, optional=True)
        outcome = self._play(shown.world, shown.scripts, shown.schedule, self._free)
        for session in self._sessions:
            session.set({"deadlock_timeout": DEADLOCK_TIMEOUT}, optional=True)
        same = outcome.shows(self._experiment.duel.wanted) == hit
        processes = tuple(session.pid for session in self._sessions)
        keys = self._experiment.rows(shown.world.turn).keys()
        return replace(shown, outcome=outcome if same else shown.outcome, plans=plans, processes=processes, keys=keys)

    def _free(self) -> tuple[Any, ...]:
        """The keys of the rows that are free while somebody waits."""
        return tuple(tuple(row) for row in self._outside.execute(self._stage.free()))

    def _plans(self, scripts: Sequence[Script]) -> Iterator[tuple[tuple[int, int], str]]:
        """How statements on many rows find them."""
        for number, (session, script) in enumerate(zip(self._sessions, scripts, strict=False)):
            for operation in script.operations:
                if operation.bulk:
                    lines = session.explained(text_of(operation.sql))
                    scans = [self._stage.readable(line) for line in lines if " Scan " in line]
                    yield (number, operation.number), "; ".join(dict.fromkeys(scans))


def _session(engine: sa.Engine, name: str, stack: ExitStack) -> Session:
    session = Session(name, engine.connect())
    stack.callback(session.close)
    enter(session.connection)
    session.set({"deadlock_timeout": DEADLOCK_TIMEOUT}, optional=True)
    return session
