"""The remedy of an unlocked read: let it take the lock."""

from __future__ import annotations

from typing import Literal

from lockcheck.checks._common import dialects
from lockcheck.checks._evidence import Evidence, Setting
from lockcheck.checks._several_models import DIFFER, keys_differ
from lockcheck.hazards import Remedy
from lockcheck.linking.events import Execute, Outer
from lockcheck.linking.project import Project
from lockcheck.linking.values import ModelRef, Statement
from lockcheck.plans import LockRead

Outcome = tuple[Remedy | None, str | None]

FORMS: dict[str, Literal["get", "query"]] = {"get": "get", "query": "query"}


def locking_read(project: Project, setting: Setting, found: Evidence, function: str) -> Outcome:
    """How the read can take the lock, or why it cannot do so by itself. `function` is where the finding stands."""
    execute = setting.read.execute
    reason = _misplaced(project, setting, found, function) or _obstacle(project, execute)
    statement, mapped = execute.statement, setting.mapped
    if reason is not None or statement.spelling is None:
        return None, reason or "the model has no name at the read"
    one = execute.how == "get" or project.locks.one_row(statement)
    if not one and keys_differ(project, statement, mapped):
        return None, DIFFER
    plan = LockRead(
        execute.site if execute.how == "get" else statement.site,
        statement.spelling,
        FORMS.get(execute.how, "select"),
        () if one or project.locks.by_key(statement) else mapped.primary_key,
    )
    names = project.policy.databases
    text = f"lock the row as it is read, and load it anew; others wait for it (judged for {dialects(names)})"
    if set(names) - {"postgresql"}:
        text += "; of and key_share are PostgreSQL's, SQLite has no row locks"
    return Remedy(plan, "unsafe", text), None


def _misplaced(project: Project, setting: Setting, found: Evidence, function: str) -> str | None:
    """Why the place of the read does not allow it."""
    read, trace = setting.read, setting.trace
    if read.through:
        return f"the row is reached through {'.'.join(read.through)}, which cannot lock it"
    if read.step.function not in (function, found.at.function):
        return "the row is read in another function"
    statement = read.execute.statement
    if len(statement.steps) != 1 or statement.site.slice != read.execute.site.slice:
        return "the statement is built in several functions"
    between = trace.steps[read.step.number + 1 : setting.step.number]
    if any(trace.ends(step, None) for step in between):
        return "the transaction ends between the read and the write"
    if any(isinstance(step.detail, Outer) for step in between):
        return "a call between the read and the write may end the transaction"
    if project.policy.dialects == ("sqlite",):
        return "SQLite has no row locks"
    return None


def _obstacle(project: Project, execute: Execute) -> str | None:
    """Why the statement cannot lock."""
    statement = execute.statement
    if execute.how == "refresh" or not _reads_entity(statement):
        return "the read is not one SELECT of the object"
    if statement.distinct or statement.grouped or statement.compound:
        return "with DISTINCT, GROUP BY or UNION no rows can be locked"
    if execute.how == "get" or project.locks.one_row(statement):
        return None
    if not statement.where:
        return "the SELECT reads every row of the table"
    if statement.limited:
        return "with LIMIT the rows would be locked in another order than that of their keys"
    if statement.order_by and not project.locks.by_key(statement):
        return "the statement has another ORDER BY than that of the keys, in which rows should be locked"
    return None


def _reads_entity(statement: Statement) -> bool:
    return statement.readable and len(statement.entities) == 1 and isinstance(statement.entities[0], ModelRef)
