"""Loops that lock rows one by one in an order that two transactions do not share (LCK204, LCK303)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lockcheck.linking.contention import Locker
from lockcheck.linking.events import Arm, EnterLoop, Execute
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.turns import Turn
from lockcheck.linking.walks import UNSORTED, Order, order
from lockcheck.plans import Target


class Walking(NamedTuple):
    """An unsorted loop in one run. `locker` is the loop as others meet it, `others` whom it can deadlock with."""

    trace: Trace
    turn: Turn
    order: Order
    locker: Locker
    others: list[Locker]


def walkings(project: Project) -> Iterator[Walking]:
    """The unsorted loops that lock rows of a contended table, each in the first run that shows it."""
    seen: set[tuple[Target, str]] = set()
    for function in project.entries:
        if project.contention.runs_alone(function):
            continue
        for trace, turn, locker in project.contention.walkings(function):
            key = (turn.loop.site, locker.table)
            if key in seen or locker.table in project.policy.not_contended:
                continue
            found = _walking(project, trace, turn, locker)
            if found is not None:
                seen.add(key)
                yield found


def _walking(project: Project, trace: Trace, turn: Turn, locker: Locker) -> Walking | None:
    how = order(turn.loop.iterable)
    if how not in UNSORTED or _inner_unsorted(trace, turn) or _held(project, trace, turn, locker.table):
        return None
    others = project.contention.met_by(locker, turn.touched.model)
    return Walking(trace, turn, how, locker, others) if others else None


def _inner_unsorted(trace: Trace, turn: Turn) -> bool:
    """Whether a loop inside this one, itself unsorted, decides the order first."""
    depth = len(turn.enters.path) + 1
    for step in trace.steps[turn.enters.number + 1 : turn.step.number]:
        if isinstance(step.detail, EnterLoop) and len(step.path) >= depth:
            body = (*step.path, Arm("loop", step.detail.fork, "body"))
            if turn.step.path[: len(body)] == body and order(step.detail.iterable) in UNSORTED:
                return True
    return False


def _held(project: Project, trace: Trace, turn: Turn, table: str) -> bool:
    """Whether the transaction has locked several rows of the table before the loop: they may be those it walks."""
    session = getattr(turn.step.detail, "session", None)
    held = project.held(trace, turn.enters, table, session)
    return any(project.locks.access(execute.statement) != "one" for _, execute in held)


def locks_at(step: Step) -> Target:
    """The construct of a turn that locks."""
    detail = step.detail
    return detail.statement.site if isinstance(detail, Execute) else detail.site  # type: ignore[union-attr]
