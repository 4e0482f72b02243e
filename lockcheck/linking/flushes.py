"""Whether what waits in a session is sent between two steps of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck.linking.events import Add, Execute, Merge, SessionCall, Write

if TYPE_CHECKING:
    from lockcheck.linking.project import Project
    from lockcheck.linking.trace import Step, Trace


def flushed(project: Project, trace: Trace, made: Step, later: Step) -> bool:
    """Whether what a step adds or sets is written before, or by, a later one."""
    if not isinstance(made.detail, (Add, Merge, Write)):
        return True
    steps = (*(step for step in trace.steps[made.number + 1 : later.number] if trace.reaches(made, step)), later)
    return any(
        (isinstance(step.detail, SessionCall) and step.detail.method == "flush")
        or (project.autoflush and isinstance(step.detail, Execute) and _asks(step.detail))
        for step in steps
    )


def _asks(execute: Execute) -> bool:
    """Whether a statement surely goes to the database: `get` may find the object in the session."""
    return execute.how != "get" or execute.statement.lock is not None
