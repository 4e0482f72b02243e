"""LCK302: a row is looked up, and inserted when it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lockcheck.checks._common import file_line, listed, place
from lockcheck.checks._inserts import Insert, expected, inserts, starts, unknown_to_others
from lockcheck.checks._lookup_keys import Key, matched
from lockcheck.checks._savepoint import savepoint
from lockcheck.checks._serial import serialised
from lockcheck.hazards import Hazard
from lockcheck.linking.events import Add, Execute
from lockcheck.linking.missing import Lookups, Missing
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Trace
from lockcheck.plans import Target

CODE = "LCK302"


@dataclass(frozen=True, slots=True)
class Found:
    """An insert with the look-up that it follows from."""

    insert: Insert
    missing: Missing
    key: Key


def check(project: Project) -> Iterator[Hazard]:
    seen: set[Target] = set()
    for hazard in project.in_runs(_of_run, starts, (Add, Execute)):
        if hazard.site not in seen:
            seen.add(hazard.site)
            yield hazard


def _of_run(project: Project, trace: Trace) -> Iterator[Hazard]:
    for found in _found(project, trace):
        yield _report(project, found)


def _found(project: Project, trace: Trace) -> Iterator[Found]:
    lookups = project.lookups(trace)
    for insert in inserts(project, trace):
        found = [item for item in _follows(project, lookups, insert) if _races(project, trace, item)]
        if found and not expected(project, trace, insert):
            yield max(found, key=lambda item: (bool(item.key.unique), len(item.missing.decided.calls)))


def _follows(project: Project, lookups: Lookups, insert: Insert) -> Iterator[Found]:
    """The look-ups for the row that is inserted."""
    for missing in (
        *lookups.before(insert.step),
        *(lookups.before(insert.built) if insert.built is not None else ()),
        *lookups.left_out(insert.given.values(), insert.step),
    ):
        key = matched(project, missing, insert)
        if key is not None:
            yield Found(insert, missing, key)


def _races(project: Project, trace: Trace, found: Found) -> bool:
    """Whether a second run can come in between: not where it only gets an error for an error, nor where it waits for
    rows that the look-up has locked."""
    if any(unknown_to_others(value) for value in found.key.values) or (found.key.unique and found.missing.refused):
        return False
    statement = found.missing.statement
    if statement.lock is not None and not project.locks.one_row(statement):
        return False
    return not serialised(project, trace, found.missing.check, statement, found.key.columns, found.key.values)


def _report(project: Project, found: Found) -> Hazard:
    insert, missing, key = found.insert, found.missing, found.key
    site, function = place(insert.step, missing.decided.calls, insert.site)
    checked = missing.check.detail
    assert isinstance(checked, Execute)  # noqa: S101  only executions are looked at
    columns = ", ".join(key.columns)
    name = insert.mapped.name
    limit = "counts those of" if missing.counted else "finds none by"
    outcome = (
        f"both INSERT, and the second fails with IntegrityError: ({', '.join(key.unique)}) is unique"
        if key.unique
        else "both INSERT: no constraint keeps to the limit"
        if missing.counted
        else f"both INSERT: no unique constraint on {listed(key.columns)} is declared, so that there are two rows"
    )
    text = (
        f"a new {name} is inserted when the SELECT at {file_line(project, checked.site)} {limit} ({columns}): "
        f"two transactions that both {'count as many' if missing.counted else 'find nothing'} {outcome}"
    )
    remedy, reason = savepoint(project, insert, missing, key)
    related = [(checked.site, f"looks for the {name} here")]
    if site != insert.site:
        related.append((insert.site, f"the {name} is added here"))
    return Hazard(
        site=site,
        function=function,
        message=f"{text}; no fix: {reason}" if reason else text,
        related=tuple(related),
        remedy=remedy,
        no_fix=reason,
        preview=not key.unique,
    )
