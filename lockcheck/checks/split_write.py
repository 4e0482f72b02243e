"""LCK403: a row is added and committed before the rows that belong to it are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lockcheck.checks._common import dialects, file_line
from lockcheck.checks._handlers import Guarded, catches_database_errors, raises
from lockcheck.hazards import Hazard, Remedy
from lockcheck.linking.events import Add, EnterHandler, Execute, SessionCall
from lockcheck.linking.kinds import after, before
from lockcheck.linking.origins import origins
from lockcheck.linking.parents import instances
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import Built, Instance
from lockcheck.plans import FlushInstead, Target

CODE = "LCK403"


def check(project: Project) -> Iterator[Hazard]:
    yield from project.in_runs(_of_run, holding=(Add,))


def _of_run(project: Project, trace: Trace) -> Iterator[Hazard]:
    for step, detail in () if project.contention.in_tests(trace.function) else trace.of(SessionCall):
        if step.is_local and detail.method == "commit":
            hazard = _hazard(project, trace, step, detail)
            if hazard is not None:
                yield hazard


def _hazard(project: Project, trace: Trace, step: Step, commit: SessionCall) -> Hazard | None:
    for added, parent in _added(trace, step, commit):
        child = _child(project, trace, step, parent)
        if child is not None:
            hazard = _report(project, trace, commit, added, parent, child)
            return replace(hazard, preview=_has_some(project, trace, step, parent, child[1]))
    return None


def _added(trace: Trace, commit_step: Step, commit: SessionCall) -> Iterator[tuple[Step, Instance]]:
    """New objects that the commit makes visible."""
    for step, detail in before(trace.of(Add), commit_step):
        if not same_session(detail.session, commit.session):
            continue
        if not trace.reaches(step, commit_step) or trace.ended_between(step, commit_step, commit.session):
            continue
        for value in instances(detail.value):
            if isinstance(value.origin, Built):
                yield step, value


def _child(project: Project, trace: Trace, commit: Step, parent: Instance) -> tuple[Step, Instance] | None:
    """An object added after the commit that points at the committed one."""
    table = project.locks.table(parent.model)
    for step, detail in after(trace.of(Add), commit):
        if not trace.reaches(commit, step):
            continue
        for value in instances(detail.value):
            if _belongs(project, value, parent, table) and not _optional(trace, commit, step):
                return step, value
    return None


def _has_some(project: Project, trace: Trace, commit: Step, parent: Instance, child: Instance) -> bool:
    """Whether other rows of the kind are committed with the row that they belong to."""
    table = project.locks.table(parent.model)
    return any(
        value.model == child.model and _belongs(project, value, parent, table) and trace.reaches(step, commit)
        for step, detail in before(trace.of(Add), commit)
        for value in instances(detail.value)
    )


def _optional(trace: Trace, commit: Step, child: Step) -> bool:
    """Whether the child is added in a `try` behind the commit that lets no error through: the parent is meant to stay
    without it."""
    for step, caught in after(trace.of(EnterHandler), commit):
        body = (*step.path[:-1], step.path[-1]._replace(arm="body"))
        if child.path[: len(body)] == body and commit.path[: len(body)] != body:
            guarded = Guarded(trace, step, caught)
            if catches_database_errors(guarded) and not raises(guarded):
                return True
    return False


def _belongs(project: Project, child: Instance, parent: Instance, table: str | None) -> bool:
    mapped = project.locks.mapped(child.model)
    if mapped is None or child.model == parent.model:
        return False
    columns = {name for key in mapped.foreign_keys if key.target_table == table for name in key.columns}
    named = columns | set(mapped.relationships)
    return any(name in named and parent.origin in set(origins(value)) for name, value in child.given)


def _report(
    project: Project, trace: Trace, commit: SessionCall, added: Step, parent: Instance, child: tuple[Step, Instance]
) -> Hazard:
    child_step, child_value = child
    child_site = child_step.detail.site if isinstance(child_step.detail, Add) else commit.site
    name, inner = parent.model.qualname.rpartition(".")[2], child_value.model.qualname.rpartition(".")[2]
    reason = _obstacle(project, trace, added, parent)
    text = (
        f"commit() publishes the new {name} before its {inner} rows are written at {file_line(project, child_site)}: "
        f"an error in between leaves the {name} without them"
    )
    remedy = None
    if reason is None:
        message = f"flush() keeps both in one transaction (judged for {dialects(project.policy.databases)})"
        remedy = Remedy(FlushInstead(commit.site), "unsafe", message)
    return Hazard(
        site=commit.site,
        function=trace.function,
        message=f"{text}; no fix: {reason}" if reason else text,
        related=((child_site, f"{inner} rows that point at the {name} are added here"), *_parent_site(parent, name)),
        remedy=remedy,
        no_fix=reason,
    )


def _parent_site(parent: Instance, name: str) -> tuple[tuple[Target, str], ...]:
    return ((parent.origin.site, f"the {name} is built here"),) if isinstance(parent.origin, Built) else ()


def _obstacle(project: Project, trace: Trace, added: Step, parent: Instance) -> str | None:
    """Why the commit may be wanted: it shows the row to a check for existing rows that others make (page of LCK403)."""
    table = project.locks.table(parent.model)
    for step, detail in before(trace.of(Execute), added):
        if detail.statement.kind != "select" or not trace.reaches(step, added):
            continue
        if project.locks.table(detail.statement.model) == table:
            return (
                f"the commit publishes the row to the check for existing rows at {file_line(project, detail.site)}; "
                f"without it two runs could both pass"
            )
    return None
