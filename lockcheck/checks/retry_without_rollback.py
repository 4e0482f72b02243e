"""LCK405: work is tried again in a transaction that has failed, or after a rollback of what its caller had done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lockcheck import facts
from lockcheck.checks._afterwards import loop_site, recovers, reuses
from lockcheck.checks._borrowed import Loss, lost_by
from lockcheck.checks._common import file_line, short
from lockcheck.checks._handlers import aborted, does, flushes, is_certain, local_handlers, operates, site_in
from lockcheck.declarations.model import Location
from lockcheck.hazards import Hazard, Where
from lockcheck.linking.events import Inner, Opened, Savepoints, SessionCall
from lockcheck.linking.project import Project
from lockcheck.linking.retries import RetryDecorator, RetryLoop
from lockcheck.linking.steps import calls_of_turn
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import SessionRef, Somewhere
from lockcheck.plans import Target

CODE = "LCK405"


def check(project: Project) -> Iterator[Hazard]:
    for name, located in sorted(project.linker.functions.items()):
        found = [
            *(_of_loop(project, name, located.facts, loop) for loop in project.retries.loops(located.facts)),
            _of_decorator(project, name, located.facts),
        ]
        yield from (hazard for hazard in found if hazard is not None)


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
    inside = {f"{where.slice}:{call.site}" for call in calls_of_turn(function, loop.site)}
    failed = None if loop.by_hand else _failing(project, body, inside)
    if failed is not None:
        return _failed_transaction(name, site, f"{loop.name}(..) runs", failed)
    lost = lost_by(project, name) if _rolls_back_given(body) else None
    return _lost(project, name, site, "the loop", lost) if lost is not None else None


def _by_hand(project: Project, trace: Trace, site: Target) -> Hazard | None:
    """A handler that goes on to the next try without a rollback."""
    for guarded in local_handlers(trace):
        if loop_site(trace, guarded) == site:
            for reuse in reuses(project, trace, guarded):
                if reuse.next_turn:
                    return _failed_transaction(trace.function, guarded.caught.site, "the loop runs", reuse.failing)
    return None


def _failing(project: Project, body: list[Step], inside: set[str]) -> Step | None:
    """The first operation on a session from outside of the loop that no step of the loop rolls back."""
    nested: list[SessionRef] = []
    opened: list[SessionRef] = []
    for step in body:
        detail = step.detail
        if isinstance(detail, Savepoints):
            nested = [*nested, detail.session] if detail.entered else nested[:-1]
        elif isinstance(detail, Opened) and detail.entered:
            opened.append(detail.session)
        session = operates(detail, any_statement="postgresql" in project.policy.databases)
        if session is None or any(same_session(session, other) for other in (*nested, *opened)):
            continue
        if isinstance(session.origin, Somewhere) and (step.calls or session.origin.label in inside):
            continue
        if is_certain(body, session) and not any(recovers(other.detail, session) for other in body):
            return step
    return None


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
    failed = _failing(project, project.trace(name).steps, set())
    session = operates(failed.detail, any_statement=True) if failed is not None else None
    if failed is None or session is None or not _borrows(project, name, function, session):
        return None
    return _failed_transaction(name, site, f"@{decorator.name} runs", failed)


def _borrows(project: Project, name: str, function: facts.FunctionFacts, session: SessionRef) -> bool:
    """Whether a decorated function has its session from outside at each try."""
    if session.owner == "shared":
        return True
    given = getattr(session.origin, "name", None)
    parameter = next((p for p in function.parameters if p.name == given), None)
    if parameter is None:
        return False
    callers = project.callers.get(name, ())
    return parameter.default is None or any(_passes(project, caller, name, parameter.name) for caller in callers)


def _passes(project: Project, caller: str, name: str, parameter: str) -> bool:
    return any(
        isinstance(step.detail, Inner)
        and step.detail.behaviour.function == name
        and isinstance(dict(step.detail.actual).get(parameter), SessionRef)
        and step.detail.site not in project.linker.opened
        for step in project.trace(caller).steps
    )


def _decorator_place(
    project: Project, function: facts.FunctionFacts, decorator: RetryDecorator
) -> tuple[Target, Location | None]:
    """Where a decorator stands: its call, or the line of a plain name."""
    where = project.linker.slice_of(function)
    declaration = project.linker.declarations.function(function.qualname)
    line = declaration.first_line if declaration is not None else project.linker.first_line(where)
    for number in function.decorators[: decorator.place]:
        fact = function.values[number]
        call = Target(where.path, where.slice, "call", fact.site) if isinstance(fact, facts.Call) else None
        line = (project.linker.position(call).end_line if call is not None else line) + 1
    fact = function.values[function.decorators[decorator.place]]
    if isinstance(fact, facts.Call):
        return Target(where.path, where.slice, "call", fact.site), None
    return Target(where.path, where.slice, "call", 0), Location(where.path, line)


# --- findings --------------------------------------------------------------------------------------------


def _failed_transaction(function: str, site: Target, again: str, failed: Step) -> Hazard:
    error = "PendingRollbackError" if flushes(failed) else "InFailedSqlTransaction"
    text = (
        f"{again} the work again on the same session without a rollback in between: {aborted(failed)}, and every "
        f"further try fails with {error}"
    )
    where = site_in(failed)
    related = ((where, f"may fail here: {does(failed)}"),) if where is not None else ()
    return Hazard(site=site, function=function, message=text, related=related)


def _lost(project: Project, function: str, site: Target, what: str, lost: Loss) -> Hazard:
    first = "the row lock taken" if lost.is_lock else "what was written"
    becomes = "is released" if lost.is_lock else "is lost"
    text = (
        f"{what} rolls back the session that {short(lost.caller)} passes in before it runs {short(function)} again: "
        f"{first} at {file_line(project, lost.site)} ahead of the call {becomes}, and the next try succeeds without it"
    )
    related: tuple[tuple[Where, str], ...] = (
        (lost.site, "the rows are locked here" if lost.is_lock else "this is written before"),
        (lost.call, "the work that may be tried again is called here"),
    )
    return Hazard(site=site, function=function, message=text, related=related)
