"""LCK201: an UPDATE or DELETE that locks many rows of a contended table in no particular order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from lockcheck.checks._common import Occurrence, counterpart_does, counterpart_text, dialects, listed, one_each, short
from lockcheck.checks._several_models import DIFFER, keys_differ
from lockcheck.declarations.model import MappedClass
from lockcheck.hazards import Hazard, Remedy
from lockcheck.linking import clauses
from lockcheck.linking.events import Execute
from lockcheck.linking.lockers import Locker
from lockcheck.linking.modes import sets_key
from lockcheck.linking.origins import built
from lockcheck.linking.project import Project
from lockcheck.linking.values import ColumnRef, Statement
from lockcheck.linking.witnesses import Contest
from lockcheck.plans import OrderWrite, Target

CODE = "LCK201"
DELETED = (
    "with its rows locked ahead of it, in whatever order, a DELETE takes their index entries last, and InnoDB lets it "
    "deadlock with a session that comes by such an index"
)


def check(project: Project) -> Iterator[Hazard]:
    yield from one_each(project, _hazard)


def _hazard(project: Project, site: Target, occurrence: Occurrence) -> Hazard | None:
    execute = occurrence.step.detail
    if not isinstance(execute, Execute) or execute.statement.kind not in ("update", "delete"):
        return None
    statement, locks = execute.statement, project.locks
    access = locks.access(statement)
    mapped = locks.mapped(statement.model)
    if access not in ("many", "keys") or mapped is None or execute.how == "executemany" or not statement.readable:
        return None
    if locks.ordered_write(statement) or mapped.table in project.policy.not_contended:
        return None
    if project.contention.runs_alone(occurrence.step.function):
        return None
    if built(statement.where) or project.locked_before(occurrence.trace, occurrence.step, statement):
        return None
    gates = project.contention.gates(occurrence.trace, occurrence.step, mapped.table)
    ahead = project.contention.ahead(occurrence.trace, occurrence.step, mapped.table)
    others = project.contention.counterparts(mapped.table, statement, gates, site, ahead)
    declared = mapped.table in project.policy.contended
    if not others and not declared:
        return None
    other = others[0] if others else None
    clear = declared or (other is not None and _is_clear(statement, other) and not ahead & other.ahead)
    remedy, reason = _remedy(project, execute, mapped, other)
    return Hazard(
        site=site,
        function=occurrence.step.function,
        message=_message(project, statement, mapped, other, reason),
        related=((other.site, f"the other side, {short(other.function)}, {counterpart_does(other)}"),) if other else (),
        remedy=remedy,
        no_fix=reason,
        preview=access == "keys" or not clear,
        witness=Contest(occurrence.trace, occurrence.step, other),
    )


def _is_clear(statement: Statement, other: Locker) -> bool:
    """Whether a pair is precise enough to be shown by default: the other side goes row by row. Rows that are deleted
    are mostly dead, so that a DELETE needs one that waits for many rows by FOR UPDATE (docs/precision.md)."""
    clear = other.kind == "row lock" if statement.kind == "delete" else other.kind != "bulk"
    return clear and not other.same_way


def _message(
    project: Project, statement: Statement, mapped: MappedClass, locker: Locker | None, reason: str | None
) -> str:
    through = listed_columns(statement)
    text = (
        f"{statement.kind.upper()} locks many {mapped.table} rows, reached through {through}, in no particular order; "
        f"{counterpart_text(project, locker) if locker else 'the table is declared contended'}"
    )
    return f"{text}; no fix: {reason}" if reason else text


def listed_columns(statement: Statement) -> str:
    """The columns of the WHERE that the rows are reached through."""
    names: list[str] = []
    for condition in clauses.conditions(statement.where):
        names.extend(c.attribute for c in condition.columns if c.model == statement.model)
    return f"({', '.join(dict.fromkeys(names))})" if names else "the whole table"


def _remedy(
    project: Project, execute: Execute, mapped: MappedClass, other: Locker | None
) -> tuple[Remedy | None, str | None]:
    statement = execute.statement
    if statement.spelling is None or len(statement.steps) != 1:
        return None, "the statement is built in several functions"
    if other is not None and other.order and not other.ordered:
        return None, f"the other side locks the rows in the order of {listed(other.order)}"
    if keys_differ(project, statement, mapped):
        return None, DIFFER
    form = _form(project)
    if form == "portable" and statement.kind == "delete":
        return None, DELETED
    key_share = statement.kind == "update" and not sets_key(statement, mapped)
    local = execute.site.slice == statement.site.slice and execute.site.path == statement.site.path
    plan = OrderWrite(
        write=statement.site,
        execution=execute.site if local else None,
        model=statement.spelling,
        key=mapped.primary_key,
        form=form,
        key_share=key_share,
        joins=_reaches_others(statement),
        helper=project.policy.ordered_helper,
        is_table=project.locks.is_core(statement.model),
    )
    names = project.policy.databases
    safe = form == "subselect" and set(names) <= {"postgresql", "sqlite"}
    text = _explained(form, dialects(names), safe=safe)
    moved = _moved(statement, other) if form == "portable" and other is not None else []
    if moved:
        text = (
            f"{text}; no help where InnoDB finds the other side's rows by {listed(moved, 'or')}, which this UPDATE sets"
        )
    return Remedy(plan, "safe" if safe else "unsafe", text), None


def _moved(statement: Statement, other: Locker) -> list[str]:
    """The columns, of those by which the other side finds its rows, whose index entries the statement moves."""
    return sorted(other.rows.searched & {name for name, _ in statement.assigned.items})


def _explained(form: str, names: str, *, safe: bool) -> str:
    texts = {
        "subselect": "lock the rows in primary-key order first, in a subselect",
        "skip-locked": "lock the rows in primary-key order in a subselect that skips locked rows, which stay unwritten",
        "portable": "read, lock and write the rows page by page in primary-key order",
        "helper": "call the project's helper for ordered writes",
    }
    text = f"{texts[form]} (judged for {names})"
    return text if safe or form != "subselect" else f"{text}; orders on PostgreSQL, not on InnoDB"


def _form(project: Project) -> Literal["subselect", "portable", "skip-locked", "helper"]:
    if project.policy.ordered_helper:
        return "helper"
    if {"mysql", "mariadb"} & set(project.policy.dialects):
        return "portable"
    return "skip-locked" if project.policy.ordered_form == "skip-locked" else "subselect"


def _reaches_others(statement: Statement) -> bool:
    """Whether the WHERE compares with columns of other tables in FROM."""
    for condition in clauses.conditions(statement.where):
        other = isinstance(condition.operand, ColumnRef) and condition.operand.model != statement.model
        if other or any(column.model != statement.model for column in condition.columns):
            return True
    return False
