"""Interleavings in all settings: the sessions that fight over the rows of an experiment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from lockcheck.prove.acts import Side, UnderivableError
from lockcheck.prove.experiment import Experiment
from lockcheck.prove.holders import held
from lockcheck.prove.run import Held, Outcome, Run
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
    """A form of the two sides: how many of its interleavings failed in the way that is looked for, and `between` how
    many of these between the two acts that the finding is about; one of them (else the first one), and other errors
    that came up, one for each SQLSTATE."""

    failed: int
    between: int
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
        best = failed = between = total = 0
        others: dict[str, Failure] = {}
        for world, scripts in self._settings(sides):
            for schedule in schedules(*scripts, self._rows_of(world)):
                step()
                outcome = self._play(world, scripts, schedule)
                total += 1
                others.update({f.sqlstate: f for f in outcome.failures if f.sqlstate not in wanted})
                rank = self._rank(outcome)
                if shown is None or rank > best:
                    best, shown = rank, self._again(Shown(world, schedule, scripts, outcome), rank)
                failed += rank > 0
                between += rank > 1
        if shown is None:
            raise UnderivableError("operations to interleave")
        return Trial(failed, between, total, shown, tuple(others.values()))

    def _rank(self, outcome: Outcome) -> int:
        """0 where an interleaving does not fail, 1 where it fails, 2 where it fails as the finding says."""
        duel = self._experiment.duel
        if not outcome.shows(duel.wanted):
            return 0
        return 2 if duel.race or duel.waits or outcome.shows_at(duel.wanted, duel.last) else 1

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
        holders: Callable[[], tuple[Held, ...]] | None = None,
    ) -> Outcome:
        commit = self._experiment.duel.race
        if commit:
            self._stage.fill(world)
        run = Run(self._sessions, self._watch, scripts, commit=commit, holders=holders)
        return run.play(schedule, self._stage.gate(world, schedule.gate))

    # --- once more, to look at ---------------------------------------------------------------------------------------

    def _again(self, shown: Shown, rank: int) -> Shown:
        """The same interleaving once more, without haste: who holds which rows whenever somebody has to wait."""
        plans = {} if self._experiment.duel.race else dict(self._plans(shown.scripts))
        for session in self._sessions:
            session.set({"deadlock_timeout": UNHURRIED}, optional=True)
        outcome = self._play(shown.world, shown.scripts, shown.schedule, self._holders)
        for session in self._sessions:
            session.set({"deadlock_timeout": DEADLOCK_TIMEOUT}, optional=True)
        same = self._rank(outcome) == rank
        processes = tuple(session.pid for session in self._sessions)
        keys = self._experiment.rows(shown.world.turn).keys()
        return replace(shown, outcome=outcome if same else shown.outcome, plans=plans, processes=processes, keys=keys)

    def _holders(self) -> tuple[Held, ...]:
        return tuple(held(self._outside, self._experiment.tables, [session.pid for session in self._sessions]))

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
