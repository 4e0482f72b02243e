"""LCK304: a row is deleted by a unique key and inserted again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lockcheck.checks._common import file_line, place
from lockcheck.checks._inserts import Insert, attribute, expected, inserts, starts, unknown_to_others
from lockcheck.checks._lookup_keys import same
from lockcheck.checks._serial import serialised
from lockcheck.hazards import Hazard
from lockcheck.linking import clauses
from lockcheck.linking.events import Add, Delete, Execute
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import Abstract, FromOperation, Instance, SessionRef, Statement, each
from lockcheck.plans import Target

CODE = "LCK304"

REASON = (
    "ON CONFLICT DO UPDATE would keep what the DELETE clears: columns that the new row is not given, and its children"
)


@dataclass(frozen=True, slots=True)
class Removal:
    """`step` deletes what `statement` reaches; the row is read at `read`."""

    step: Step
    site: Target
    session: SessionRef | None
    statement: Statement
    read: Step


def check(project: Project) -> Iterator[Hazard]:
    seen: set[Target] = set()
    for hazard in project.in_runs(_of_run, starts, (Add, Execute)):
        if hazard.site not in seen:
            seen.add(hazard.site)
            yield hazard


def _of_run(project: Project, trace: Trace) -> Iterator[Hazard]:
    removals = list(_removals(project, trace))
    for insert in inserts(project, trace) if removals else ():
        hazard = _hazard(project, trace, removals, insert)
        if hazard is not None:
            yield hazard


def _removals(project: Project, trace: Trace) -> Iterator[Removal]:
    lookups = project.lookups(trace)
    for step, detail in trace.of(Execute, Delete):
        if isinstance(detail, Execute):
            if detail.statement.kind == "delete":
                yield Removal(step, detail.site, detail.session, detail.statement, step)
        else:
            for part in each(detail.value):
                if isinstance(part, Instance) and isinstance(part.origin, FromOperation):
                    for read, statement in lookups.executions(part.origin.site, step):
                        yield Removal(step, detail.site, detail.session, statement, read)


def _hazard(project: Project, trace: Trace, removals: list[Removal], insert: Insert) -> Hazard | None:
    for removal in removals:
        if removal.step.number > insert.step.number or not trace.reaches(removal.step, insert.step):
            continue
        if trace.ended_between(removal.step, insert.step, removal.session) or not _one_session(removal, insert):
            continue
        key = _key(project, removal.statement, insert)
        if key is None or any(unknown_to_others(value) for value in key.values()):
            continue
        locked = removal.statement.lock is not None and removal.read is not removal.step
        if locked or serialised(project, trace, removal.read, removal.statement, tuple(key), key.values()):
            continue
        if not expected(project, trace, insert):
            return _report(project, removal, insert, tuple(key))
    return None


def _one_session(removal: Removal, insert: Insert) -> bool:
    return removal.session is None or insert.session is None or same_session(removal.session, insert.session)


def _key(project: Project, statement: Statement, insert: Insert) -> dict[str, Abstract] | None:
    """The unique key by which a row is deleted and inserted."""
    mapped = insert.mapped
    if statement.model is None or project.locks.table(statement.model) != mapped.table:
        return None
    pins = {attribute(mapped, n): v for n, v in clauses.pinned(statement.where, statement.model).items()}
    for key in project.locks.keys(mapped):
        if not set(key) <= set(pins) or not set(key) <= set(insert.given):
            continue
        if all(same(insert.given[name], pins[name]) for name in key):
            return {name: pins[name] for name in key}
    return None


def _report(project: Project, removal: Removal, insert: Insert, key: tuple[str, ...]) -> Hazard:
    site, function = place(insert.step, removal.step.calls, insert.site)
    names = ", ".join(key)
    name = insert.mapped.name
    deletes = file_line(project, removal.site)
    text = (
        f"the {name} with this ({names}) is deleted at {deletes} and inserted again: of two transactions that do so, "
        f"the second deletes nothing, at once or after it has waited, and its INSERT fails with IntegrityError; "
        f"no fix: {REASON}"
    )
    related = ((removal.site, "the row is deleted here"),)
    return Hazard(site=site, function=function, message=text, related=related, no_fix=REASON)
