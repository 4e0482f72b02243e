"""Whether what waits in a session is sent between two steps of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck.linking.events import Add, Detail, Execute, Merge, SessionCall, Write
from lockcheck.linking.kinds import after, before

if TYPE_CHECKING:
    from lockcheck.linking.project import Project
    from lockcheck.linking.trace import Step, Trace


def flushed(project: Project, trace: Trace, made: Step, later: Step) -> bool:
    """Whether what a step adds or sets is written before, or by, a later one."""
    if not isinstance(made.detail, (Add, Merge, Write)):
        return True
    between = before(after(trace.of(SessionCall, Execute), made), later)
    return _sends(project, later.detail) or any(
        _sends(project, detail) and trace.reaches(made, step) for step, detail in between
    )


def _sends(project: Project, detail: Detail) -> bool:
    """Whether a step is a flush, or goes to the database for sure where sessions autoflush: `get` may find the object
    in the session."""
    if isinstance(detail, SessionCall):
        return detail.method == "flush"
    asks = isinstance(detail, Execute) and (detail.how != "get" or detail.statement.lock is not None)
    return asks and project.autoflush
