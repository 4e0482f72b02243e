"""LCK401: a handler catches a database error and the function goes on using the session."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.checks._afterwards import Reuse, own_reuse
from lockcheck.checks._changes import PENDING, only_reads
from lockcheck.checks._common import dialects
from lockcheck.checks._deadlocks import locks_or_writes, related, undone
from lockcheck.checks._errors import caught_names
from lockcheck.checks._handlers import Guarded, aborted, caught_text, does, local_handlers, site_in
from lockcheck.hazards import Hazard, Remedy, mark
from lockcheck.linking.events import Add, Delete, EnterHandler, Execute, Merge, Outer, Read, Write
from lockcheck.linking.kinds import before
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Trace, same_session
from lockcheck.linking.values import SessionRef, Somewhere
from lockcheck.plans import Plan, ReraiseFirst, RollbackFirst, UseSavepoint

CODE = "LCK401"
READ = "read the attribute into a variable ahead of the try"
SAVED = ("IntegrityError",)
"""The only error that a savepoint is for."""


def check(project: Project) -> Iterator[Hazard]:
    yield from project.in_runs(_of_run, holding=(EnterHandler,))


def _of_run(project: Project, trace: Trace) -> Iterator[Hazard]:
    for guarded in local_handlers(project, trace):
        reuse = own_reuse(project, trace, guarded)
        if reuse is not None:
            yield _report(project, trace, guarded, reuse)


def _report(project: Project, trace: Trace, guarded: Guarded, reuse: Reuse) -> Hazard:
    names = caught_names(guarded.caught)
    used, failed = site_in(reuse.use), site_in(reuse.failing)
    where = f" at line {mark(used)}" if used is not None else ""
    goes_on = does(reuse.use) if isinstance(reuse.use.detail, Read) else f"using the session{where}"
    becomes = f"{aborted(reuse.failing)}, so that later work fails or is lost"
    if reuse.lost is not None:
        becomes = f"{undone(project, reuse.lost)}, and what comes later is committed without it"
    text = (
        f"the handler catches {caught_text(names)} from the session's work in the try and the function goes on "
        f"{goes_on}: {becomes}"
    )
    reason = READ if isinstance(reuse.use.detail, Read) else None
    if reason is None and names == SAVED:
        reason = _outside(trace, guarded, reuse.session)
    text = f"{text}; no fix: {reason}" if reason else text
    places = [(failed, f"may fail here: {does(reuse.failing)}")] if failed is not None else []
    places.extend(related(reuse.lost))
    if used is not None:
        places.append((used, f"the session is used again here: {does(reuse.use)}"))
    return Hazard(
        site=guarded.caught.site,
        function=trace.function,
        message=text,
        related=tuple(places),
        remedy=None if reason else _remedy(project, trace, guarded, names, reuse),
        no_fix=reason,
        preview=reuse.slight or only_reads(project, guarded) or _may_autocommit(reuse.session) or _loses_a_lock(reuse),
    )


def _loses_a_lock(reuse: Reuse) -> bool:
    """Whether nothing that was written is lost at a deadlock, only locks are."""
    return reuse.lost is not None and reuse.lost.is_lock


def _may_autocommit(session: SessionRef) -> bool:
    """Whether nothing is known of a connection but its use: it may commit after each statement."""
    label = session.origin.label if isinstance(session.origin, Somewhere) else ""
    named = not isinstance(label, str) or label.rpartition(".")[2].lstrip("_").endswith("session")
    return session.owner == "unknown" and not named


def _remedy(project: Project, trace: Trace, guarded: Guarded, names: tuple[str, ...], reuse: Reuse) -> Remedy:
    session = reuse.session
    judged = f"(judged for {dialects(project.policy.databases)})"
    handler = guarded.caught.site
    plan: Plan
    if names == SAVED:
        plan = UseSavepoint(handler, _spelled(session), session.is_async, _pending(guarded))
        return Remedy(plan, "unsafe", f"run the expected failure in a savepoint {judged}")
    if session.owner == "own" and reuse.lost is None and not _needed(trace, guarded, session):
        plan = RollbackFirst(handler, _spelled(session), session.is_async)
        return Remedy(plan, "safe", f"roll back the session, which is this function's own {judged}")
    plan = ReraiseFirst(handler)
    return Remedy(plan, "unsafe", f"let database errors through to the owner of the session, who rolls back {judged}")


def _outside(trace: Trace, guarded: Guarded, session: SessionRef) -> str | None:
    """Why a savepoint round the body would not hold what fails: it ends with the transaction, and what waits in the
    session is sent before it begins."""
    if any(trace.ends(step, session) for step in guarded.body):
        return "the body of the try ends the transaction, which a savepoint does not outlive"
    if not any(isinstance(step.detail, (*PENDING, Execute, Outer)) for step in guarded.body):
        return "what the try flushes was changed ahead of it, and a savepoint sends that before it begins"
    return None


def _pending(guarded: Guarded) -> bool:
    """Whether the body changes objects, which a flush sends; statements that are executed need none."""
    return any(isinstance(step.detail, PENDING) for step in guarded.body)


def _spelled(session: SessionRef) -> str:
    return getattr(session.origin, "name", "")


def _needed(trace: Trace, guarded: Guarded, session: SessionRef) -> bool:
    """Whether a rollback would lose something: earlier writes, locks, or objects of the session."""
    waiting = before(trace.of(Write, Add, Delete, Merge), guarded.handler)
    executed = (found for found in before(trace.of(Execute), guarded.handler) if locks_or_writes(found[1]))
    own = (step for step, execute in executed if execute.session is None or same_session(execute.session, session))
    done = (*(step for step, _ in waiting), *own)
    body = {step.number for step in guarded.body}
    return any(step.number not in body and not trace.ended_between(step, guarded.handler, session) for step in done)
