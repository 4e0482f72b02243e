"""LCK203: FOR UPDATE reaches more tables than the one it is meant for."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.checks._common import listed
from lockcheck.checks._widened import widened_remedy
from lockcheck.hazards import Hazard, Where
from lockcheck.linking.events import Delete, Execute, Write
from lockcheck.linking.kinds import after
from lockcheck.linking.locks import Widening
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import Instance, ModelRef, RowLock, Statement, each
from lockcheck.linking.witnesses import Widened
from lockcheck.plans import Target

CODE = "LCK203"

NEEDED = "the lock on the other table is needed: its rows are written later in the transaction"


def check(project: Project) -> Iterator[Hazard]:
    seen: set[Target] = set()
    for hazard in project.in_runs(_of_run, holding=(RowLock,)):
        if hazard.site not in seen:
            seen.add(hazard.site)
            yield hazard


def _of_run(project: Project, trace: Trace) -> Iterator[Hazard]:
    for step, execute in trace.locking:
        if step.is_local:
            hazard = _widened(project, trace, step, execute.statement)
            if hazard is not None:
                yield hazard


def _widened(project: Project, trace: Trace, step: Step, statement: Statement) -> Hazard | None:
    if not statement.readable or statement.compound:
        return None
    wider = [w for w in project.locks.widenings(statement) if not _meant(project, trace, step, statement, w)]
    lock = statement.lock
    if not wider or lock is None or lock.site is None:
        return None
    needed = any(_written_later(project, trace, step, w.model) for w in wider)
    remedy, reason = (None, NEEDED) if needed else widened_remedy(project, statement, wider)
    return Hazard(
        site=lock.site,
        function=trace.function,
        message=_message(project, statement, wider, reason),
        related=tuple(_related(wider)),
        remedy=remedy,
        no_fix=reason,
        severity="error" if any(w.outer for w in wider) else None,
        witness=Widened(trace, step),
    )


def _meant(project: Project, trace: Trace, step: Step, statement: Statement, widening: Widening) -> bool:
    """An explicit join whose rows are selected as objects, or written later, was joined in order to lock them. So was a
    relationship that the statement itself asks to be loaded by a join, and that is written later; not one that its
    class always loads so."""
    declared = widening.declared
    if widening.relation is not None and (widening.outer or declared is None or declared.lazy in ("joined", False)):
        return False
    return widening.model in statement.entities or _written_later(project, trace, step, widening.model)


def _written_later(project: Project, trace: Trace, step: Step, model: ModelRef) -> bool:
    table = project.locks.table(model)
    later = after(trace.of(Write, Delete, Execute), step)
    writes = (other for other, detail in later if _writes(project, detail, table))
    return any(trace.reaches(step, other) and not trace.ended_between(step, other, None) for other in writes)


def _writes(project: Project, detail: Write | Delete | Execute, table: str | None) -> bool:
    if isinstance(detail, Write):
        parts = (part for part in each(detail.instance) if isinstance(part, Instance))
        return any(
            project.linker.names.column(part.model, detail.attribute) is not None
            and project.locks.table(part.model) == table
            for part in parts
        )
    if isinstance(detail, Delete):
        return any(isinstance(p, Instance) and project.locks.table(p.model) == table for p in each(detail.value))
    written = detail.statement.kind in ("update", "delete")
    return written and project.locks.table(detail.statement.model) == table


def _message(project: Project, statement: Statement, wider: list[Widening], reason: str | None) -> str:
    own = project.locks.table(statement.model)
    tables = listed(f"{project.locks.table(w.model)}" for w in wider)
    ways = listed(dict.fromkeys(_way(w) for w in wider))
    text = f"FOR UPDATE on {own} also locks the joined rows of {tables} ({ways}) because of= is missing"
    if any(w.outer for w in wider):
        text += "; PostgreSQL refuses it on the nullable side of an outer join (0A000)"
    return f"{text}; no fix: {reason}" if reason else text


def _way(widening: Widening) -> str:
    if widening.relation is None:
        return "joined in the statement"
    return f"{widening.relation.model.qualname.rpartition('.')[2]}.{widening.relation.name} is loaded by a join"


def _related(wider: list[Widening]) -> Iterator[tuple[Where, str]]:
    for widening in wider:
        if widening.declared is not None and widening.relation is not None:
            name = f"{widening.relation.model.qualname.rpartition('.')[2]}.{widening.relation.name}"
            yield widening.declared.location, f'{name} is declared here, loaded with lazy="{widening.declared.lazy}"'
