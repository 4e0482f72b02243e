"""What the transaction of a `try` holds when an error in it undoes the transaction."""

from __future__ import annotations

from lockcheck.checks._borrowed import ahead, lost_by, writes
from lockcheck.checks._changes import only_reads
from lockcheck.checks._deadlocks import Lost
from lockcheck.checks._handlers import Guarded
from lockcheck.linking.kinds import before
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import SessionRef


def costs(project: Project, guarded: Guarded, failed: Step, session: SessionRef, turn: list[Step]) -> bool:
    """Whether a hidden error costs more than what is read: the `try` locks or writes, or the transaction does, ahead
    of it or behind its handler."""
    if not only_reads(project, guarded) or lost_to(project, guarded, failed, session, turn) is not None:
        return True
    trace, handler = guarded.trace, guarded.handler
    behind = (step for step in guarded.about(session) if writes(project, trace, step, session))
    return any(trace.reaches(handler, step) and not trace.ended_between(handler, step, session) for step in behind)


def lost_to(project: Project, guarded: Guarded, failed: Step, session: SessionRef, turn: list[Step]) -> Lost | None:
    """Work from outside of the `try` that goes with its transaction: of the function ahead of it, of the turns before
    (whose steps are `turn`), or of a caller. What the `try` has done itself fails as a whole."""
    trace = guarded.trace
    if _ended_inside(trace, guarded, failed, session):
        return None
    own = ahead(project, trace, guarded.body[0], session)
    return own or _of_turns(project, guarded, session, turn) or of_caller(project, trace, failed, session)


def of_caller(project: Project, trace: Trace, failed: Step, session: SessionRef) -> Lost | None:
    """What a caller has done in the session that it hands over, unless the function ends that transaction first."""
    ends = (step for step, ended in before(trace.endings, failed) if same_session(ended, session))
    if session.owner != "given" or any(trace.reaches(step, failed) for step in ends):
        return None
    found = lost_by(project, trace.function)
    return found.lost if found is not None else None


def _ended_inside(trace: Trace, guarded: Guarded, failed: Step, session: SessionRef) -> bool:
    """Whether a new transaction may have begun in the `try` ahead of the step that fails."""
    return any(trace.ends(step, session) for step in guarded.body if step.number < failed.number)


def _of_turns(project: Project, guarded: Guarded, session: SessionRef, turn: list[Step]) -> Lost | None:
    """What earlier turns have written, where no turn ends the transaction."""
    done = [step for step in turn if step not in guarded.inside]
    if any(guarded.trace.ends(step, session) for step in done):
        return None
    sites = (getattr(step.detail, "site", None) for step in done if writes(project, guarded.trace, step, session))
    return next((Lost(site, is_lock=False) for site in sites if site is not None), None)
