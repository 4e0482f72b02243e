"""Who goes on, in a function's callers, with a session whose error the function has hidden."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lockcheck import facts
from lockcheck.checks._afterwards import turn_of
from lockcheck.checks._deadlocks import Lost, on_innodb_alone
from lockcheck.checks._handlers import Guarded, failing, flushes
from lockcheck.checks._losses import costs, lost_to
from lockcheck.checks._uses import begins_anew, uses
from lockcheck.linking.events import Add, Delete, EnterHandler, Execute, Leave, Merge, Opened, Outer, SessionCall
from lockcheck.linking.kinds import after, before
from lockcheck.linking.linker import Linker
from lockcheck.linking.paths import innermost
from lockcheck.linking.project import Project
from lockcheck.linking.steps import steps_of
from lockcheck.linking.tables import operands
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import SessionRef
from lockcheck.plans import Target
from lockcheck.sequences import common

MAX_LEVELS = 4
"""How far up the callers are looked at."""


class GoesOn(NamedTuple):
    """`caller` calls, at `call`, into a handler that hides the error of `failed`, and goes on at `use`; `depth` calls
    lead from it to the handler. `lost` is what a deadlock takes away where InnoDB decides."""

    caller: str
    call: Target
    failed: Step
    use: Step
    depth: int
    lost: Lost | None


def goes_on(project: Project, function: str, handler: Target, failed: frozenset[Target]) -> GoesOn | None:
    """The nearest caller, tests aside, that goes on with the session after the handler has hidden the error of a
    `failed` site."""
    seen = {function}
    level = [function]
    for _ in range(MAX_LEVELS):
        level = sorted({caller for name in level for caller in project.callers_of(name)} - seen)
        seen |= set(level)
        for caller in level:
            if project.contention.in_tests(caller):
                continue
            for found in _in_run(project, project.trace(caller), handler, failed):
                return found
    return None


def _in_run(project: Project, trace: Trace, handler: Target, failed: frozenset[Target]) -> Iterator[GoesOn]:
    for step, caught in trace.of(EnterHandler):
        if caught.site == handler and step.calls:
            guarded = Guarded(trace, step, caught)
            for failing_step, session in failing(project, guarded):
                if getattr(failing_step.detail, "site", None) in failed:
                    use = _use(trace, guarded, session, failing_step)
                    lost = _lost(project, guarded, failing_step, session)
                    harmless = lost is None and on_innodb_alone(project) and not flushes(failing_step)
                    if use is None or harmless or not costs(project, guarded, failing_step, session, []):
                        continue
                    if not _told(project.linker, step, use):
                        yield GoesOn(trace.function, step.calls[0], failing_step, use, len(step.calls), lost)


def _lost(project: Project, guarded: Guarded, failed: Step, session: SessionRef) -> Lost | None:
    """What the caller has written before, and a deadlock of InnoDB takes away."""
    if not on_innodb_alone(project) or flushes(failed):
        return None
    lost = lost_to(project, guarded, failed, session, [])
    return None if lost is None or lost.is_lock else lost


def _use(trace: Trace, guarded: Guarded, session: SessionRef, failed: Step) -> Step | None:
    """The first use of the session behind the call, None when its transaction ends before."""
    matter = [step for step in guarded.about(session) if _matters(step, session, failed)]
    for step in _following(trace, guarded, session, matter):
        if _commits(step, session):
            return step if not flushes(failed) and _loses(trace, guarded, session) else None
        if begins_anew(step, session):
            return None
        if uses(step, session, failed) and not isinstance(step.detail, Outer):
            return step
    return None


def _matters(step: Step, session: SessionRef, failed: Step) -> bool:
    return _commits(step, session) or begins_anew(step, session) or uses(step, session, failed)


def _following(trace: Trace, guarded: Guarded, session: SessionRef, after: list[Step]) -> Iterator[Step]:
    """What may follow the handler, nearest first: for each loop around it the rest of its turn, then the next turn."""
    handler = guarded.handler
    for number in range(len(handler.path) - 1, -1, -1):
        arm, body = handler.path[number], handler.path[: number + 1]
        if arm.kind == "loop" and arm.arm == "body":
            rest = [step for step in after if step.path[: len(body)] == body]
            yield from (step for step in rest if trace.reaches(handler, step))
            numbers = {step.number for step in rest}
            after = [step for step in after if step.number not in numbers]
            if _comes_round(trace, handler, len(body)):
                yield from turn_of(trace, body, session)
    yield from (step for step in after if trace.reaches(handler, step))


def _comes_round(trace: Trace, handler: Step, loop: int) -> bool:
    """Whether the loop, whose body's path has this length, goes on after the handler."""
    body = handler.path[:loop]
    leaves = after(trace.of(Leave), handler)
    return not any(_leaves(step, leave, handler, loop) for step, leave in leaves if step.path[:loop] == body)


def _leaves(step: Step, leave: Leave, handler: Step, loop: int) -> bool:
    """Whether a step behind the handler surely leaves the loop."""
    if leave.how == "continue":
        return False
    scope = innermost(step.path, "call") if leave.how == "return" else innermost(step.path, "loop")
    outside = scope <= loop if leave.how == "break" else scope < loop
    forks = [arm for arm in step.path if arm.kind in ("if", "try")]
    return outside and all(arm in handler.path for arm in forks)


def _commits(step: Step, session: SessionRef) -> bool:
    detail = step.detail
    if isinstance(detail, SessionCall) and detail.method == "commit":
        return same_session(detail.session, session)
    return (
        isinstance(detail, Opened) and detail.commits and not detail.entered and same_session(detail.session, session)
    )


def _loses(trace: Trace, guarded: Guarded, session: SessionRef) -> bool:
    """Whether the transaction holds work from before the `try`, which a commit of the aborted transaction drops."""
    body = {step.number for step in guarded.body}
    for step, _ in before(trace.of(Execute, Add, Delete, Merge), guarded.handler):
        if not _writes(step, session) or step.number in body or not trace.reaches(step, guarded.handler):
            continue
        if not trace.ended_between(step, guarded.handler, session):
            return True
    return False


def _writes(step: Step, session: SessionRef) -> bool:
    detail = step.detail
    if isinstance(detail, Execute):
        own = detail.session is not None and same_session(detail.session, session)
        return own and detail.statement.kind != "select"
    return isinstance(detail, (Add, Delete, Merge)) and same_session(detail.session, session)


# --- callers that are told -------------------------------------------------------------------------------


def _told(linker: Linker, handler: Step, use: Step) -> bool:
    """Whether a function on the way from the handler to the use tests what the call has returned."""
    return any(_tested(linker, call) for call in handler.calls[common(handler.calls, use.calls) :])


def _tested(linker: Linker, call: Target) -> bool:
    for name in (call.slice, *linker.inside(call.slice)):
        located = linker.functions.get(name)
        values = located.facts.values if located is not None else ()
        for number, value in enumerate(values):
            if located is not None and isinstance(value, facts.Call) and value.site == call.index:
                return _decides(located.facts, number)
    return False


def _decides(function: facts.FunctionFacts, number: facts.Id) -> bool:
    """Whether a branch depends on a value itself."""
    passing = (facts.Join, facts.Unary, facts.Compare, facts.Boolean, facts.Unknown, facts.Item)
    held = {number}
    for later, value in enumerate(function.values):
        if isinstance(value, passing) and held & set(operands(value)):
            held.add(later)
    return any(
        isinstance(step, (facts.If, facts.Loop, facts.Assert)) and step.test in held for step in steps_of(function.body)
    )
