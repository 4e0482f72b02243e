"""Where the counterpart that a finding names does its locking: a run that nobody calls, and the step in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from lockcheck.linking.events import Execute
from lockcheck.linking.lockers import Locker
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.turns import UPSERTS, loops_at
from lockcheck.prove.acts import Act, UnderivableError
from lockcheck.prove.making import Maker

if TYPE_CHECKING:
    from lockcheck.linking.project import Project


class Found(NamedTuple):
    """What a run does to many rows, and the step at which it begins."""

    trace: Trace
    at: Step
    act: Act


def counterpart(project: Project, locker: Locker) -> Found:
    """The run of a counterpart that is reached by the fewest calls. Raises `UnderivableError`."""
    runs = [found for name in project.starts for found in _in_run(project, name, locker)]
    runs = runs or list(_in_run(project, locker.function, locker))
    if not runs:
        raise UnderivableError(f"no run is known that comes to the other side, in {locker.function}")
    return min(runs, key=lambda found: len(found.at.calls))


def _in_run(project: Project, name: str, locker: Locker) -> Iterator[Found]:
    trace = project.trace(name)
    maker = Maker(project)
    for step in trace.steps:
        if (
            isinstance(step.detail, Execute)
            and _stands_at(step.detail, locker)
            and _is_on(project, step.detail, locker)
        ):
            yield Found(trace, step, maker.executed(step))
            return
    for enters, _ in loops_at(trace, {locker.site}):
        for turn in project.contention.turns.of(trace, enters):
            if project.locks.table(turn.touched.model) == locker.table:
                yield Found(trace, enters, maker.walked(turn))
                return


def _is_on(project: Project, execute: Execute, locker: Locker) -> bool:
    """Whether a statement locks rows of the table: one place may have statements on several."""
    statement = execute.statement
    models = (statement.model, *project.locks.locked_models(statement))
    return locker.table in {project.locks.table(model) for model in models}


def _stands_at(execute: Execute, locker: Locker) -> bool:
    statement = execute.statement
    if locker.kind == "row lock":
        return statement.lock is not None and locker.site in (statement.lock.site, statement.site)
    if locker.kind == "bulk":
        return statement.site == locker.site
    bulk = execute.how == "executemany" or statement.on_conflict in UPSERTS
    return locker.kind == "loop" and statement.site == locker.site and bulk
