"""What uses a session, and what gives it a sound transaction."""

from __future__ import annotations

from lockcheck.checks._changes import writes
from lockcheck.checks._flushes import sends
from lockcheck.checks._handlers import RECOVERS, Guarded, flushes, swallowed
from lockcheck.linking.events import (
    Add,
    Delete,
    Execute,
    Leave,
    Merge,
    Opened,
    Outer,
    Path,
    Read,
    SessionCall,
    Test,
    Write,
)
from lockcheck.linking.paths import innermost
from lockcheck.linking.trace import Step, same_session
from lockcheck.linking.values import AttributeOf, FromOperation, Given, Instance, Reached, SessionRef, Somewhere


def scope(step: Step) -> Path:
    """The way to the innermost `with` block that a step stands in."""
    return step.path[: innermost(step.path, "with")]


def recovers(detail: object, session: SessionRef) -> bool:
    """Whether the session's transaction ends, so that the next one is sound."""
    if isinstance(detail, SessionCall) and detail.method in RECOVERS:
        return same_session(detail.session, session)
    return isinstance(detail, Opened) and not detail.entered and same_session(detail.session, session)


def begins_anew(step: Step, session: SessionRef) -> bool:
    """Whether a step ends the session's transaction, or opens the session."""
    opened = isinstance(step.detail, Opened) and step.detail.entered and same_session(step.detail.session, session)
    return opened or recovers(step.detail, session)


def uses(step: Step, session: SessionRef, failed: Step) -> bool:
    """Whether a step needs the session whose operation `failed`."""
    detail = step.detail
    if isinstance(session.origin, Somewhere) and scope(step) != scope(failed):
        return False
    if isinstance(detail, Read):
        return _expired(detail.instance, session) and flushes(failed)
    if isinstance(detail, SessionCall):
        return same_session(detail.session, session) and not detail.method.startswith(("expunge", "savepoint"))
    if isinstance(detail, (Execute, Merge, Delete, Add)):
        return detail.session is not None and same_session(detail.session, session)
    if isinstance(detail, Outer) and not detail.is_builtin:
        return any(same_session(other, session) for other in detail.sessions)
    return False


def _expired(instance: Instance, session: SessionRef) -> bool:
    """A failed flush expires the objects of the session: reading one then needs the database (page of LCK401). What
    a caller hands over is not in a session that the function opens."""
    first = instance.origin
    while isinstance(first, Reached):
        first = first.base
    if isinstance(first, Given):
        return session.owner != "own"
    return isinstance(instance.origin, (FromOperation, Reached))


def uses_in(guarded: Guarded, step: Step, session: SessionRef, failed: Step) -> bool:
    """Whether a step of the handler needs the session whose operation `failed`."""
    return uses(step, session, failed) and not _reconnected(step, guarded) and not _kept(step, guarded, session)


def _reconnected(step: Step, guarded: Guarded) -> bool:
    """Whether a step is taken only when the error was a lost connection, which the next statement opens anew."""
    tested = any(
        isinstance(other.detail, Test)
        and isinstance(other.detail.subject, AttributeOf)
        and other.detail.subject.name == "connection_invalidated"
        for other in guarded.inside
        if other.number < step.number
    )
    return tested and any(arm.kind == "if" for arm in step.path[len(guarded.handler.path) :])


def _kept(step: Step, guarded: Guarded, session: SessionRef) -> bool:
    """Whether a step reads an object that a failed flush leaves as it is: it has not changed since the savepoint began
    that the handler rolls back."""
    if not isinstance(step.detail, Read):
        return False
    calls = (other.detail for other in guarded.inside if isinstance(other.detail, SessionCall))
    changed = (other.detail.instance.origin for other in guarded.body if isinstance(other.detail, Write))
    return step.detail.instance.origin not in changed and any(
        call.method == "savepoint.rollback" and same_session(call.session, session) for call in calls
    )


def slight(guarded: Guarded, step: Step, session: SessionRef, failed: Step) -> bool:
    """Whether no harm is seen in a use of the session by the handler: an object is read behind a flush of nothing, that
    expires none, or what is not seen to write is tried on the way to a `raise`."""
    if isinstance(step.detail, Read) and not sends(guarded.trace, failed):
        return True
    writing = writes(step.detail, session) or flushes(step) or isinstance(step.detail, (Add, Delete))
    leaving = (other.detail for other in guarded.inside if other.path == guarded.handler.path)
    raised = any(isinstance(detail, Leave) and detail.how == "raise" for detail in leaving)
    return raised and not writing and swallowed(guarded.trace, step, len(guarded.handler.path))
