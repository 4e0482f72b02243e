"""LCK202: a SELECT ... FOR UPDATE that waits for many rows in no particular order."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.checks._common import counterpart_does, counterpart_text, dialects, short
from lockcheck.checks._several_models import DIFFER, keys_differ
from lockcheck.hazards import Hazard, Remedy, Where
from lockcheck.linking.events import Execute
from lockcheck.linking.lockers import Locker
from lockcheck.linking.project import Project
from lockcheck.linking.refusals import refused
from lockcheck.linking.singles import single
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import RowLock, Statement
from lockcheck.linking.witnesses import Contest
from lockcheck.plans import OrderLock, Target

CODE = "LCK202"

WRITTEN = "the query is also updated or deleted by, which SQLAlchemy refuses after order_by()"


def check(project: Project) -> Iterator[Hazard]:
    seen: set[Target] = set()
    for site, hazard in project.in_runs(_of_run, holding=(RowLock,)):
        if site not in seen:
            seen.add(site)
            if hazard is not None:
                yield hazard


def _of_run(project: Project, trace: Trace) -> Iterator[tuple[Target, Hazard | None]]:
    for step, detail in trace.locking:
        if step.is_local and _unordered(project, detail):
            site = detail.statement.lock.site if detail.statement.lock else None
            if site is not None:
                yield site, _hazard(project, trace, step, detail.statement, site)


def _unordered(project: Project, execute: Execute) -> bool:
    statement = execute.statement
    lock = statement.lock
    if lock is None or not lock.blocking or statement.kind != "select" or execute.how in ("get", "refresh"):
        return False
    if refused(project, execute) or statement.grouped or statement.compound or single(project, execute):
        return False
    access = project.locks.access(statement)
    many = access in ("many", "keys") or (access == "opaque" and project.linker.is_many(execute.site))
    return many and not project.locks.by_key(statement)


def _hazard(project: Project, trace: Trace, step: Step, statement: Statement, site: Target) -> Hazard | None:
    table = project.locks.table(statement.model) or ""
    if table in project.policy.not_contended or project.contention.runs_alone(trace.function):
        return None
    gates = project.contention.gates(trace, step, table)
    others = project.contention.counterparts(table, statement, gates, site)
    others = [other for other in others if not (statement.order_by and other.ordered)]
    stable = [other for other in others if other.kind != "bulk" and not other.same_way]
    counterpart = next(iter(stable or others), None)
    if not stable and (statement.order_by or (gates and not others)):
        return None
    remedy, reason = (None, WRITTEN) if _is_written(trace, site) else _remedy(project, statement, site)
    return Hazard(
        site=site,
        function=trace.function,
        message=_message(project, statement, table, counterpart, reason),
        related=_related(counterpart),
        remedy=remedy,
        no_fix=reason,
        preview=not stable and table not in project.policy.contended,
        witness=Contest(trace, step, counterpart),
    )


def _is_written(trace: Trace, site: Target) -> bool:
    """Whether `update()` or `delete()` of the same legacy query is called, which takes no ORDER BY."""
    locks = (execute.statement.lock for _, execute in trace.locking if execute.statement.kind != "select")
    return any(lock is not None and lock.site == site for lock in locks)


def _message(project: Project, statement: Statement, table: str, counterpart: Locker | None, reason: str | None) -> str:
    if counterpart is None:
        other = "another run of the same code may lock them in another order"
    else:
        other = counterpart_text(project, counterpart)
    order = "another order than that of the primary key" if statement.order_by else "no particular order"
    text = f"FOR UPDATE waits for many {table} rows in {order}; {other}"
    return f"{text}; no fix: {reason}" if reason else text


def _related(counterpart: Locker | None) -> tuple[tuple[Where, str], ...]:
    if counterpart is None:
        return ()
    return ((counterpart.site, f"the other side, {short(counterpart.function)}, {counterpart_does(counterpart)}"),)


def _remedy(project: Project, statement: Statement, site: Target) -> tuple[Remedy | None, str | None]:
    mapped = project.locks.mapped(statement.model)
    lock = statement.lock
    reason = _obstacle(statement)
    if reason is not None or lock is None or mapped is None:
        return None, reason
    if statement.spelling is None:
        return None, "by which name the table goes there is not known"
    if (statement.site.path, statement.site.slice) != (site.path, site.slice):
        return None, "the statement is built in another function"
    if keys_differ(project, statement, mapped):
        return None, DIFFER
    if {"mysql", "mariadb"} & set(project.policy.dialects):
        return None, "InnoDB locks rows while it scans, before ORDER BY sorts them"
    names = project.policy.databases
    safe = set(names) <= {"postgresql", "sqlite"}
    text = f"lock in primary-key order (judged for {dialects(names)})"
    if not safe:
        text += "; holds on PostgreSQL, InnoDB locks before it sorts"
    plan = OrderLock(site, statement.spelling, mapped.primary_key, is_table=project.locks.is_core(statement.model))
    return Remedy(plan, "safe" if safe else "unsafe", text), None


def _obstacle(statement: Statement) -> str | None:
    if statement.limited:
        return "with LIMIT another order selects other rows"
    if statement.distinct:
        return "with DISTINCT the rows that are locked are not those that are returned"
    if statement.order_by:
        return "the statement has another ORDER BY"
    if statement.lock is not None and statement.lock.style != "method":
        return "a helper takes the lock"
    return None
