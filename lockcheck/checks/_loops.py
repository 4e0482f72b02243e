"""Loops that lock rows one by one in an order that two transactions do not share (LCK204, LCK303)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from lockcheck.checks._common import counterpart_does, counterpart_text, short
from lockcheck.hazards import Where
from lockcheck.linking.entries import starts
from lockcheck.linking.events import Arm, EnterLoop
from lockcheck.linking.kinds import after, before
from lockcheck.linking.lockers import Locker
from lockcheck.linking.lockloops import LockLoops, Walking
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.turns import Turn
from lockcheck.linking.values import ModelRef
from lockcheck.linking.walks import ARBITRARY, UNSORTED, Order, is_batched, order
from lockcheck.plans import Target

ORDERS = {
    "rows": "in the order in which a SELECT without ORDER BY returned them",
    "given": "in the order in which the caller gives them",
    "mapping": "in the order of a mapping",
    "set": "in the order of a set",
}


Runs: TypeAlias = Callable[[LockLoops, str], Iterable[Walking]]
"""Which loops are looked at, in the run of a function."""


class Unsorted(NamedTuple):
    """Rows locked one by one in an order of their own, and whom that can deadlock with."""

    order: Order
    locker: Locker
    others: tuple[Locker, ...]
    surely: bool

    @property
    def counterpart(self) -> Locker:
        return self.others[0]

    @property
    def alone(self) -> bool:
        """Whether only another run of the same code is known to meet it."""
        return self.counterpart == self.locker

    @property
    def preview(self) -> bool:
        """Rows as a SELECT returned them come in the order of its plan, which the other side may share."""
        return not (self.surely and self.order in ARBITRARY)


def walkings(project: Project, runs: Runs) -> Iterator[tuple[Walking, Unsorted]]:
    """The unsorted loops that lock rows of a contended table, each in the first run that shows it."""
    seen: set[tuple[Target, str]] = set()
    for walking, found in project.ask(_all_walkings, runs):
        key = (walking.turn.loop.site, walking.locker.table)
        if key not in seen:
            seen.add(key)
            yield walking, found


def _all_walkings(project: Project, runs: Runs) -> tuple[tuple[Walking, Unsorted], ...]:
    names = project.running(starts, EnterLoop)
    return tuple(found for name in names for found in project.ask(_walkings_in, runs, name))


def _walkings_in(project: Project, runs: Runs, function: str) -> tuple[tuple[Walking, Unsorted], ...]:
    found = ((walking, _unsorted(project, walking)) for walking in runs(LockLoops(project), function))
    return tuple((walking, unsorted) for walking, unsorted in found if unsorted is not None)


def _unsorted(project: Project, walking: Walking) -> Unsorted | None:
    trace, turn, locker = walking
    how = order(turn.loop.iterable)
    if how == "unknown" and is_batched(turn.loop.iterable):
        how = _own_order(project, turn)
    if how not in UNSORTED or _inner_unsorted(trace, turn):
        return None
    inside = _loops_inside(trace, turn)
    met = meeting(project, trace, turn.enters, locker, turn.touched.model)
    others = tuple(other for other in met if other == locker or other.site not in inside)
    return Unsorted(how, locker, others, turn.surely) if others else None


def _own_order(project: Project, turn: Turn) -> Order:
    """The order of a loop as its own function knows it."""
    own = (loop for step, loop in project.trace(turn.enters.function).of(EnterLoop) if step.is_local)
    return next((order(loop.iterable) for loop in own if loop.site == turn.loop.site), "unknown")


def meeting(project: Project, trace: Trace, step: Step, locker: Locker, model: ModelRef) -> tuple[Locker, ...]:
    """Whom rows that are locked one by one from a step on can deadlock with. Nobody, where the transaction has locked
    several rows of the table before: they may be the same."""
    if locker.table in project.policy.not_contended:
        return ()
    held = project.held(trace, step, locker.table, None)
    if any(project.locks.access(execute.statement) != "one" for _, execute in held):
        return ()
    return tuple(project.contention.met_by(locker, model))


def _loops_inside(trace: Trace, turn: Turn) -> set[Target]:
    """The loops that each turn runs: parts of the same code."""
    body = (*turn.enters.path, Arm("loop", turn.loop.fork, "body"))
    later = after(trace.of(EnterLoop), turn.enters)
    return {loop.site for step, loop in later if step.path[: len(body)] == body}


def _inner_unsorted(trace: Trace, turn: Turn) -> bool:
    """Whether a loop inside this one decides the order first: one that is not sorted."""
    depth = len(turn.enters.path) + 1
    for step, loop in before(after(trace.of(EnterLoop), turn.enters), turn.step):
        if len(step.path) >= depth:
            body = (*step.path, Arm("loop", loop.fork, "body"))
            if turn.step.path[: len(body)] == body and order(loop.iterable) not in ("sorted", "fixed"):
                return True
    return False


def other_text(project: Project, found: Unsorted) -> str:
    """Who else locks the rows, and in which order."""
    if found.alone:
        return "another run of the same code may take them in another order"
    return counterpart_text(project, found.counterpart)


def related(project: Project, found: Unsorted, locks: Target) -> tuple[tuple[Where, str], ...]:
    """The construct that locks, and the other side."""
    places: list[tuple[Where, str]] = []
    if not project.linker.same_line(locks, found.locker.site):
        places.append((locks, "each turn locks a row here"))
    if not found.alone:
        other = found.counterpart
        places.append((other.site, f"the other side, {short(other.function)}, {counterpart_does(other)}"))
    return tuple(places)
