"""What callers hold in a session when they hand it to a function that may roll it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lockcheck.checks._deadlocks import Lost
from lockcheck.linking.events import Add, Delete, Execute, Inner, Merge, Write
from lockcheck.linking.kinds import after, before
from lockcheck.linking.origins import operations
from lockcheck.linking.parents import instances
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import Built, SessionRef, each
from lockcheck.plans import Target

MAX_LEVELS = 4
"""How far up the callers are looked at."""


class Loss(NamedTuple):
    """`caller` holds what is `lost` when the function is called at `call`."""

    caller: str
    call: Target
    lost: Lost


def lost_by(project: Project, function: str) -> Loss | None:
    """The nearest caller's work that a rollback in `function` undoes."""
    seen = {function}
    level = [function]
    for _ in range(MAX_LEVELS):
        level = sorted({caller for name in level for caller in project.callers_of(name)} - seen)
        seen |= set(level)
        for caller in level:
            for found in _in_run(project, project.trace(caller), function):
                return found
    return None


def _in_run(project: Project, trace: Trace, function: str) -> Iterator[Loss]:
    for step, detail in trace.of(Inner):
        if detail.behaviour.function != function:
            continue
        if project.linker.opens(detail.site) is not None:
            continue
        for session in _sessions(detail):
            lost = ahead(project, trace, step, session)
            if lost is not None:
                yield Loss(trace.function, detail.site, lost)


def _sessions(call: Inner) -> Iterator[SessionRef]:
    """The sessions that a call hands over."""
    for _, value in call.actual:
        yield from (part for part in each(value) if isinstance(part, SessionRef))


def ahead(project: Project, trace: Trace, step: Step, session: SessionRef) -> Lost | None:
    """What the run has written in the transaction ahead of a step, else what it has locked."""
    found = list(_work(project, trace, step, session))
    return next((item for item in found if not item.is_lock), next(iter(found), None))


def _work(project: Project, trace: Trace, call: Step, session: SessionRef) -> Iterator[Lost]:
    """Writes and locks of the session that a call may find in its transaction, nearest first."""
    for step in reversed(trace.steps[: call.number]):
        is_lock = _locks(step, session)
        if not is_lock and not writes(project, trace, step, session):
            continue
        site = getattr(step.detail, "site", None)
        if site is not None and trace.reaches(step, call) and not _may_have_ended(trace, step, call, session):
            yield Lost(site, is_lock)


def _may_have_ended(trace: Trace, first: Step, last: Step, session: SessionRef) -> bool:
    ends = (step for step, ended in before(after(trace.endings, first), last) if same_session(ended, session))
    return any(trace.reaches(first, step) and trace.reaches(step, last) for step in ends)


def _changed(trace: Trace, step: Step, merge: Merge) -> bool:
    """Whether what is merged is new, or was changed before: else it is only brought into the session."""
    merged = {instance.origin for instance in instances(merge.value)}
    if not merged or any(isinstance(origin, Built) for origin in merged):
        return True
    return any(write.instance.origin in merged for _, write in before(trace.of(Write), step))


def _locks(step: Step, session: SessionRef) -> bool:
    detail = step.detail
    locking = isinstance(detail, Execute) and detail.statement.kind == "select" and detail.statement.lock is not None
    return locking and _of(detail, session)


def _of(detail: object, session: SessionRef) -> bool:
    own = getattr(detail, "session", None)
    return own is not None and same_session(own, session)


def writes(project: Project, trace: Trace, step: Step, session: SessionRef) -> bool:
    """Whether a step writes in the session, perhaps at its next flush."""
    detail = step.detail
    if isinstance(detail, Execute):
        return detail.statement.kind != "select" and _of(detail, session)
    if isinstance(detail, Merge):
        return _of(detail, session) and _changed(trace, step, detail)
    if isinstance(detail, (Add, Delete)):
        return _of(detail, session)
    if isinstance(detail, Write) and project.linker.names.column(detail.instance.model, detail.attribute) is not None:
        sources = operations(detail.instance.origin)
        read = before(trace.of(Execute), step)
        return any(execute.site in sources and _of(execute, session) for _, execute in read)
    return False
