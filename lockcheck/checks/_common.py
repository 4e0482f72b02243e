"""Wording and conditions that several rules share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from lockcheck.hazards import Hazard, mark
from lockcheck.linking.contention import Locker
from lockcheck.linking.events import Execute
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace
from lockcheck.plans import Target

NAMES = {"postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB", "sqlite": "SQLite"}


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One run in which a step happens."""

    trace: Trace
    step: Step


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
    depth = 0
    while depth < min(len(calls), len(step.calls)) and calls[depth] == step.calls[depth]:
        depth += 1
    if depth == len(step.calls):
        return site, step.function
    return step.calls[depth], step.calls[depth].slice


def stands_at(step: Step) -> Target:
    """Where a lock, a write or a call of a session stands: a row lock at its FOR UPDATE."""
    detail = step.detail
    lock = detail.statement.lock if isinstance(detail, Execute) else None
    return lock.site if lock is not None and lock.site is not None else detail.site  # type: ignore[union-attr,return-value]  # all of these have a place


def executions(project: Project) -> Iterator[tuple[Target, list[Occurrence]]]:
    """Every statement executed, by the place where it begins, with the runs it happens in: those of the functions
    that nobody calls."""
    found: dict[Target, list[Occurrence]] = {}
    for function in project.entries:
        trace = project.trace(function)
        for step in trace.steps:
            if isinstance(step.detail, Execute):
                found.setdefault(step.detail.statement.site, []).append(Occurrence(trace, step))
    yield from sorted(found.items(), key=lambda item: (item[0].path, item[0].slice, item[0].index))


def one_each(project: Project, judge: Callable[[Project, Target, Occurrence], Hazard | None]) -> Iterator[Hazard]:
    """For every statement executed, the first of its runs that is judged a hazard."""
    for site, occurrences in executions(project):
        found = (judge(project, site, occurrence) for occurrence in occurrences)
        hazard = next((item for item in found if item is not None), None)
        if hazard is not None:
            yield hazard


def counterpart_text(project: Project, locker: Locker) -> str:
    """What the other side does, and where."""
    return f"{short(locker.function)} at {file_line(project, locker.site)} {counterpart_does(locker)}"


def counterpart_does(locker: Locker) -> str:
    """What the other side does, as a predicate."""
    if locker.kind == "row lock":
        order = "in another order" if not locker.ordered else "in primary-key order"
        return f"locks many of them by SELECT ... FOR UPDATE {order}"
    if locker.kind == "loop":
        return f"{locker.what} one by one in a loop, in that loop's order"
    if locker.kind == "flush":
        return f"{locker.what} one after another, which its flush writes in primary-key order"
    return f"{locker.what} many of them in an order of its own"
