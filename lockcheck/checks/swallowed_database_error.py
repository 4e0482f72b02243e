"""LCK402: a handler hides a database error, and its caller, or a loop over pieces of work, goes on with the session."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.checks._afterwards import Reuse, loop_site, next_turn, own_reuse, reuses
from lockcheck.checks._callers import GoesOn, goes_on
from lockcheck.checks._common import dialects, file_line, short
from lockcheck.checks._deadlocks import Lost, on_innodb_alone, related, undone
from lockcheck.checks._errors import EVERY_DATABASE_ERROR, RETRYABLE, caught_names
from lockcheck.checks._final_failure import Final, final_failure
from lockcheck.checks._handlers import (
    Guarded,
    aborted,
    caught_text,
    does,
    failing,
    is_certain,
    local_handlers,
    raises,
    site_in,
)
from lockcheck.checks._losses import costs
from lockcheck.checks._uses import recovers
from lockcheck.hazards import Hazard, Remedy, Where
from lockcheck.linking.events import EnterHandler, Outer
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace
from lockcheck.plans import ReraiseFirst, Target

CODE = "LCK402"

NARROW = "the handler is for database errors alone: raise in it, or run the work in a savepoint"


def check(project: Project) -> Iterator[Hazard]:
    yield from project.in_runs(_of_run, holding=(EnterHandler,))


def _of_run(project: Project, trace: Trace) -> Iterator[Hazard]:
    for guarded in () if project.contention.in_tests(trace.function) else local_handlers(project, trace):
        if RETRYABLE & set(caught_names(guarded.caught)):
            hazard = _hazard(project, trace, guarded)
            if hazard is not None:
                yield hazard


def _hazard(project: Project, trace: Trace, guarded: Guarded) -> Hazard | None:
    if own_reuse(project, trace, guarded) is not None or raises(guarded):
        return None
    reuse = next(reuses(project, trace, guarded), None)
    if reuse is not None:
        return _in_loop(project, trace, guarded, reuse) if reuse.of_others else None
    hidden = frozenset(_hidden(project, guarded))
    found = goes_on(project, trace.function, guarded.caught.site, hidden) if hidden else None
    if found is not None:
        return _in_caller(project, trace, guarded, found)
    final = final_failure(project, trace, guarded)
    return _made_final(project, trace, guarded, final) if final is not None else None


def _hidden(project: Project, guarded: Guarded) -> Iterator[Target]:
    """Where the session of somebody else may fail, with nothing in the handler that mends it."""
    for step, session in failing(project, guarded):
        site = getattr(step.detail, "site", None)
        if session.owner not in ("given", "shared") or isinstance(step.detail, Outer) or site is None:
            continue
        mended = any(recovers(other.detail, session) for other in guarded.inside)
        if not mended and is_certain(guarded.body, session):
            yield site


# --- findings --------------------------------------------------------------------------------------------


def _in_loop(project: Project, trace: Trace, guarded: Guarded, reuse: Reuse) -> Hazard | None:
    loop = loop_site(trace, guarded)
    if loop is None or project.retries.is_retry(loop) or not is_certain(guarded.body, reuse.session):
        return None
    turn = next_turn(project, trace, guarded, reuse.session)
    if not costs(project, guarded, reuse.failing, reuse.session, turn):
        return None
    text = (
        f"the handler hides {_caught(guarded)} from one turn's work and the loop goes on with the same session: "
        f"{_becomes(project, reuse.failing, reuse.lost, 'every later turn fails')}"
    )
    goes_on = ((loop, "the loop goes on here"), *_site("the next turn uses the session here", reuse.use))
    return _report(project, trace, guarded, text, (*_failed(reuse.failing), *related(reuse.lost), *goes_on))


def _in_caller(project: Project, trace: Trace, guarded: Guarded, found: GoesOn) -> Hazard:
    used = site_in(found.use)
    where = f" at {file_line(project, used)}" if used is not None else ""
    text = (
        f"the handler hides {_caught(guarded)} from the session of its caller, and {short(found.caller)} goes on using "
        f"it{where}: {_becomes(project, found.failed, found.lost, 'later work fails')}"
    )
    called = ((found.call, "called with the session here"), *_site("the caller goes on here", found.use))
    failed = _failed(found.failed, found.depth)
    return _report(project, trace, guarded, text, (*failed, *related(found.lost), *called))


def _becomes(project: Project, failed: Step, lost: Lost | None, later: str) -> str:
    """What becomes of the work before and after."""
    if lost is None:
        return f"{aborted(failed)}, so that {later} or is lost"
    return f"{undone(project, lost)}, and what comes later is committed without it"


def _made_final(project: Project, trace: Trace, guarded: Guarded, final: Final) -> Hazard:
    passing = "lock timeout" if on_innodb_alone(project) else "serialization failure"
    text = (
        f"the handler catches {_caught(guarded)} and writes {final.value} to {final.column}: a deadlock or "
        f"{passing} of the work in the try, which another try would mend, becomes a final failure"
    )
    places = (*_failed(final.failed), *_site("the failure is written here", final.write))
    return _report(project, trace, guarded, text, places)


def _caught(guarded: Guarded) -> str:
    return caught_text(caught_names(guarded.caught))


def _failed(step: Step, depth: int = 0) -> tuple[tuple[Where, str], ...]:
    return _site("may fail here", step, depth)


def _site(text: str, step: Step, depth: int = 0) -> tuple[tuple[Where, str], ...]:
    site = site_in(step, depth)
    return ((site, f"{text}: {does(step)}"),) if site is not None else ()


def _report(
    project: Project, trace: Trace, guarded: Guarded, text: str, places: tuple[tuple[Where, str], ...]
) -> Hazard:
    broad = bool((EVERY_DATABASE_ERROR - {"DBAPIError", "StatementError"}) & set(caught_names(guarded.caught)))
    judged = dialects(project.policy.databases)
    exception = project.policy.retryable_exception
    what = "let database errors through" if exception is None else f"raise {exception.partition(':')[2]}"
    fix = f"{what} to the owner of the session, who rolls back (judged for {judged})"
    return Hazard(
        site=guarded.caught.site,
        function=trace.function,
        message=text if broad else f"{text}; no fix: {NARROW}",
        related=places,
        remedy=Remedy(ReraiseFirst(guarded.caught.site, exception), "unsafe", fix) if broad else None,
        no_fix=None if broad else NARROW,
    )
