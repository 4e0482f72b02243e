"""LCK403: a row is added and committed before the rows that belong to it are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lockcheck.checks._common import dialects, file_line
from lockcheck.checks._flushes import FLUSHES
from lockcheck.checks._handlers import swallowed
from lockcheck.hazards import Hazard, Remedy
from lockcheck.linking.events import Add, Construct, Execute, SessionCall
from lockcheck.linking.kinds import after, before
from lockcheck.linking.origins import built, origins
from lockcheck.linking.parents import instances
from lockcheck.linking.paths import surely_follows
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import Abstract, Built, Instance, SessionRef, Somewhere
from lockcheck.plans import FlushInstead, Target
from lockcheck.sequences import common

CODE = "LCK403"


def check(project: Project) -> Iterator[Hazard]:
    yield from project.in_runs(_of_run, holding=(Add,))


def _of_run(project: Project, trace: Trace) -> Iterator[Hazard]:
    for step, detail in () if project.contention.in_tests(trace.function) else trace.of(SessionCall):
        if step.is_local and detail.method == "commit":
            found = list(_hazards(project, trace, step, detail))
            yield from sorted(found, key=lambda hazard: hazard.preview)[:1]


def _hazards(project: Project, trace: Trace, step: Step, commit: SessionCall) -> Iterator[Hazard]:
    for added, parent in _added(trace, step, commit):
        child = _child(project, trace, step, parent)
        if child is not None:
            hazard = _report(project, trace, commit, added, parent, child)
            weak = _has_some(project, trace, step, parent, child[1]) or _found(project, parent, child[1])
            yield replace(hazard, preview=weak)


def _added(trace: Trace, commit_step: Step, commit: SessionCall) -> Iterator[tuple[Step, Instance]]:
    """New objects that the commit makes visible."""
    for step, detail in before(trace.of(Add), commit_step):
        if not same_session(detail.session, commit.session):
            continue
        if not trace.reaches(step, commit_step) or trace.ended_between(step, commit_step, commit.session):
            continue
        for value in instances(detail.value):
            if isinstance(value.origin, Built) and not _published(trace, step, commit, value):
                yield step, value


def _published(trace: Trace, step: Step, commit: SessionCall, value: Instance) -> bool:
    """Whether the object was added and committed before it is added at a step once more: by a function that gives back
    what it has made, say."""
    if len(before(_made(trace, value), step)) > 1:
        return False
    return any(
        any(found.origin == value.origin and found.model == value.model for found in instances(added.value))
        and _committed_between(trace, first, step, commit.session)
        for first, added in before(trace.of(Add), step)
    )


def _made(trace: Trace, value: Instance) -> list[tuple[Step, Construct]]:
    """Where objects are built that a run does not tell from this one: by calls of one function, say."""
    found = trace.of(Construct)
    return [(step, made) for step, made in found if value.origin == Built(made.site) and value.model == made.model]


def _committed_between(trace: Trace, first: Step, last: Step, session: SessionRef) -> bool:
    """Whether what waits in the session at one step is surely committed, and nothing rolled back, ahead of another."""
    calls = [
        (step, call.method)
        for step, call in before(after(trace.of(SessionCall), first), last)
        if same_session(call.session, session) and trace.reaches(step, last)
    ]
    if any(method == "rollback" for _, method in calls):
        return False
    return any(method == "commit" and surely_follows(step.path, first.path) for step, method in calls)


def _child(project: Project, trace: Trace, commit: Step, parent: Instance) -> tuple[Step, Instance] | None:
    """An object added after the commit that points at the committed one."""
    table = project.locks.table(parent.model)
    made = _made(trace, parent)
    for step, detail in after(trace.of(Add), commit):
        if not trace.reaches(commit, step) or len(before(made, step)) > len(before(made, commit)):
            continue
        for value in instances(detail.value):
            if _points_at(project, value, parent, table) is not None and not _optional(trace, commit, step):
                return step, value
    return None


def _has_some(project: Project, trace: Trace, commit: Step, parent: Instance, child: Instance) -> bool:
    """Whether other rows of the kind are committed with the row that they belong to."""
    table = project.locks.table(parent.model)
    return any(
        value.model == child.model
        and _points_at(project, value, parent, table) is not None
        and trace.reaches(step, commit)
        for step, detail in before(trace.of(Add), commit)
        for value in instances(detail.value)
    )


def _found(project: Project, parent: Instance, child: Instance) -> bool:
    """Whether the child is written as well for a row that may have been there before: then another run, which finds
    the row, writes what is missing."""
    value = _points_at(project, child, parent, project.locks.table(parent.model))
    return not built(value) or any(isinstance(origin, Somewhere) for origin in origins(value))


def _optional(trace: Trace, commit: Step, child: Step) -> bool:
    """Whether the child is added, or sent to the database, in a `try` behind the commit that lets no error through: the
    parent is meant to stay without it."""
    sent = (step for step, call in after(trace.of(SessionCall), child) if call.method in FLUSHES)
    first = next((step for step in sent if trace.reaches(child, step)), child)
    return any(swallowed(trace, step, common(commit.path, step.path)) for step in (child, first))


def _points_at(project: Project, child: Instance, parent: Instance, table: str | None) -> Abstract | None:
    """What a foreign key to the parent's table, or a relationship with one such row, is set to, where that is the
    parent."""
    mapped = project.locks.mapped(child.model)
    if mapped is None or child.model == parent.model:
        return None
    named = {name for key in mapped.foreign_keys if key.target_table == table for name in key.columns}
    for name, relation in mapped.relationships.items():
        target = project.linker.declarations.mapped(relation.target) if relation.target else None
        if target is not None and target.table == table and not relation.uselist:
            named.add(name)
    return next((value for name, value in child.given if name in named and parent.origin in origins(value)), None)


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
