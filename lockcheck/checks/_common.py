"""Wording and conditions that several rules share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from lockcheck.hazards import Hazard, mark
from lockcheck.linking.entries import entries
from lockcheck.linking.events import Execute
from lockcheck.linking.lockers import Locker
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace
from lockcheck.plans import Target
from lockcheck.sequences import common

NAMES = {"postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB", "sqlite": "SQLite"}


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One run in which a step happens."""

    trace: Trace
    step: Step


Judge: TypeAlias = Callable[[Project, Target, Occurrence], "Hazard | None"]


def listed(names: Iterable[str], word: str = "and") -> str:
    """`a, b and c`."""
    items = list(names)
    *most, final = items or [""]
    return f"{', '.join(most)} {word} {final}" if most else final


def dialects(names: Iterable[str]) -> str:
    return listed(NAMES[name] for name in names)


def short(function: str) -> str:
    """A function as a message names it."""
    return function.replace(".<locals>", "").rpartition(".")[2]


def file_line(_: Project, target: Target) -> str:
    """`mark_tasks.py:99`, once the message is assembled."""
    return mark(target, named=True)


def place(step: Step, calls: tuple[Target, ...], site: Target) -> tuple[Target, str]:
    """Where `site`, that of a step, stands in the function that the steps with these calls share with it: the site
    itself or the call that leads to it; and in which function that is."""
    depth = common(calls, step.calls)
    if depth == len(step.calls):
        return site, step.function
    return step.calls[depth], step.calls[depth].slice


def stands_at(step: Step) -> Target:
    """Where a lock, a write or a call of a session stands: a row lock at its FOR UPDATE."""
    detail = step.detail
    lock = detail.statement.lock if isinstance(detail, Execute) else None
    return lock.site if lock is not None and lock.site is not None else detail.site  # type: ignore[union-attr,return-value]  # all of these have a place


def one_each(project: Project, judge: Judge) -> Iterator[Hazard]:
    """For every statement executed, the first of its runs that is judged a hazard: in the order of the places where
    they begin."""
    found: dict[Target, Hazard] = {}
    for site, hazard in project.ask(_judged, judge):
        found.setdefault(site, hazard)
    yield from (found[site] for site in sorted(found, key=lambda site: (site.path, site.slice, site.index)))


def _judged(project: Project, judge: Judge) -> tuple[tuple[Target, Hazard], ...]:
    runs = project.running(entries, Execute)
    return tuple(found for name in runs for found in project.ask(_judged_in, judge, name))


def _judged_in(project: Project, judge: Judge, function: str) -> tuple[tuple[Target, Hazard], ...]:
    """What is judged a hazard among the statements that a run executes, by the place where they begin."""
    trace = project.trace(function)
    steps = ((step, execute.statement.site) for step, execute in trace.of(Execute))
    found = ((site, judge(project, site, Occurrence(trace, step))) for step, site in steps)
    return tuple((site, hazard) for site, hazard in found if hazard is not None)


def counterpart_text(project: Project, locker: Locker) -> str:
    """What the other side does, and where."""
    return f"{short(locker.function)} at {file_line(project, locker.site)} {counterpart_does(locker)}"


def counterpart_does(locker: Locker) -> str:
    """What the other side does, as a predicate."""
    if locker.kind == "row lock":
        order = "in another order" if not locker.ordered else "in primary-key order"
        order = "in no particular order" if locker.same_way else order
        return f"locks many of them by SELECT ... FOR UPDATE {order}"
    if locker.kind == "loop":
        return f"{locker.what} one by one in a loop, in that loop's order"
    if locker.kind == "flush":
        return f"{locker.what} one after another, which its flush writes in primary-key order"
    return f"{locker.what} many of them in an order of its own"
