"""What the work of a `try` changes: where it does not, no deadlock or constraint fails in it."""

from __future__ import annotations

from lockcheck.checks._deadlocks import DML, locks_or_writes
from lockcheck.checks._handlers import Guarded, failing
from lockcheck.linking.events import Add, Delete, Execute, Merge, Outer, SessionCall, Write
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, same_session
from lockcheck.linking.values import SessionRef

PENDING = (Write, Add, Delete, Merge)
"""What waits in a session for its flush."""


def only_reads(project: Project, guarded: Guarded) -> bool:
    """Whether nothing in the `try` is seen to lock or write: no deadlock or constraint fails there, and what comes next
    on the session fails at once."""
    return not any(_changes(project, guarded, step, session) for step, session in failing(project, guarded))


def _changes(project: Project, guarded: Guarded, step: Step, session: SessionRef) -> bool:
    detail, trace = step.detail, guarded.trace
    if writes(detail, session):
        return True
    if not isinstance(detail, SessionCall) or detail.method == "execute":
        waiting = (other for other in guarded.body if isinstance(other.detail, PENDING) and trace.reaches(other, step))
        return project.contention.turns.sends(trace, step) and any(waiting)
    earlier = (other.detail for other in trace.steps[: step.number])
    return session.owner != "own" or any(
        isinstance(other, (*PENDING, Outer)) or writes(other, session) for other in earlier
    )


def writes(detail: object, session: SessionRef) -> bool:
    """Whether a statement leaves a lock or a write in a transaction."""
    if isinstance(detail, Execute):
        own = detail.session is None or same_session(detail.session, session)
        return own and locks_or_writes(detail)
    if isinstance(detail, SessionCall):
        return DML.match(detail.text) is not None
    return isinstance(detail, Merge)
