"""LCK208: a row lock that the database never sees, or that nobody checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lockcheck import facts
from lockcheck.checks._common import file_line
from lockcheck.hazards import Hazard, Remedy
from lockcheck.linking.events import Delete, Execute, Test, Write
from lockcheck.linking.kinds import after
from lockcheck.linking.origins import built
from lockcheck.linking.parents import instances
from lockcheck.linking.project import Project
from lockcheck.linking.refusals import refused
from lockcheck.linking.statements import BUILDS
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.unused import Uses
from lockcheck.linking.values import Known, Result, RowLock
from lockcheck.plans import DropLock, ReadFirstRow, Target

CODE = "LCK208"

LOCK = "with_for_update"
READS = frozenset({"all", "first", "fetchall", "scalars", "scalar", "unique", "one_or_none", "scalar_one_or_none"})
"""Methods of a result that do not fail where no row was returned."""

SAME = frozenset({"scalars", "unique", "mappings", "tuples"})
"""Methods that give a result again."""


def check(project: Project) -> Iterator[Hazard]:
    seen: set[Target] = set()
    for hazard in project.in_runs(_of_run, holding=(RowLock, Test)):
        if hazard.site not in seen:
            seen.add(hazard.site)
            yield hazard
    asking = (name for name in project.functions if LOCK in project.callees(name))
    unexecuted = (hazard for name in asking for hazard in project.ask(_unexecuted, name))
    yield from (hazard for hazard in unexecuted if hazard.site not in seen)


def _of_run(project: Project, trace: Trace) -> Iterator[Hazard]:
    for step, detail in trace.of(Execute, Test):
        for judge in _judges(detail) if step.is_local else ():
            hazard = judge(project, trace, step)
            if hazard is not None:
                yield hazard


# --- locks that are not rendered -----------------------------------------------------------------------------------


def _rendered(_: Project, trace: Trace) -> Iterator[Target]:
    """The locks that a SELECT of a run takes."""
    statements = (step.detail.statement for step in trace.steps if isinstance(step.detail, Execute))
    yield from (
        s.lock.site for s in statements if s.kind == "select" and s.lock is not None and s.lock.site is not None
    )


def _taken(project: Project) -> frozenset[Target]:
    return frozenset(project.in_runs(_rendered))


def _dropped(project: Project, trace: Trace, step: Step) -> Hazard | None:
    execute = step.detail
    lock = execute.statement.lock if isinstance(execute, Execute) else None
    if not isinstance(execute, Execute) or lock is None or lock.site is None:
        return None
    if execute.how in ("query.update", "query.delete") and lock.site not in project.ask(_taken):
        kind = execute.statement.kind.upper()
        text = f"the row lock is left out: query.{kind.lower()}() renders an {kind} without it"
        text = text.replace("an DELETE", "a DELETE")
        return _plain(trace, lock, text, f"take it out; the {kind} locks the rows that it writes")
    if execute.statement.compound and execute.statement.kind == "select" and execute.statement.query is None:
        text = "the row lock is left out: SQLAlchemy renders no FOR UPDATE on a UNION, INTERSECT or EXCEPT"
        return _plain(trace, lock, text, None)
    return None


def _plain(trace: Trace, lock: RowLock, text: str, fix: str | None) -> Hazard | None:
    if lock.site is None:
        return None
    remedy = Remedy(DropLock(lock.site), "safe", fix) if fix and lock.style == "method" else None
    reason = None if remedy else "what should be locked, and by which statement, is not known"
    message = text if remedy else f"{text}; no fix: {reason}"
    return Hazard(site=lock.site, function=trace.function, message=message, remedy=remedy, no_fix=reason)


def _on_sqlite(project: Project, trace: Trace, step: Step) -> Hazard | None:
    lock = step.detail.statement.lock if isinstance(step.detail, Execute) else None
    if lock is None or project.policy.dialects != ("sqlite",):
        return None
    text = "the row lock is left out: SQLite has none, and a SELECT begins no write transaction (BEGIN IMMEDIATE does)"
    return _plain(trace, lock, text, None)


# --- locks that are refused ----------------------------------------------------------------------------------------


def _refused(project: Project, trace: Trace, step: Step) -> Hazard | None:
    execute = step.detail
    why = refused(project, execute) if isinstance(execute, Execute) else None
    if not isinstance(execute, Execute) or why is None:
        return None
    lock = execute.statement.lock
    if lock is None or lock.site is None:
        return None
    reason = "which rows should be locked is not known"
    text = f"PostgreSQL refuses FOR UPDATE with {why} (0A000); no fix: {reason}"
    return Hazard(site=lock.site, function=trace.function, message=text, no_fix=reason, severity="error")


# --- locks that nobody checks --------------------------------------------------------------------------------------


def _tested(project: Project, trace: Trace, step: Step) -> Hazard | None:
    test = step.detail
    if not isinstance(test, Test) or not isinstance(test.subject, Result):
        return None
    lock = test.subject.statement.lock
    if lock is None or lock.blocking or not _is_truth(test):
        return None
    if not any(uses.only_tested(number, SAME) for uses, number in _calls(project, step, test.subject.site)):
        return None
    fix = "test whether a row was returned (judged for all databases); what runs when none was may be new"
    return Hazard(
        site=test.subject.site,
        function=trace.function,
        message=f"the result of {_asked(lock)} is tested itself, and is always true, also when no row was locked",
        related=((lock.site, "the lock is asked for here"),) if lock.site else (),
        remedy=Remedy(ReadFirstRow(test.subject.site), "unsafe", fix),
    )


def _is_truth(test: Test) -> bool:
    return test.operator == "truth" or (test.operator in ("is", "is not") and test.operand == Known(None))


def _asked(lock: RowLock) -> str:
    return "SELECT ... FOR UPDATE " + ("SKIP LOCKED" if lock.skip_locked else "NOWAIT")


def _unlooked(project: Project, trace: Trace, step: Step) -> Hazard | None:
    execute = step.detail
    lock = execute.statement.lock if isinstance(execute, Execute) else None
    if not isinstance(execute, Execute) or lock is None or not lock.skip_locked or execute.statement.kind != "select":
        return None
    if not any(uses.unused(number, READS) for uses, number in _calls(project, step, execute.site)):
        return None
    table = project.locks.table(execute.statement.model)
    writing = after(trace.of(Write, Delete, Execute), step)
    later = (other for other, _ in writing if _writes(project, other, table))
    write = next((s for s in later if trace.reaches(step, s) and not trace.ended_between(step, s, None)), None)
    if write is None or table is None or not isinstance(write.detail, (Write, Execute, Delete)):
        return None
    site = write.detail.site
    reason = "what should happen when the row is locked is not known"
    text = f"{_asked(lock)} on {table} returns nothing for a row that is locked, and nobody looks at what it returns"
    return Hazard(
        site=execute.site,
        function=trace.function,
        message=f"{text}; {table} rows are written at {file_line(project, site)}; no fix: {reason}",
        related=((site, f"{table} rows are written here, locked or not"),),
        no_fix=reason,
    )


def _calls(project: Project, step: Step, site: Target) -> Iterator[tuple[Uses, int]]:
    """A call of the function that a step stands in, with the uses of its values."""
    located = project.linker.functions.get(step.function)
    values = located.facts.values if located is not None and site.kind == "call" else ()
    for number, value in enumerate(values):
        if located is not None and isinstance(value, facts.Call) and value.site == site.index:
            yield Uses(project.linker, located.facts), number


def _writes(project: Project, step: Step, table: str | None) -> bool:
    detail = step.detail
    if isinstance(detail, Write):
        mapped = project.locks.mapped(detail.instance.model)
        known = mapped is not None and mapped.table == table and mapped.column(detail.attribute) is not None
        return known and not built(detail.instance)
    if isinstance(detail, Delete):
        return any(project.locks.table(part.model) == table for part in instances(detail.value))
    if isinstance(detail, Execute) and detail.statement.kind in ("update", "delete"):
        return project.locks.table(detail.statement.model) == table
    return False


# --- locks that are never taken ------------------------------------------------------------------------------------


def _unexecuted(project: Project, function: str) -> tuple[Hazard, ...]:
    located = project.linker.functions[function]
    values = located.facts.values
    asked = [
        (number, value)
        for number, value in enumerate(values)
        if isinstance(value, facts.Call) and _is_lock(values[value.func])
    ]
    uses = Uses(project.linker, located.facts) if asked else None
    reason = "where it should be executed is not known"
    text = f"the statement with this row lock is never executed, so nothing is locked; no fix: {reason}"
    return tuple(
        Hazard(
            site=Target(located.where.path, located.where.slice, "call", value.site),
            function=function,
            message=text,
            no_fix=reason,
        )
        for number, value in asked
        if uses is not None and uses.unused(number, BUILDS)
    )


def _is_lock(value: facts.Value) -> bool:
    return isinstance(value, facts.Attr) and value.name == LOCK


Judge = Callable[[Project, Trace, Step], Hazard | None]

JUDGES: tuple[Judge, ...] = (_dropped, _on_sqlite, _refused, _unlooked)
"""Of a statement that asks for row locks."""


def _judges(detail: Execute | Test) -> tuple[Judge, ...]:
    if isinstance(detail, Test):
        return (_tested,)
    return JUDGES if detail.statement.lock is not None else ()
