"""What goes on with a session after a handler has caught its error."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from lockcheck.checks._deadlocks import Lost, on_innodb_alone
from lockcheck.checks._handlers import Guarded, failing, flushes, raises
from lockcheck.checks._losses import lost_to
from lockcheck.checks._uses import begins_anew, recovers, scope, slight, uses, uses_in
from lockcheck.linking.anew import made_anew, owner
from lockcheck.linking.events import (
    Arm,
    EnterLoop,
    Inner,
    Leave,
    Outer,
    Path,
    Presumed,
)
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import Built, SessionRef, Somewhere
from lockcheck.plans import Target


class Reuse(NamedTuple):
    """`failing` may fail into the handler, after which `use` uses the session; `next_turn` when only the next turn of
    the handler's loop does. `lost` is what a deadlock takes away where InnoDB decides. `slight` where no harm is
    seen in it."""

    failing: Step
    session: SessionRef
    use: Step
    next_turn: bool
    lost: Lost | None = None
    slight: bool = False

    @property
    def of_others(self) -> bool:
        """Whether it is the work of other functions that fails, and that goes on with the loop's next turn."""
        return self.next_turn and _elsewhere(self.failing) and _elsewhere(self.use)


def _elsewhere(step: Step) -> bool:
    return bool(step.calls) or isinstance(step.detail, Outer)


def reuses(project: Project, trace: Trace, guarded: Guarded) -> Iterator[Reuse]:
    """The uses of the session by the same function, one for each operation that may fail."""
    for failed, session in failing(project, guarded):
        found = _reuse(project, trace, guarded, session, failed)
        if found is not None and on_innodb_alone(project) and not flushes(failed):
            found = _losing(project, guarded, found)
        if found is not None:
            yield found


def _losing(project: Project, guarded: Guarded, reuse: Reuse) -> Reuse | None:
    """A reuse after a deadlock of InnoDB, which leaves the session fit for use: a hazard where work is lost."""
    again = reuse.next_turn and _tries_again(project, guarded.trace, guarded)
    if raises(guarded) and not again:
        return None
    turn = [] if again else next_turn(project, guarded.trace, guarded, reuse.session)
    lost = lost_to(project, guarded, reuse.failing, reuse.session, turn)
    return reuse._replace(lost=lost) if lost is not None else None


def own_reuse(project: Project, trace: Trace, guarded: Guarded) -> Reuse | None:
    """The first that is the function's own doing, neither a loop over the work of others, nor a loop that tries
    again; one that surely goes wrong, where there is one."""
    reuse = None
    for found in reuses(project, trace, guarded):
        reuse = reuse if reuse is not None or found.of_others else found
        if not found.of_others and not found.slight:
            reuse = found
            break
    return None if reuse is not None and reuse.next_turn and _tries_again(project, trace, guarded) else reuse


def _tries_again(project: Project, trace: Trace, guarded: Guarded) -> bool:
    site = loop_site(trace, guarded)
    return site is not None and project.retries.is_retry(site)


def loop_site(trace: Trace, guarded: Guarded) -> Target | None:
    """The loop that the handler stands in."""
    loop = loop_around(guarded)
    entered = (entered for step, entered in trace.of(EnterLoop) if loop and step.path == loop[:-1])
    return next((detail.site for detail in entered if detail.fork == loop[-1].fork), None)


def _reuse(project: Project, trace: Trace, guarded: Guarded, session: SessionRef, failed: Step) -> Reuse | None:
    """The first use of the session in or after the handler, None when the transaction is ended first or the function
    is left."""
    for step in _taken(guarded, guarded.inside):
        if recovers(step.detail, session):
            return None
        if uses_in(guarded, step, session, failed):
            return Reuse(failed, session, step, next_turn=False, slight=slight(guarded, step, session, failed))
        if isinstance(step.detail, Leave) and step.path == guarded.handler.path:
            following = [next_turn(project, trace, guarded, session)] if step.detail.how == "continue" else []
            return _first(following, session, failed, turn=0)
    loop = loop_around(guarded)
    after = _taken(guarded, guarded.reached)
    turn = [step for step in after if loop and step.path[: len(loop)] == loop]
    rest = [step for step in after if not loop or step.path[: len(loop)] != loop]
    behind = _until_left(rest, guarded)
    found = _first(
        [_until_left(turn, guarded), next_turn(project, trace, guarded, session), behind], session, failed, turn=1
    )
    if found is not None and found.of_others:
        return _first([behind], session, failed, turn=1) or found
    return found


def _first(runs: list[list[Step]], session: SessionRef, failed: Step, turn: int) -> Reuse | None:
    """The first step that uses the session, unless its transaction is ended before; `turn` is the run that is the
    next turn."""
    numbered = chain.from_iterable(((number, step) for step in run) for number, run in enumerate(runs))
    for number, step in numbered:
        if begins_anew(step, session):
            return None
        if uses(step, session, failed):
            return Reuse(failed, session, step, next_turn=number == turn)
    return None


def _taken(guarded: Guarded, steps: list[Step]) -> list[Step]:
    """The steps that are taken once the `try` has failed: where a test tells that it has, those of one arm alone, up to
    where that leaves the function."""
    failed, path = guarded.handler.path[-1].fork, guarded.handler.path
    presumed: list[tuple[Path, Arm]] = []
    taken: list[Step] = []
    for step in steps:
        detail = step.detail
        if isinstance(detail, Presumed) and detail.failed == failed and step.is_local:
            presumed.append((step.path, detail.arm))
        elif not any(_beside(step, outer, arm) for outer, arm in presumed):
            taken.append(step)
        left = isinstance(detail, Leave) and detail.how in ("return", "raise")
        if left and any(step.path == (*outer, arm) and outer == path[: len(outer)] for outer, arm in presumed):
            return taken
    return taken


def _beside(step: Step, outer: Path, arm: Arm) -> bool:
    """Whether a step stands in another arm of a fork."""
    if step.path[: len(outer)] != outer or len(step.path) == len(outer):
        return False
    other = step.path[len(outer)]
    return (other.kind, other.fork) == (arm.kind, arm.fork) and other.arm != arm.arm


def _until_left(steps: list[Step], guarded: Guarded) -> list[Step]:
    """The steps up to one that surely leaves the function."""
    for number, step in enumerate(steps):
        left = isinstance(step.detail, Leave) and step.detail.how in ("return", "raise")
        if left and step.path == guarded.handler.path[: len(step.path)]:
            return steps[:number]
    return steps


def loop_around(guarded: Guarded) -> Path:
    """The path of the body of the loop that the handler stands in, empty without one."""
    path = guarded.handler.path
    loops = [number for number, arm in enumerate(path) if arm.kind == "loop" and arm.arm == "body"]
    return path[: loops[-1] + 1] if loops else ()


def next_turn(project: Project, trace: Trace, guarded: Guarded, session: SessionRef) -> list[Step]:
    """In a loop the same body runs again, on the same session unless the body has opened it."""
    site = loop_site(trace, guarded)
    function = project.linker.functions[trace.function].facts
    loop = loop_around(guarded)
    anew = site is not None and (made_anew(function, site, session.origin) or _of_new_object(trace, loop, session))
    return [] if anew else turn_of(trace, loop, session)


def _of_new_object(trace: Trace, loop: Path, session: SessionRef) -> bool:
    """Whether a session is that of an object which a function makes that each turn of a loop calls."""
    maker = owner(session.origin)
    called = (inner.behaviour.function for step, inner in trace.of(Inner) if step.path[: len(loop)] == loop)
    return isinstance(maker, Built) and maker.site.slice in called


def turn_of(trace: Trace, loop: Path, session: SessionRef) -> list[Step]:
    """The steps of a turn of a loop that may have the session of the turn before."""
    steps = trace.inside(loop) if loop else []
    if isinstance(session.origin, Somewhere):
        return [step for step in steps if len(scope(step)) <= len(loop)]
    return steps
