"""When rows that were added are written: at a flush, which every query does unless the sessions are told not to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck import facts
from lockcheck.linking.events import Add, Execute, Merge, SessionCall, Write

if TYPE_CHECKING:
    from lockcheck.linking.project import Project
    from lockcheck.linking.trace import Step, Trace


def flushed(project: Project, trace: Trace, made: Step, later: Step) -> bool:
    """Whether what a step adds or sets is written before, or by, a later one."""
    if not isinstance(made.detail, (Add, Merge, Write)):
        return True
    between = [step for step in trace.steps[made.number + 1 : later.number] if trace.reaches(made, step)]
    if any(isinstance(step.detail, SessionCall) and step.detail.method == "flush" for step in between):
        return True
    queries = any(isinstance(step.detail, Execute) for step in (*between, later))
    return queries and autoflushes(project)


def autoflushes(project: Project) -> bool:
    """Whether sessions flush before a query: no `autoflush=False` stands in the project."""
    for located in project.linker.functions.values():
        values = located.facts.values
        for value in values:
            if isinstance(value, facts.Call):
                for keyword in value.keywords:
                    if keyword.name == "autoflush" and values[keyword.value] == facts.Const(value=False):
                        return False
    return True
