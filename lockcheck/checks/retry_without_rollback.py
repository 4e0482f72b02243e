"""LCK405: work is tried again in a transaction that has failed, or after a rollback of what its caller had done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from lockcheck import facts
from lockcheck.checks._afterwards import loop_site, reuses
from lockcheck.checks._borrowed import Loss, ahead, lost_by
from lockcheck.checks._common import file_line, short
from lockcheck.checks._deadlocks import Lost, may_deadlock, on_innodb_alone, related, undone
from lockcheck.checks._handlers import aborted, does, flushes, is_certain, local_handlers, operates, site_in
from lockcheck.checks._losses import of_caller
from lockcheck.checks._uses import recovers
from lockcheck.declarations.model import Location
from lockcheck.hazards import Hazard, Where
from lockcheck.linking.anew import made_anew
from lockcheck.linking.events import Inner, Opened, Savepoints, SessionCall
from lockcheck.linking.project import Project
from lockcheck.linking.retries import RetryDecorator, RetryLoop
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import SessionRef, Somewhere
from lockcheck.plans import Target

CODE = "LCK405"


class Failed(NamedTuple):
    """The step of a try that fails, its session, and what a deadlock takes away where InnoDB decides."""

    step: Step
    session: SessionRef
    lost: Lost | None = None


def check(project: Project) -> Iterator[Hazard]:
    for name in project.functions:
        yield from project.ask(_of_function, name)


def _of_function(project: Project, name: str) -> tuple[Hazard, ...]:
    function = project.linker.functions[name].facts
    found = [
        *(_of_loop(project, name, function, loop) for loop in project.retries.loops_of(name)),
        _of_decorator(project, name, function),
    ]
    return tuple(hazard for hazard in found if hazard is not None)


# --- loops -----------------------------------------------------------------------------------------------


def _of_loop(project: Project, name: str, function: facts.FunctionFacts, loop: RetryLoop) -> Hazard | None:
    where = project.linker.slice_of(function)
    site = Target(where.path, where.slice, "loop", loop.site)
    trace = project.trace(name)
    if loop.by_hand:
        found = _by_hand(project, trace, site)
        if found is not None:
            return found
    body = next((steps for _, entered, steps in trace.loops() if entered.site == site), [])
    failed = None if loop.by_hand else _failing(project, trace, body, site)
    if failed is not None:
        return _failed_transaction(project, name, site, f"{loop.name}(..) runs", failed)
    lost = lost_by(project, name) if _rolls_back_given(body) else None
    return _lost(project, name, site, "the loop", lost) if lost is not None else None


def _by_hand(project: Project, trace: Trace, site: Target) -> Hazard | None:
    """A handler that goes on to the next try without a rollback."""
    for guarded in local_handlers(project, trace):
        if loop_site(trace, guarded) == site:
            for reuse in reuses(project, trace, guarded):
                if reuse.next_turn:
                    failed = Failed(reuse.failing, reuse.session, reuse.lost)
                    return _failed_transaction(project, trace.function, guarded.caught.site, "the loop runs", failed)
    return None


def _failing(project: Project, trace: Trace, body: list[Step], loop: Target | None) -> Failed | None:
    """The first operation on a session from outside of the loop, or of the whole function, that no step of it rolls
    back; on InnoDB alone one that takes work from ahead of the loop with it."""
    function = project.linker.functions[trace.function].facts
    nested: list[SessionRef] = []
    opened: list[SessionRef] = []
    sound: dict[object, bool] = {}
    for step in body:
        detail = step.detail
        if isinstance(detail, Savepoints):
            nested = [*nested, detail.session] if detail.entered else nested[:-1]
        elif isinstance(detail, Opened) and detail.entered:
            opened.append(detail.session)
        session = operates(detail, any_statement="postgresql" in project.policy.databases)
        waiting = may_deadlock(detail) if session is None and on_innodb_alone(project) else None
        session = session or waiting
        if session is None or any(same_session(session, other) for other in (*nested, *opened)):
            continue
        if isinstance(session.origin, Somewhere) and (step.calls or made_anew(function, loop, session.origin)):
            continue
        if session.origin not in sound:
            mended = any(recovers(other.detail, session) for other in body)
            sound[session.origin] = mended or not is_certain(body, session)
        if not sound[session.origin]:
            lost = _ahead(project, trace, body[0], step, session) if waiting is not None else None
            if waiting is None or lost is not None:
                return Failed(step, session, lost)
    return None


def _ahead(project: Project, trace: Trace, first: Step, failed: Step, session: SessionRef) -> Lost | None:
    """What the transaction holds ahead of the first step of what is tried again."""
    return ahead(project, trace, first, session) or of_caller(project, trace, failed, session)


def _rolls_back_given(body: list[Step]) -> bool:
    """Whether a loop rolls back a session of the function's caller."""
    return any(
        isinstance(step.detail, SessionCall)
        and step.detail.method == "rollback"
        and step.detail.session.owner == "given"
        for step in body
    )


# --- decorators ------------------------------------------------------------------------------------------


def _of_decorator(project: Project, name: str, function: facts.FunctionFacts) -> Hazard | None:
    decorator = project.retries.decorator(function)
    if decorator is None:
        return None
    site, place = _decorator_place(project, function, decorator)
    hazard = _decorated(project, name, function, decorator, site)
    return replace(hazard, place=place) if hazard is not None else None


def _decorated(
    project: Project, name: str, function: facts.FunctionFacts, decorator: RetryDecorator, site: Target
) -> Hazard | None:
    if decorator.rolls_back:
        lost = lost_by(project, name)
        return _lost(project, name, site, f"@{decorator.name}", lost) if lost is not None else None
    trace = project.trace(name)
    failed = _failing(project, trace, trace.steps, None)
    if failed is None or not _borrows(project, name, function, failed.session):
        return None
    return _failed_transaction(project, name, site, f"@{decorator.name} runs", failed)


def _borrows(project: Project, name: str, function: facts.FunctionFacts, session: SessionRef) -> bool:
    """Whether a decorated function has its session from outside at each try."""
    if session.owner == "shared":
        return True
    given = getattr(session.origin, "name", None)
    parameter = next((p for p in function.parameters if p.name == given), None)
    if parameter is None:
        return False
    callers = project.callers_of(name)
    return parameter.default is None or any(_passes(project, caller, name, parameter.name) for caller in callers)


def _passes(project: Project, caller: str, name: str, parameter: str) -> bool:
    return any(
        isinstance(step.detail, Inner)
        and step.detail.behaviour.function == name
        and isinstance(dict(step.detail.actual).get(parameter), SessionRef)
        and project.linker.opens(step.detail.site) is None
        for step in project.trace(caller).steps
    )


def _decorator_place(
    project: Project, function: facts.FunctionFacts, decorator: RetryDecorator
) -> tuple[Target, Location | None]:
    """Where a decorator stands: its call, or the line of a plain name."""
    where = project.linker.slice_of(function)
    line = project.linker.first_line(where)
    for number in function.decorators[: decorator.place]:
        fact = function.values[number]
        call = Target(where.path, where.slice, "call", fact.site) if isinstance(fact, facts.Call) else None
        line = (project.linker.position(call).end_line if call is not None else line) + 1
    fact = function.values[function.decorators[decorator.place]]
    if isinstance(fact, facts.Call):
        return Target(where.path, where.slice, "call", fact.site), None
    return Target(where.path, where.slice, "call", 0), Location(where.path, line)


# --- findings --------------------------------------------------------------------------------------------


def _failed_transaction(project: Project, function: str, site: Target, again: str, failed: Failed) -> Hazard:
    step, lost = failed.step, failed.lost
    error = "PendingRollbackError" if flushes(step) else "InFailedSqlTransaction"
    becomes = f"{aborted(step)}, and every further try fails with {error}"
    without = " without a rollback in between"
    if lost is not None:
        becomes, without = f"{undone(project, lost)}, and the next try succeeds without it", ""
    where = site_in(step)
    places = ((where, f"may fail here: {does(step)}"),) if where is not None else ()
    return Hazard(
        site=site,
        function=function,
        message=f"{again} the work again on the same session{without}: {becomes}",
        related=(*places, *related(lost)),
    )


def _lost(project: Project, function: str, site: Target, what: str, loss: Loss) -> Hazard:
    lost = loss.lost
    text = (
        f"{what} rolls back the session that {short(loss.caller)} passes in before it runs {short(function)} again: "
        f"{lost.what} at {file_line(project, lost.site)} ahead of the call {lost.becomes}, "
        "and the next try succeeds without it"
    )
    places: tuple[tuple[Where, str], ...] = (
        *related(lost),
        (loss.call, "the work that may be tried again is called here"),
    )
    return Hazard(site=site, function=function, message=text, related=places)
